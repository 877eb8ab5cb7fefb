"""Holds checks against what the data can show: a change within chance, a bound instead of a point, too few examples.

Two questions are asked in opposite directions, and each errs to its own side:

- `regression`: does the figure really break its limit? A check fails only where a one-sided test at `level` shows that
  it does. A sound model is then blocked with a chance of at most `level`, over all checks by `correction`.
- `not_worse`: is it shown to keep its limit? A check passes only where a test shows that it does, as with a margin of
  non-inferiority. A model beyond the limit in any slice is then blessed with a chance of at most `level`; all slices
  must pass, which needs no correction (Berger 1982: an intersection-union test).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from assay.gating.figures import SlicePair, number
from assay.gating.measuring import measure
from assay.gating.verdict import INSUFFICIENT
from assay.kernels.uncertainty.multiplicity import benjamini_hochberg, holm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.gating.evidence import Evidence
    from assay.gating.figures import Figures, Place
    from assay.gating.held import Held
    from assay.gating.measured import Measured
    from assay.gating.policy import EvidencePolicy, Significant
    from assay.gating.verdict import Check


@dataclass(frozen=True, slots=True)
class Corrected:
    """A p-value that was corrected for several checks.

    Attributes:
        p_value: Of "the limit is kept".
        checks: How many were corrected for.
    """

    p_value: float
    checks: int


def weigh(held: Sequence[Held], figures: Figures, evidence: Evidence) -> list[Check]:
    """Gives the checks as the evidence decides them; those that lack a figure stay as they are."""
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


def _is_numeric(one: Held) -> bool:
    check = one.check
    numbers = [check.observed, *([check.baseline] if one.limit.is_change else [])]
    if not check.applied or one.key is None or any(value is None or math.isnan(value) for value in numbers):
        return False
    return one.limit.bound != "relative" or check.baseline != 0


def _measured(one: Held, figures: Figures, evidence: Evidence) -> Measured | None:
    rows = evidence.rows(one, figures)
    if evidence.rule(one.limit) != "off" and rows is not None and rows < evidence.policy.min_examples:
        return None
    found = measure(one, evidence)
    return None if found is None or math.isnan(found.interval(1 - 2 * evidence.policy.level).lower) else found


def _p_values_of_breaking(
    held: Sequence[Held], measured: Mapping[int, Measured | None], evidence: Evidence
) -> dict[int, float]:
    """Gives the p-value of "the limit is kept" for each check that `regression` holds, corrected over all of them."""
    places, raw = [], []
    for place, found in sorted(measured.items()):
        limit = held[place].limit
        if found is not None and evidence.rule(limit) == "regression":
            places.append(place)
            raw.append(found.p_value_below(limit.value) if limit.at_least else found.p_value_above(limit.value))
    correct = {"holm": holm, "benjamini_hochberg": benjamini_hochberg}.get(evidence.policy.correction)
    adjusted = raw if correct is None else [float(value) for value in correct(raw)]
    return dict(zip(places, adjusted, strict=True))


def _decided(one: Held, found: Measured, worse: Corrected, rule: Significant, policy: EvidencePolicy) -> Check:
    check, limit = one.check, one.limit
    interval = found.interval(1 - 2 * policy.level)
    # Figures may come as NumPy's floats, which JSON has no word for.
    details = check.details | {"lower": float(interval.lower), "upper": float(interval.upper)}
    what = f"{limit.bound} change" if limit.is_change else "value"
    bounds = f"{(1 - 2 * policy.level) * 100:g} % bounds of the {what}: {number(interval.lower)} to "
    bounds += number(interval.upper)
    if rule == "off":
        return replace(check, details=details)
    if rule == "regression":
        ok = not worse.p_value <= policy.level
        details |= {"p_value": float(worse.p_value), "evidence": "point" if ok == check.ok else "within chance"}
        among = f" among {worse.checks} checks" if worse.checks > 1 and policy.correction != "none" else ""
        said = "" if ok == check.ok else f" This is within what chance does{among}, so it does not block."
        return replace(check, ok=ok, details=details, sentence=f"{check.sentence} ({bounds}.){said}")
    p_kept = found.p_value_above(limit.value) if limit.at_least else found.p_value_below(limit.value)
    if check.ok and interval.lower == interval.upper:
        p_kept = 0.0  # what does not vary, such as the change between identical models, is as it is seen
    ok = check.ok and p_kept <= policy.level
    details |= {"p_value": float(p_kept), "evidence": "shown" if ok else "not shown"}
    said = " That it keeps the limit is not shown: it may be chance." if check.ok and not ok else ""
    return replace(check, ok=ok, details=details, sentence=f"{check.sentence} ({bounds}.){said}")


def _insufficient(one: Held, figures: Figures, evidence: Evidence) -> Check:
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
