from __future__ import annotations

import math

import numpy as np
import pytest

from assay.kernels.statistics.summaries.moments import Extremes, Mean, extremes_of, mean_of, moments_of


def test_mean_and_deviation_are_numpys() -> None:
    values = np.array([1e9, 1e9 + 1, 1e9 + 5])
    mean = mean_of(np.repeat(values, 2), np.ones(6))
    assert mean.mean == pytest.approx(values.mean(), rel=1e-15)
    assert mean.std_dev == pytest.approx(values.std(), rel=1e-9)


def test_merging_keeps_the_precision_of_one_pass() -> None:
    values = np.random.default_rng(0).normal(1e6, 1.0, 10_000)
    merged = Mean()
    for part in np.split(values, [1, 10, 5000]):
        merged = merged.merge(mean_of(part, np.ones(len(part))))
    assert merged.weight == len(values)
    assert merged.mean == pytest.approx(values.mean(), rel=1e-12)
    assert merged.std_dev == pytest.approx(values.std(), rel=1e-9)


def test_what_weighs_nothing_changes_nothing() -> None:
    mean = mean_of(np.array([3.0]), np.array([2.0]))
    assert mean.merge(mean_of(np.array([9.0]), np.array([0.0]))) == mean
    assert Mean().merge(Mean()) == Mean()


def test_infinite_values_leave_a_deviation_of_zero_as_in_tfdv() -> None:
    assert mean_of(np.array([1.0, np.inf]), np.ones(2)).mean == math.inf
    assert mean_of(np.array([1.0, np.inf]), np.ones(2)).std_dev == 0.0
    assert math.isnan(mean_of(np.array([-np.inf, np.inf]), np.ones(2)).mean)


def test_extremes_tell_finite_values_apart() -> None:
    assert extremes_of(np.array([np.inf, -1.0, 2.0])) == Extremes(-1.0, math.inf, -1.0, 2.0)
    assert extremes_of(np.array([])).merge(extremes_of(np.array([5.0]))) == Extremes(5.0, 5.0, 5.0, 5.0)


def test_moments_count_zeros_and_positive_infinity_with_their_weights() -> None:
    values, counts = np.array([0.0, np.inf, -np.inf]), np.array([2, 3, 1])
    moments = moments_of(values, counts, np.array([1.0, 0.5, 9.0]))
    assert (moments.num_zeros, moments.positive_infinity, moments.weighted_positive_infinity) == (2, 3, 0.5)
    assert moments.merge(moments).num_zeros == 4
