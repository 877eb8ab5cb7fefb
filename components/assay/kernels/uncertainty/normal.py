"""The standard normal distribution: quantiles and tails, without SciPy."""

from __future__ import annotations

import math
from statistics import NormalDist

_STANDARD = NormalDist()


def quantile(probability: float) -> float:
    """Gives the value that a standard normal variable falls below with this probability."""
    return _STANDARD.inv_cdf(probability)


def upper_tail(value: float) -> float:
    """Gives the probability that a standard normal variable exceeds the value; NaN for NaN."""
    return math.erfc(value / math.sqrt(2)) / 2
