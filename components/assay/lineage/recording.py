"""Single records written within a transaction that the caller holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Integer, and_, func, insert, literal, or_, select, update
from sqlalchemy.exc import IntegrityError

from assay.errors import LineageError
from assay.lineage.database import unknown
from assay.lineage.records import LineageGraph
from assay.lineage.tables import (
    artifact_record,
    artifact_types,
    artifacts,
    event_record,
    events,
    execution_record,
    executions,
    stored_uri,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from sqlalchemy import CTE, ColumnElement, Connection, Select, Table

    from assay.lineage.records import (
        ArtifactRecord,
        Direction,
        ExecutionRecord,
        ExecutionState,
        JsonObject,
        NewArtifact,
        RunRecord,
    )


def ensure_name(connection: Connection, table: Table, name: str) -> None:
    """Put `name` into a table of names unless it is there."""
    if connection.execute(select(table.c.name).where(table.c.name == name)).first() is None:
        try:
            with connection.begin_nested():
                connection.execute(insert(table).values(name=name))
        except IntegrityError:
            # A server without SQLite's single writer let another transaction put it there first, which serves as well.
            return


def add_execution(
    connection: Connection,
    run: RunRecord,
    node_id: str,
    component: str,
    state: ExecutionState,
    now: datetime,
    *,
    fingerprint: str = "",
    parameters: JsonObject | None = None,
    error: tuple[str, str] = ("", ""),
    source: ExecutionRecord | None = None,
    after: int = 0,
) -> ExecutionRecord:
    """Record an execution of `run`; one that is not RUNNING ends when it starts.

    From `source`, the execution that serves the cache, it takes the output parameters and rows; `error` is code and
    message. The id is above `after`.
    """
    code, message = error
    values = {
        "run_id": run.id,
        "node_id": node_id,
        "component": component,
        "fingerprint": fingerprint,
        "state": state,
        "parameters": dict(parameters or {}),
        "output_parameters": dict(source.output_parameters) if source else {},
        "rows": dict(source.rows) if source else {},
        "started_at": now,
        "finished_at": None if state == "RUNNING" else now,
        "error_code": code,
        "error_message": message,
        "owner": run.owner,
        "source_execution_id": source.id if source else None,
    }
    last = connection.scalar(select(func.max(executions.c.id))) if after else None
    if after and (last or 0) < after:
        values["id"] = after + 1  # SQLite counts on from here by itself, PostgreSQL's sequence does not
        if connection.dialect.name == "postgresql":
            sequence = func.pg_get_serial_sequence(executions.name, executions.c.id.name)
            connection.execute(select(func.setval(sequence, after + 1)))
    statement = insert(executions).values(values).returning(executions)
    return execution_record(connection.execute(statement).mappings().one())


def end_execution(connection: Connection, execution_id: int, values: Mapping[str, Any]) -> ExecutionRecord:
    """Set the final state of a RUNNING execution.

    Raises:
        LineageError: If it has ended already: its record is final, so that nothing is recorded twice.
    """
    running = (executions.c.id == execution_id, executions.c.state == "RUNNING")
    statement = update(executions).where(*running).values(values).returning(executions)
    row = connection.execute(statement).mappings().first()
    if row is None:
        state = connection.scalar(select(executions.c.state).where(executions.c.id == execution_id))
        raise LineageError(
            "lineage.not_running",
            f"Execution {execution_id} cannot become {values['state']}: it is {state}, which is a final state.",
            "Run again: another process recorded its end, or assumed that its owner had died."
            if state == "ABANDONED"
            else "",
        )
    return execution_record(row)


def add_artifact(
    connection: Connection, new: NewArtifact, root: Path, now: datetime, producer_id: int | None, output_key: str
) -> ArtifactRecord:
    """Record a live artifact."""
    ensure_name(connection, artifact_types, new.type)
    values = {
        "type": new.type,
        "uri": stored_uri(new.uri, root),
        "digest": new.digest,
        "state": "LIVE",
        "properties": dict(new.properties),
        "rows": dict(new.rows),
        "created_at": now,
        "producer_id": producer_id,
        "output_key": output_key,
    }
    statement = insert(artifacts).values(values).returning(artifacts)
    return artifact_record(connection.execute(statement).mappings().one(), root)


def link(
    connection: Connection,
    execution_id: int,
    direction: Direction,
    artifact_ids: Mapping[str, Sequence[int]],
    where: str,
) -> None:
    """Record which artifacts an execution read or wrote, by key and in order.

    Raises:
        LineageError: If one of the artifacts is not in the store.
    """
    values = [
        {
            "execution_id": execution_id,
            "artifact_id": artifact_id,
            "direction": direction,
            "key": key,
            "position": position,
        }
        for key, ids in artifact_ids.items()
        for position, artifact_id in enumerate(ids)
    ]
    for artifact_id in {value["artifact_id"] for value in values}:
        if connection.scalar(select(artifacts.c.id).where(artifacts.c.id == artifact_id)) is None:
            raise unknown("artifact", artifact_id, where)
    if values:
        connection.execute(insert(events), values)


def upstream(connection: Connection, artifact_id: int, root: Path) -> LineageGraph:
    """Return the artifact, its producer, the producer's inputs, their producers and so on."""
    reached = _start(artifact_id)
    reached = reached.union(
        select(events.c.artifact_id)
        .select_from(reached)
        .join(artifacts, artifacts.c.id == reached.c.artifact_id)
        .join(events, and_(events.c.execution_id == artifacts.c.producer_id, events.c.direction == "INPUT"))
    )
    ids = select(reached.c.artifact_id)
    producers = select(artifacts.c.producer_id).where(artifacts.c.id.in_(ids), artifacts.c.producer_id.is_not(None))
    given_by_producer = and_(
        events.c.direction == "OUTPUT",
        select(artifacts.c.id)
        .where(artifacts.c.id == events.c.artifact_id, artifacts.c.producer_id == events.c.execution_id)
        .exists(),
    )
    edges = and_(
        events.c.execution_id.in_(producers),
        events.c.artifact_id.in_(ids),
        or_(events.c.direction == "INPUT", given_by_producer),
    )
    return _graph(connection, artifact_id, root, ids, producers, edges)


