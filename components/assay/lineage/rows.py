"""Table rows as records, and the selections that several operations share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from assay.lineage.locations import location_of
from assay.lineage.records import ArtifactRecord, EventRecord, ExecutionRecord, RunRecord
from assay.lineage.tables import artifacts, events

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Connection, RowMapping

    from assay.lineage.records import Direction


def run_record(row: RowMapping) -> RunRecord:
    """A row of `runs`."""
    return RunRecord(**row)


def execution_record(row: RowMapping) -> ExecutionRecord:
    """A row of `executions`."""
    return ExecutionRecord(**row)


def artifact_record(row: RowMapping, root: Path) -> ArtifactRecord:
    """A row of `artifacts`, found below `root`."""
    return ArtifactRecord(location=location_of(row["uri"], root), **row)


def event_record(row: RowMapping) -> EventRecord:
    """A row of `events`."""
    return EventRecord(
        execution_id=row["execution_id"],
        artifact_id=row["artifact_id"],
        direction=row["direction"],
        key=row["key"],
        index=row["position"],
    )


def linked_artifacts(
    connection: Connection, execution_id: int, direction: Direction, root: Path
) -> Mapping[str, tuple[ArtifactRecord, ...]]:
    """What an execution read or gave, by key, each key's artifacts in their order."""
    statement = (
        select(artifacts, events.c.key)
        .join(events, events.c.artifact_id == artifacts.c.id)
        .where(events.c.execution_id == execution_id, events.c.direction == direction)
        .order_by(events.c.key, events.c.position)
    )
    by_key: dict[str, tuple[ArtifactRecord, ...]] = {}
    for row in connection.execute(statement).mappings():
        columns = dict(row)
        key = columns.pop("key")
        record = ArtifactRecord(location=location_of(row["uri"], root), **columns)
        by_key[key] = (*by_key.get(key, ()), record)
    return by_key
