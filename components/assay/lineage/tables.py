"""The tables of the lineage store, in SQL that SQLite and PostgreSQL share."""

from __future__ import annotations

import json
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    TypeDecorator,
    select,
)

from assay.lineage.records import (
    ARTIFACT_STATES,
    DIRECTIONS,
    EXECUTION_STATES,
    RUN_STATES,
    ArtifactRecord,
    EventRecord,
    ExecutionRecord,
    RunRecord,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Connection, Dialect, RowMapping

    from assay.lineage.records import Direction

SCHEMA_VERSION = 1


class UtcDateTime(TypeDecorator[datetime]):
    """An aware timestamp, stored as UTC without its zone, which SQLite's text timestamps cannot hold."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # SQLAlchemy's signature
        """Drop the zone after conversion to UTC."""
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # SQLAlchemy's signature
        """Put the zone back."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


class Json(TypeDecorator[Any]):
    """A JSON value; what is none fails here, before a driver writes it in its own way and with errors of its own."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 # SQLAlchemy's signature
        """Check the value.

        Raises:
            TypeError: If it is not a JSON value.
            ValueError: If it holds a number that JSON has no name for.
        """
        json.dumps(value, allow_nan=False)
        return value


def _one_of(column: str, values: Sequence[str]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})")


METADATA = MetaData()

schema_version = Table("schema_version", METADATA, Column("version", Integer, primary_key=True, autoincrement=False))

artifact_types = Table("artifact_types", METADATA, Column("name", String, primary_key=True))

pipelines = Table("pipelines", METADATA, Column("name", String, primary_key=True))

runs = Table(
    "runs",
    METADATA,
    Column("id", String, primary_key=True),
    Column("pipeline", ForeignKey("pipelines.name"), nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("exit_code", Integer),
    Column("parameters", Json, nullable=False),
    Column("owner", String, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    _one_of("state", RUN_STATES),
)

executions = Table(
    "executions",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey("runs.id"), nullable=False, index=True),
    Column("node_id", String, nullable=False),
    Column("component", String, nullable=False),
    Column("fingerprint", String, nullable=False, index=True),
    Column("state", String, nullable=False, index=True),
    Column("parameters", Json, nullable=False),
    Column("output_parameters", Json, nullable=False),
    Column("rows", Json, nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("finished_at", UtcDateTime),
    Column("error_code", String, nullable=False),
    Column("error_message", String, nullable=False),
    Column("owner", String, nullable=False),
    Column("source_execution_id", ForeignKey("executions.id")),
    _one_of("state", EXECUTION_STATES),
    # An id names an output folder, so it must never be given twice, not even after a deletion.
    sqlite_autoincrement=True,
)

artifacts = Table(
    "artifacts",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("type", ForeignKey("artifact_types.name"), nullable=False, index=True),
    Column("uri", String, nullable=False, index=True),
    Column("digest", String, nullable=False, index=True),
    Column("state", String, nullable=False),
    Column("properties", Json, nullable=False),
    Column("rows", Json, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("producer_id", ForeignKey("executions.id"), index=True),
    Column("output_key", String, nullable=False),
    _one_of("state", ARTIFACT_STATES),
    sqlite_autoincrement=True,
)

events = Table(
    "events",
    METADATA,
    Column("execution_id", ForeignKey("executions.id"), nullable=False),
    Column("artifact_id", ForeignKey("artifacts.id"), nullable=False),
    Column("direction", String, nullable=False),
    Column("key", String, nullable=False),
    # Not "index": the word is reserved in SQL, and a row's attribute of that name is a tuple's method.
    Column("position", Integer, nullable=False),
    _one_of("direction", DIRECTIONS),
    PrimaryKeyConstraint("execution_id", "direction", "key", "position"),
    Index("events_of_artifact", "artifact_id", "direction"),
)


def stored_uri(location: str | Path, root: Path) -> str:
    """Return the stored form of a path: relative to `root` if below it, else absolute; URLs unchanged.

    Symbolic links are followed, so that one folder has one form whichever way a user reaches it.
    """
    text = str(location)
    if "://" in text:
        return text
    path = Path(os.path.realpath(text))
    real_root = os.path.realpath(root)
    return (path.relative_to(real_root) if path.is_relative_to(real_root) else path).as_posix()


def location_of(uri: str, root: Path) -> str:
    """Return the absolute path, or the URL, of a stored uri."""
    return uri if "://" in uri else str(root / uri)


def run_record(row: RowMapping) -> RunRecord:
    """Return a row of `runs`."""
    return RunRecord(**row)


def execution_record(row: RowMapping) -> ExecutionRecord:
    """Return a row of `executions`."""
    return ExecutionRecord(**row)


def artifact_record(row: RowMapping, root: Path) -> ArtifactRecord:
    """Return a row of `artifacts`, found below `root`."""
    return ArtifactRecord(location=location_of(row["uri"], root), **row)


def event_record(row: RowMapping) -> EventRecord:
    """Return a row of `events`."""
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
    """Return what an execution read or wrote, by key, each key's artifacts in their order."""
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
