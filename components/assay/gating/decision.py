"""Compare figures with thresholds: pure functions from numbers to the checks of a verdict, with TFMA's meaning.

- A value threshold is inclusive on both sides; a change threshold is compared with `candidate - baseline` (`absolute`)
  or with that divided by the baseline's size (`relative`), in the stated direction.
- A threshold without slices applies to every slice that was computed. A threshold with slices must match at least one.
- A missing metric, NaN, a change relative to a baseline of 0, and no data at all fail, and the check says which it is.

What TFMA leaves open is a policy here: no thresholds at all, and the first run, when there is no baseline.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from assay.gating.metric_values import (
    OVERALL,
    Figures,
    MetricKey,
    Place,
    SliceKey,
    SlicePair,
    metrics_at,
    number,
    slice_name,
    slice_order,
)
from assay.gating.policy import GatePolicy
from assay.gating.significance import weigh
from assay.gating.slicing import Across, Slicing
from assay.gating.thresholds import LimitCheck
from assay.gating.verdict import INSUFFICIENT, Check, Verdict, blocking, by_concern, concern

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from assay.gating.significance import ReplicateEvidence
    from assay.gating.thresholds import MetricBound

_MOST = 6  # slices in a sentence
_FEW = 30  # examples of a slice; EvidencePolicy.min_examples has the same default


def decide(
    limits: Sequence[MetricBound],
    figures: Figures,
    *,
    policy: GatePolicy | None = None,
    subjects: Mapping[str, str] | None = None,
    second_opinion: bool | None = None,
    evidence: ReplicateEvidence | None = None,
    waived: Callable[[Sequence[LimitCheck]], list[Check]] | None = None,
    absent: Sequence[Slicing] = (),
) -> Verdict:
    """Return the verdict on a candidate model.

    Args:
        limits: What [`limits_of`][assay.gating.thresholds.limits_of] read from the configuration.
        figures: The metrics of the candidate and, where there is one, of the baseline.
        policy: The rules for the first run and for a configuration without thresholds.
        subjects: The digests of what was judged, by role.
        second_opinion: TFMA's own decision on the same thresholds; a verdict that differs from it is never ok.
        evidence: The bounds of the metrics, if checks are to use them.
        waived: Gives the checks with some failures waived, as [`waive`][assay.gating.waivers.waive] does.
        absent: Slices that the configuration asks for and that no row is in; a limit on every slice fails there.
    """
    policy = policy or GatePolicy()
    points = _held(limits, figures, absent)
    # TFMA has no check of a slice that no row is in, so what it says of all checks is of the others.
    held = [one.check for one in points if one.key is not None or one.limit.slicing or one.limit.across]
    weighed = [one.check for one in points] if evidence is None else weigh(points, figures, evidence)
    decided = [replace(one, check=check) for one, check in zip(points, weighed, strict=True)]
    checks = [*(weighed if waived is None else waived(decided)), *policy_checks(limits, figures, policy)]
    if second_opinion is not None and limits:
        checks += agreement(held, second_opinion)
    if policy.first_run == "bless" and is_first_run(limits, figures):
        checks = [to_warning(check) for check in checks]
    ok = not blocking(checks)
    return Verdict(
        ok=ok,
        summary=summary(checks, ok=ok, first_run=is_first_run(limits, figures), policy=policy),
        checks=tuple(checks),
        policy=policy.as_dict() | (evidence.policy.as_dict() if evidence is not None else {}),
        subjects=dict(subjects or {}),
    )


def _held(limits: Sequence[MetricBound], figures: Figures, absent: Sequence[Slicing]) -> list[LimitCheck]:
    """Return a check for each threshold in each of its slices, by slice (whole data first) within each threshold."""
    # By what a check is, not by what it is called: a name is for people.
    held: dict[tuple[MetricKey, Place | Slicing | Across | None, str], LimitCheck] = {}
    slices = sorted(figures.candidate, key=slice_order)
    for limit in limits:
        places = _places(limit, slices)
        for place in places:
            check = _check(limit, place, figures)
            # Two slicing specs of one threshold may match the same slice: it is held once.
            held.setdefault((limit.metric, place, limit.origin), LimitCheck(limit, place, check))
        wanted = limit.across or limit.slicing
        missing: Sequence[Slicing | Across | None] = absent if wanted is None else ()
        for slicing in missing or ([] if places else [wanted]):
            check = _no_slice(limit, slices, slicing)
            held.setdefault((limit.metric, slicing, limit.origin), LimitCheck(limit, None, check))
    return list(held.values())


def _places(limit: MetricBound, slices: Iterable[SliceKey]) -> list[Place]:
    slices = list(slices)
    if limit.across is None:
        return [key for key in slices if limit.slicing is None or limit.slicing.matches(key)]
    firsts = [key for key in slices if limit.across.first.matches(key)]
    pairs = [SlicePair(first, second) for first in firsts for second in slices]
    return [pair for pair in pairs if limit.across.matches(pair)]


def _check(limit: MetricBound, key: Place, figures: Figures) -> Check:
    candidate = metrics_at(figures.candidate, key)
    slices = (key.first, key.second) if isinstance(key, SlicePair) else (key,)
    if any(limit.metric in figures.not_numbers.get(one, ()) for one in slices):
        return _result(limit, key, ok=False, sentence=not_a_number_sentence(limit, key))
    observed = candidate.get(limit.metric)
    if limit.needs_baseline and figures.baseline is None:
        sentence = no_baseline_sentence(limit, key, observed)
        return _result(limit, key, ok=True, applied=False, observed=observed, sentence=sentence)
    if observed is None:
        sentence = missing_sentence(limit, key, whose="", known=_known(candidate))
        return _result(limit, key, ok=False, sentence=sentence)
    if math.isnan(observed):
        examples = None if isinstance(key, SlicePair) else figures.examples.get(key)
        why = _why(figures.why, limit, slices)
        sentence = nan_sentence(limit, key, "", examples, why=why)
        return _result(limit, key, ok=False, observed=observed, sentence=sentence)
    if not limit.is_change or figures.baseline is None:
        ok = observed >= limit.value if limit.bound == "lower" else observed <= limit.value
        return _result(limit, key, ok=ok, observed=observed, sentence=value_sentence(limit, key, observed))
    why = _why(figures.baseline_why, limit, slices)
    return _check_change(limit, key, observed, metrics_at(figures.baseline, key), why)


def _why(reasons: Mapping[SliceKey, Mapping[MetricKey, str]], limit: MetricBound, slices: Iterable[SliceKey]) -> str:
    return next((reasons[key][limit.metric] for key in slices if limit.metric in reasons.get(key, {})), "")


def _check_change(
    limit: MetricBound, key: Place, observed: float, of_baseline: Mapping[MetricKey, float], why: str
) -> Check:
    baseline = of_baseline.get(limit.metric)
    if baseline is None:
        sentence = missing_sentence(limit, key, whose=" for the baseline", known="")
        return _result(limit, key, ok=False, observed=observed, sentence=sentence)
    if math.isnan(baseline):
        ok, sentence = False, nan_sentence(limit, key, " for the baseline", why=why)
    elif limit.bound == "relative" and baseline == 0:
        ok, sentence = False, zero_baseline_sentence(limit, key, observed)
    else:
        change = observed - baseline
        # Over a negative baseline, TFMA's ratio would take a fall for a rise.
        size = change / abs(baseline) if limit.bound == "relative" else change
        ok = size >= limit.value if limit.higher_is_better else size <= limit.value
        sentence = change_sentence(limit, key, observed, baseline)
    return _result(limit, key, ok=ok, observed=observed, baseline=baseline, sentence=sentence)


def _result(
    limit: MetricBound,
    key: Place,
    *,
    ok: bool,
    sentence: str,
    applied: bool = True,
    observed: float | None = None,
    baseline: float | None = None,
) -> Check:
    return Check(
        id=f"{limit.metric.label}@{slice_name(key)}:{limit.origin}",
        kind="change_threshold" if limit.is_change else "value_threshold",
        ok=ok,
        subject=limit.metric.label,
        slice=slice_name(key),
        observed=observed,
        baseline=baseline,
        limit=limit.value,
        limit_origin=limit.origin,
        sentence=sentence,
        applied=applied,
        details={"bound": limit.bound} | ({"higher_is_better": limit.higher_is_better} if limit.is_change else {}),
    )


def _no_slice(limit: MetricBound, computed: Sequence[SliceKey], slices: Slicing | Across | None) -> Check:
    name = slices.name if slices else "any slice"
    wanted = slices.features if isinstance(slices, Slicing) else None
    alike = [slice_name(key) for key in computed if {feature for feature, _ in key} == wanted]
    what = "pair of slices was" if limit.across else "slice was"
    return Check(
        id=f"{limit.metric.label}@{name}:{limit.origin}",
        kind="missing_slice",
        ok=False,
        subject=limit.metric.label,
        slice=name,
        limit=limit.value,
        limit_origin=limit.origin,
        sentence=(
            f"{limit.metric.label} on {name} has a threshold, but no such {what} computed. "
            f"Either slicing_specs does not create it, or the data contains none of it. {_computed(alike)}"
        ).rstrip(),
    )


def _computed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    return f"Computed: {', '.join(names[:_MOST])}{more}." if names else ""


def _known(metrics: Mapping[MetricKey, float]) -> str:
    names = sorted({key.label for key in metrics})
    return f"Computed: {', '.join(names)}." if names else ""


def policy_checks(limits: Sequence[MetricBound], figures: Figures, policy: GatePolicy) -> Iterator[Check]:
    """Return a check if there is no data, no threshold or no baseline."""
    # Metrics that compare two models have no figures without a baseline, of however many rows.
    waits = figures.baseline is None and any(limit.of_both for limit in limits) and any(figures.examples.values())
    if not any(figures.candidate.values()) and not waits:
        yield _about("no_data", ok=False, sentence="No metric was computed on any slice: there was nothing to judge.")
    if not limits:
        blessed = policy.no_thresholds == "bless"
        yield _about(
            "no_thresholds",
            ok=blessed,
            sentence="The configuration sets no threshold, so nothing was checked; "
            + ("it is blessed because no_thresholds is 'bless'." if blessed else "such a model is not blessed."),
        )
    if is_first_run(limits, figures):
        yield _first_run(limits, policy)


def _first_run(limits: Sequence[MetricBound], policy: GatePolicy) -> Check:
    sentence = "There is no baseline to compare with"
    if policy.first_run == "block":
        sentence += ", and first_run is 'block'."
    elif policy.first_run == "bless":
        sentence += "; first_run is 'bless', so no threshold blocks."
    elif not all(limit.needs_baseline for limit in limits):
        sentence += "; the value thresholds alone decide."
    else:
        sentence += (
            ", and the configuration has only thresholds that need one, so nothing was checked. "
            "It is blessed so that the next one has a baseline."
        )
    return _about("first_run", ok=policy.first_run != "block", sentence=sentence)


def _about(kind: str, *, ok: bool, sentence: str) -> Check:
    """Return a check on the evaluation as a whole; even if passed it is a warning, as nothing was measured."""
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
    """Return a check that TFMA's own validation agrees; none if TFMA had nothing to check."""
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
    """Return the check as `first_run: bless` has it: a threshold that fails does not block, missing data does."""
    return check if check.ok or check.kind in {"no_data", "second_opinion"} else replace(check, severity="warning")


