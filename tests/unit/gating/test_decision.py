from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.gating.decision import decide
from assay.gating.metric_values import OVERALL, Figures, MetricKey, SliceKey
from assay.gating.policy import GatePolicy
from assay.gating.slicing import Slicing
from assay.gating.thresholds import MetricBound
from assay.gating.verdict import Check, from_json, to_json

ACCURACY = MetricKey(name="binary_accuracy")
HOUR_5: SliceKey = (("hour", 5),)
LOWER = MetricBound(metric=ACCURACY, slicing=None, bound="lower", value=0.6, origin="eval_config.x")
UPPER = replace(LOWER, bound="upper", value=0.9)
ABSOLUTE = replace(LOWER, bound="absolute", value=-0.005, origin="eval_config.y")
RELATIVE = replace(ABSOLUTE, bound="relative", value=-0.01, origin="eval_config.z")


def figures(candidate: float, baseline: float | None = None) -> Figures:
    return Figures(
        candidate={OVERALL: {ACCURACY: candidate}},
        baseline=None if baseline is None else {OVERALL: {ACCURACY: baseline}},
    )


def held_to(limits: Sequence[MetricBound], measured: Figures) -> list[Check]:
    """What a verdict says of limits, without what it says of the evaluation as a whole."""
    return [check for check in decide(limits, measured).checks if check.subject != "evaluation"]


@pytest.mark.parametrize(
    ("limit", "candidate", "ok"),
    [
        (LOWER, 0.6, True),
        (LOWER, math.nextafter(0.6, 0), False),
        (LOWER, math.inf, True),
        (UPPER, 0.9, True),
        (UPPER, math.nextafter(0.9, 1), False),
        (UPPER, -math.inf, True),
        (LOWER, math.nan, False),
        (UPPER, math.nan, False),
    ],
)
def test_value_limits_are_inclusive_and_nan_keeps_none(limit: MetricBound, candidate: float, ok: bool) -> None:
    [check] = held_to([limit], figures(candidate))
    assert check.ok is ok


@pytest.mark.parametrize(
    ("limit", "candidate", "baseline", "ok"),
    [
        (replace(ABSOLUTE, value=-0.25), 0.5, 0.75, True),
        (replace(ABSOLUTE, value=-0.25), 0.49, 0.75, False),
        (replace(ABSOLUTE, value=0.0), 0.75, 0.75, True),
        (replace(ABSOLUTE, value=0.25), 0.75, 0.75, False),
        (replace(ABSOLUTE, value=0.25, higher_is_better=False), 1.0, 0.75, True),
        (replace(ABSOLUTE, value=0.25, higher_is_better=False), 1.1, 0.75, False),
        (replace(RELATIVE, value=-0.5), 1.0, 2.0, True),
        (replace(RELATIVE, value=-0.5), 0.9, 2.0, False),
        (replace(RELATIVE, value=0.5, higher_is_better=False), 3.0, 2.0, True),
        (replace(RELATIVE, value=0.5, higher_is_better=False), 3.1, 2.0, False),
        (RELATIVE, 0.5, 0.0, False),
        (ABSOLUTE, 0.5, math.nan, False),
        (ABSOLUTE, math.nan, 0.5, False),
    ],
)
def test_change_limits_hold_the_difference_or_its_ratio(
    limit: MetricBound, candidate: float, baseline: float, ok: bool
) -> None:
    [check] = held_to([limit], figures(candidate, baseline))
    assert check.ok is ok


