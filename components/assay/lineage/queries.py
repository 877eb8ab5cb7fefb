"""What resolvers and the release gate ask of a lineage store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from assay.lineage.records import ArtifactRecord, Direction, EventRecord, ExecutionRecord, LineageGraph, RunRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from assay.lineage.records import JsonObject
    from assay.lineage.store import LineageStore


@dataclass(frozen=True, slots=True, kw_only=True)
class BlessedModel:
    """The answer to "which blessed model is the latest?", with the reason where there is none.

    Attributes:
        model: The model; None where there is none to be had.
        blessing: The blessing that names it.
        lost: Newer blessings, the newest first, whose model or own files are gone. A gate that finds a model in spite
            of them compares with an older one than the last that was blessed.
        excluded: Newer blessings that were passed over because their model's digest was excluded.
    """

    model: ArtifactRecord | None = None
    blessing: ArtifactRecord | None = None
    lost: tuple[ArtifactRecord, ...] = ()
    excluded: tuple[ArtifactRecord, ...] = ()

    @property
    def status(self) -> Literal["found", "gone", "excluded", "never"]:
        """`never`: nothing was ever blessed; `gone`: something was, and is lost; `excluded`: only excluded models."""
        if self.model is not None:
            return "found"
        if self.lost:
            return "gone"
        return "excluded" if self.excluded else "never"


def producer(store: LineageStore, artifact_id: int) -> ExecutionRecord | None:
    """Return the execution that made an artifact; None for one that was registered outside a run."""
    made_by = store.artifact(artifact_id).producer_id
    return None if made_by is None else store.execution(made_by)


def latest_artifact(
    store: LineageStore,
    type_name: str,
    *,
    pipeline: str | None = None,
    node_id: str | None = None,
    properties: JsonObject | None = None,
    exclude_digests: Collection[str] = (),
) -> ArtifactRecord | None:
    """Return the live artifact of a type that was recorded last.

    Args:
        store: The store.
        type_name: The type.
        pipeline: Only what an execution of this pipeline gave.
        node_id: Only what an execution of this node gave.
        properties: Only artifacts with these values.
        exclude_digests: Contents to pass over, such as that of the candidate itself.
    """
    wanted = (properties or {}).items()
    for artifact in store.artifacts(type_name, pipeline=pipeline, node_id=node_id):
        if artifact.digest in exclude_digests:
            continue
        if all(name in artifact.properties and artifact.properties[name] == value for name, value in wanted):
            return artifact
    return None


def latest_blessed_model(
    store: LineageStore,
    pipeline: str | None = None,
    *,
    exclude_digests: Collection[str] = (),
    is_revoked: Callable[[ArtifactRecord], bool] = lambda _: False,
) -> BlessedModel:
    """Find the model that was blessed last and still exists.

    A blessing of predictions names no model, and is passed over. Others name their model by digest, so a model that was
    copied or imported again keeps its blessing, whichever pipeline it is recorded in.

    Args:
        store: The store.
        pipeline: Only blessings that an execution of this pipeline gave.
        exclude_digests: Models to pass over, such as the candidate that is being judged.
        is_revoked: Whether a blessing was revoked; it is passed over then.
    """
    lost: list[ArtifactRecord] = []
    excluded: list[ArtifactRecord] = []
    for blessing in store.artifacts("ModelBlessing", pipeline=pipeline, state=None):
        if blessing.properties.get("blessed") != 1:
            continue
        digest = str(blessing.properties.get("current_model_digest") or "")
        if not digest or is_revoked(blessing):
            continue
        if digest in exclude_digests:
            excluded.append(blessing)
            continue
        models = store.artifacts("Model", digest=digest) if blessing.state == "LIVE" else ()
        if models:
            return BlessedModel(model=models[0], blessing=blessing, lost=tuple(lost), excluded=tuple(excluded))
        lost.append(blessing)
    return BlessedModel(lost=tuple(lost), excluded=tuple(excluded))


def span_range(
    store: LineageStore,
    type_name: str,
    first: int,
    last: int,
    *,
    pipeline: str | None = None,
    node_id: str | None = None,
) -> tuple[ArtifactRecord, ...]:
    """Return one live artifact for each span from `first` to `last` that has one, the latest span first.

    Of several for one span, the one of the highest version counts, and of these the one recorded last.
    """
    newest = _newest_by_span(store.artifacts(type_name, pipeline=pipeline, node_id=node_id))
    return tuple(newest[span] for span in sorted(newest, reverse=True) if first <= span <= last)


def rolling_spans(
    store: LineageStore,
    type_name: str,
    count: int,
    *,
    skip: int = 0,
    pipeline: str | None = None,
    node_id: str | None = None,
) -> tuple[ArtifactRecord, ...]:
    """Return the artifacts of the `count` latest span numbers, after passing over the `skip` latest.

    As in TFX, a window is a range of span numbers: where one of them has no artifact, the answer is shorter.
    """
    newest = _newest_by_span(store.artifacts(type_name, pipeline=pipeline, node_id=node_id))
    if not newest:
        return ()
    last = max(newest) - skip
    return tuple(newest[span] for span in sorted(newest, reverse=True) if last - count < span <= last)


def _newest_by_span(artifacts: Iterable[ArtifactRecord]) -> dict[int, ArtifactRecord]:
    newest: dict[int, ArtifactRecord] = {}
    for artifact in artifacts:
        span = _integer(artifact.properties.get("span"))
        if span is None:
            continue
        held = newest.get(span)
        if held is None or _age(artifact) > _age(held):
            newest[span] = artifact
    return newest


def _age(artifact: ArtifactRecord) -> tuple[int, int]:
    version = _integer(artifact.properties.get("version"))
    return (-1 if version is None else version, artifact.id)


def _integer(value: object) -> int | None:
    """Return a span or version; TFX writes them as decimal strings where they are custom properties."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    try:
        return int(value)
    except ValueError:
        return None


