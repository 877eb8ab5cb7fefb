"""What the run says about the release: blessings with their reasons, and what was pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from assay.artifacts import InfraBlessing, ModelBlessing, PushedModel
from assay.cli.summary.layout import heading, indented
from assay.cli.summary.produced import outputs, verdicts

if TYPE_CHECKING:
    from rich.console import Console

    from assay.cli.summary.produced import Judged
    from assay.runners.local import RunResult, StepResult

_SHOWN = 12


def print_blessings(console: Console, result: RunResult) -> None:
    """Prints each gate's decision on the model and the sentences behind it."""
    for artifact_class in (InfraBlessing, ModelBlessing):
        for judged in verdicts(result, artifact_class):
            heading(console, f"Blessing ({judged.step.node_id})")
            _print_verdict(console, judged)


def _print_verdict(console: Console, judged: Judged) -> None:
    verdict = judged.verdict
    word, style = ("BLESSED", "bold green") if verdict.ok else ("NOT BLESSED", "bold yellow")
    console.print(indented(Text.assemble((word, style), f"  {verdict.summary}")))
    # What failed is the reason for a no; what was held is the reason for a yes.
    reasons = verdict.failed or verdict.checks
    for check in reasons[:_SHOWN]:
        mark, style = ("ok  ", "green") if check.ok else ("FAIL", "red")
        console.print(indented(Text.assemble((mark, style), f"  {check.sentence}")))
    if len(reasons) > _SHOWN:
        console.print(f"  and {len(reasons) - _SHOWN} more in {judged.artifact.path / 'verdict.json'}", soft_wrap=True)


def print_pushes(console: Console, result: RunResult) -> None:
    """Prints the pushed version, or that nothing was pushed and why."""
    lines = [_push(step, pushed) for step, _, pushed in outputs(result, PushedModel)]
    lines += [f"Nothing pushed: {step.reason}" for step in result.steps if _may_push(step) and not step.done]
    if not lines:
        return
    heading(console, "Pushed")
    for line in lines:
        console.print(indented(line))


def _may_push(step: StepResult) -> bool:
    return step.component == "Pusher"


def _push(step: StepResult, pushed: PushedModel) -> str:
    if pushed.properties.get("pushed") != 1:
        return f"Nothing pushed{f': {step.reason}' if step.reason else ''}."
    when = " by an earlier run" if step.status == "cached" else ""
    version, destination = pushed.properties.get("pushed_version"), pushed.properties.get("pushed_destination")
    return f"Version {version}{when}, to {destination}"