def is_first_run(limits: Sequence[MetricBound], figures: Figures) -> bool:
    """Return whether there are change thresholds, but no baseline for them."""
    return figures.baseline is None and any(limit.needs_baseline for limit in limits)


def summary(checks: Sequence[Check], *, ok: bool, first_run: bool, policy: GatePolicy) -> str:
    """Return the decision in a sentence."""
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
        (counts["loss"], "beyond the threshold"),
        (counts["missing"], "without a figure"),
        (lacking, "with insufficient evidence"),
    ]
    told = ", ".join(f"{count:,} {what}" for count, what in parts if count)
    return f" ({_checks(len(stopping))} failed: {told}.){cure}"


def _checks(count: int) -> str:
    return "1 check" if count == 1 else f"{count} checks"


def value_sentence(limit: MetricBound, key: Place, observed: float) -> str:
    """Describe a value and its threshold in a sentence."""
    seen, bound = _apart(observed, limit.value)
    side = "at least" if limit.bound == "lower" else "at most"
    return f"{_subject(limit, key)} is {seen}; the threshold is {side} {bound}."


def change_sentence(limit: MetricBound, key: Place, observed: float, baseline: float) -> str:
    """Describe how far a value is from the baseline's, and how far it may be."""
    change = observed - baseline
    shown, base = _apart(observed, baseline)
    size = change if limit.bound == "absolute" else change / abs(baseline)
    if math.isnan(change):
        distance = f"and the baseline's is {base}: the change has no value"
    elif change == 0:
        distance = f"equal to the baseline's {base}"
    else:
        distance = f"{_amounts(limit, size)[0]} {'below' if change < 0 else 'above'} the baseline's {base}"
    return f"{_subject(limit, key)} is {shown}, {distance}; the threshold is {allowed_change(limit, size)}."


