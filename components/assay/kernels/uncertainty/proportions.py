"""Closed forms for rates and means."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.uncertainty.interval import Estimate, Interval
from assay.kernels.uncertainty.normal import quantile

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Floats


def wilson_interval(successes: float, trials: float, confidence: float = 0.95) -> Interval:
    """Gives Wilson's score interval for a rate (1927), which holds for few rows and rates near 0 and 1.

    Args:
        successes: How many rows are counted, such as true positives.
        trials: Out of how many, such as all positives. With weights, the effective number: (sum w)² / sum w².
        confidence: Of both sides together.
    """
    if not trials > 0 or math.isnan(successes):
        return Interval(math.nan, math.nan)
    z = quantile(0.5 + confidence / 2)
    rate, spread = successes / trials, z * z / trials
    centre = (rate + spread / 2) / (1 + spread)
    margin = z * math.sqrt(rate * (1 - rate) / trials + spread / (4 * trials)) / (1 + spread)
    return Interval(max(0.0, centre - margin), min(1.0, centre + margin))


def mean_estimate(weight: float, total: float, squares: float, squared_weights: float | None = None) -> Estimate:
    """Gives a (weighted) mean with its standard error, from sums that merge.

    Args:
        weight: Sum of weights, or the number of rows.
        total: Sum of weighted values.
        squares: Sum of weighted squares.
        squared_weights: Sum of squared weights; None where all rows weigh 1.
    """
    if not weight > 0:
        return Estimate(math.nan, math.nan)
    effective = weight if squared_weights is None else weight * weight / squared_weights
    mean = total / weight
    variance = max(squares / weight - mean * mean, 0.0)
    # One row says nothing about its own spread.
    return Estimate(mean, math.sqrt(variance / (effective - 1)) if effective > 1 else math.nan)


def paired_difference(first: Floats, second: Floats, weights: Floats | None = None) -> Estimate:
    """Gives the mean of `first - second` over the same rows, with its standard error."""
    weights = np.ones(len(first)) if weights is None else weights
    difference = first - second
    return mean_estimate(
        float(weights.sum()),
        float((weights * difference).sum()),
        float((weights * difference**2).sum()),
        float((weights**2).sum()),
    )
