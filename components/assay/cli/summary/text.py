"""The summary for people, section by section."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from assay.cli.console import print_result
from assay.cli.summary.data import print_anomalies, print_rows
from assay.cli.summary.metrics import print_metrics
from assay.cli.summary.release import print_blessings, print_pushes

if TYPE_CHECKING:
    from rich.console import Console

    from assay.runners.local import RunResult

_OUTCOMES = {0: ("passed", "bold green"), 1: ("failed", "bold red")}
_GATE_OUTCOMES = {3: "stopped: anomalies found", 4: "not blessed", 5: "a step did nothing"}


def print_summary(console: Console, result: RunResult) -> None:
    """Prints what the run's artifacts say, then how it ended and where it lies."""
    print_rows(console, result)
    print_anomalies(console, result)
    print_metrics(console, result)
    print_blessings(console, result)
    print_pushes(console, result)
    _print_outcome(console, result)


def print_failed_steps(console: Console, result: RunResult) -> None:
    """Print why steps did nothing or failed: the user's own traceback first, the reason, and the step's log."""
    for step in result.steps:
        if step.idle:
            console.print(Text.assemble((f"{step.node_id} did nothing: ", "bold yellow"), step.reason))
        if step.status != "failed":
            continue
        console.print()
        if step.user_traceback:
            console.print(step.user_traceback.rstrip(), soft_wrap=True)
        console.print(Text.assemble((f"{step.node_id} failed: ", "bold red"), step.reason), soft_wrap=True)
        if step.log is not None:
            console.print(f"Log: {step.log}", soft_wrap=True)


def _print_outcome(console: Console, result: RunResult) -> None:
    outcome, style = _OUTCOMES.get(result.exit_code, (_GATE_OUTCOMES.get(result.exit_code, "stopped"), "bold yellow"))
    cached = sum(step.status == "cached" for step in result.steps)
    note = f", {cached} of {len(result.steps)} steps from the cache" if cached else ""
    console.print()
    seconds = f" in {result.seconds:.1f} s{note}"
    print_result(console, Text.assemble("Run ", result.run_id, ": ", (outcome, style), seconds))
    console.print(f"  folder  {result.folder}", soft_wrap=True)
    console.print("          run.json, logs/, artifacts/", soft_wrap=True)
