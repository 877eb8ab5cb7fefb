"""Walks in SQL against the same walks over plain Python sets."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.lineage import LineageStore, NewArtifact


@dataclass
class Step:
    """An execution of the plain model, by the numbers of its artifacts; `made` of them it produced itself."""

    inputs: list[int]
    outputs: list[int] = field(default_factory=list)
    made: list[int] = field(default_factory=list)


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Steps that read earlier artifacts, and make new ones, hand on earlier ones, link a cached step's, or fail."""
    steps: list[Step] = []
    known = 0
    for _ in range(draw(st.integers(1, 12))):
        earlier = st.lists(st.integers(0, known - 1), max_size=3) if known else st.just([])
        step = Step(inputs=draw(earlier))
        kind = draw(st.sampled_from(["make", "make", "make", "hand on", "cached", "fail"]))
        if kind == "make":
            step.made = step.outputs = list(range(known, known + draw(st.integers(1, 3))))
            known += len(step.made)
        elif kind == "hand on":
            step.outputs = draw(earlier)
        elif kind == "cached" and steps:
            step.outputs = list(steps[draw(st.integers(0, len(steps) - 1))].outputs)
        steps.append(step)
    return steps


def model_ancestors(steps: list[Step], start: int) -> tuple[set[int], set[int]]:
    reached, used, waiting = {start}, set(), [start]
    while waiting:
        artifact = waiting.pop()
        for number, step in enumerate(steps):
            if artifact in step.made:
                used.add(number)
                waiting += [each for each in set(step.inputs) if each not in reached]
                reached |= set(step.inputs)
    return reached, used


def model_descendants(steps: list[Step], start: int) -> tuple[set[int], set[int]]:
    reached, used, waiting = {start}, set(), [start]
    while waiting:
        artifact = waiting.pop()
        for number, step in enumerate(steps):
            if artifact in step.inputs:
                used.add(number)
                waiting += [each for each in set(step.outputs) if each not in reached]
                reached |= set(step.outputs)
    return reached, used


def record(store: LineageStore, steps: list[Step]) -> tuple[list[int], list[int]]:
    """Records the steps; gives the ids of artifacts and of executions by their numbers in the model."""
    store.start_run("run", "pipeline", {}, owner="alive")
    artifact_ids: list[int] = []
    execution_ids: list[int] = []
    for step in steps:
        inputs = {"in": [artifact_ids[each] for each in step.inputs]}
        execution = store.start_execution("run", "node", "Step", "f", {}, inputs)
        execution_ids.append(execution)
        outputs: list[NewArtifact | int] = [
            NewArtifact(type="T", uri=f"/{each}", digest=str(each)) if each in step.made else artifact_ids[each]
            for each in step.outputs
        ]
        recorded = store.complete_execution(execution, {"out": outputs}, {}, {})["out"]
        artifact_ids += [each.id for each in recorded if each.producer_id == execution]
    return artifact_ids, execution_ids


@pytest.mark.slow
@given(histories())
@settings(max_examples=15, deadline=None)
def test_walks_agree_with_a_plain_model(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, LineageStore.open(Path(folder) / "lineage.db") as store:
        artifact_ids, execution_ids = record(store, steps)
        for start, artifact_id in enumerate(artifact_ids):
            for graph, (reached, used) in (
                (store.ancestors(artifact_id), model_ancestors(steps, start)),
                (store.descendants(artifact_id), model_descendants(steps, start)),
            ):
                assert list(graph.artifacts) == sorted(artifact_ids[each] for each in reached)
                assert list(graph.executions) == sorted(execution_ids[each] for each in used)
                assert {each.artifact_id for each in graph.events} <= set(graph.artifacts)
                assert {each.execution_id for each in graph.events} == set(graph.executions)


@given(histories())
@settings(max_examples=20, deadline=None)
def test_whatever_made_an_artifact_has_it_among_its_descendants(steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as folder, LineageStore.open(Path(folder) / "lineage.db") as store:
        artifact_ids, _ = record(store, steps)
        for artifact_id in artifact_ids:
            for ancestor in store.ancestors(artifact_id).artifacts:
                assert artifact_id in store.descendants(ancestor).artifacts