@pytest.mark.parametrize(
    ("limit", "candidate", "baseline", "sentence"),
    [
        (LOWER, 0.712, None, "binary_accuracy on Overall is 0.712; the threshold is at least 0.6."),
        (UPPER, 0.9000001, None, "binary_accuracy on Overall is 0.9000001; the threshold is at most 0.9."),
        (
            ABSOLUTE,
            0.712,
            0.773,
            (
                "binary_accuracy on Overall is 0.712, 0.061 below the baseline's 0.773; "
                "the threshold is a drop of at most 0.005 (absolute)."
            ),
        ),
        (
            RELATIVE,
            0.5,
            0.8,
            (
                "binary_accuracy on Overall is 0.5, 37.5 % below the baseline's 0.8; "
                "the threshold is a drop of at most 1 % (relative)."
            ),
        ),
        (
            replace(ABSOLUTE, value=0.0),
            0.5,
            0.5,
            (
                "binary_accuracy on Overall is 0.5, equal to the baseline's 0.5; "
                "the threshold is no drop at all (absolute)."
            ),
        ),
        (
            replace(ABSOLUTE, value=0.5, higher_is_better=False),
            2.0,
            1.0,
            (
                "binary_accuracy on Overall is 2, 1 above the baseline's 1; "
                "the threshold is a rise of at most 0.5 (absolute)."
            ),
        ),
        (
            replace(ABSOLUTE, value=0.01),
            0.5,
            0.5,
            (
                "binary_accuracy on Overall is 0.5, equal to the baseline's 0.5; "
                "the threshold is a rise of at least 0.01 (absolute)."
            ),
        ),
        (
            ABSOLUTE,
            math.inf,
            math.inf,
            (
                "binary_accuracy on Overall is inf, and the baseline's is inf: the change has no value; "
                "the threshold is a drop of at most 0.005 (absolute)."
            ),
        ),
        (
            RELATIVE,
            -3.0,
            -2.0,
            (
                "binary_accuracy on Overall is -3, 50 % below the baseline's -2; "
                "the threshold is a drop of at most 1 % (relative)."
            ),
        ),
        (
            RELATIVE,
            0.5,
            0.0,
            (
                "binary_accuracy on Overall is 0.5 and the baseline's is 0: a change relative to 0 has no value. "
                "Set an absolute threshold for this metric."
            ),
        ),
        (
            LOWER,
            math.nan,
            None,
            (
                "binary_accuracy on Overall is NaN: a number is missing, or the metric has none for these rows, so its "
                "threshold cannot be met."
            ),
        ),
    ],
)
def test_sentences(limit: MetricBound, candidate: float, baseline: float | None, sentence: str) -> None:
    [check] = held_to([limit], figures(candidate, baseline))
    assert check.sentence == sentence


def test_a_limit_without_slices_is_held_in_each_and_one_with_slices_in_those() -> None:
    values = {OVERALL: {ACCURACY: 0.7}, HOUR_5: {ACCURACY: 0.5}, (("hour", 12),): {ACCURACY: 0.8}}
    everywhere = held_to([LOWER], Figures(candidate=values))
    assert [(check.slice, check.ok) for check in everywhere] == [
        ("Overall", True),
        ("hour=5", False),
        ("hour=12", True),
    ]
    there = held_to([replace(LOWER, slicing=Slicing(feature_keys=("hour",)))], Figures(candidate=values))
    assert [check.slice for check in there] == ["hour=5", "hour=12"]


def test_a_limit_whose_slice_was_not_computed_fails() -> None:
    limit = replace(LOWER, slicing=Slicing(feature_keys=("company",)))
    [check] = held_to([limit], figures(0.9))
    assert (check.ok, check.kind, check.slice) == (False, "missing_slice", "company=*")


def test_a_missing_metric_fails_and_says_what_was_computed() -> None:
    [check] = held_to([replace(LOWER, metric=MetricKey(name="auc"))], figures(0.9))
    assert not check.ok
    assert check.sentence == (
        "auc on Overall was not computed, so its threshold cannot be met. Computed: binary_accuracy."
    )


def test_a_metric_that_the_baseline_lacks_fails() -> None:
    [check] = held_to([ABSOLUTE], Figures(candidate={OVERALL: {ACCURACY: 0.5}}, baseline={OVERALL: {}}))
    assert (check.ok, check.sentence) == (
        False,
        "binary_accuracy on Overall was not computed for the baseline, so its threshold cannot be met.",
    )


def test_a_metric_without_a_single_number_fails() -> None:
    [check] = held_to([LOWER], Figures(candidate={OVERALL: {}}, not_numbers={OVERALL: frozenset({ACCURACY})}))
    assert (check.ok, "is not a single number" in check.sentence) == (False, True)


def test_no_thresholds_do_not_bless_unless_the_policy_says_so() -> None:
    blocked = decide([], figures(0.9))
    assert not blocked.ok
    assert blocked.summary == (
        "Not blessed: The configuration sets no threshold, so nothing was checked; such a model is not blessed."
    )
    blessed = decide([], figures(0.9), policy=GatePolicy(no_thresholds="bless"))
    assert blessed.ok
    assert "nothing was checked" in blessed.summary


def test_no_data_never_blesses() -> None:
    for policy in (GatePolicy(), GatePolicy(first_run="bless", no_thresholds="bless")):
        assert not decide([ABSOLUTE], Figures(candidate={}), policy=policy).ok
        assert not decide([], Figures(candidate={OVERALL: {}}), policy=policy).ok


