"""Holds checks against what the data can show: a change within chance, a bound instead of a point, too few examples.

Two questions are asked in opposite directions, and each errs to its own side:

- `regression`: does the figure really break its limit? A check fails only where a one-sided test at `level` shows that
  it does. A sound model is then blocked with a chance of at most `level`, over all slices of a limit by `correction`.
- `not_worse`: is it shown to keep its limit? A check passes only where a test shows that it does, as with a margin of
  non-inferiority. A model beyond the limit in any slice is then blessed with a chance of at most `level`; all slices
  must pass, which needs no correction (Berger 1982: an intersection-union test).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from assay.gate.measured import Measured, Proportion, Resampled
from assay.gate.sentences import number
from assay.kernels.uncertainty.multiplicity import benjamini_hochberg, holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.gate.figures import Figures, MetricKey, SliceKey
    from assay.gate.held import Held
    from assay.gate.limits import Limit
    from assay.gate.verdict import Check
    from assay.kernels.metrics.rows import Floats

Significant: TypeAlias = Literal["off", "regression", "not_worse"]
Correction: TypeAlias = Literal["none", "holm", "benjamini_hochberg"]
Insufficient: TypeAlias = Literal["block", "pass"]
Changes: TypeAlias = "Mapping[SliceKey, Mapping[MetricKey, Floats]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidencePolicy:
    """How sure the gate must be.

    Attributes:
        significant: `off` holds point estimates and only shows bounds; `regression` and `not_worse` as the module says.
        level: The one-sided chance of error; bounds are those of a two-sided interval at `1 - 2 * level`.
        correction: Of the p-values of one limit over its slices (`regression` only).
        min_examples: A slice of fewer examples has insufficient evidence. With few, a bootstrap is too sure: 10 right
            answers of 10 do not vary however they are drawn.
        insufficient: What a check with insufficient evidence does. Where every check lacks it, all block.
    """

    significant: Significant = "off"
    level: float = 0.05
    correction: Correction = "holm"
    min_examples: int = 30
    insufficient: Insufficient = "block"

    def as_dict(self) -> dict[str, str]:
        """The policy by name, as the verdict lists it."""
        return {
            "significant": self.significant,
            "level": number(self.level),
            "correction": self.correction,
            "min_examples": str(self.min_examples),
            "insufficient": self.insufficient,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Replicates of the figures on other samples of the same rows, and the policy to judge them by.

    Attributes:
        policy: How sure the gate must be.
        candidate: What each replicate adds to each of the candidate's metrics.
        baseline: The same of the baseline's, replicate by replicate on the same samples.
        trials: For the candidate's rates over rows of equal weight: of how many rows each is a share.
    """

    policy: EvidencePolicy
    candidate: Changes
    baseline: Changes = field(default_factory=dict)
    trials: Mapping[SliceKey, Mapping[MetricKey, float]] = field(default_factory=dict)

    def weigh(self, held: Sequence[Held], figures: Figures) -> list[Check]:
        """Gives the checks as the evidence decides them; those that lack a figure stay as they are."""
        return _weigh(held, figures, self)


def _weigh(held: Sequence[Held], figures: Figures, evidence: Evidence) -> list[Check]:
    policy = evidence.policy
    decidable = {place for place, one in enumerate(held) if _is_numeric(one)}
    measured = {place: _measured(held[place], figures, evidence) for place in decidable}
    worse = _p_values_of_breaking(held, measured, policy)
    weighed: list[Check] = []
    for place, one in enumerate(held):
        found = measured.get(place)
        if place not in decidable:
            weighed.append(one.check)
        elif found is None:
            weighed.append(one.check if policy.significant == "off" else _insufficient(one, figures, policy))
        else:
            weighed.append(_decided(one, found, worse[place], policy))
    lacking = [place for place in decidable if weighed[place].details.get("evidence") == "insufficient"]
    if lacking and len(lacking) == len(decidable):
        for place in lacking:
            weighed[place] = replace(weighed[place], ok=False, severity="error")
    return weighed


def _is_numeric(one: Held) -> bool:
    check = one.check
    numbers = [check.observed, *([check.baseline] if one.limit.is_change else [])]
    if not check.applied or one.key is None or any(value is None or math.isnan(value) for value in numbers):
        return False
    return one.limit.bound != "relative" or check.baseline != 0


