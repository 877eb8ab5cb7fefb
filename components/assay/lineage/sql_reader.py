"""Questions to a lineage store in a SQL database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, select
from typing_extensions import override

from assay.lineage.failures import unknown
from assay.lineage.locations import stored_uri
from assay.lineage.rows import artifact_record, event_record, execution_record, linked_artifacts, run_record
from assay.lineage.store import LineageReader
from assay.lineage.tables import artifacts, events, executions, runs
from assay.lineage.walks import downstream, upstream

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sqlalchemy import Connection

    from assay.lineage.database import Database
    from assay.lineage.records import (
        ArtifactRecord,
        ArtifactState,
        EventRecord,
        ExecutionRecord,
        LineageGraph,
        RunRecord,
    )


class SqlLineageReader(LineageReader):
    """Reads a lineage database; the tables are those of `assay.lineage.tables`."""

    def __init__(self, database: Database, root: Path) -> None:
        self._database = database
        self._root = root

    @override
    def run(self, run_id: str) -> RunRecord:
        with self._database.reading() as connection:
            return self._run(connection, run_id)

    @override
    def runs(self, pipeline: str | None = None) -> tuple[RunRecord, ...]:
        statement = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc())
        if pipeline is not None:
            statement = statement.where(runs.c.pipeline == pipeline)
        with self._database.reading() as connection:
            return tuple(run_record(row) for row in connection.execute(statement).mappings())

    @override
    def execution(self, execution_id: int) -> ExecutionRecord:
        with self._database.reading() as connection:
            return self._execution(connection, execution_id)

    @override
    def executions_of(self, run_id: str) -> tuple[ExecutionRecord, ...]:
        with self._database.reading() as connection:
            self._run(connection, run_id)
            statement = select(executions).where(executions.c.run_id == run_id).order_by(executions.c.id)
            return tuple(execution_record(row) for row in connection.execute(statement).mappings())

    @override
    def events_of(self, execution_id: int) -> tuple[EventRecord, ...]:
        with self._database.reading() as connection:
            self._execution(connection, execution_id)
            statement = (
                select(events)
                .where(events.c.execution_id == execution_id)
                .order_by(events.c.direction, events.c.key, events.c.position)
            )
            return tuple(event_record(row) for row in connection.execute(statement).mappings())

    @override
    def inputs_of(self, execution_id: int) -> Mapping[str, tuple[ArtifactRecord, ...]]:
        with self._database.reading() as connection:
            self._execution(connection, execution_id)
            return linked_artifacts(connection, execution_id, "INPUT", self._root)

    @override
    def outputs_of(self, execution_id: int) -> Mapping[str, tuple[ArtifactRecord, ...]]:
        with self._database.reading() as connection:
            self._execution(connection, execution_id)
            return linked_artifacts(connection, execution_id, "OUTPUT", self._root)

    @override
    def artifact(self, artifact_id: int) -> ArtifactRecord:
        with self._database.reading() as connection:
            return self._artifact(connection, artifact_id)

    @override
    def artifacts(
        self,
        type_name: str | None = None,
        *,
        pipeline: str | None = None,
        node_id: str | None = None,
        digest: str | None = None,
        state: ArtifactState | None = "LIVE",
    ) -> tuple[ArtifactRecord, ...]:
        statement = select(artifacts).order_by(artifacts.c.id.desc())
        for column, wanted in ((artifacts.c.type, type_name), (artifacts.c.digest, digest), (artifacts.c.state, state)):
            if wanted is not None:
                statement = statement.where(column == wanted)
        if pipeline is not None or node_id is not None:
            given = (
                select(events.c.artifact_id)
                .join(executions, executions.c.id == events.c.execution_id)
                .where(events.c.direction == "OUTPUT")
            )
            if pipeline is not None:
                given = given.join(runs, runs.c.id == executions.c.run_id).where(runs.c.pipeline == pipeline)
            if node_id is not None:
                given = given.where(executions.c.node_id == node_id)
            statement = statement.where(artifacts.c.id.in_(given))
        with self._database.reading() as connection:
            return tuple(artifact_record(row, self._root) for row in connection.execute(statement).mappings())

    @override
    def artifact_by_uri(self, location: str | Path) -> ArtifactRecord | None:
        uri = stored_uri(location, self._root)
        statement = select(artifacts).where(artifacts.c.uri == uri).order_by(artifacts.c.id.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(statement).mappings().first()
        return None if row is None else artifact_record(row, self._root)

    @override
    def artifact_by_digest(self, digest: str) -> ArtifactRecord | None:
        live_first = case((artifacts.c.state == "LIVE", 0), else_=1)
        statement = select(artifacts).where(artifacts.c.digest == digest).order_by(live_first, artifacts.c.id.desc())
        with self._database.reading() as connection:
            row = connection.execute(statement.limit(1)).mappings().first()
        return None if row is None else artifact_record(row, self._root)

    @override
    def find_cached(
        self, pipeline: str, component: str, fingerprint: str, *, node_id: str | None = None
    ) -> ExecutionRecord | None:
        gone = (
            select(events.c.artifact_id)
            .join(artifacts, artifacts.c.id == events.c.artifact_id)
            .where(
                events.c.execution_id == executions.c.id,
                events.c.direction == "OUTPUT",
                artifacts.c.state == "DELETED",
            )
            .correlate(executions)
        )
        statement = (
            select(executions)
            .join(runs, runs.c.id == executions.c.run_id)
            .where(
                executions.c.fingerprint == fingerprint,
                executions.c.component == component,
                executions.c.state == "COMPLETE",
                runs.c.pipeline == pipeline,
                ~gone.exists(),
            )
            .order_by(executions.c.id.desc())
            .limit(1)
        )
        if node_id is not None:
            statement = statement.where(executions.c.node_id == node_id)
        with self._database.reading() as connection:
            row = connection.execute(statement).mappings().first()
        return None if row is None else execution_record(row)

    @override
    def ancestors(self, artifact_id: int) -> LineageGraph:
        with self._database.reading() as connection:
            self._artifact(connection, artifact_id)
            return upstream(connection, artifact_id, self._root)

    @override
    def descendants(self, artifact_id: int) -> LineageGraph:
        with self._database.reading() as connection:
            self._artifact(connection, artifact_id)
            return downstream(connection, artifact_id, self._root)

    def _run(self, connection: Connection, run_id: str) -> RunRecord:
        row = connection.execute(select(runs).where(runs.c.id == run_id)).mappings().first()
        if row is None:
            raise unknown("run", run_id, self._database.where)
        return run_record(row)

    def _execution(self, connection: Connection, execution_id: int) -> ExecutionRecord:
        row = connection.execute(select(executions).where(executions.c.id == execution_id)).mappings().first()
        if row is None:
            raise unknown("execution", execution_id, self._database.where)
        return execution_record(row)

    def _artifact(self, connection: Connection, artifact_id: int) -> ArtifactRecord:
        row = connection.execute(select(artifacts).where(artifacts.c.id == artifact_id)).mappings().first()
        if row is None:
            raise unknown("artifact", artifact_id, self._database.where)
        return artifact_record(row, self._root)
