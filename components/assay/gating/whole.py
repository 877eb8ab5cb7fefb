"""What a verdict says of the evaluation as a whole: no data, no thresholds, a first run; and its summary."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from assay.gating.verdict import INSUFFICIENT, Check, blocking, by_concern, concern

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.gating.figures import Figures
    from assay.gating.limits import Limit
    from assay.gating.policy import GatePolicy


def policy_checks(limits: Sequence[Limit], figures: Figures, policy: GatePolicy) -> Iterator[Check]:
    """Gives a check where there is no data, no threshold or no baseline."""
    # Metrics that compare two models have no figures without a baseline, of however many rows.
    waits = figures.baseline is None and any(limit.of_both for limit in limits) and any(figures.examples.values())
    if not any(figures.candidate.values()) and not waits:
        yield _about("no_data", ok=False, sentence="No metric was computed on any slice: there was nothing to judge.")
    if not limits:
        blessed = policy.no_thresholds == "bless"
        yield _about(
            "no_thresholds",
            ok=blessed,
            sentence="The configuration sets no threshold, so the model was held against nothing; "
            + ("it is blessed because no_thresholds is 'bless'." if blessed else "such a model is not blessed."),
        )
    if is_first_run(limits, figures):
        yield _first_run(limits, policy)


def _first_run(limits: Sequence[Limit], policy: GatePolicy) -> Check:
    sentence = "There is no baseline to compare with"
    if policy.first_run == "block":
        sentence += ", and first_run is 'block'."
    elif policy.first_run == "bless":
        sentence += "; first_run is 'bless', so no threshold blocks."
    elif not all(limit.needs_baseline for limit in limits):
        sentence += "; the value thresholds alone decide."
    else:
        sentence += (
            ", and the configuration has only thresholds that need one: the model was held against nothing. "
            "It is blessed so that the next one has a baseline."
        )
    return _about("first_run", ok=policy.first_run != "block", sentence=sentence)


def _about(kind: str, *, ok: bool, sentence: str) -> Check:
    """Gives a check on the evaluation as a whole. Passed, it is still a warning: it blessed without a measure."""
    return Check(
        id=kind,
        kind=kind,
        ok=ok,
        severity="warning" if ok else "error",
        subject="evaluation",
        sentence=sentence,
        applied=not ok,
    )


def agreement(held: Sequence[Check], second_opinion: bool) -> list[Check]:  # noqa: FBT001 - what is asked about
    """Gives a check that TFMA's own validation says the same; none where TFMA had nothing to hold."""
    applied = [check for check in held if check.applied]
    if not applied:
        return []  # without a baseline TFMA drops the change thresholds, and has none to decide by
    ours = all(check.ok for check in applied)
    if ours == second_opinion:
        sentence = f"TFMA's own validation agrees: {'passed' if ours else 'failed'}."
    else:
        sentence = (
            f"TFMA's own validation says {'passed' if second_opinion else 'failed'}, these checks say "
            f"{'passed' if ours else 'failed'}: the model is not blessed until the two agree."
        )
    return [
        Check(
            id="tfma_agreement",
            kind="second_opinion",
            ok=ours == second_opinion,
            subject="evaluation",
            sentence=sentence,
        )
    ]


def to_warning(check: Check) -> Check:
    """Gives the check as `first_run: bless` has it: a threshold that fails does not block, missing data does."""
    return check if check.ok or check.kind in {"no_data", "second_opinion"} else replace(check, severity="warning")


def is_first_run(limits: Sequence[Limit], figures: Figures) -> bool:
    """Tells whether there are change limits, and no baseline for them."""
    return figures.baseline is None and any(limit.needs_baseline for limit in limits)


def summary(checks: Sequence[Check], *, ok: bool, first_run: bool, policy: GatePolicy) -> str:
    """Gives the decision in a sentence."""
    applied = [check for check in checks if check.applied]
    stopping = blocking(checks)
    if not ok:
        return f"Not blessed: {by_concern(stopping)[0].sentence}{_others(stopping)}"
    failed = sum(not check.ok and check.kind != "waiver" for check in checks)
    waived = sum(not check.ok and "waiver" in check.details for check in checks)
    if waived:
        return f"Blessed: {_checks(len(applied) - failed)} passed, {waived} failed and waived."
    if failed:
        return f"Blessed by first_run '{policy.first_run}', although {failed} of {_checks(len(applied))} failed."
    unmeasured = [check.sentence for check in checks if check.kind in {"first_run", "no_thresholds"}]
    if unmeasured:
        held = f"{_checks(len(applied))} passed. " if first_run and applied else ""
        return f"Blessed: {held}{' '.join(unmeasured)}"
    lacking = sum(check.ok and check.details.get("evidence") == INSUFFICIENT for check in checks)
    let_pass = f" {_checks(lacking)} had too little evidence, and insufficient is 'pass'." if lacking else ""
    return f"Blessed: {_checks(len(applied))} passed, none failed.{let_pass}"


def _others(stopping: Sequence[Check]) -> str:
    """Return how many checks block beside the first, by what is wrong with them, and the cure for small slices."""
    counts = Counter(concern(check) for check in stopping)
    lacking = counts["insufficient evidence"]
    cure = ""
    if lacking:
        # Small slices block a better model, too; the policy decides whether they may.
        cure = (
            " For slices that are too small, set insufficient to 'pass', lower min_examples, or leave them out by "
            "options.min_slice_size."
        )
    if len(stopping) == 1:
        return cure
    if len(counts) == 1 and not lacking:
        return f" (and {len(stopping) - 1:,} more)"
    parts = [
        (counts["loss"], "beyond the limit"),
        (counts["missing"], "without a figure"),
        (lacking, "with insufficient evidence"),
    ]
    told = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    return f" ({_checks(len(stopping))} failed: {told}.){cure}"


def _checks(count: int) -> str:
    return "1 check" if count == 1 else f"{count} checks"
