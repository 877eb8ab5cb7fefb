"""A verdict as Markdown: what failed first, and nothing of the data that could break the page."""

from __future__ import annotations

from assay.gating.markdown import to_markdown
from assay.gating.verdict import Check, Verdict


def check(number: int = 0, *, ok: bool = True, severity: str = "error", **more: object) -> Check:
    return Check(
        id=f"c{number}", kind="value_threshold", ok=ok, severity=severity, subject="auc",  # type: ignore[arg-type]
        sentence=f"auc is {number}.", **more,  # type: ignore[arg-type]  # a test's shorthand
    )  # fmt: skip


def test_what_failed_comes_first_and_what_passed_is_folded() -> None:
    checks = (check(1), check(2, ok=False, observed=0.5, baseline=0.75), check(3, ok=False, severity="warning"))
    text = to_markdown(Verdict(ok=False, summary="Not blessed: auc.", checks=checks, policy={"first_run": "block"}))
    assert text.startswith("## Model gate: not blessed\n\nNot blessed: auc.\n")
    assert text.index("### Failed") < text.index("| **FAIL** | auc |  | 0.5 | 0.75 | auc is 2. |")
    assert text.index("auc is 3.") < text.index("<details><summary>1 passed</summary>") < text.index("auc is 1.")
    assert "first\\_run: block" in text


def test_names_from_the_data_cannot_end_a_cell_or_open_a_tag() -> None:
    name = "a|b<script>[x](y)\n# c"
    text = to_markdown(Verdict(ok=True, summary="Blessed.", checks=(check(slice=name),)))
    [row] = [line for line in text.splitlines() if "auc is 0" in line]
    assert "a\\|b&lt;script&gt;\\[x\\](y)\\\\u000a# c" in row


def test_a_long_table_is_cut_and_says_so() -> None:
    text = to_markdown(Verdict(ok=True, summary="Blessed.", checks=tuple(map(check, range(60)))))
    assert "10 more in `verdict.json`." in text


def test_for_a_reader_without_html() -> None:
    worse = check(2, ok=False, slice="a", details={"flips": ["row 1", "row 2"]})
    text = to_markdown(Verdict(ok=False, summary="No.", checks=(check(1), worse), policy={"a": "b"}), html=False)
    assert "<" not in text
    for line in ("### 1 passed", "| a | row 1; row 2 |", "Policy: a: b."):
        assert line in text.splitlines()


def test_a_gate_that_never_closes_does_not_bless_what_failed() -> None:
    failed = Verdict(ok=True, summary="Anomalies.", checks=(check(ok=False),), policy={"fail_on": "never"})
    assert to_markdown(failed).startswith("## Model gate: not blessed\n")
    warned = Verdict(ok=True, summary="Warnings.", checks=(check(ok=False, severity="warning"),))
    assert to_markdown(warned).startswith("## Model gate: blessed\n")