def downstream(connection: Connection, artifact_id: int, root: Path) -> LineageGraph:
    """Return the artifact, the executions that read it, their outputs, the executions that read those and so on."""
    reached = _start(artifact_id)
    reads, gives = events.alias("reads"), events.alias("gives")
    reached = reached.union(
        select(gives.c.artifact_id)
        .select_from(reached)
        .join(reads, and_(reads.c.artifact_id == reached.c.artifact_id, reads.c.direction == "INPUT"))
        .join(gives, and_(gives.c.execution_id == reads.c.execution_id, gives.c.direction == "OUTPUT"))
    )
    ids = select(reached.c.artifact_id)
    readers = select(events.c.execution_id).where(events.c.artifact_id.in_(ids), events.c.direction == "INPUT")
    edges = and_(events.c.execution_id.in_(readers), events.c.artifact_id.in_(ids))
    return _graph(connection, artifact_id, root, ids, readers, edges)


def _start(artifact_id: int) -> CTE:
    return select(literal(artifact_id, Integer).label("artifact_id")).cte("reached", recursive=True)


def _graph(
    connection: Connection,
    artifact_id: int,
    root: Path,
    artifact_ids: Select[tuple[int]],
    execution_ids: Select[tuple[int]],
    edges: ColumnElement[bool],
) -> LineageGraph:
    order = (events.c.execution_id, events.c.direction, events.c.key, events.c.position)
    artifact_rows = select(artifacts).where(artifacts.c.id.in_(artifact_ids)).order_by(artifacts.c.id)
    execution_rows = select(executions).where(executions.c.id.in_(execution_ids)).order_by(executions.c.id)
    event_rows = select(events).where(edges).order_by(*order)
    return LineageGraph(
        artifact_id=artifact_id,
        artifacts={row["id"]: artifact_record(row, root) for row in connection.execute(artifact_rows).mappings()},
        executions={row["id"]: execution_record(row) for row in connection.execute(execution_rows).mappings()},
        events=tuple(event_record(row) for row in connection.execute(event_rows).mappings()),
    )
