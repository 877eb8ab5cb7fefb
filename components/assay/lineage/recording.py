"""Single records written within a transaction that the caller holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from assay.errors import LineageError
from assay.lineage.failures import unknown
from assay.lineage.locations import stored_uri
from assay.lineage.rows import artifact_record, execution_record
from assay.lineage.tables import artifact_types, artifacts, events, executions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path
    from typing import Any

    from sqlalchemy import Connection, Table

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
    """Puts `name` into a table of names unless it is there."""
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
    """Records an execution of `run`; one that is not RUNNING ends when it starts.

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
    """Sets the final state of a RUNNING execution.

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
            f"Execution {execution_id} cannot become {values['state']}: it is {state}, and that is final.",
            "Another process recorded its end, or took its owner for dead. Run again." if state == "ABANDONED" else "",
        )
    return execution_record(row)


def add_artifact(
    connection: Connection, new: NewArtifact, root: Path, now: datetime, producer_id: int | None, output_key: str
) -> ArtifactRecord:
    """Records a live artifact."""
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
    """Records which artifacts an execution read or gave, by key and in order.

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
