"""What a run gives back, and its record in `run.json`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from assay.artifacts.base import Artifact
from assay.errors import UsageError, did_you_mean
from assay.files import write_durably
from assay.gating.verdict import Verdict
from assay.spec.context import RowCount

Status = Literal["complete", "cached", "imported", "resolved", "failed", "skipped"]
RUN_SCHEMA_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedGate:
    """A verdict that closed a gate.

    Attributes:
        node_id: The step that decided.
        exit_code: What the command line ends with: 3 for anomalies, 4 for a model that is not blessed.
        stops_run: Whether no further step may start.
    """

    node_id: str
    verdict: Verdict
    exit_code: int
    stops_run: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepResult:
    """How a step of a run ended.

    Attributes:
        status: `complete`, `cached`, `imported`, `resolved`, `failed` or `skipped`.
        seconds: Wall time, inputs and sealing included.
        reason: Why it failed, was skipped, did nothing, or was not taken from the cache although it had run before; and
            the step's own remarks.
        idle: Whether it did none of its work, though nothing failed.
        user_traceback: The user's own frames, where their code raised.
        log: The step's log, for a step that ran.
        closed_gate: The verdict, where the step is a gate that closed.
    """

    node_id: str
    component: str
    status: Status
    seconds: float = 0.0
    execution_id: int | None = None
    fingerprint: str = ""
    inputs: Mapping[str, tuple[Artifact, ...]] = field(default_factory=dict)
    outputs: Mapping[str, tuple[Artifact, ...]] = field(default_factory=dict)
    output_parameters: Mapping[str, Any] = field(default_factory=dict)
    rows: Mapping[str, RowCount] = field(default_factory=dict)
    error_code: str = ""
    reason: str = ""
    idle: bool = False
    user_traceback: str = ""
    log: Path | None = None
    closed_gate: ClosedGate | None = None

    @property
    def done(self) -> bool:
        """Whether the step's outputs are there for others to read."""
        return self.status not in {"failed", "skipped"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """How a run ended.

    Attributes:
        folder: The run's folder with `run.json`, `logs/` and `artifacts/`.
        steps: In the order in which they were taken.
        exit_code: 0 passed, 1 a step failed, 3 anomalies closed a gate, 4 the model is not blessed,
            5 a step did none of its work.
    """

    run_id: str
    pipeline: str
    root: Path
    folder: Path
    parameters: Mapping[str, Any]
    steps: tuple[StepResult, ...]
    seconds: float
    exit_code: int

    @property
    def ok(self) -> bool:
        """Whether every step ended well and every gate opened."""
        return self.exit_code == 0

    def _repr_html_(self) -> str:
        """Return the steps with status and seconds, which a notebook shows by itself."""
        from assay.reports.run_page import run_fragment  # noqa: PLC0415 (templates, for notebooks only)

        return run_fragment(run_record(self, "complete" if self.exit_code != 1 else "failed"))

    def step(self, node_id: str) -> StepResult:
        """Return the result of a step.

        Raises:
            UsageError: If the run has no such step.
        """
        for result in self.steps:
            if result.node_id == node_id:
                return result
        raise UsageError(
            "run.unknown_step",
            f"Run {self.run_id} has no step '{node_id}'.",
            did_you_mean(node_id, [result.node_id for result in self.steps]),
        )

    def output(self, node_id: str, key: str) -> Any:
        """Return the one artifact that a step wrote under a key, in the class that the component declares.

        Raises:
            UsageError: If there is no such step or key.
        """
        outputs = self.step(node_id).outputs
        if key not in outputs:
            raise UsageError("run.unknown_output", f"{node_id} has no output '{key}'.", did_you_mean(key, outputs))
        return outputs[key][0]


def _artifact_record(artifact: Artifact) -> dict[str, Any]:
    return {
        "id": artifact.id,
        "type": artifact.type_name,
        "uri": artifact.uri,
        "digest": artifact.digest,
        "properties": dict(artifact.properties),
        "rows": artifact.rows,
    }


def _artifact_records(artifacts: Mapping[str, tuple[Artifact, ...]]) -> dict[str, list[dict[str, Any]]]:
    return {key: [_artifact_record(artifact) for artifact in values] for key, values in artifacts.items()}


def step_record(step: StepResult) -> dict[str, Any]:
    """Return a step as JSON-compatible values."""
    gate = step.closed_gate
    return {
        "id": step.node_id,
        "component": step.component,
        "status": step.status,
        "seconds": round(step.seconds, 3),
        "execution_id": step.execution_id,
        "fingerprint": step.fingerprint,
        "inputs": _artifact_records(step.inputs),
        "outputs": _artifact_records(step.outputs),
        "output_parameters": dict(step.output_parameters),
        "rows": {split: msgspec.to_builtins(count) for split, count in step.rows.items()},
        "error_code": step.error_code,
        "reason": step.reason,
        "idle": step.idle,
        "user_traceback": step.user_traceback,
        "log": str(step.log) if step.log else None,
        "closed_gate": {"summary": gate.verdict.summary, "exit_code": gate.exit_code} if gate else None,
    }


def run_record(result: RunResult, state: str) -> dict[str, Any]:
    """Return a run as JSON-compatible values: the content of `run.json` and of `assay run --json`."""
    return {
        "schema_version": RUN_SCHEMA_VERSION,
        "run_id": result.run_id,
        "pipeline": result.pipeline,
        "state": state,
        "exit_code": result.exit_code if state != "running" else None,
        "seconds": round(result.seconds, 3),
        "root": str(result.root),
        "folder": str(result.folder),
        "parameters": dict(result.parameters),
        "steps": [step_record(step) for step in result.steps],
    }


def end_run_record(folder: Path) -> None:
    """Mark the `run.json` of a run whose process died as interrupted."""
    path = folder / "run.json"
    try:
        record = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:  # it died before it wrote one, or its root is another
        return
    if record["state"] == "running":  # else it ended well just now
        record |= {"state": "interrupted", "exit_code": 1}
        write_durably(path, msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n")


def write_run_record(result: RunResult, state: str) -> None:
    """Write `run.json` atomically."""
    content = msgspec.json.format(msgspec.json.encode(run_record(result, state)), indent=1)
    write_durably(result.folder / "run.json", content + b"\n")