def _measured(one: Held, figures: Figures, evidence: Evidence) -> Measured | None:
    key, metric, check = one.key, one.limit.metric, one.check
    if key is None or check.observed is None:
        return None
    count = figures.examples.get(key)
    if evidence.policy.significant != "off" and count is not None and count < evidence.policy.min_examples:
        return None
    trials = evidence.trials.get(key, {}).get(metric)
    if trials and not one.limit.is_change:
        return Proportion(check.observed, trials)
    ours = evidence.candidate.get(key, {}).get(metric)
    if ours is None:
        return None
    if not one.limit.is_change or check.baseline is None:
        if not ours.any():
            return None  # a figure at its extreme: that the rows at hand do not vary says nothing about others
        value, changes = check.observed, ours
    else:
        theirs = evidence.baseline.get(key, {}).get(metric)
        if theirs is None:
            return None
        value, changes = check.observed - check.baseline, ours - theirs
        if one.limit.bound == "relative":
            with np.errstate(divide="ignore", invalid="ignore"):
                replicates = (value + changes) / (check.baseline + theirs)
            value /= check.baseline
            changes = replicates - value
            if not (ours - theirs).any() and check.observed == check.baseline:
                changes = np.zeros_like(changes)
    measured = Resampled(value, changes)
    return None if math.isnan(measured.interval(1 - 2 * evidence.policy.level).lower) else measured


def _p_values_of_breaking(
    held: Sequence[Held], measured: Mapping[int, Measured | None], policy: EvidencePolicy
) -> dict[int, float]:
    """Gives the p-value of "the limit is kept" for each check, corrected over the slices of its limit."""
    families: dict[Limit, list[int]] = {}
    for place, found in measured.items():
        if found is not None:
            families.setdefault(held[place].limit, []).append(place)
    result: dict[int, float] = {}
    for limit, places in families.items():
        raw = [
            found.p_value_below(limit.value) if _at_least(limit) else found.p_value_above(limit.value)
            for found in (measured[place] for place in places)
            if found is not None
        ]
        correct = {"holm": holm, "benjamini_hochberg": benjamini_hochberg}.get(policy.correction)
        adjusted = raw if correct is None else [float(value) for value in correct(raw)]
        result.update(zip(places, adjusted, strict=True))
    return result


def _at_least(limit: Limit) -> bool:
    return limit.bound == "lower" or (limit.is_change and limit.higher_is_better)


def _decided(one: Held, found: Measured, p_worse: float, policy: EvidencePolicy) -> Check:
    check, limit = one.check, one.limit
    interval = found.interval(1 - 2 * policy.level)
    details = check.details | {"lower": interval.lower, "upper": interval.upper}
    what = f"{limit.bound} change" if limit.is_change else "value"
    bounds = f"{(1 - 2 * policy.level) * 100:g} % bounds of the {what}: {number(interval.lower)} to "
    bounds += number(interval.upper)
    if policy.significant == "off":
        return replace(check, details=details)
    if policy.significant == "regression":
        ok = not p_worse <= policy.level
        details |= {"p_value": p_worse, "evidence": "point" if ok == check.ok else "within chance"}
        said = "" if ok == check.ok else " This is within what chance does, so it does not block."
        return replace(check, ok=ok, details=details, sentence=f"{check.sentence} ({bounds}.){said}")
    p_kept = found.p_value_above(limit.value) if _at_least(limit) else found.p_value_below(limit.value)
    if check.ok and interval.lower == interval.upper:
        p_kept = 0.0  # what does not vary, such as the change between identical models, is as it is seen
    ok = check.ok and p_kept <= policy.level
    details |= {"p_value": p_kept, "evidence": "shown" if ok else "not shown"}
    said = " That it keeps the limit is not shown: it may be chance." if check.ok and not ok else ""
    return replace(check, ok=ok, details=details, sentence=f"{check.sentence} ({bounds}.){said}")


def _insufficient(one: Held, figures: Figures, policy: EvidencePolicy) -> Check:
    count = figures.examples.get(one.key) if one.key is not None else None
    if count is not None and count < policy.min_examples:
        why = f"{count} examples, and min_examples is {policy.min_examples}"
    else:
        why = "there are no bounds for this metric here"
    passes = policy.insufficient == "pass"
    return replace(
        one.check,
        ok=passes,
        applied=False,
        severity="warning" if passes else "error",
        details=one.check.details | {"evidence": "insufficient"},
        sentence=f"Insufficient evidence ({why}); insufficient is '{policy.insufficient}'. {one.check.sentence}",
    )
