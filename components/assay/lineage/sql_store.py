"""The lineage store in a SQL database: SQLite in a file by default."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update
from typing_extensions import override

from assay.errors import LineageError
from assay.lineage.database import default_root, open_database
from assay.lineage.locations import stored_uri
from assay.lineage.recording import add_artifact, add_execution, end_execution, ensure_name, link
from assay.lineage.rows import artifact_record, execution_record, linked_artifacts, run_record
from assay.lineage.sql_reader import SqlLineageReader
from assay.lineage.store import LineageStore
from assay.lineage.tables import artifacts, executions, pipelines, runs

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from types import TracebackType

    from sqlalchemy import Connection
    from typing_extensions import Self

    from assay.lineage.database import Database
    from assay.lineage.records import (
        ArtifactRecord,
        ExecutionRecord,
        ExecutionState,
        JsonObject,
        NewArtifact,
        RunRecord,
        RunState,
    )


def utc_now() -> datetime:
    """The time, aware of its zone."""
    return datetime.now(timezone.utc)


class SqlLineageStore(SqlLineageReader, LineageStore):
    """Records runs in a lineage database, safe with other processes that do the same."""

    def __init__(self, database: Database, root: Path, clock: Callable[[], datetime] = utc_now) -> None:
        super().__init__(database, root)
        self._clock = clock

    @classmethod
    def open(
        cls,
        url_or_path: str | Path,
        *,
        root: str | Path | None = None,
        create: bool = True,
        clock: Callable[[], datetime] = utc_now,
        lock_timeout: float = 30.0,
    ) -> Self:
        """Opens the store, and makes it where there is none.

        Args:
            url_or_path: A file for SQLite, or a database URL.
            root: The folder that artifact paths are kept relative to; by default the file's folder, and for a server,
                whose users share no other, the root of the file system.
            create: Whether to make a missing store; False suits a command that only reads.
            clock: Gives the aware time of each record.
            lock_timeout: Seconds that an operation waits for another process's write.

        Raises:
            LineageError: If it is no lineage store, is of another schema version, or cannot be opened or written.
        """
        if root is None:
            root = default_root(str(url_or_path))
        database = open_database(url_or_path, create=create, lock_timeout=lock_timeout)
        return cls(database, Path(root).resolve(), clock)

    def close(self) -> None:
        """Lets go of the database; SQLite then folds its write-ahead log into the file."""
        self._database.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @override
    def start_run(self, run_id: str, pipeline: str, parameters: JsonObject, owner: str) -> RunRecord:
        with self._database.writing() as connection:
            if connection.execute(select(runs.c.id).where(runs.c.id == run_id)).first() is not None:
                raise LineageError("lineage.run_exists", f"Run {run_id!r} is recorded already; a run id is used once.")
            ensure_name(connection, pipelines, pipeline)
            values = {
                "id": run_id,
                "pipeline": pipeline,
                "state": "RUNNING",
                "parameters": dict(parameters),
                "owner": owner,
                "started_at": self._clock(),
            }
            statement = insert(runs).values(values).returning(runs)
            return run_record(connection.execute(statement).mappings().one())

    @override
    def finish_run(self, run_id: str, state: RunState, exit_code: int | None) -> RunRecord:
        with self._database.writing() as connection:
            self._run(connection, run_id)
            ended = {"state": state, "exit_code": exit_code, "finished_at": self._clock()}
            statement = update(runs).where(runs.c.id == run_id).values(ended).returning(runs)
            return run_record(connection.execute(statement).mappings().one())

    @override
    def settle_run(self, run_id: str, exit_code: int = 0) -> RunRecord:
        # In one transaction: of two nodes that end at once, the second to write knows what the first one wrote.
        with self._database.writing() as connection:
            run = self._run(connection, run_id)
            known = select(executions.c.node_id, executions.c.state).where(executions.c.run_id == run_id)
            latest = {row.node_id: row.state for row in connection.execute(known.order_by(executions.c.id))}
            state, code = _standing(set(latest.values()))
            kept = exit_code or (run.exit_code if run.exit_code not in {None, 1} else 0)
            finished_at = None if state == "RUNNING" else self._clock()
            values = {"state": state, "exit_code": kept or code, "finished_at": finished_at}
            statement = update(runs).where(runs.c.id == run_id).values(values).returning(runs)
            return run_record(connection.execute(statement).mappings().one())

    @override
    def start_execution(
        self,
        run_id: str,
        node_id: str,
        component: str,
        fingerprint: str,
        parameters: JsonObject,
        inputs: Mapping[str, Sequence[int]],
        *,
        after: int = 0,
    ) -> int:
        with self._database.writing() as connection:
            started = add_execution(
                connection,
                self._run(connection, run_id),
                node_id,
                component,
                "RUNNING",
                self._clock(),
                fingerprint=fingerprint,
                parameters=parameters,
                after=after,
            )
            link(connection, started.id, "INPUT", inputs, self._database.where)
            return started.id

    @override
    def complete_execution(
        self,
        execution_id: int,
        outputs: Mapping[str, Sequence[NewArtifact | int]],
        output_parameters: JsonObject,
        rows: JsonObject,
    ) -> Mapping[str, tuple[ArtifactRecord, ...]]:
        now = self._clock()
        ended = {"output_parameters": dict(output_parameters), "rows": dict(rows)}
        with self._database.writing() as connection:
            self._end(connection, execution_id, "COMPLETE", ended)
            ids = {
                key: [
                    each
                    if isinstance(each, int)
                    else add_artifact(connection, each, self._root, now, execution_id, key).id
                    for each in values
                ]
                for key, values in outputs.items()
            }
            link(connection, execution_id, "OUTPUT", ids, self._database.where)
            given = linked_artifacts(connection, execution_id, "OUTPUT", self._root)
        return {key: given.get(key, ()) for key in outputs}

    @override
    def record_cached(
        self,
        run_id: str,
        node_id: str,
        component: str,
        fingerprint: str,
        parameters: JsonObject,
        inputs: Mapping[str, Sequence[int]],
        source_execution_id: int,
    ) -> ExecutionRecord:
        with self._database.writing() as connection:
            source = self._execution(connection, source_execution_id)
            if source.state != "COMPLETE":
                raise LineageError(
                    "lineage.not_complete",
                    f"Execution {source.id} ({source.node_id}) is {source.state}; the cache links COMPLETE ones only.",
                )
            cached = add_execution(
                connection,
                self._run(connection, run_id),
                node_id,
                component,
                "CACHED",
                self._clock(),
                fingerprint=fingerprint,
                parameters=parameters,
                source=source,
            )
            link(connection, cached.id, "INPUT", inputs, self._database.where)
            given = linked_artifacts(connection, source.id, "OUTPUT", self._root)
            ids = {key: [record.id for record in records] for key, records in given.items()}
            link(connection, cached.id, "OUTPUT", ids, self._database.where)
            return cached

    @override
    def fail_execution(self, execution_id: int, code: str, message: str) -> ExecutionRecord:
        with self._database.writing() as connection:
            return self._end(connection, execution_id, "FAILED", {"error_code": code, "error_message": message})

    @override
    def skip_execution(self, run_id: str, node_id: str, component: str, code: str, message: str) -> ExecutionRecord:
        with self._database.writing() as connection:
            run = self._run(connection, run_id)
            return add_execution(connection, run, node_id, component, "SKIPPED", self._clock(), error=(code, message))

    @override
    def abandon_executions(self, is_alive: Callable[[str], bool]) -> list[ExecutionRecord]:
        with self._database.reading() as connection:
            of_executions = select(executions.c.owner).where(executions.c.state == "RUNNING")
            of_runs = select(runs.c.owner).where(runs.c.state == "RUNNING")
            owners = connection.scalars(of_executions.union(of_runs)).all()
        # Asked outside the write transaction: the answer may take time, and a dead owner stays dead.
        dead = [owner for owner in owners if not is_alive(owner)]
        if not dead:
            return []
        ended = {"state": "ABANDONED", "finished_at": self._clock()}
        with self._database.writing() as connection:
            connection.execute(update(runs).where(runs.c.state == "RUNNING", runs.c.owner.in_(dead)).values(ended))
            lost = (
                update(executions)
                .where(executions.c.state == "RUNNING", executions.c.owner.in_(dead))
                .values(ended)
                .returning(executions)
            )
            abandoned = [execution_record(row) for row in connection.execute(lost).mappings()]
        return sorted(abandoned, key=lambda record: record.id)

    @override
    def register_artifact(
        self, artifact: NewArtifact, *, execution_id: int | None = None, output_key: str = "", reimport: bool = False
    ) -> ArtifactRecord:
        same = (
            select(artifacts)
            .where(
                artifacts.c.type == artifact.type,
                artifacts.c.uri == stored_uri(artifact.uri, self._root),
                artifacts.c.digest == artifact.digest,
                artifacts.c.state == "LIVE",
            )
            .order_by(artifacts.c.id.desc())
        )
        with self._database.writing() as connection:
            known = None if reimport else connection.execute(same).mappings().first()
            if known is not None:
                return artifact_record(known, self._root)
            if execution_id is not None:
                self._execution(connection, execution_id)
            return add_artifact(connection, artifact, self._root, self._clock(), execution_id, output_key)

    @override
    def mark_deleted(self, artifact_ids: Collection[int]) -> None:
        with self._database.writing() as connection:
            for artifact_id in artifact_ids:
                self._artifact(connection, artifact_id)
                connection.execute(update(artifacts).where(artifacts.c.id == artifact_id).values(state="DELETED"))

    def _end(
        self, connection: Connection, execution_id: int, state: ExecutionState, values: JsonObject
    ) -> ExecutionRecord:
        self._execution(connection, execution_id)
        return end_execution(connection, execution_id, {**values, "state": state, "finished_at": self._clock()})


def _standing(states: set[str]) -> tuple[RunState, int | None]:
    """Return the state of a run, and the exit code where no gate closed, by the states of its nodes."""
    if "RUNNING" in states:
        return "RUNNING", None
    return ("FAILED", 1) if states & {"FAILED", "ABANDONED"} else ("COMPLETE", 0)
