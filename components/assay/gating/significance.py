"""Hold checks against what the data can show: a change within chance, a bound instead of a point, too few examples.

Two questions are asked in opposite directions, and each errs to its own side:

- `regression`: does the figure really break its limit? A check fails only where a one-sided test at `alpha` shows that
  it does. A sound model is then blocked with a chance of at most `alpha`, over all checks by `correction`.
- `not_worse`: is it shown to keep its limit? A check passes only where a test shows that it does, as with a margin of
  non-inferiority. A model beyond the limit in any slice is then blessed with a chance of at most `alpha`; all slices
  must pass, which needs no correction (Berger 1982: an intersection-union test).

The tests are DeLong's form for areas, Hall's for means of losses, Wilson's for rates and Tango's for their changes;
bootstrap replicates for the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeAlias, TypeVar

import numpy as np

from assay.gating.metric_values import SlicePair, number
from assay.gating.verdict import INSUFFICIENT
from assay.kernels.uncertainty.intervals import (
    Estimate,
    Interval,
    bootstrap_p_value_above,
    percentile_interval,
    standard_error,
    upper_tail,
    wilson_interval,
)
from assay.kernels.uncertainty.multiplicity import benjamini_hochberg, holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.gating.metric_values import Figures, MetricKey, Place, SliceKey
    from assay.gating.policy import EvidencePolicy, Significant
    from assay.gating.thresholds import LimitCheck, MetricBound
    from assay.gating.verdict import Check
    from assay.kernels.metrics.rows import Floats
    from assay.kernels.uncertainty.intervals import PairedShares
    from assay.kernels.uncertainty.row_means import ClosedForm

Changes: TypeAlias = "Mapping[SliceKey, Mapping[MetricKey, Floats]]"
_FEW = 0.02  # the share of replicates below which they are too few to count
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplicateEvidence:
    """Replicates of the figures on other samples of the same rows, and the policy to judge them by.

    Attributes:
        policy: The significance that the gate requires.
        candidate: What each replicate adds to each of the candidate's metrics.
        baseline: The same of the baseline's, replicate by replicate on the same samples.
        trials: For the candidate's rates over rows of equal weight: of how many rows each is a share.
        closed: Areas under ROC curves, and means of losses, in closed form.
        shares: For rates that are shares of the same rows for both models: on which of them the models differ; None
            where that is not known.
    """

    policy: EvidencePolicy
    candidate: Changes
    baseline: Changes = field(default_factory=dict)
    trials: Mapping[SliceKey, Mapping[MetricKey, float]] = field(default_factory=dict)
    closed: Mapping[SliceKey, Mapping[MetricKey, ClosedForm]] = field(default_factory=dict)
    shares: Mapping[SliceKey, Mapping[MetricKey, PairedShares | None]] = field(default_factory=dict)

    def rule(self, limit: MetricBound) -> Significant:
        """Return what must be significant about a threshold."""
        return limit.significant or self.policy.significant

    def rows(self, one: LimitCheck, figures: Figures) -> float | None:
        """Return the number of rows behind a value, if known: the smaller class's for an AUC."""
        if one.key is None:
            return None
        slices = (one.key.first, one.key.second) if isinstance(one.key, SlicePair) else (one.key,)
        metric = one.limit.metric
        known: list[float] = []
        for key in slices:
            known += [figures.examples[key]] if key in figures.examples else []
            known += [self.trials[key][metric]] if metric in self.trials.get(key, {}) else []
            known += [self.closed[key][metric].rows] if metric in self.closed.get(key, {}) else []
        return min(known, default=None)


class Measured(Protocol):
    """A figure whose uncertainty is known."""

    def interval(self, confidence: float) -> Interval:
        """Two-sided bounds; NaN where there are none."""
        ...

    def p_value_above(self, limit: float) -> float:
        """Return the p-value of "the true value is at most `limit`": a small one shows that it is above."""
        ...

    def p_value_below(self, limit: float) -> float:
        """Return the p-value of "the true value is at least `limit`": a small one shows that it is below."""
        ...


