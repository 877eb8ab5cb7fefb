"""What the data can show decides, in either direction; what it cannot is said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.gating.decision import decide
from assay.gating.metric_values import Figures, MetricKey, SliceKey
from assay.gating.policy import EvidencePolicy
from assay.gating.significance import ReplicateEvidence
from assay.gating.slicing import Slicing
from assay.gating.thresholds import Bound, MetricBound
from assay.gating.verdict import Verdict

KEY = MetricKey(name="auc")
A: SliceKey = (("side", "a"),)
B: SliceKey = (("side", "b"),)


def limit(
    value: float, bound: Bound = "absolute", *, higher: bool = True, slicing: Slicing | None = None
) -> MetricBound:
    return MetricBound(
        metric=KEY, slicing=slicing, bound=bound, value=value, higher_is_better=higher, origin=f"here.{bound}"
    )


def spread(size: float, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(0, size, 2000)


def verdict(
    candidate: dict[SliceKey, float],
    held: MetricBound,
    errors: dict[SliceKey, float],
    *,
    examples: int = 1000,
    **policy: Any,
) -> Verdict:
    """Decides with a baseline of 0.8 everywhere, and a change with these standard errors."""
    still = np.zeros(2000)
    return decide(
        [held],
        Figures(
            candidate={key: {KEY: value} for key, value in candidate.items()},
            baseline={key: {KEY: 0.8} for key in candidate},
            examples=dict.fromkeys(candidate, examples),
        ),
        evidence=ReplicateEvidence(
            policy=EvidencePolicy(**policy),
            candidate={key: {KEY: spread(error)} for key, error in errors.items()},
            baseline={key: {KEY: still} for key in errors},
        ),
    )


@pytest.mark.parametrize(
    ("drop", "regression", "not_worse"),
    [(0.001, True, False), (0.05, False, False), (-0.05, True, True)],
    ids=["within chance", "real", "better"],
)
@pytest.mark.parametrize(("bound", "higher"), [("absolute", True), ("relative", True), ("absolute", False)])
def test_a_change_is_judged_by_what_is_shown(
    drop: float, regression: bool, not_worse: bool, bound: Bound, higher: bool
) -> None:
    observed = 0.8 - drop if higher else 0.8 + drop
    for significant, ok in (("regression", regression), ("not_worse", not_worse)):
        held = limit(0.0, bound, higher=higher)
        assert verdict({(): observed}, held, {(): 0.01}, significant=significant).ok == ok


@pytest.mark.parametrize(("bound", "value"), [("lower", 0.79), ("upper", 0.81)])
def test_a_value_is_held_by_its_bound(bound: Bound, value: float) -> None:
    held = limit(value, bound, higher=bound == "lower")
    assert verdict({(): 0.8}, held, {(): 0.001}, significant="not_worse").ok
    assert not verdict({(): 0.8}, held, {(): 0.02}, significant="not_worse").ok


def test_identical_models_are_not_worse() -> None:
    for significant in ("regression", "not_worse"):
        for bound in ("absolute", "relative"):
            assert verdict({(): 0.8}, limit(0.0, bound), {(): 0.0}, significant=significant).ok


def test_many_slices_are_corrected_for() -> None:
    slices: dict[SliceKey, float] = {(("side", str(number)),): 0.8 for number in range(40)}
    slices[A] = 0.8 - 0.02  # p is about 0.02: real for one slice, expected among 41
    errors = dict.fromkeys(slices, 0.01)
    assert not verdict(slices, limit(0.0), errors, significant="regression", correction="none").ok
    for correction in ("holm", "benjamini_hochberg"):
        assert verdict(slices, limit(0.0), errors, significant="regression", correction=correction).ok


@pytest.mark.parametrize(("insufficient", "ok"), [("block", False), ("pass", True)])
def test_a_slice_with_few_examples_follows_the_policy(insufficient: str, ok: bool) -> None:
    figures = Figures(
        candidate={A: {KEY: 0.5}, B: {KEY: 0.9}},
        baseline={A: {KEY: 0.8}, B: {KEY: 0.8}},
        examples={A: 12, B: 500},
    )
    changes = {key: {KEY: spread(0.001)} for key in (A, B)}
    policy = EvidencePolicy(significant="regression", insufficient=insufficient)  # type: ignore[arg-type]  # a parameter
    found = decide(
        [limit(0.0)], figures, evidence=ReplicateEvidence(policy=policy, candidate=changes, baseline=changes)
    )
    assert found.ok == ok
    [check] = [check for check in found.checks if check.slice == "side=a"]
    assert check.sentence.startswith("Insufficient evidence (12 examples, and min_examples is 30)")
    assert ("1 check had too little evidence, and insufficient is 'pass'." in found.summary) == ok
    assert found.policy["insufficient"] == insufficient


def test_a_model_held_against_nothing_is_never_blessed_for_want_of_evidence() -> None:
    found = verdict({A: 0.9, B: 0.9}, limit(0.0), {A: 0.1, B: 0.1}, examples=5, significant="regression",
                    insufficient="pass")  # fmt: skip
    assert not found.ok


def test_a_metric_without_bounds_has_insufficient_evidence() -> None:
    found = verdict({(): 0.9}, limit(0.0), {}, significant="not_worse")
    assert "no bounds for this metric" in found.summary


def test_replicates_without_a_value_are_no_evidence() -> None:
    changes: dict[SliceKey, Any] = {(): {KEY: np.full(2000, np.nan)}}
    figures = Figures(candidate={(): {KEY: 0.9}}, baseline={(): {KEY: 0.8}}, examples={(): 100})
    policy = EvidencePolicy(significant="regression")
    found = decide(
        [limit(0.0)], figures, evidence=ReplicateEvidence(policy=policy, candidate=changes, baseline=changes)
    )
    assert not found.ok


@pytest.mark.parametrize("undefined", [0, 40])
def test_a_perfect_score_that_no_sample_changes_shows_nothing(undefined: int) -> None:
    # A sample without positives has no F1; the others have all 1.
    replicates = np.zeros(2000)
    replicates[:undefined] = np.nan
    figures = Figures(candidate={(): {KEY: 1.0}}, baseline=None, examples={(): 100})
    evidence = ReplicateEvidence(policy=EvidencePolicy(significant="not_worse"), candidate={(): {KEY: replicates}})
    [check] = decide([limit(0.5, "lower")], figures, evidence=evidence).checks
    assert not check.ok
    assert check.sentence.startswith("Insufficient evidence (there are no bounds for this metric here)")


def test_what_cannot_be_computed_stays_failed() -> None:
    figures = Figures(candidate={(): {KEY: float("nan")}}, baseline={(): {KEY: 0.8}}, examples={(): 100})
    evidence = ReplicateEvidence(policy=EvidencePolicy(significant="regression"), candidate={(): {KEY: spread(0.1)}})
    assert not decide([limit(0.0)], figures, evidence=evidence).ok
    slicing = Slicing(feature_values=(("side", "z"),))
    assert not verdict({(): 0.9}, limit(0.0, slicing=slicing), {(): 0.01}, significant="regression").ok


def test_off_shows_bounds_and_leaves_the_decision() -> None:
    found = verdict({(): 0.799}, limit(0.0), {(): 0.01}, significant="off")
    assert not found.ok
    assert {"lower", "upper"} <= set(found.checks[0].details)


def test_error_rates_hold_over_repeated_samples() -> None:
    """Models at the limit are called worse, or not worse, at the stated rate each."""
    rng = np.random.default_rng(3)
    wrong = {"regression": 0, "not_worse": 0}
    for _ in range(400):
        observed = 0.8 + rng.normal(0, 0.01)
        for significant in wrong:
            ok = verdict({(): observed}, limit(0.0), {(): 0.01}, significant=significant).ok
            wrong[significant] += ok if significant == "not_worse" else not ok
    # 20 of 400 are expected; 35 is more than three standard deviations above.
    assert all(5 <= count <= 35 for count in wrong.values()), wrong


def test_a_perfect_rate_of_few_rows_is_no_proof() -> None:
    figures = Figures(candidate={(): {KEY: 1.0}}, examples={(): 30})
    still: dict[SliceKey, Any] = {(): {KEY: np.zeros(2000)}}
    policy = EvidencePolicy(significant="not_worse")
    high, low = limit(0.95, "lower"), limit(0.9, "lower")
    assert not decide([high], figures, evidence=ReplicateEvidence(policy=policy, candidate=still)).ok
    counted = ReplicateEvidence(policy=policy, candidate=still, trials={(): {KEY: 30.0}})
    assert not decide([high], figures, evidence=counted).ok  # Wilson's lower bound is 0.917
    assert decide([low], figures, evidence=counted).ok


def test_a_large_regression_stays_real_among_many_slices() -> None:
    slices: dict[SliceKey, float] = {(("side", str(number)),): 0.8 for number in range(3000)}
    slices[A] = 0.5
    found = verdict(slices, limit(0.0), dict.fromkeys(slices, 0.01), significant="regression")
    assert [check.slice for check in found.failed] == ["side=a"]
