"""What the run says about the release: blessings with their reasons, and what was pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from assay.artifacts import InfraBlessing, ModelBlessing, PushedModel
from assay.cli.layout import bullet, heading, indented
from assay.cli.progress import short_reason
from assay.cli.summary.produced import outputs, verdicts
from assay.gating.verdict import mark_of

if TYPE_CHECKING:
    from rich.console import Console

    from assay.cli.summary.produced import Judged
    from assay.gating.verdict import Check
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
    console.print(indented(Text(verdict.summary, "bold green" if verdict.ok else "bold yellow")))
    # What failed is the reason for a no; what was held is the reason for a yes.
    reasons = [check for check in verdict.failed or verdict.checks if check.sentence not in verdict.summary]
    for check in reasons[:_SHOWN]:
        console.print(bullet(*_mark(check), check.sentence))
    if len(reasons) > _SHOWN:
        console.print(f"  and {len(reasons) - _SHOWN} more in {judged.artifact.path / 'verdict.json'}", soft_wrap=True)


def _mark(check: Check) -> tuple[str, str]:
    """Return (mark, style) of a check."""
    mark = mark_of(check)
    return mark, {"ok": "green", "FAIL": "red", "warn": "yellow"}.get(mark, "dim")


def print_pushes(console: Console, result: RunResult) -> None:
    """Prints the pushed version, or that nothing was pushed and why."""
    lines = [_push(step, pushed) for step, _, pushed in outputs(result, PushedModel)]
    lines += [
        f"Nothing pushed: {short_reason(step).rstrip('.')}."
        for step in result.steps
        if _may_push(step) and not step.done
    ]
    if not lines:
        return
    heading(console, "Pushed")
    for line in lines:
        console.print(indented(line))


def _may_push(step: StepResult) -> bool:
    return step.component == "Pusher"


def _push(step: StepResult, pushed: PushedModel) -> str:
    if pushed.properties.get("pushed") != 1:
        # The receipt's reason goes on to repeat the verdict, which stands above.
        return f"Nothing pushed: {str(pushed.receipt().get('reason', '')).partition(': ')[0]}."
    when = " by an earlier run" if step.status == "cached" else ""
    version, destination = pushed.properties.get("pushed_version"), pushed.properties.get("pushed_destination")
    return f"Version {version}{when}, to {destination}"
