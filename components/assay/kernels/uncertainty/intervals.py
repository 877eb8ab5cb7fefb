"""Confidence intervals, one-sided tests, and what they are made from.

The normal distribution comes without SciPy, and rates have a closed form. So has the difference of two shares of the
same rows: Tango's score test and interval.

For shares such as the accuracies of two models on one sample, only the rows on which the models differ tell them apart.
A percentile bootstrap, or a normal interval, is too sure with few of those (and says nothing with none); the score test
keeps its level (Tango, "Equivalence test and confidence interval for the difference in proportions for the
paired-sample design", Statistics in Medicine 17, 1998; compared with others by Newcombe in the same volume, and by
Fagerland, Lydersen and Laake 2014). At a limit of 0 it is McNemar's test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Floats

_STANDARD = NormalDist()
_HALVINGS = 50  # of [-1, 1]: bounds to 1e-15


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
        """Return value plus and minus the normal quantile times the standard error."""
        margin = quantile(0.5 + confidence / 2) * self.standard_error
        if math.isnan(margin):
            return Interval(math.nan, math.nan)
        return Interval(max(self.value - margin, self.least), min(self.value + margin, self.most))

    def p_value_above(self, limit: float) -> float:
        """Return the p-value of the hypothesis that the true value is at most `limit`.

        Without error (identical models) it is 0 above the limit, and 1 at or below it.
        """
        if math.isnan(self.value) or math.isnan(self.standard_error):
            return math.nan
        if self.standard_error == 0:
            return 0.0 if self.value > limit else 1.0
        return upper_tail((self.value - limit) / self.standard_error)

    def p_value_below(self, limit: float) -> float:
        """Return the p-value of the hypothesis that the true value is at least `limit`."""
        return Estimate(-self.value, self.standard_error).p_value_above(-limit)


def percentile_interval(value: float, changes: Floats, confidence: float = 0.95) -> Interval:
    """Return the percentile interval of a bootstrap.

    Args:
        value: The metric on the rows as they are.
        changes: What each replicate adds to it. Replicates without a value (such as a sample without positives) are
            left out, unless they are more than one in twenty: then there is no interval.
        confidence: Of both sides together.
    """
    defined = _defined(changes)
    if math.isnan(value) or not len(defined):
        return Interval(math.nan, math.nan)
    lower, upper = np.quantile(defined, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return Interval(value + float(lower), value + float(upper))


def bootstrap_p_value_above(value: float, changes: Floats, limit: float) -> float:
    """Return the p-value of the hypothesis that the true value is at most `limit`, from replicates.

    The share of replicates at or below the limit, with one added to both counts so that it is never 0 (Davison and
    Hinkley 1997, section 4.2): 1,000 replicates show no p-value below 0.001. Consistent with
    [`percentile_interval`][...percentile_interval]: below a where the lower bound at 1 - 2a is above the limit.
    """
    # Replicates without a value are left out here as in the interval: both must decide from the same replicates.
    defined = _defined(changes)
    if math.isnan(value) or not len(defined):
        return math.nan
    if not defined.any():  # identical models: nothing is uncertain
        return 0.0 if value > limit else 1.0
    return float((1 + np.count_nonzero(value + defined <= limit)) / (1 + len(defined)))


def standard_error(changes: Floats) -> float:
    """Return the standard deviation of a bootstrap's replicates; NaN where too few have a value."""
    defined = _defined(changes)
    return float(defined.std(ddof=1)) if len(defined) > 1 else math.nan


def _defined(changes: Floats) -> Floats:
    defined: Floats = changes[np.isfinite(changes)]
    return defined if len(defined) >= 0.95 * len(changes) else defined[:0]


def quantile(probability: float) -> float:
    """Return the value that a standard normal variable falls below with this probability."""
    return _STANDARD.inv_cdf(probability)


def upper_tail(value: float) -> float:
    """Return the probability that a standard normal variable exceeds the value; NaN for NaN."""
    return math.erfc(value / math.sqrt(2)) / 2


def wilson_interval(successes: float, trials: float, confidence: float = 0.95) -> Interval:
    """Return Wilson's score interval for a rate (1927), which holds for few rows and rates near 0 and 1.

    Args:
        successes: How many rows are counted, such as true positives.
        trials: Out of how many, such as all positives. With weights, the effective number: (sum w)² / sum w².
        confidence: Of both sides together.
    """
    if not trials > 0 or math.isnan(successes):
        return Interval(math.nan, math.nan)
    z = quantile(0.5 + confidence / 2)
    # The bounds solve (rate - p)^2 = z^2 p (1 - p) / n for p: the error is that of the bound, not of the observed rate,
    # which would be 0 where every row succeeds.
    rate, spread = successes / trials, z * z / trials
    centre = (rate + spread / 2) / (1 + spread)
    margin = z * math.sqrt(rate * (1 - rate) / trials + spread / (4 * trials)) / (1 + spread)
    return Interval(max(0.0, centre - margin), min(1.0, centre + margin))


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedShares:
    """Rows on which two models were counted: by which of them.

    Attributes:
        first_only: Rows that count for the first model only.
        second_only: Rows that count for the second only.
        trials: All rows.
        alike: Whether the models predict the same on each row, so that no other sample would part them.
    """

    first_only: float
    second_only: float
    trials: float
    alike: bool = False

    @property
    def value(self) -> float:
        """The first model's share less the second's."""
        return (self.first_only - self.second_only) / self.trials

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the differences that the two-sided score test does not reject."""
        if self.alike:
            return Interval(0.0, 0.0)
        critical = quantile(0.5 + confidence / 2)
        return Interval(self._where(critical, -1.0, self.value), self._where(-critical, self.value, 1.0))

    def p_value_above(self, limit: float) -> float:
        """Return the p-value of the hypothesis that the true difference is at most `limit`."""
        if self.alike:
            return 0.0 if limit < 0 else 1.0
        if not -1 < limit < 1:
            return 1.0 if limit >= 1 else 0.0 if self.value > limit else 1.0
        return upper_tail(self._score(limit))

    def p_value_below(self, limit: float) -> float:
        """Return the p-value of the hypothesis that the true difference is at least `limit`."""
        other = PairedShares(
            first_only=self.second_only, second_only=self.first_only, trials=self.trials, alike=self.alike
        )
        return other.p_value_above(-limit)

    def _score(self, difference: float) -> float:
        """Return how many standard errors the value lies above a true difference; falls as that grows."""
        if difference < 0:  # so that what is under the root never cancels
            return -_score(self.second_only, self.first_only, self.trials, -difference)
        return _score(self.first_only, self.second_only, self.trials, difference)

    def _where(self, score: float, low: float, high: float) -> float:
        """Return the difference between `low` and `high` at which the score is this one."""
        # Bisection, because the score falls strictly as the difference grows, and its inverse has no closed form.
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self._score(middle) > score:
                low = middle
            else:
                high = middle
        return (low + high) / 2


def _score(first: float, second: float, count: float, difference: float) -> float:
    """Return the score for a true difference of at least 0."""
    # The most likely share of rows for the second model alone, if this were the true difference (Tango's q21).
    # The larger root of 2n q^2 + linear q - second (difference)(1 - difference) = 0, Tango's equation 4; the other root
    # is negative.
    linear = (2 * count - first + second) * difference - first - second
    root = math.sqrt(linear * linear + 8 * count * second * difference * (1 - difference))
    share = (root - linear) / (4 * count)
    variance = count * (2 * share + difference * (1 - difference))
    above = first - second - count * difference
    return above / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, above) if above else 0.0
