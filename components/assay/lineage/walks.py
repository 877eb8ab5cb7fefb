"""Recursive walks over executions and events, done by the database within the transaction of the connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Integer, and_, literal, or_, select

from assay.lineage.records import LineageGraph
from assay.lineage.rows import artifact_record, event_record, execution_record
from assay.lineage.tables import artifacts, events, executions

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import CTE, ColumnElement, Connection, Select


def upstream(connection: Connection, artifact_id: int, root: Path) -> LineageGraph:
    """The artifact, its producer, the producer's inputs, their producers and so on."""
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
    """The artifact, the executions that read it, their outputs, the executions that read those and so on."""
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
