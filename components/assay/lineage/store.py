"""What any lineage store can do: `LineageReader` for questions, `LineageStore` for a runner that records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from assay.lineage.records import (
        ArtifactRecord,
        ArtifactState,
        EventRecord,
        ExecutionRecord,
        JsonObject,
        LineageGraph,
        NewArtifact,
        RunRecord,
        RunState,
    )


class LineageReader(Protocol):
    """Questions to a lineage store. Unknown ids raise `LineageError`; a search that finds nothing gives None or ()."""

    def run(self, run_id: str) -> RunRecord:
        """The run of that id."""
        ...

    def runs(self, pipeline: str | None = None) -> tuple[RunRecord, ...]:
        """Runs, the latest first."""
        ...

    def execution(self, execution_id: int) -> ExecutionRecord:
        """The execution of that id."""
        ...

    def executions_of(self, run_id: str) -> tuple[ExecutionRecord, ...]:
        """A run's executions in the order in which they started."""
        ...

    def events_of(self, execution_id: int) -> tuple[EventRecord, ...]:
        """What an execution read and gave, in order of direction, key and index."""
        ...

    def inputs_of(self, execution_id: int) -> Mapping[str, tuple[ArtifactRecord, ...]]:
        """The artifacts that an execution read, by input key, each in its order."""
        ...

    def outputs_of(self, execution_id: int) -> Mapping[str, tuple[ArtifactRecord, ...]]:
        """The artifacts that an execution gave, by output key, each in its order."""
        ...

    def artifact(self, artifact_id: int) -> ArtifactRecord:
        """The artifact of that id."""
        ...

    def artifacts(
        self,
        type_name: str | None = None,
        *,
        pipeline: str | None = None,
        node_id: str | None = None,
        digest: str | None = None,
        state: ArtifactState | None = "LIVE",
    ) -> tuple[ArtifactRecord, ...]:
        """Artifacts, the latest first.

        Args:
            type_name: Only artifacts of this type.
            pipeline: Only what an execution of this pipeline gave (made, imported, resolved or found in the cache).
            node_id: Only what an execution of this node gave.
            digest: Only artifacts with this content.
            state: `LIVE`, `DELETED`, or None for both.
        """
        ...

    def artifact_by_uri(self, location: str | Path) -> ArtifactRecord | None:
        """The latest artifact recorded at a path or URL, deleted or not."""
        ...

    def artifact_by_digest(self, digest: str) -> ArtifactRecord | None:
        """The latest artifact with that digest; a live one before a deleted one."""
        ...

    def find_cached(
        self, pipeline: str, component: str, fingerprint: str, *, node_id: str | None = None
    ) -> ExecutionRecord | None:
        """The latest COMPLETE execution with that fingerprint whose outputs are all live."""
        ...

    def ancestors(self, artifact_id: int) -> LineageGraph:
        """What made this: the execution that made the artifact, what that read, and so on to the beginning.

        An execution that only found the artifact in the cache, or resolved it, did not make it and is not part of it.
        """
        ...

    def descendants(self, artifact_id: int) -> LineageGraph:
        """What came of this: every execution that read the artifact, what those gave, and so on to the end.

        Cached executions count: what they gave is what the artifact led to.
        """
        ...


class LineageStore(LineageReader, Protocol):
    """A lineage store that a runner records in. Every operation is one transaction: it happens whole or not at all."""

    def start_run(self, run_id: str, pipeline: str, parameters: JsonObject, owner: str) -> RunRecord:
        """Records a run as RUNNING. `owner` is a token by which `abandon_executions` can tell whether it still runs."""
        ...

    def finish_run(self, run_id: str, state: RunState, exit_code: int | None) -> RunRecord:
        """Records how a run ended."""
        ...

    def settle_run(self, run_id: str, exit_code: int = 0) -> RunRecord:
        """Record how a run stands, as its executions say, where no process sees the whole of it.

        The run is RUNNING while a node's latest execution is, FAILED if one failed, and COMPLETE otherwise.

        Args:
            run_id: The run.
            exit_code: What a gate that closed just now asks for; later executions do not undo it.
        """
        ...

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
        ...

    def complete_execution(
        self,
        execution_id: int,
        outputs: Mapping[str, Sequence[NewArtifact | int]],
        output_parameters: JsonObject,
        rows: JsonObject,
    ) -> Mapping[str, tuple[ArtifactRecord, ...]]:
        """Records a RUNNING execution as COMPLETE, together with its outputs.

        Args:
            execution_id: The execution.
            outputs: By output key: new artifacts, of which it becomes the producer, and ids of artifacts that it only
                hands on (as a resolver and an importer do).
            output_parameters: Values of its output parameters.
            rows: Rows read and written, by split.

        Raises:
            LineageError: If the execution is not RUNNING, so that nothing is recorded twice.
        """
        ...

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
        """Records a CACHED execution that links the outputs, output parameters and rows of an earlier one."""
        ...

    def fail_execution(self, execution_id: int, code: str, message: str) -> ExecutionRecord:
        """Records a RUNNING execution as FAILED, and why."""
        ...

    def skip_execution(self, run_id: str, node_id: str, component: str, code: str, message: str) -> ExecutionRecord:
        """Records a node that did not run, and why."""
        ...

    def abandon_executions(self, is_alive: Callable[[str], bool]) -> list[ExecutionRecord]:
        """Records the RUNNING executions and runs of dead owners as ABANDONED.

        Args:
            is_alive: Tells whether the owner of that token still runs; asked once for each owner of something RUNNING.

        Returns:
            The executions that were abandoned by this call, so that their folders can be removed; two processes that
            call at once share them out.
        """
        ...

    def register_artifact(
        self, artifact: NewArtifact, *, execution_id: int | None = None, output_key: str = "", reimport: bool = False
    ) -> ArtifactRecord:
        """Gives the live artifact with the same type, uri and digest, or records a new one.

        Args:
            artifact: The artifact.
            execution_id: The importing execution; the producer of a new record.
            output_key: Its output.
            reimport: Records a new artifact even where there is one.
        """
        ...

    def mark_deleted(self, artifact_ids: Collection[int]) -> None:
        """Records that the files of these artifacts are gone; the artifacts no longer serve the cache or a resolver."""
        ...
