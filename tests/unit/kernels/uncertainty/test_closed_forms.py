from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from assay.kernels.uncertainty.delong import Area, delong
from assay.kernels.uncertainty.intervals import (
    Estimate,
    Interval,
    bootstrap_p_value_above,
    percentile_interval,
    standard_error,
    wilson_interval,
)
from assay.kernels.uncertainty.multiplicity import benjamini_hochberg, holm


def pairwise_areas(labels: np.ndarray, scores: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Gives areas and covariance from all pairs, as the paper defines them."""
    wins = [np.heaviside(score[labels == 1][:, None] - score[labels == 0][None, :], 0.5) for score in scores]
    positives, negatives = (np.array([win.mean(axis=axis) for win in wins]) for axis in (1, 0))
    covariance = np.cov(positives) / positives.shape[1] + np.cov(negatives) / negatives.shape[1]
    return np.array([win.mean() for win in wins]), covariance


def test_delong_is_the_papers_with_ties() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    first = (rng.uniform(size=200) + 0.3 * labels).round(1)
    second = (first + rng.normal(0, 0.2, 200)).round(1)
    areas = delong(labels, [first, second])
    values, covariance = pairwise_areas(labels, [first, second])
    np.testing.assert_allclose(areas.values, values, atol=1e-12)
    np.testing.assert_allclose(areas.covariance, covariance, atol=1e-14)
    assert areas.values[0] == pytest.approx(roc_auc_score(labels, first), abs=1e-12)
    difference = areas.difference()
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    assert difference.standard_error == pytest.approx(math.sqrt(variance))


def test_delong_of_identical_models_has_no_error() -> None:
    labels, scores = np.array([0, 1, 0, 1, 1.0]), np.array([0.1, 0.7, 0.4, 0.3, 0.9])
    assert delong(labels, [scores, scores.copy()]).difference() == Estimate(0.0, 0.0, -1.0, 1.0)


@pytest.mark.parametrize(
    ("labels", "scores"),
    [([1.0, 1.0], [0.1, 0.2]), ([], []), ([0.0, math.nan], [0.1, 0.2]), ([0.0, 1.0], [0.1, math.nan])],
    ids=["one class", "empty", "no label", "no score"],
)
def test_delong_without_an_area_is_nan(labels: list[float], scores: list[float]) -> None:
    areas = delong(np.array(labels), [np.array(scores)])
    assert np.isnan(areas.values).all()
    assert math.isnan(areas.estimate().standard_error)


def test_bounds_of_an_area_stay_within_zero_and_one() -> None:
    near_one = delong(np.array([0.0] * 40 + [1.0] * 40), [np.r_[np.arange(39), 41, np.arange(40, 80)]]).estimate()
    assert 0.95 < near_one.value < 1
    bounds = near_one.interval(0.99)
    assert 0.5 < bounds.lower < near_one.value < bounds.upper < 1
    assert near_one.value + 2.58 * near_one.standard_error > 1  # where the plain bounds would be
    assert near_one.p_value_below(1.0) == 0.0
    assert near_one.p_value_above(0.0) == 0.0
    assert near_one.p_value_above(1.0) == 1.0
    flat = Area(0.5, 0.0)
    assert flat.interval() == Interval(0.5, 0.5)
    assert flat.p_value_above(0.5) == 1.0
    assert flat.p_value_above(0.4) == 0.0
    assert math.isnan(Area(math.nan, math.nan).p_value_above(0.5))
    assert math.isnan(Area(1.0, 0.1).interval().lower)
    difference = Estimate(0.9, 0.2, -1.0, 1.0).interval()
    assert difference.upper == 1.0


def test_models_that_never_err_have_a_change_that_is_not_known() -> None:
    labels = np.array([0.0] * 20 + [1.0] * 20)
    other = np.r_[np.arange(20)[::-1], np.arange(20, 40)]
    parted = delong(labels, [np.arange(40.0), other.astype(float)])
    assert parted.difference().value == 0
    assert math.isnan(parted.difference().interval().lower)
    assert math.isnan(parted.relative_difference().p_value_above(-0.1))
    assert parted.effective == (0.0, 0.0)
    # One model twice, or one that scales the scores of the other, differs on no other rows either.
    same = delong(labels, [np.arange(40.0), np.exp(np.arange(40.0))])
    assert same.difference().interval() == Interval(0.0, 0.0)


def test_the_rows_that_make_an_area() -> None:
    # Of 40 negatives one is above 20 of 40 positives, and makes all the errors.
    scores = np.r_[np.zeros(39), 1.5, np.ones(20), np.full(20, 2.0)]
    found = delong(np.array([0.0] * 40 + [1.0] * 40), [scores])
    assert found.effective == (1.0,)


def test_delong_of_one_positive_has_an_area_and_no_error() -> None:
    estimate = delong(np.array([0, 0, 1.0]), [np.array([0.1, 0.9, 0.5])]).estimate()
    assert estimate.value == 0.5
    assert math.isnan(estimate.standard_error)


@pytest.mark.parametrize(
    ("successes", "trials", "lower", "upper"),
    # Newcombe 1998, table I (method 3).
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson(successes: int, trials: int, lower: float, upper: float) -> None:
    interval = wilson_interval(successes, trials)
    assert (interval.lower, interval.upper) == pytest.approx((lower, upper), abs=5e-5)


def test_wilson_of_nothing_is_nan() -> None:
    assert math.isnan(wilson_interval(0, 0).lower)


def test_p_values() -> None:
    estimate = Estimate(0.02, 0.01)
    assert estimate.p_value_above(0) == pytest.approx(0.02275, abs=1e-5)
    assert estimate.p_value_below(0.02) == 0.5
    assert Estimate(0.0, 0.0).p_value_above(-0.01) == 0
    assert Estimate(0.0, 0.0).p_value_above(0.0) == 1
    assert math.isnan(Estimate(math.nan, 1.0).p_value_above(0))


def test_bootstrap_intervals_and_p_values_agree() -> None:
    changes = np.random.default_rng(0).normal(0, 0.01, 999)
    interval = percentile_interval(0.5, changes, confidence=0.9)
    assert interval.lower == pytest.approx(0.5 - 0.0164, abs=0.002)
    assert bootstrap_p_value_above(0.5, changes, interval.lower) == pytest.approx(0.05, abs=0.002)
    assert bootstrap_p_value_above(-0.5, -changes, -interval.upper) == pytest.approx(0.05, abs=0.002)
    assert bootstrap_p_value_above(0.5, changes, 0.0) == 0.001
    assert standard_error(changes) == pytest.approx(0.01, rel=0.1)


def test_a_bootstrap_with_undefined_replicates_has_no_interval() -> None:
    changes = np.concatenate([np.zeros(90), np.full(10, np.nan)])
    assert math.isnan(percentile_interval(0.5, changes).lower)
    assert math.isnan(bootstrap_p_value_above(0.5, changes, 0.4))
    assert not math.isnan(percentile_interval(0.5, changes[:92]).lower)


def test_a_bootstrap_of_identical_models_is_certain() -> None:
    assert bootstrap_p_value_above(0.0, np.zeros(100), -0.01) == 0
    assert bootstrap_p_value_above(0.0, np.zeros(100), 0.0) == 1


def test_holm_and_benjamini_hochberg() -> None:
    p_values = [0.01, 0.04, math.nan, 0.03, 0.005]
    np.testing.assert_allclose(holm(p_values), [0.03, 0.06, math.nan, 0.06, 0.02])
    np.testing.assert_allclose(benjamini_hochberg(p_values), [0.02, 0.04, math.nan, 0.04, 0.02])
    assert holm([]).tolist() == []
    assert holm([0.9, 0.8]).tolist() == [1, 1]
