"""The runner of a script: a run that did not pass ends the program, as in TFX.

`LocalDagRunner().run(pipeline)` is the last line of a TFX pipeline's file, and `python pipeline.py` must not end with 0
where a step failed or a gate closed (docs/decisions/0020-exit-codes-of-tfx-scripts.md).
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import Any

from typing_extensions import override

from assay.runners import local
from assay.runners.local import RunResult
from assay.spec import Pipeline


class LocalDagRunner(local.LocalDagRunner):
    """Runs pipelines on this machine; prints a line a step, and why a run did not pass."""

    @override
    def run(
        self, pipeline: Pipeline, parameters: Mapping[str, Any] | None = None, *, force: Collection[str] = ()
    ) -> RunResult:
        """Run a pipeline; see `assay.LocalDagRunner.run`.

        Raises:
            SystemExit: With the run's exit code (1 a step failed, 3 anomalies, 4 not blessed), unless it passed.
        """
        result = super().run(pipeline, parameters, force=force)
        if result.ok:
            return result
        for line in _reasons(result):
            print(line, file=sys.stderr)  # noqa: T201 (the program's user reads it)
        raise SystemExit(result.exit_code)


def _reasons(result: RunResult) -> list[str]:
    """Return why a run did not pass: the user's own traceback first."""
    lines: list[str] = []
    for step in result.steps:
        if step.status == "failed":
            lines += [step.user_traceback.rstrip()] if step.user_traceback else []
            lines.append(f"{step.node_id} failed: {step.reason}" + (f" Log: {step.log}" if step.log else ""))
        if step.closed_gate:
            lines.append(f"{step.node_id}: {step.closed_gate.verdict.summary}")
    return [*lines, f"Run {result.run_id} ended with exit code {result.exit_code}; see {result.folder}."]
