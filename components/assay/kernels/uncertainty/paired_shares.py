"""The difference of two shares of the same rows: Tango's score test and interval.

For shares such as the accuracies of two models on one sample, only the rows on which the models differ tell them apart.
A percentile bootstrap, or a normal interval, is too sure with few of those (and says nothing with none); the score test
keeps its level (Tango, "Equivalence test and confidence interval for the difference in proportions for the
paired-sample design", Statistics in Medicine 17, 1998; compared with others by Newcombe in the same volume, and by
Fagerland, Lydersen and Laake 2014). At a limit of 0 it is McNemar's test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from assay.kernels.uncertainty.interval import Interval
from assay.kernels.uncertainty.normal import quantile, upper_tail

_HALVINGS = 50  # of [-1, 1]: bounds to 1e-15


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
        """The differences that the two-sided score test does not refuse."""
        if self.alike:
            return Interval(0.0, 0.0)
        critical = quantile(0.5 + confidence / 2)
        return Interval(self._where(critical, -1.0, self.value), self._where(-critical, self.value, 1.0))

    def p_value_above(self, limit: float) -> float:
        """The p-value of the hypothesis that the true difference is at most `limit`: small shows that it is above."""
        if self.alike:
            return 0.0 if limit < 0 else 1.0
        if not -1 < limit < 1:
            return 1.0 if limit >= 1 else 0.0 if self.value > limit else 1.0
        return upper_tail(self._score(limit))

    def p_value_below(self, limit: float) -> float:
        """The p-value of the hypothesis that the true difference is at least `limit`: small shows it is below."""
        other = PairedShares(
            first_only=self.second_only, second_only=self.first_only, trials=self.trials, alike=self.alike
        )
        return other.p_value_above(-limit)

    def _score(self, difference: float) -> float:
        """Gives how many standard errors the value lies above a true difference; falls as that grows."""
        if difference < 0:  # so that what is under the root never cancels
            return -_score(self.second_only, self.first_only, self.trials, -difference)
        return _score(self.first_only, self.second_only, self.trials, difference)

    def _where(self, score: float, low: float, high: float) -> float:
        """Gives the difference between `low` and `high` at which the score is this one."""
        for _ in range(_HALVINGS):
            middle = (low + high) / 2
            if self._score(middle) > score:
                low = middle
            else:
                high = middle
        return (low + high) / 2


def _score(first: float, second: float, count: float, difference: float) -> float:
    """The score for a true difference of at least 0."""
    # The most likely share of rows for the second model alone, if this were the true difference (Tango's q21).
    linear = (2 * count - first + second) * difference - first - second
    root = math.sqrt(linear * linear + 8 * count * second * difference * (1 - difference))
    share = (root - linear) / (4 * count)
    variance = count * (2 * share + difference * (1 - difference))
    above = first - second - count * difference
    return above / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, above) if above else 0.0
