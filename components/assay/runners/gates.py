"""What the verdict of a gate means to a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from assay.artifacts.base import Artifact
from assay.gating.verdict import Verdict, read_verdict


class Gate(NamedTuple):
    """What a closed gate does.

    Attributes:
        exit_code: What a command that ran the step ends with.
        stops_run: Whether no further step may start.
    """

    exit_code: int
    stops_run: bool


GATES = {
    "ExampleAnomalies": Gate(3, stops_run=True),
    "ModelBlessing": Gate(4, stops_run=False),
    "InfraBlessing": Gate(4, stops_run=False),
}


def closed_gate(outputs: Iterable[Artifact]) -> tuple[Verdict, Gate] | None:
    """Return the verdict that closed a gate among a step's outputs; None if all are open, or the step is not a gate."""
    for artifact in outputs:
        gate = GATES.get(artifact.type_name)
        if gate is not None:
            verdict = read_verdict(artifact.path)
            if not verdict.ok:
                return verdict, gate
    return None
