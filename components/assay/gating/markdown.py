"""A verdict as Markdown: a summary that fits a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.display import markdown_text
from assay.gating.metric_values import number
from assay.gating.verdict import blocking, by_concern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.gating.verdict import Check, Verdict

_MOST = 50
_MOST_SLICES = 10


def to_markdown(verdict: Verdict, *, title: str = "Model gate", html: bool = True) -> str:
    """Return the decision, a table of what failed, and a folded table of what passed.

    Args:
        verdict: The verdict.
        title: The heading.
        html: Whether the reader knows HTML inside of Markdown, as GitHub and GitLab do; Kubeflow shows tags as text.
    """
    failed = by_concern(verdict.failed)
    passed = [check for check in verdict.checks if check.ok]
    # A gate that never closes is open also where something failed; that is not a blessing.
    blessed = verdict.ok and not blocking(verdict.checks)
    lines = [f"## {title}: {'blessed' if blessed else 'not blessed'}", "", markdown_text(verdict.summary), ""]
    if failed:
        lines += ["### Failed", "", *_table(failed), "", *_flips(failed, "<br>" if html else "; ")]
    if passed:
        folded = [f"<details><summary>{len(passed)} passed</summary>", "", *_table(passed), "", "</details>", ""]
        lines += folded if html else [f"### {len(passed)} passed", "", *_table(passed), ""]
    if verdict.policy:
        policy = ", ".join(f"{name}: {value}" for name, value in sorted(verdict.policy.items()))
        lines += [f"<sub>Policy: {markdown_text(policy)}.</sub>" if html else f"Policy: {markdown_text(policy)}.", ""]
    return "\n".join(lines)


def _table(checks: Sequence[Check]) -> list[str]:
    rows = ["| | metric | slice | candidate | baseline | what |", "|---|---|---|---:|---:|---|"]
    rows += [
        f"| {_mark(check)} | {markdown_text(check.subject)} | {markdown_text(check.slice)} | {_figure(check.observed)} "
        f"| {_figure(check.baseline)} | {markdown_text(check.sentence)} |"
        for check in checks[:_MOST]
    ]
    if len(checks) > _MOST:
        rows += ["", f"{len(checks) - _MOST} more in `verdict.json`."]
    return rows


def _flips(checks: Sequence[Check], line_break: str) -> list[str]:
    """Return the rows by which each failing slice became worse."""
    by_slice: dict[str, Sequence[object]] = {}
    for check in checks:
        rows = check.details.get("flips")
        if isinstance(rows, list):
            by_slice.setdefault(check.slice, rows)
    if not by_slice:
        return []
    lines = ["| slice | rows where the candidate did most worse (more in `flips.parquet`) |", "|---|---|"]
    lines += [
        f"| {markdown_text(name)} | {line_break.join(markdown_text(str(row)) for row in rows)} |"
        for name, rows in list(by_slice.items())[:_MOST_SLICES]
    ]
    return [*lines, ""]


def _mark(check: Check) -> str:
    if check.ok:
        return "pass" if check.applied else "n/a"
    return "**FAIL**" if check.severity == "error" else "waived" if "waiver" in check.details else "warn"


def _figure(value: float | None) -> str:
    return "" if value is None else number(value)
