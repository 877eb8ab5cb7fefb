"""Tango's score test of two shares of the same rows."""

from __future__ import annotations

import math

import pytest
from scipy.optimize import minimize_scalar
from scipy.stats import multinomial

from assay.kernels.uncertainty.intervals import PairedShares


def shares(first: int, second: int, trials: int, *, alike: bool = False) -> PairedShares:
    return PairedShares(first_only=first, second_only=second, trials=trials, alike=alike)


@pytest.mark.parametrize(("first", "second", "trials"), [(12, 2, 50), (1, 9, 30), (40, 30, 400), (5, 0, 60)])
@pytest.mark.parametrize("difference", [-0.3, -0.05, 0.02, 0.2])
def test_the_score_is_that_of_the_likeliest_shares(first: int, second: int, trials: int, difference: float) -> None:
    def unlikely(share: float) -> float:
        other = share + difference
        rest = 1 - share - other
        return -(first * math.log(other) + second * math.log(share) + (trials - first - second) * math.log(rest))

    low, high = max(0.0, -difference), (1 - difference) / 2
    found = minimize_scalar(unlikely, bounds=(low + 1e-12, high - 1e-12), options={"xatol": 1e-12}).x
    error = math.sqrt(trials * (2 * found + difference - difference**2))
    score = (first - second - trials * difference) / error
    expected = math.erfc(score / math.sqrt(2)) / 2
    assert shares(first, second, trials).p_value_above(difference) == pytest.approx(expected, rel=1e-4)


def test_at_no_difference_it_is_mcnemars_test() -> None:
    score = (12 - 2) / math.sqrt(12 + 2)
    assert shares(12, 2, 50).p_value_above(0.0) == pytest.approx(math.erfc(score / math.sqrt(2)) / 2)


@pytest.mark.parametrize(("first", "second", "trials"), [(12, 2, 50), (0, 0, 30), (30, 0, 30), (0, 7, 900)])
@pytest.mark.parametrize("level", [0.001, 0.05])
def test_bounds_invert_the_tests_and_lie_between_minus_one_and_one(
    first: int, second: int, trials: int, level: float
) -> None:
    found = shares(first, second, trials)
    interval = found.interval(1 - 2 * level)
    assert -1 <= interval.lower <= found.value <= interval.upper <= 1
    if interval.lower > -1:
        assert found.p_value_above(interval.lower) == pytest.approx(level, rel=1e-6)
    if interval.upper < 1:
        assert found.p_value_below(interval.upper) == pytest.approx(level, rel=1e-6)


def test_no_row_on_which_models_differ_is_no_proof_unless_they_predict_alike() -> None:
    # Three in a hundred rows may be lost, and thirty show it with a chance of 0.4 only.
    assert shares(0, 0, 30).p_value_above(-0.03) > 0.15
    assert shares(0, 0, 30, alike=True).p_value_above(-0.03) == 0.0
    assert shares(0, 0, 30, alike=True).interval(0.9).upper == 0.0
    assert shares(0, 0, 30, alike=True).p_value_below(0.0) == 1.0


@pytest.mark.parametrize("trials", [40, 130])
@pytest.mark.parametrize(("one", "other"), [(0.06, 0.06), (0.02, 0.08), (0.0, 0.06)])
def test_it_keeps_its_level(trials: int, one: float, other: float) -> None:
    """Over all samples, not some: how often models that are worse by the limit are shown to be better than it."""
    shown, limit = 0.0, one - other
    for first in range(int(trials * one + 30) + 1):
        for second in range(int(trials * other + 30) + 1):
            rest = trials - first - second
            if rest >= 0 and shares(first, second, trials).p_value_above(limit) <= 0.05:
                shown += multinomial.pmf([first, second, rest], trials, [one, other, 1 - one - other])
    assert shown <= 0.055


def test_limits_that_no_difference_can_pass() -> None:
    assert shares(5, 5, 30).p_value_above(1.0) == 1.0
    assert shares(5, 5, 30).p_value_above(-1.0) == 0.0
    assert shares(0, 30, 30).p_value_above(-1.0) == 1.0
