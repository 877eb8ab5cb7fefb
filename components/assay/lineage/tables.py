"""The tables of the lineage store, in SQL that SQLite and PostgreSQL share."""

from __future__ import annotations

import json
from datetime import datetime, timezone
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
)

from assay.lineage.records import ARTIFACT_STATES, DIRECTIONS, EXECUTION_STATES, RUN_STATES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Dialect

SCHEMA_VERSION = 1


class UtcDateTime(TypeDecorator[datetime]):
    """An aware timestamp, stored as UTC without its zone, which SQLite's text timestamps cannot hold."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # SQLAlchemy's signature
        """Drops the zone after conversion to UTC."""
        return None if value is None else value.astimezone(timezone.utc).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 # SQLAlchemy's signature
        """Puts the zone back."""
        return None if value is None else value.replace(tzinfo=timezone.utc)


class Json(TypeDecorator[Any]):
    """A JSON value; what is none fails here, before a driver writes it in its own way and with errors of its own."""

    impl = JSON
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:  # noqa: ARG002 # SQLAlchemy's signature
        """Checks the value.

        Raises:
            TypeError: If it is no JSON value.
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