def allowed_change(limit: MetricBound, size: float = math.nan) -> str:
    """Return what a change threshold allows, as in `a drop of at most 0.005 (absolute)`.

    Args:
        limit: The limit.
        size: The observed change: the threshold gets enough digits to differ from it.
    """
    toward, away = ("rise", "drop") if limit.higher_is_better else ("drop", "rise")
    wanted = limit.value if limit.higher_is_better else -limit.value
    amount = _amounts(limit, size)[1]
    if limit.value == 0:
        return f"no {away} at all ({limit.bound})"
    kind = f"{away} of at most" if wanted < 0 else f"{toward} of at least"
    return f"a {kind} {amount} ({limit.bound})"


def zero_baseline_sentence(limit: MetricBound, key: Place, observed: float) -> str:
    """Says that a relative change from zero has no value."""
    return (
        f"{_subject(limit, key)} is {number(observed)} and the baseline's is 0: a change relative to 0 has no value. "
        f"Set an absolute threshold for this metric."
    )


def missing_sentence(limit: MetricBound, key: Place, *, whose: str, known: str) -> str:
    """Says that the metric of a limit was not computed."""
    return f"{_subject(limit, key)} was not computed{whose}, so its threshold cannot be met. {known}".rstrip()


def not_a_number_sentence(limit: MetricBound, key: Place) -> str:
    """Says that the metric has no single number."""
    return f"{_subject(limit, key)} is not a single number, so it cannot be compared with {number(limit.value)}."


