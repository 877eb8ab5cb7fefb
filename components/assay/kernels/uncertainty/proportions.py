"""The closed form for rates."""

from __future__ import annotations

import math

from assay.kernels.uncertainty.interval import Interval
from assay.kernels.uncertainty.normal import quantile


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
