"""Holds figures against limits: pure functions from numbers to checks, with TFMA's meaning.

- A value limit is inclusive on both sides; a change limit holds `candidate - baseline` (`absolute`) or that divided by
  the baseline (`relative`), in the stated direction.
- A limit without slices is held in every slice that was computed. A limit with slices must match at least one.
- A missing metric, NaN, a change relative to a baseline of 0, and no data at all fail, and the check says which it is.

What TFMA leaves to chance is a policy here: no thresholds at all, and the first run, when there is no baseline.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from assay.gate import sentences
from assay.gate.figures import OVERALL, Figures, MetricKey, SliceKey, slice_name, slice_order
from assay.gate.held import Held
from assay.gate.verdict import Check, Verdict, blocking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from assay.gate.evidence import Evidence
    from assay.gate.limits import Limit

FirstRun: TypeAlias = Literal["bless", "block", "values_only"]
NoThresholds: TypeAlias = Literal["bless", "block"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GatePolicy:
    """What the gate does where the thresholds do not say.

    Attributes:
        first_run: When change thresholds have no baseline to compare with: `values_only` lets the value thresholds
            decide (and blesses, saying so, where there are none), `bless` blesses whatever they say, `block` blocks.
        no_thresholds: When the configuration has no threshold at all.
    """

    first_run: FirstRun = "values_only"
    no_thresholds: NoThresholds = "block"

    def as_dict(self) -> dict[str, str]:
        """The policy by name, as the verdict lists it."""
        return {"first_run": self.first_run, "no_thresholds": self.no_thresholds}


def decide(
    limits: Sequence[Limit],
    figures: Figures,
    *,
    policy: GatePolicy | None = None,
    subjects: Mapping[str, str] | None = None,
    second_opinion: bool | None = None,
    evidence: Evidence | None = None,
    waived: Callable[[Sequence[Check]], list[Check]] | None = None,
) -> Verdict:
    """Gives the verdict on a candidate model.

    Args:
        limits: What [`limits_of`][assay.gate.limits.limits_of] read from the configuration.
        figures: The metrics of the candidate and, where there is one, of the baseline.
        policy: The rules for the first run and for a configuration without thresholds.
        subjects: The digests of what was judged, by role.
        second_opinion: TFMA's own decision on the same thresholds; a verdict that differs from it is never ok.
        evidence: How sure the figures are, where checks are to be held against that.
        waived: Gives the checks with some failures waived, as [`waive`][assay.gate.waivers.waive] does.
    """
    policy = policy or GatePolicy()
    points = _held(limits, figures)
    held = [one.check for one in points]
    weighed = held if evidence is None else evidence.weigh(points, figures)
    checks = [*(weighed if waived is None else waived(weighed)), *_policy_checks(limits, figures, policy)]
    if second_opinion is not None and limits:
        checks += _agreement(held, second_opinion)
    if policy.first_run == "bless" and _is_first_run(limits, figures):
        checks = [_to_warning(check) for check in checks]
    ok = not blocking(checks)
    return Verdict(
        ok=ok,
        summary=_summary(checks, ok=ok, first_run=_is_first_run(limits, figures), policy=policy),
        checks=tuple(checks),
        policy=policy.as_dict() | (evidence.policy.as_dict() if evidence is not None else {}),
        subjects=dict(subjects or {}),
    )


def check_limits(limits: Sequence[Limit], figures: Figures) -> list[Check]:
    """Gives a check for each limit in each slice that it is for, by slice (the whole data first) within each limit."""
    return [one.check for one in _held(limits, figures)]


def _held(limits: Sequence[Limit], figures: Figures) -> list[Held]:
    held: dict[str, Held] = {}
    slices = sorted(figures.candidate, key=slice_order)
    for limit in limits:
        keys = [key for key in slices if limit.slicing is None or limit.slicing.matches(key)]
        for key in keys:
            check = _check(limit, key, figures)
            # Two slicing specs of one threshold may match the same slice: it is held once.
            held.setdefault(check.id, Held(limit, key, check))
        if not keys:
            check = _no_slice(limit)
            held.setdefault(check.id, Held(limit, None, check))
    return list(held.values())


def _check(limit: Limit, key: SliceKey, figures: Figures) -> Check:
    candidate = figures.candidate[key]
    if limit.metric in figures.not_numbers.get(key, ()):
        return _result(limit, key, ok=False, sentence=sentences.not_a_number_sentence(limit, key))
    observed = candidate.get(limit.metric)
    if limit.is_change and figures.baseline is None:
        sentence = sentences.no_baseline_sentence(limit, key, observed)
        return _result(limit, key, ok=True, applied=False, observed=observed, sentence=sentence)
    if observed is None:
        sentence = sentences.missing_sentence(limit, key, whose="", known=_known(candidate))
        return _result(limit, key, ok=False, sentence=sentence)
    if math.isnan(observed):
        sentence = sentences.nan_sentence(limit, key, "")
        return _result(limit, key, ok=False, observed=observed, sentence=sentence)
    if not limit.is_change or figures.baseline is None:
        ok = observed >= limit.value if limit.bound == "lower" else observed <= limit.value
        return _result(limit, key, ok=ok, observed=observed, sentence=sentences.value_sentence(limit, key, observed))
    return _check_change(limit, key, observed, figures.baseline.get(key, {}))


def _check_change(limit: Limit, key: SliceKey, observed: float, of_baseline: Mapping[MetricKey, float]) -> Check:
    baseline = of_baseline.get(limit.metric)
    if baseline is None:
        sentence = sentences.missing_sentence(limit, key, whose=" for the baseline", known="")
        return _result(limit, key, ok=False, observed=observed, sentence=sentence)
    if math.isnan(baseline):
        ok, sentence = False, sentences.nan_sentence(limit, key, " for the baseline")
    elif limit.bound == "relative" and baseline == 0:
        ok, sentence = False, sentences.zero_baseline_sentence(limit, key, observed)
    else:
        change = observed - baseline
        size = change / baseline if limit.bound == "relative" else change
        ok = size >= limit.value if limit.higher_is_better else size <= limit.value
        sentence = sentences.change_sentence(limit, key, observed, baseline)
    return _result(limit, key, ok=ok, observed=observed, baseline=baseline, sentence=sentence)


def _result(
    limit: Limit,
    key: SliceKey,
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


def _no_slice(limit: Limit) -> Check:
    name = limit.slicing.name if limit.slicing else "any slice"
    return Check(
        id=f"{limit.metric.label}@{name}:{limit.origin}",
        kind="missing_slice",
        ok=False,
        subject=limit.metric.label,
        slice=name,
        limit=limit.value,
        limit_origin=limit.origin,
        sentence=(
            f"{limit.metric.label} on {name} was to be held, but no such slice was computed. "
            f"Either slicing_specs does not make it, or the data holds none of it."
        ),
    )


def _policy_checks(limits: Sequence[Limit], figures: Figures, policy: GatePolicy) -> Iterator[Check]:
    if not figures.candidate.get(OVERALL) and not any(figures.candidate.values()):
        yield _about("no_data", ok=False, sentence="No metric was computed on any slice: there was nothing to judge.")
    if not limits:
        blessed = policy.no_thresholds == "bless"
        yield _about(
            "no_thresholds",
            ok=blessed,
            sentence="The configuration sets no threshold, so the model was held against nothing; "
            + ("it is blessed because no_thresholds is 'bless'." if blessed else "such a model is not blessed."),
        )
    if _is_first_run(limits, figures):
        yield _first_run(limits, policy)


def _first_run(limits: Sequence[Limit], policy: GatePolicy) -> Check:
    sentence = "There is no baseline to compare with"
    if policy.first_run == "block":
        sentence += ", and first_run is 'block'."
    elif policy.first_run == "bless":
        sentence += "; first_run is 'bless', so no threshold blocks."
    elif not all(limit.is_change for limit in limits):
        sentence += "; the value thresholds alone decide."
    else:
        sentence += (
            ", and the configuration has only change thresholds: the model was held against nothing. "
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


def _agreement(held: Sequence[Check], second_opinion: bool) -> list[Check]:  # noqa: FBT001 (a private helper)
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


def _to_warning(check: Check) -> Check:
    return check if check.ok or check.kind in {"no_data", "second_opinion"} else replace(check, severity="warning")


def _is_first_run(limits: Sequence[Limit], figures: Figures) -> bool:
    return figures.baseline is None and any(limit.is_change for limit in limits)


def _summary(checks: Sequence[Check], *, ok: bool, first_run: bool, policy: GatePolicy) -> str:
    applied = [check for check in checks if check.applied]
    stopping = blocking(checks)
    if not ok:
        more = f" (and {len(stopping) - 1} more)" if len(stopping) > 1 else ""
        # What fell, and by how much, says more than the level that it fell to.
        told = next((check for check in stopping if check.baseline is not None), stopping[0])
        return f"Not blessed: {told.sentence}{more}"
    failed = sum(not check.ok for check in checks)
    waived = sum(not check.ok and "waiver" in check.details for check in checks)
    if waived:
        return f"Blessed: {_checks(len(applied) - failed)} passed, {waived} failed and waived."
    if failed:
        return f"Blessed by first_run '{policy.first_run}', although {failed} of {_checks(len(applied))} failed."
    unmeasured = [check.sentence for check in checks if check.kind in {"first_run", "no_thresholds"}]
    if unmeasured:
        held = f"{_checks(len(applied))} passed. " if first_run and applied else ""
        return f"Blessed: {held}{' '.join(unmeasured)}"
    return f"Blessed: {_checks(len(applied))} passed, none failed."


def _checks(count: int) -> str:
    return "1 check" if count == 1 else f"{count} checks"


def _known(metrics: Mapping[MetricKey, float]) -> str:
    names = sorted({key.label for key in metrics})
    return f"Computed: {', '.join(names)}." if names else ""
