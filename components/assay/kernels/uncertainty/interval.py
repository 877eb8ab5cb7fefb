"""Confidence intervals, one-sided tests, and what they are made from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.uncertainty.normal import quantile, upper_tail

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Floats


@dataclass(frozen=True, slots=True)
class Interval:
    """A two-sided confidence interval; each bound alone holds with half the error. NaN where there is none."""

    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with a normal error.

    Attributes:
        value: The point estimate.
        standard_error: Its standard deviation over samples; NaN where it is not known.
        least: What no value of its kind is below: bounds are cut there.
        most: What none is above.
    """

    value: float
    standard_error: float
    least: float = -math.inf
    most: float = math.inf

    def interval(self, confidence: float = 0.95) -> Interval:
        """Gives value plus and minus the normal quantile times the standard error."""
        margin = quantile(0.5 + confidence / 2) * self.standard_error
        if math.isnan(margin):
            return Interval(math.nan, math.nan)
        return Interval(max(self.value - margin, self.least), min(self.value + margin, self.most))

    def p_value_above(self, limit: float) -> float:
        """Gives the p-value of the hypothesis that the true value is at most `limit`: small shows that it is above.

        Without error (identical models) it is 0 above the limit, and 1 at or below it.
        """
        if math.isnan(self.value) or math.isnan(self.standard_error):
            return math.nan
        if self.standard_error == 0:
            return 0.0 if self.value > limit else 1.0
        return upper_tail((self.value - limit) / self.standard_error)

    def p_value_below(self, limit: float) -> float:
        """Gives the p-value of the hypothesis that the true value is at least `limit`: small shows it is below."""
        return Estimate(-self.value, self.standard_error).p_value_above(-limit)


def percentile_interval(value: float, changes: Floats, confidence: float = 0.95) -> Interval:
    """Gives the percentile interval of a bootstrap.

    Args:
        value: The metric on the rows as they are.
        changes: What each replicate adds to it. Replicates without a value (a sample without positives, say) are left
            out, unless they are more than one in twenty: then there is no interval.
        confidence: Of both sides together.
    """
    defined = _defined(changes)
    if math.isnan(value) or not len(defined):
        return Interval(math.nan, math.nan)
    lower, upper = np.quantile(defined, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Interval(value + float(lower), value + float(upper))


def bootstrap_p_value_above(value: float, changes: Floats, limit: float) -> float:
    """Gives the p-value of the hypothesis that the true value is at most `limit`, from replicates.

    The share of replicates at or below the limit, with one added to both counts so that it is never 0 (Davison and
    Hinkley 1997, section 4.2): 1,000 replicates show no p-value below 0.001. Consistent with
    [`percentile_interval`][...percentile_interval]: below a where the lower bound at 1 - 2a is above the limit.
    """
    defined = _defined(changes)
    if math.isnan(value) or not len(defined):
        return math.nan
    if not defined.any():  # identical models: nothing is uncertain
        return 0.0 if value > limit else 1.0
    return float((1 + np.count_nonzero(value + defined <= limit)) / (1 + len(defined)))


def standard_error(changes: Floats) -> float:
    """Gives the standard deviation of a bootstrap's replicates; NaN where too few have a value."""
    defined = _defined(changes)
    return float(defined.std(ddof=1)) if len(defined) > 1 else math.nan


def _defined(changes: Floats) -> Floats:
    defined: Floats = changes[np.isfinite(changes)]
    return defined if len(defined) >= 0.95 * len(changes) else defined[:0]
