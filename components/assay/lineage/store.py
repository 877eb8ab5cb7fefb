"""The lineage store: runs, executions, artifacts and events in a SQL database, SQLite in a file by default."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import case, insert, select, update

from assay.errors import LineageError
from assay.lineage.database import default_root, open_database, unknown
from assay.lineage.recording import add_artifact, add_execution, downstream, end_execution, ensure_name, link, upstream
from assay.lineage.tables import (
    artifact_record,
    artifacts,
    event_record,
    events,
    execution_record,
    executions,
    linked_artifacts,
    pipelines,
    run_record,
    runs,
    stored_uri,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from types import TracebackType

    from sqlalchemy import Connection
    from typing_extensions import Self

    from assay.lineage.database import Database
    from assay.lineage.records import (
        ArtifactRecord,
        ArtifactState,
        EventRecord,
        ExecutionRecord,
        ExecutionState,
        JsonObject,
        LineageGraph,
        NewArtifact,
        RunRecord,
        RunState,
    )


def utc_now() -> datetime:
    """Return the time, aware of its zone."""
    return datetime.now(timezone.utc)


class LineageStore:
    """Runs, executions, artifacts and events in a lineage database, safe with other processes that use it.

    Every operation is one transaction: it happens whole or not at all. Unknown ids raise `LineageError`; a search that
    finds nothing returns None or ().
    """

    def __init__(self, database: Database, root: Path, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._root = root
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
        """Open the store, and create it where there is none.

        Args:
            url_or_path: A file for SQLite, or a database URL.
            root: The folder that artifact paths are kept relative to; by default the file's folder, and for a server,
                whose users share no other, the root of the file system.
            create: Whether to make a missing store; False suits a command that only reads.
            clock: Gives the aware time of each record.
            lock_timeout: Seconds that an operation waits for another process's write.

        Raises:
            LineageError: If it is not a lineage store, is of another schema version, or cannot be opened or written.
        """
        if root is None:
            root = default_root(str(url_or_path))
        database = open_database(url_or_path, create=create, lock_timeout=lock_timeout)
        return cls(database, Path(root).resolve(), clock)

    def close(self) -> None:
        """Close the database; SQLite then folds its write-ahead log into the file."""
        self._database.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def start_run(self, run_id: str, pipeline: str, parameters: JsonObject, owner: str) -> RunRecord:
        """Record a run as RUNNING. `owner` is a token by which `abandon_executions` can tell whether it still runs."""
        with self._database.writing() as connection:
            if connection.execute(select(runs.c.id).where(runs.c.id == run_id)).first() is not None:
                raise LineageError("lineage.run_exists", f"Run {run_id!r} is already recorded; run ids must be unique.")
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

    def finish_run(self, run_id: str, state: RunState, exit_code: int | None) -> RunRecord:
        """Record how a run ended."""
        with self._database.writing() as connection:
            self._run(connection, run_id)
            ended = {"state": state, "exit_code": exit_code, "finished_at": self._clock()}
            statement = update(runs).where(runs.c.id == run_id).values(ended).returning(runs)
            return run_record(connection.execute(statement).mappings().one())

    def settle_run(self, run_id: str, exit_code: int = 0) -> RunRecord:
        """Record how a run stands, as its executions say, where no process sees the whole of it.

        The run is RUNNING while a node's latest execution is, FAILED if one failed, and COMPLETE otherwise.

        Args:
            run_id: The run.
            exit_code: What a gate that closed just now asks for; later executions do not undo it.
        """
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
        """Record a RUNNING execution with its inputs and return its id, which can name the output folders.

        Ids are never given twice, unless the store was restored from a backup: the id is therefore above `after`, the
        highest that the caller has found in use.
        """
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

    def complete_execution(
        self,
        execution_id: int,
        outputs: Mapping[str, Sequence[NewArtifact | int]],
        output_parameters: JsonObject,
        rows: JsonObject,
    ) -> Mapping[str, tuple[ArtifactRecord, ...]]:
        """Record a RUNNING execution as COMPLETE, together with its outputs.

        Args:
            execution_id: The execution.
            outputs: By output key: new artifacts, of which it becomes the producer, and ids of artifacts that it only
                hands on (as a resolver and an importer do).
            output_parameters: Values of its output parameters.
            rows: Rows read and written, by split.

        Raises:
            LineageError: If the execution is not RUNNING, so that nothing is recorded twice.
        """
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
        """Record a CACHED execution that links the outputs, output parameters and rows of an earlier one."""
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

    def fail_execution(self, execution_id: int, code: str, message: str) -> ExecutionRecord:
        """Record a RUNNING execution as FAILED, and why."""
        with self._database.writing() as connection:
            return self._end(connection, execution_id, "FAILED", {"error_code": code, "error_message": message})

    def skip_execution(self, run_id: str, node_id: str, component: str, code: str, message: str) -> ExecutionRecord:
        """Record a node that did not run, and why."""
        with self._database.writing() as connection:
            run = self._run(connection, run_id)
            return add_execution(connection, run, node_id, component, "SKIPPED", self._clock(), error=(code, message))

    def abandon_executions(self, is_alive: Callable[[str], bool]) -> list[ExecutionRecord]:
        """Record the RUNNING executions and runs of dead owners as ABANDONED.

        Args:
            is_alive: Tells whether the owner of that token still runs; asked once for each owner of something RUNNING.

        Returns:
            The executions that were abandoned by this call, so that their folders can be removed; two processes that
            call at once share them out.
        """
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

    def register_artifact(
        self, artifact: NewArtifact, *, execution_id: int | None = None, output_key: str = "", reimport: bool = False
    ) -> ArtifactRecord:
        """Return the live artifact with the same type, uri and digest, or record a new one.

        Args:
            artifact: The artifact.
            execution_id: The importing execution; the producer of a new record.
            output_key: Its output.
            reimport: Records a new artifact even where there is one.
        """
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

    def mark_deleted(self, artifact_ids: Collection[int]) -> None:
        """Record that the files of these artifacts are gone; the artifacts no longer serve the cache or a resolver."""
        with self._database.writing() as connection:
            for artifact_id in artifact_ids:
                self._artifact(connection, artifact_id)
                connection.execute(update(artifacts).where(artifacts.c.id == artifact_id).values(state="DELETED"))

    # Questions

    def run(self, run_id: str) -> RunRecord:
        """Return the run of that id."""
        with self._database.reading() as connection:
            return self._run(connection, run_id)

    def runs(self, pipeline: str | None = None) -> tuple[RunRecord, ...]:
        """Return runs, the latest first."""
        statement = select(runs).order_by(runs.c.started_at.desc(), runs.c.id.desc())
        if pipeline is not None:
            statement = statement.where(runs.c.pipeline == pipeline)
        with self._database.reading() as connection:
            return tuple(run_record(row) for row in connection.execute(statement).mappings())

    def execution(self, execution_id: int) -> ExecutionRecord:
        """Return the execution of that id."""
        with self._database.reading() as connection:
            return self._execution(connection, execution_id)

    def executions_of(self, run_id: str) -> tuple[ExecutionRecord, ...]:
        """Return a run's executions in the order in which they started."""
        with self._database.reading() as connection:
            self._run(connection, run_id)
            statement = select(executions).where(executions.c.run_id == run_id).order_by(executions.c.id)
            return tuple(execution_record(row) for row in connection.execute(statement).mappings())

    def events_of(self, execution_id: int) -> tuple[EventRecord, ...]:
        """Return what an execution read and gave, in order of direction, key and index."""
        with self._database.reading() as connection:
            self._execution(connection, execution_id)
            statement = (
                select(events)
                .where(events.c.execution_id == execution_id)
                .order_by(events.c.direction, events.c.key, events.c.position)
            )
            return tuple(event_record(row) for row in connection.execute(statement).mappings())

    def inputs_of(self, execution_id: int) -> Mapping[str, tuple[ArtifactRecord, ...]]:
        """Return the artifacts that an execution read, by input key, each in its order."""
        with self._database.reading() as connection:
            self._execution(connection, execution_id)
            return linked_artifacts(connection, execution_id, "INPUT", self._root)

    def outputs_of(self, execution_id: int) -> Mapping[str, tuple[ArtifactRecord, ...]]:
        """Return the artifacts that an execution gave, by output key, each in its order."""
        with self._database.reading() as connection:
            self._execution(connection, execution_id)
            return linked_artifacts(connection, execution_id, "OUTPUT", self._root)

    def artifact(self, artifact_id: int) -> ArtifactRecord:
        """Return the artifact of that id."""
        with self._database.reading() as connection:
            return self._artifact(connection, artifact_id)

    def artifacts(
        self,
        type_name: str | None = None,
        *,
        pipeline: str | None = None,
        node_id: str | None = None,
        digest: str | None = None,
        state: ArtifactState | None = "LIVE",
    ) -> tuple[ArtifactRecord, ...]:
        """Return artifacts, the latest first.

        Args:
            type_name: Only artifacts of this type.
            pipeline: Only what an execution of this pipeline gave (made, imported, resolved or found in the cache).
            node_id: Only what an execution of this node gave.
            digest: Only artifacts with this content.
            state: `LIVE`, `DELETED`, or None for both.
        """
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

    def artifact_by_uri(self, location: str | Path) -> ArtifactRecord | None:
        """Return the latest artifact recorded at a path or URL, deleted or not."""
        uri = stored_uri(location, self._root)
        statement = select(artifacts).where(artifacts.c.uri == uri).order_by(artifacts.c.id.desc()).limit(1)
        with self._database.reading() as connection:
            row = connection.execute(statement).mappings().first()
        return None if row is None else artifact_record(row, self._root)

    def artifact_by_digest(self, digest: str) -> ArtifactRecord | None:
        """Return the latest artifact with that digest; a live one before a deleted one."""
        live_first = case((artifacts.c.state == "LIVE", 0), else_=1)
        statement = select(artifacts).where(artifacts.c.digest == digest).order_by(live_first, artifacts.c.id.desc())
        with self._database.reading() as connection:
            row = connection.execute(statement.limit(1)).mappings().first()
        return None if row is None else artifact_record(row, self._root)

    def find_cached(
        self, pipeline: str, component: str, fingerprint: str, *, node_id: str | None = None
    ) -> ExecutionRecord | None:
        """Return the latest COMPLETE execution with that fingerprint whose outputs are all live."""
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

    def ancestors(self, artifact_id: int) -> LineageGraph:
        """Return what made this: the execution that made the artifact, what that read, and so on to the beginning.

        An execution that only found the artifact in the cache, or resolved it, did not make it and is not part of it.
        """
        with self._database.reading() as connection:
            self._artifact(connection, artifact_id)
            return upstream(connection, artifact_id, self._root)

    def descendants(self, artifact_id: int) -> LineageGraph:
        """Return what came of this: every execution that read the artifact, what those gave, and so on to the end.

        Cached executions count: what they gave is what the artifact led to.
        """
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
