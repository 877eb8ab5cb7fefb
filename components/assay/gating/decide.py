"""Holds figures against limits: pure functions from numbers to checks, with TFMA's meaning.

- A value limit is inclusive on both sides; a change limit holds `candidate - baseline` (`absolute`) or that divided by
  the baseline's size (`relative`), in the stated direction.
- A limit without slices is held in every slice that was computed. A limit with slices must match at least one.
- A missing metric, NaN, a change relative to a baseline of 0, and no data at all fail, and the check says which it is.

What TFMA leaves to chance is a policy here: no thresholds at all, and the first run, when there is no baseline.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from assay.gating import sentences
from assay.gating.figures import Figures, MetricKey, Place, SliceKey, SlicePair, metrics_at, slice_name, slice_order
from assay.gating.held import Held
from assay.gating.policy import GatePolicy
from assay.gating.slicing import Across, Slicing
from assay.gating.verdict import Check, Verdict, blocking
from assay.gating.weighing import weigh
from assay.gating.whole import agreement, is_first_run, policy_checks, summary, to_warning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from assay.gating.evidence import Evidence
    from assay.gating.limits import Limit
    from assay.gating.slicing import Across

_MOST = 6  # slices in a sentence


def decide(
    limits: Sequence[Limit],
    figures: Figures,
    *,
    policy: GatePolicy | None = None,
    subjects: Mapping[str, str] | None = None,
    second_opinion: bool | None = None,
    evidence: Evidence | None = None,
    waived: Callable[[Sequence[Held]], list[Check]] | None = None,
    absent: Sequence[Slicing] = (),
) -> Verdict:
    """Gives the verdict on a candidate model.

    Args:
        limits: What [`limits_of`][assay.gating.limits.limits_of] read from the configuration.
        figures: The metrics of the candidate and, where there is one, of the baseline.
        policy: The rules for the first run and for a configuration without thresholds.
        subjects: The digests of what was judged, by role.
        second_opinion: TFMA's own decision on the same thresholds; a verdict that differs from it is never ok.
        evidence: How sure the figures are, where checks are to be held against that.
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


def _held(limits: Sequence[Limit], figures: Figures, absent: Sequence[Slicing]) -> list[Held]:
    """Gives a check for each limit in each slice that it is for, by slice (the whole data first) within each limit."""
    # By what a check is, not by what it is called: a name is for people.
    held: dict[tuple[MetricKey, Place | Slicing | Across | None, str], Held] = {}
    slices = sorted(figures.candidate, key=slice_order)
    for limit in limits:
        places = _places(limit, slices)
        for place in places:
            check = _check(limit, place, figures)
            # Two slicing specs of one threshold may match the same slice: it is held once.
            held.setdefault((limit.metric, place, limit.origin), Held(limit, place, check))
        wanted = limit.across or limit.slicing
        missing: Sequence[Slicing | Across | None] = absent if wanted is None else ()
        for slicing in missing or ([] if places else [wanted]):
            check = _no_slice(limit, slices, slicing)
            held.setdefault((limit.metric, slicing, limit.origin), Held(limit, None, check))
    return list(held.values())


def _places(limit: Limit, slices: Iterable[SliceKey]) -> list[Place]:
    slices = list(slices)
    if limit.across is None:
        return [key for key in slices if limit.slicing is None or limit.slicing.matches(key)]
    firsts = [key for key in slices if limit.across.first.matches(key)]
    pairs = [SlicePair(first, second) for first in firsts for second in slices]
    return [pair for pair in pairs if limit.across.matches(pair)]


def _check(limit: Limit, key: Place, figures: Figures) -> Check:
    candidate = metrics_at(figures.candidate, key)
    slices = (key.first, key.second) if isinstance(key, SlicePair) else (key,)
    if any(limit.metric in figures.not_numbers.get(one, ()) for one in slices):
        return _result(limit, key, ok=False, sentence=sentences.not_a_number_sentence(limit, key))
    observed = candidate.get(limit.metric)
    if limit.needs_baseline and figures.baseline is None:
        sentence = sentences.no_baseline_sentence(limit, key, observed)
        return _result(limit, key, ok=True, applied=False, observed=observed, sentence=sentence)
    if observed is None:
        sentence = sentences.missing_sentence(limit, key, whose="", known=_known(candidate))
        return _result(limit, key, ok=False, sentence=sentence)
    if math.isnan(observed):
        examples = None if isinstance(key, SlicePair) else figures.examples.get(key)
        why = _why(figures.why, limit, slices)
        sentence = sentences.nan_sentence(limit, key, "", examples, why=why)
        return _result(limit, key, ok=False, observed=observed, sentence=sentence)
    if not limit.is_change or figures.baseline is None:
        ok = observed >= limit.value if limit.bound == "lower" else observed <= limit.value
        return _result(limit, key, ok=ok, observed=observed, sentence=sentences.value_sentence(limit, key, observed))
    why = _why(figures.baseline_why, limit, slices)
    return _check_change(limit, key, observed, metrics_at(figures.baseline, key), why)


def _why(reasons: Mapping[SliceKey, Mapping[MetricKey, str]], limit: Limit, slices: Iterable[SliceKey]) -> str:
    return next((reasons[key][limit.metric] for key in slices if limit.metric in reasons.get(key, {})), "")


def _check_change(limit: Limit, key: Place, observed: float, of_baseline: Mapping[MetricKey, float], why: str) -> Check:
    baseline = of_baseline.get(limit.metric)
    if baseline is None:
        sentence = sentences.missing_sentence(limit, key, whose=" for the baseline", known="")
        return _result(limit, key, ok=False, observed=observed, sentence=sentence)
    if math.isnan(baseline):
        ok, sentence = False, sentences.nan_sentence(limit, key, " for the baseline", why=why)
    elif limit.bound == "relative" and baseline == 0:
        ok, sentence = False, sentences.zero_baseline_sentence(limit, key, observed)
    else:
        change = observed - baseline
        # Over a negative baseline, TFMA's ratio would take a fall for a rise.
        size = change / abs(baseline) if limit.bound == "relative" else change
        ok = size >= limit.value if limit.higher_is_better else size <= limit.value
        sentence = sentences.change_sentence(limit, key, observed, baseline)
    return _result(limit, key, ok=ok, observed=observed, baseline=baseline, sentence=sentence)


def _result(
    limit: Limit,
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


def _no_slice(limit: Limit, computed: Sequence[SliceKey], slices: Slicing | Across | None) -> Check:
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
            f"{limit.metric.label} on {name} was to be held, but no such {what} computed. "
            f"Either slicing_specs does not make it, or the data holds none of it. {_computed(alike)}"
        ).rstrip(),
    )


def _computed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    return f"Computed: {', '.join(names[:_MOST])}{more}." if names else ""


def _known(metrics: Mapping[MetricKey, float]) -> str:
    names = sorted({key.label for key in metrics})
    return f"Computed: {', '.join(names)}." if names else ""