@dataclass(frozen=True, slots=True)
class Resampled:
    """A figure and what each bootstrap replicate adds to it.

    What does not vary over samples, such as the change between identical models, is taken as it is seen.
    """

    value: float
    changes: Floats

    def interval(self, confidence: float) -> Interval:
        """Return the percentile interval."""
        return percentile_interval(self.value, self.changes, confidence)

    def p_value_above(self, limit: float) -> float:
        """Return the share of replicates at or below the limit; where few are, the normal tail with their spread.

        1,000 replicates show nothing below 0.001, and little of 0.002: a correction for 50 slices would let no
        regression be real, or leave it to which replicates were drawn. (In 1,000 samples of 130 and 520 rows the normal
        tail erred at 1 % and 0.1 % as often as it should.)
        """
        found = bootstrap_p_value_above(self.value, self.changes, limit)
        if not found <= _FEW:
            return found
        tail = Estimate(self.value, standard_error(self.changes)).p_value_above(limit)
        return found if math.isnan(tail) else tail

    def p_value_below(self, limit: float) -> float:
        """Return the share of replicates at or above the limit, like `_at_most`."""
        return Resampled(-self.value, -self.changes).p_value_above(-limit)


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of independent rows; Wilson's interval, and the score test that it inverts.

    A bootstrap cannot judge these near 0 and 1: 30 right answers of 30 do not vary however they are drawn.
    """

    value: float
    trials: float

    def interval(self, confidence: float) -> Interval:
        """Wilson's interval."""
        return wilson_interval(self.value * self.trials, self.trials, confidence)

    def p_value_above(self, limit: float) -> float:
        """Return the score test."""
        if not 0 < limit < 1:
            return 1.0 if limit >= 1 else 0.0 if self.value > limit else 1.0
        return upper_tail((self.value - limit) / math.sqrt(limit * (1 - limit) / self.trials))

    def p_value_below(self, limit: float) -> float:
        """Return the score test."""
        return Proportion(1 - self.value, self.trials).p_value_above(1 - limit)


def measure(one: LimitCheck, evidence: ReplicateEvidence) -> Measured | None:
    """Return the checked value, or its change, with its uncertainty; None where that is not known.

    A value at its extreme has no spread over the rows at hand, which says nothing of other rows; a change that does not
    vary, as between identical models, is as it is seen.
    """
    key, metric, check = one.key, one.limit.metric, one.check
    if key is None or check.observed is None:
        return None
    baseline = check.baseline if one.limit.is_change else None
    if one.limit.is_change and baseline is None:
        return None
    closed = _of(evidence.closed, key, metric)
    if closed is not None:
        return _of_closed(closed, one)
    trials = _of(evidence.trials, key, metric)
    if trials and baseline is None:
        return Proportion(check.observed, trials)
    shares = _of(evidence.shares, key, metric)
    if shares is not None and one.limit.bound == "absolute":
        return shares
    ours = _replicates(evidence.candidate, key, metric)
    if baseline is None:
        return Resampled(check.observed, ours) if ours is not None and np.nan_to_num(ours).any() else None
    theirs = _replicates(evidence.baseline, key, metric)
    if ours is None or theirs is None:
        return None
    return _of_replicates(check.observed, baseline, ours, theirs, relative=one.limit.bound == "relative")


def _of_closed(closed: ClosedForm, one: LimitCheck) -> Measured | None:
    if one.limit.bound == "relative":
        return closed.relative_difference()
    found = closed.difference() if one.limit.is_change else closed.estimate()
    return None if not one.limit.is_change and found.standard_error == 0 else found


def _of_replicates(observed: float, baseline: float, ours: Floats, theirs: Floats, *, relative: bool) -> Resampled:
    value, changes = observed - baseline, ours - theirs
    if not relative:
        return Resampled(value, changes)
    if not changes.any() and value == 0:
        return Resampled(0.0, np.zeros_like(changes))
    with np.errstate(divide="ignore", invalid="ignore"):
        replicates = (value + changes) / np.abs(baseline + theirs)
    return Resampled(value / abs(baseline), replicates - value / abs(baseline))


def _of(by_slice: Mapping[SliceKey, Mapping[MetricKey, T]], key: Place, metric: MetricKey) -> T | None:
    return None if isinstance(key, SlicePair) else by_slice.get(key, {}).get(metric)


def _replicates(changes: Changes, key: Place, metric: MetricKey) -> Floats | None:
    if not isinstance(key, SlicePair):
        return changes.get(key, {}).get(metric)
    first, second = (changes.get(part, {}).get(metric) for part in (key.first, key.second))
    return None if first is None or second is None else first - second


@dataclass(frozen=True, slots=True)
class Corrected:
    """A p-value that was corrected for several checks.

    Attributes:
        p_value: Of "the threshold is met".
        checks: How many were corrected for.
    """

    p_value: float
    checks: int


def weigh(held: Sequence[LimitCheck], figures: Figures, evidence: ReplicateEvidence) -> list[Check]:
    """Return the checks as the evidence decides them; those without a value stay as they are."""
    decidable = {place for place, one in enumerate(held) if _is_numeric(one)}
    measured = {place: _measured(held[place], figures, evidence) for place in decidable}
    worse = _p_values_of_breaking(held, measured, evidence)
    weighed: list[Check] = []
    for place, one in enumerate(held):
        found, rule = measured.get(place), evidence.rule(one.limit)
        if place not in decidable:
            weighed.append(one.check)
        elif found is None:
            weighed.append(one.check if rule == "off" else _insufficient(one, figures, evidence))
        else:
            worst = Corrected(worse.get(place, math.nan), len(worse))
            weighed.append(_decided(one, found, worst, rule, evidence.policy))
    lacking = [place for place in decidable if weighed[place].details.get("evidence") == INSUFFICIENT]
    if lacking and len(lacking) == len(decidable):
        for place in lacking:
            weighed[place] = replace(weighed[place], ok=False, severity="error")
    return weighed