def nan_sentence(limit: MetricBound, key: Place, whose: str, examples: int | None = None, *, why: str = "") -> str:
    """Return that a figure is NaN, of how many examples, and why; for few, how a slice is left out."""
    of = "" if examples is None else f" over {examples:,} example{'s' if examples != 1 else ''}"
    small = examples is not None and examples < _FEW and key != OVERALL
    hint = " Set options.min_slice_size to leave out slices that are too small." if small else ""
    why = why or "a number is missing, or the metric has none for these rows"
    return f"{_subject(limit, key)} is NaN{whose}{of}: {why}, so its threshold cannot be met.{hint}"


def no_baseline_sentence(limit: MetricBound, key: Place, observed: float | None) -> str:
    """Says that a change limit had nothing to compare with."""
    seen = f" is {number(observed)};" if observed is not None else ":"
    return f"{_subject(limit, key)}{seen} not applicable: no baseline (the threshold is {_allowed(limit)})."


def _allowed(limit: MetricBound) -> str:
    if limit.is_change:
        return allowed_change(limit)
    return f"{'at least' if limit.bound == 'lower' else 'at most'} {number(limit.value)}"


def _subject(limit: MetricBound, key: Place) -> str:
    if isinstance(key, SlicePair):
        return f"{limit.metric.label} on {slice_name(key.first)} less that on {slice_name(key.second)}"
    return f"{limit.metric.label} on {slice_name(key)}"


def _amounts(limit: MetricBound, size: float) -> tuple[str, str]:
    """Return the sizes of a change and of its limit, relative ones in percent."""
    if limit.bound == "absolute":
        return _apart(abs(size), abs(limit.value), fewest=3)
    change, bound = _apart(abs(size) * 100, abs(limit.value) * 100, fewest=3)
    return f"{change} %", f"{bound} %"


def _apart(one: float, other: float, *, fewest: int = 4) -> tuple[str, str]:
    """Return two numbers with enough digits to differ, so that a sentence never says `0.5 is below 0.5`."""
    for digits in range(fewest, 18):
        shown = f"{one:.{digits}g}", f"{other:.{digits}g}"
        if shown[0] != shown[1] or one == other:
            return shown
    return repr(one), repr(other)
