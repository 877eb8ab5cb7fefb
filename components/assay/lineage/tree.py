"""A lineage graph as a tree to read from the top: what made an artifact, or what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Literal

from assay.lineage.records import (
    ArtifactRecord,
    Direction,
    EventRecord,
    ExecutionRecord,
    LineageGraph,
    RunRecord,
)

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
    """Lays out the answer of `LineageReader.ancestors`: below an artifact its producer, below that its inputs."""
    producers = {
        artifact.id: [artifact.producer_id]
        for artifact in graph.artifacts.values()
        if artifact.producer_id in graph.executions
    }
    return _Layout(graph, producers, "INPUT", max_depth).artifact(graph.artifact_id, 1)


def descendant_tree(graph: LineageGraph, *, max_depth: int = DEEPEST) -> ArtifactNode:
    """Lays out the answer of `LineageReader.descendants`: below an artifact its readers, below each its outputs."""
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
    """Gives a tree as JSON values, with every field of its records."""
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
    """Gives a record as JSON values; times in ISO 8601 with their zone."""
    values = {field.name: getattr(record, field.name) for field in fields(record)}
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