def _is_numeric(one: LimitCheck) -> bool:
    check = one.check
    numbers = [check.observed, *([check.baseline] if one.limit.is_change else [])]
    if not check.applied or one.key is None or any(value is None or math.isnan(value) for value in numbers):
        return False
    return one.limit.bound != "relative" or check.baseline != 0


def _measured(one: LimitCheck, figures: Figures, evidence: ReplicateEvidence) -> Measured | None:
    rows = evidence.rows(one, figures)
    if evidence.rule(one.limit) != "off" and rows is not None and rows < evidence.policy.min_examples:
        return None
    found = measure(one, evidence)
    return None if found is None or math.isnan(found.interval(1 - 2 * evidence.policy.alpha).lower) else found


def _p_values_of_breaking(
    held: Sequence[LimitCheck], measured: Mapping[int, Measured | None], evidence: ReplicateEvidence
) -> dict[int, float]:
    """Return the p-value of "the threshold is met" for each check under `regression`, corrected over all of them."""
    places, raw = [], []
    for place, found in sorted(measured.items()):
        limit = held[place].limit
        if found is not None and evidence.rule(limit) == "regression":
            places.append(place)
            raw.append(found.p_value_below(limit.value) if limit.at_least else found.p_value_above(limit.value))
    correct = {"holm": holm, "benjamini_hochberg": benjamini_hochberg}.get(evidence.policy.correction)
    adjusted = raw if correct is None else [float(value) for value in correct(raw)]
    return dict(zip(places, adjusted, strict=True))


def _decided(one: LimitCheck, found: Measured, worse: Corrected, rule: Significant, policy: EvidencePolicy) -> Check:
    check, limit = one.check, one.limit
    interval = found.interval(1 - 2 * policy.alpha)
    # Figures may come as NumPy's floats, which JSON has no word for.
    details = check.details | {"lower": float(interval.lower), "upper": float(interval.upper)}
    what = f"{limit.bound} change" if limit.is_change else "value"
    bounds = f"{(1 - 2 * policy.alpha) * 100:g} % bounds of the {what}: {number(interval.lower)} to "
    bounds += number(interval.upper)
    if rule == "off":
        return replace(check, details=details)
    if rule == "regression":
        ok = not worse.p_value <= policy.alpha
        details |= {"p_value": float(worse.p_value), "evidence": "point" if ok == check.ok else "within chance"}
        among = f" among {worse.checks} checks" if worse.checks > 1 and policy.correction != "none" else ""
        said = "" if ok == check.ok else f" This is within what chance does{among}, so it does not block."
        return replace(check, ok=ok, details=details, sentence=f"{check.sentence} ({bounds}.){said}")
    p_kept = found.p_value_above(limit.value) if limit.at_least else found.p_value_below(limit.value)
    if check.ok and interval.lower == interval.upper:
        p_kept = 0.0  # what does not vary, such as the change between identical models, is as it is seen
    ok = check.ok and p_kept <= policy.alpha
    details |= {"p_value": float(p_kept), "evidence": "shown" if ok else "not shown"}
    said = " It does not meet the threshold significantly: it may be chance." if check.ok and not ok else ""
    return replace(check, ok=ok, details=details, sentence=f"{check.sentence} ({bounds}.){said}")


def _insufficient(one: LimitCheck, figures: Figures, evidence: ReplicateEvidence) -> Check:
    policy, rows = evidence.policy, evidence.rows(one, figures)
    examples = _examples(one.key, figures)
    if rows is not None and rows < policy.min_examples:
        of = "" if rows == examples else f" that {one.limit.metric.label} is made of"
        why = f"{number(rows)} example{'' if rows == 1 else 's'}{of}, and min_examples is {policy.min_examples}"
    else:
        why = "there are no bounds for this metric here"
    passes = policy.insufficient == "pass"
    return replace(
        one.check,
        ok=passes,
        applied=False,
        severity="warning" if passes else "error",
        details=one.check.details | {"evidence": INSUFFICIENT},
        sentence=f"Insufficient evidence ({why}); insufficient is '{policy.insufficient}'. {one.check.sentence}",
    )


def _examples(key: Place | None, figures: Figures) -> int | None:
    return None if key is None or isinstance(key, SlicePair) else figures.examples.get(key)
