"""What the lineage store holds, as frozen values: artifacts, executions, events and runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

JsonObject = Mapping[str, object]

ArtifactState = Literal["LIVE", "DELETED"]
Direction = Literal["INPUT", "OUTPUT"]
ExecutionState = Literal["RUNNING", "COMPLETE", "CACHED", "FAILED", "ABANDONED", "SKIPPED"]
RunState = Literal["RUNNING", "COMPLETE", "FAILED", "ABANDONED"]

ARTIFACT_STATES: tuple[ArtifactState, ...] = get_args(ArtifactState)
DIRECTIONS: tuple[Direction, ...] = get_args(Direction)
EXECUTION_STATES: tuple[ExecutionState, ...] = get_args(ExecutionState)
RUN_STATES: tuple[RunState, ...] = get_args(RunState)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewArtifact:
    """A sealed artifact that is to be recorded.

    Attributes:
        type: Name of the artifact type, such as `Examples`.
        uri: Where its folder lies: a path (from the working directory, where it is relative), or a URL such as
            `gs://bucket/model`.
        digest: The digest that its manifest names.
        properties: Declared properties; JSON values only (no NaN, which is not JSON).
        rows: Rows by split.
    """

    type: str
    uri: str
    digest: str
    properties: JsonObject = field(default_factory=dict)
    rows: JsonObject = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRecord:
    """An artifact as the store knows it.

    Attributes:
        id: Its number; greater means recorded later.
        uri: As stored: relative to the store's root if it is below it, so that a root can be moved.
        location: The absolute path, or the URL.
        state: `DELETED` once its files are gone; its lineage stays.
        producer_id: The execution that made it; None for an artifact that was registered outside a run.
        output_key: The output of the producer that it was.
    """

    id: int
    type: str
    uri: str
    location: str
    digest: str
    state: ArtifactState
    properties: JsonObject
    rows: JsonObject
    created_at: datetime
    producer_id: int | None
    output_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionRecord:
    """One execution of one node of a pipeline.

    Attributes:
        source_execution_id: For a CACHED execution, the execution whose outputs it links.
        owner: Token of the process that ran it, as the runner passed it to `start_run`.
        error_code: Why it failed or was skipped; empty otherwise.
    """

    id: int
    run_id: str
    node_id: str
    component: str
    fingerprint: str
    state: ExecutionState
    parameters: JsonObject
    output_parameters: JsonObject
    rows: JsonObject
    started_at: datetime
    finished_at: datetime | None
    error_code: str
    error_message: str
    owner: str
    source_execution_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    """An execution read (INPUT) or gave (OUTPUT) an artifact, as the `index`-th value of the input or output `key`."""

    execution_id: int
    artifact_id: int
    direction: Direction
    key: str
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run of a pipeline."""

    id: str
    pipeline: str
    state: RunState
    exit_code: int | None
    parameters: JsonObject
    owner: str
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LineageGraph:
    """Everything that one artifact came from, or everything that came of it.

    Attributes:
        artifact_id: The artifact that was asked about; it is among `artifacts`.
        artifacts: By id, in order of id.
        executions: By id, in order of id.
        events: The edges between them, in order of execution, direction, key and index.
    """

    artifact_id: int
    artifacts: Mapping[int, ArtifactRecord]
    executions: Mapping[int, ExecutionRecord]
    events: tuple[EventRecord, ...]
