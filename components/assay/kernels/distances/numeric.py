"""Distances between two distributions of numbers, exact for tables of values, piecewise linear for histograms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from assay.kernels.distances.distribution import Doubles, Numbers


def kolmogorov_smirnov(treatment: Numbers, control: Numbers) -> tuple[float, float]:
    """The greatest difference between the two distribution functions, and the number at which it is reached."""
    knots, differences = _differences(treatment, control)
    worst = np.abs(differences).max(axis=0)
    at = int(worst.argmax())
    return float(worst[at]), float(knots[at])


def wasserstein(treatment: Numbers, control: Numbers) -> float:
    """The area between the two distribution functions, in the feature's own unit (the earth mover's distance).

    For numbers on a line this area is the least total way that mass must move (Vallender 1973).
    """
    knots, (left, right) = _differences(treatment, control)
    # Between two knots the difference is a straight line, from the first one's right limit to the second's left limit.
    return float((_absolute_area(right[:-1], left[1:]) * np.diff(knots)).sum())


def mean_and_deviation(numbers: Numbers) -> tuple[float, float]:
    """The mean and the standard deviation, each mass spread evenly over its width."""
    middles = (numbers.lows + numbers.highs) / 2
    mean = float((middles * numbers.masses).sum() / numbers.size)
    within = (numbers.highs - numbers.lows) ** 2 / 12  # the variance of a uniform distribution
    variance = float((((middles - mean) ** 2 + within) * numbers.masses).sum() / numbers.size)
    return mean, math.sqrt(max(variance, 0.0))


def pooled(treatment: Numbers, control: Numbers) -> Numbers:
    """Both as one distribution, over the knots of both."""
    knots = np.unique(np.concatenate([treatment.knots, control.knots]))
    heights = np.zeros((2, len(knots)))
    for side in (treatment, control):
        heights += np.stack(side.below(knots)) * side.size
    left, right = heights
    lows = np.stack([knots[:-1], knots[1:]], axis=1).ravel()
    highs = np.stack([knots[1:], knots[1:]], axis=1).ravel()
    masses = np.stack([left[1:] - right[:-1], (right - left)[1:]], axis=1).ravel()
    lows, highs = np.concatenate([knots[:1], lows]), np.concatenate([knots[:1], highs])
    masses = np.concatenate([(right - left)[:1], masses])
    kept = masses > 0
    return type(treatment)(lows[kept], highs[kept], masses[kept])


def common_scale(treatment: Numbers, control: Numbers) -> float:
    """Return the power of two to divide numbers by before they are squared or subtracted: 1 but for extreme ones."""
    greatest = max(float(np.abs(ends).max()) for side in (treatment, control) for ends in (side.lows, side.highs))
    if greatest == 0 or 1e-150 < greatest < 1e150:
        return 1.0
    return math.ldexp(1.0, max(math.frexp(greatest)[1] - 1, -1022))


def _differences(treatment: Numbers, control: Numbers) -> tuple[Doubles, Doubles]:
    """The knots of both, and the difference of the distribution functions to the left and to the right of each."""
    knots = np.unique(np.concatenate([treatment.knots, control.knots]))
    return knots, np.stack(treatment.below(knots)) - np.stack(control.below(knots))


def _absolute_area(starts: Doubles, ends: Doubles) -> Doubles:
    """The area under |line| over a width of 1, by where the line starts and ends."""
    same_sign = starts * ends >= 0
    total = np.abs(starts) + np.abs(ends)
    crossing = (starts**2 + ends**2) / np.where(total > 0, total, 1.0) / 2
    return np.where(same_sign, total / 2, crossing)