@pytest.mark.parametrize(
    ("limits", "first_run", "candidate", "ok", "summary"),
    [
        (
            [LOWER, ABSOLUTE],
            "values_only",
            0.7,
            True,
            "1 check passed. There is no baseline to compare with; the value",
        ),
        ([LOWER, ABSOLUTE], "values_only", 0.5, False, "Not blessed: binary_accuracy on Overall is 0.5"),
        ([ABSOLUTE], "values_only", 0.5, True, "only thresholds that need one, so nothing was checked"),
        ([LOWER, ABSOLUTE], "bless", 0.5, True, "Blessed by first_run 'bless', although 1 of 1 check failed."),
        ([LOWER, ABSOLUTE], "block", 0.7, False, "no baseline to compare with, and first_run is 'block'"),
        ([LOWER], "block", 0.7, True, "Blessed: 1 check passed, none failed."),
    ],
)
def test_first_run_policy(limits: list[MetricBound], first_run: str, candidate: float, ok: bool, summary: str) -> None:
    verdict = decide(limits, figures(candidate), policy=GatePolicy(first_run=first_run))
    assert verdict.ok is ok
    assert summary in verdict.summary
    assert verdict.policy["first_run"] == first_run
    change = [check for check in verdict.checks if check.kind == "change_threshold"]
    assert all(check.ok and not check.applied and "no baseline" in check.sentence for check in change)


@pytest.mark.parametrize("first_run", ["values_only", "bless"])
def test_a_second_opinion_that_differs_never_blesses(first_run: str) -> None:
    policy = GatePolicy(first_run=first_run)
    assert decide([LOWER], figures(0.7), second_opinion=True, policy=policy).ok
    verdict = decide([LOWER, ABSOLUTE], figures(0.7), second_opinion=False, policy=policy)
    assert not verdict.ok
    assert "TFMA's own validation says failed, these checks say passed" in verdict.summary


def test_every_check_is_listed_with_its_numbers_and_origin() -> None:
    verdict = decide([LOWER, ABSOLUTE, RELATIVE], figures(0.7, 0.8), subjects={"model": "sha256:1"})
    assert [(check.kind, check.ok) for check in verdict.checks] == [
        ("value_threshold", True),
        ("change_threshold", False),
        ("change_threshold", False),
    ]
    check = verdict.checks[1]
    assert (check.observed, check.baseline, check.limit) == (0.7, 0.8, -0.005)
    assert check.limit_origin == "eval_config.y"
    assert verdict.subjects == {"model": "sha256:1"}
    assert verdict.summary.endswith("(and 1 more)")


def test_the_summary_says_what_fell_before_the_level_it_fell_to() -> None:
    verdict = decide([LOWER, ABSOLUTE], figures(0.5, 0.8))
    assert verdict.summary.startswith("Not blessed: binary_accuracy on Overall is 0.5, 0.3 below the baseline's 0.8")
    assert verdict.summary.endswith("(and 1 more)")


values = st.floats(allow_nan=True, allow_infinity=True) | st.just(0.0)


@settings(max_examples=50, deadline=None)
@given(values, st.none() | values, st.sampled_from([LOWER, UPPER, ABSOLUTE, RELATIVE]), values)
def test_any_figures_give_a_verdict_that_is_written_and_read(
    candidate: float, baseline: float | None, limit: MetricBound, value: float
) -> None:
    bounded = replace(limit, value=0.0 if math.isnan(value) else value)
    verdict = decide([bounded], figures(candidate, baseline))
    assert to_json(from_json(to_json(verdict))) == to_json(verdict)
    assert verdict.ok == all(check.ok for check in verdict.checks)


def test_ids_are_unique() -> None:
    twice = [LOWER, replace(LOWER, slicing=Slicing(), origin="eval_config.x2"), ABSOLUTE]
    both: Mapping[SliceKey, Mapping[MetricKey, float]] = {OVERALL: {ACCURACY: 0.5}, HOUR_5: {ACCURACY: 0.5}}
    ids = [check.id for check in held_to(twice, Figures(candidate=both, baseline=both))]
    assert len(ids) == len(set(ids)) == 5


def test_a_slice_that_is_asked_for_and_that_no_row_is_in_fails() -> None:
    figures = Figures(candidate={(("sex", "f"),): {MetricKey(name="auc"): 0.9}}, examples={(("sex", "f"),): 9})
    limit = MetricBound(metric=MetricKey(name="auc"), slicing=None, bound="lower", value=0.5, origin="here")
    absent = (Slicing(feature_values=(("sex", "Femal"),)),)
    assert decide([limit], figures).ok
    verdict = decide([limit], figures, absent=absent)
    [failed] = verdict.failed
    assert (failed.kind, failed.slice, failed.severity) == ("missing_slice", "sex=Femal", "error")
    assert failed.sentence.endswith("or the data contains none of it. Computed: sex=f.")
    # TFMA has nothing to say of it, and what it says of the rest still agrees.
    assert {check.kind: check.ok for check in decide([limit], figures, absent=absent, second_opinion=True).checks} == {
        "value_threshold": True,
        "missing_slice": False,
        "second_opinion": True,
    }
    held = replace(limit, slicing=Slicing(feature_values=(("sex", "f"),)))
    assert decide([held], figures, absent=absent).ok
