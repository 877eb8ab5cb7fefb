"""The artifacts of a run, by type, each with the step that put it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from assay.gating.verdict import FILE_NAME, Verdict, read_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from assay.artifacts import Artifact
    from assay.runners.local import RunResult, StepResult

A = TypeVar("A", bound="Artifact")


class Judged(NamedTuple):
    """A verdict, the artifact that holds it, and the step that reached it."""

    step: StepResult
    key: str
    artifact: Artifact
    verdict: Verdict


def outputs(result: RunResult, artifact_class: type[A]) -> Iterator[tuple[StepResult, str, A]]:
    """The artifacts of a class, in the order of the steps, with step and output key; each folder once."""
    seen = set()
    for step in result.steps:
        for key, artifacts in step.outputs.items():
            for artifact in artifacts:
                if isinstance(artifact, artifact_class) and artifact.path not in seen:
                    seen.add(artifact.path)
                    yield step, key, artifact


def verdicts(result: RunResult, artifact_class: type[Artifact]) -> Iterator[Judged]:
    """The verdicts in artifacts of a class."""
    for step, key, artifact in outputs(result, artifact_class):
        if (artifact.path / FILE_NAME).is_file():
            yield Judged(step, key, artifact, read_verdict(artifact.path))
