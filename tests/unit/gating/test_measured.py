"""Bounds and tests agree: a bound at 1 - 2a excludes the limit where the p-value is below a."""

from __future__ import annotations

import numpy as np
import pytest

from assay.gating.significance import Measured, Proportion, Resampled
from assay.kernels.uncertainty.delong import Area
from assay.kernels.uncertainty.intervals import PairedShares
from assay.kernels.uncertainty.row_means import SkewedMean

RNG = np.random.default_rng(0)


@pytest.mark.parametrize(
    "measured",
    [
        Proportion(0.7, 80),
        Proportion(0.05, 40),
        Resampled(0.7, RNG.normal(0, 0.05, 1999)),
        PairedShares(first_only=20, second_only=9, trials=80),
        Area(0.9, 0.05),
        SkewedMean(value=0.7, standard_error=0.05, skewness=0.4, positive=True),
        SkewedMean(value=0.7, standard_error=0.05, skewness=0.4, root=True, positive=True),
        SkewedMean(value=-0.1, standard_error=0.05, skewness=-0.6),
    ],
)
@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_tests_invert_the_interval(measured: Measured, level: float) -> None:
    interval = measured.interval(1 - 2 * level)
    for step in (-5e-3, 5e-3):  # replicates are discrete
        assert (measured.p_value_above(interval.lower + step) <= level) == (step < 0)
        assert (measured.p_value_below(interval.upper + step) <= level) == (step > 0)


def test_a_proportion_is_held_against_limits_that_no_rate_can_pass() -> None:
    assert Proportion(1.0, 30).p_value_above(1.0) == 1.0
    assert Proportion(0.0, 30).p_value_below(0.0) == 1.0
    assert Proportion(0.1, 30).p_value_above(0.0) == 0.0
    assert Proportion(0.9, 30).p_value_below(1.0) == 0.0


def test_beyond_all_replicates_the_normal_tail_goes_on() -> None:
    measured = Resampled(0.5, RNG.normal(0, 0.01, 1000))
    assert measured.p_value_above(0.4) < 1e-12
    assert measured.p_value_below(0.4) == 1.0
    assert Resampled(0.5, np.zeros(1000)).p_value_above(0.5) == 1.0