Elision = Literal["", "shown_above", "too_deep"]

DEEPEST = 100
"""Levels of artifacts in a tree; a chain of warm starts may be longer, and no one reads so far."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactNode:
    """An artifact and the executions next to it: its producer, or those that read it.

    Attributes:
        executions: In order of id.
        elided: Why the executions are left out here: `shown_above`, since a graph's artifact may be reached in many
            ways and is laid out once, or `too_deep`.
    """

    artifact: ArtifactRecord
    executions: tuple[ExecutionNode, ...] = ()
    elided: Elision = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionNode:
    """An execution and the artifacts on its far side: its inputs, or its outputs; by key, then index."""

    execution: ExecutionRecord
    artifacts: tuple[KeyedArtifact, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyedArtifact:
    """An artifact as the `index`-th value of an input or output `key`."""

    key: str
    index: int
    node: ArtifactNode


def ancestor_tree(graph: LineageGraph, *, max_depth: int = DEEPEST) -> ArtifactNode:
    """Lays out the answer of `LineageStore.ancestors`: below an artifact its producer, below that its inputs."""
    producers = {
        artifact.id: [artifact.producer_id]
        for artifact in graph.artifacts.values()
        if artifact.producer_id in graph.executions
    }
    return _Layout(graph, producers, "INPUT", max_depth).artifact(graph.artifact_id, 1)


def descendant_tree(graph: LineageGraph, *, max_depth: int = DEEPEST) -> ArtifactNode:
    """Lays out the answer of `LineageStore.descendants`: below an artifact its readers, below each its outputs."""
    readers: dict[int, list[int]] = defaultdict(list)
    for event in graph.events:
        # One execution may read an artifact by two keys, and is one reader.
        if event.direction == "INPUT" and event.execution_id not in readers[event.artifact_id]:
            readers[event.artifact_id].append(event.execution_id)
    return _Layout(graph, readers, "OUTPUT", max_depth).artifact(graph.artifact_id, 1)


class _Layout:
    """Depth-first layout that expands each artifact once, which also ends it in a graph with cycles."""

    def __init__(
        self,
        graph: LineageGraph,
        executions_by_artifact: Mapping[int, Sequence[int | None]],
        far_side: Direction,
        max_depth: int,
    ) -> None:
        self._graph = graph
        self._executions = executions_by_artifact
        self._max_depth = min(max_depth, DEEPEST)
        self._expanded: set[int] = set()
        self._far_events: dict[int, list[EventRecord]] = defaultdict(list)
        for event in graph.events:
            if event.direction == far_side:
                self._far_events[event.execution_id].append(event)

    def artifact(self, artifact_id: int, depth: int) -> ArtifactNode:
        artifact = self._graph.artifacts[artifact_id]
        execution_ids = [each for each in self._executions.get(artifact_id, ()) if each is not None]
        if not execution_ids:
            return ArtifactNode(artifact=artifact)
        if artifact_id in self._expanded:
            return ArtifactNode(artifact=artifact, elided="shown_above")
        if depth > self._max_depth:
            return ArtifactNode(artifact=artifact, elided="too_deep")
        self._expanded.add(artifact_id)
        return ArtifactNode(artifact=artifact, executions=tuple(self._execution(each, depth) for each in execution_ids))

    def _execution(self, execution_id: int, depth: int) -> ExecutionNode:
        far = tuple(
            KeyedArtifact(key=event.key, index=event.index, node=self.artifact(event.artifact_id, depth + 1))
            for event in self._far_events[execution_id]
        )
        return ExecutionNode(execution=self._graph.executions[execution_id], artifacts=far)


def tree_json(node: ArtifactNode) -> dict[str, object]:
    """Return a tree as JSON values, with every field of its records."""
    return {
        "artifact": record_json(node.artifact),
        "elided": node.elided,
        "executions": [
            {
                "execution": record_json(each.execution),
                "artifacts": [
                    {"key": keyed.key, "index": keyed.index, **tree_json(keyed.node)} for keyed in each.artifacts
                ],
            }
            for each in node.executions
        ],
    }


def record_json(record: ArtifactRecord | ExecutionRecord | EventRecord | RunRecord) -> dict[str, object]:
    """Return a record as JSON values; times in ISO 8601 with their zone."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
