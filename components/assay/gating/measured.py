"""A figure with its uncertainty: bounds, and tests against a limit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from assay.kernels.uncertainty.interval import (
    Estimate,
    Interval,
    bootstrap_p_value_above,
    percentile_interval,
    standard_error,
)
from assay.kernels.uncertainty.normal import upper_tail
from assay.kernels.uncertainty.proportions import wilson_interval

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Floats


_FEW = 0.02  # the share of replicates below which they are too few to count


class Measured(Protocol):
    """A figure whose uncertainty is known."""

    def interval(self, confidence: float) -> Interval:
        """Two-sided bounds; NaN where there are none."""
        ...

    def p_value_above(self, limit: float) -> float:
        """The p-value of "the true value is at most `limit`": small shows that it is above."""
        ...

    def p_value_below(self, limit: float) -> float:
        """The p-value of "the true value is at least `limit`": small shows that it is below."""
        ...


@dataclass(frozen=True, slots=True)
class Resampled:
    """A figure and what each bootstrap replicate adds to it.

    What does not vary over samples, such as the change between identical models, is taken as it is seen.
    """

    value: float
    changes: Floats

    def interval(self, confidence: float) -> Interval:
        """The percentile interval."""
        return percentile_interval(self.value, self.changes, confidence)

    def p_value_above(self, limit: float) -> float:
        """The share of replicates at or below the limit; where few are, the normal tail with their spread.

        1,000 replicates show nothing below 0.001, and little of 0.002: a correction for 50 slices would let no
        regression be real, or leave it to which replicates were drawn. (In 1,000 samples of 130 and 520 rows the normal
        tail erred at 1 % and 0.1 % as often as it should.)
        """
        found = bootstrap_p_value_above(self.value, self.changes, limit)
        if not found <= _FEW:
            return found
        tail = Estimate(self.value, standard_error(self.changes)).p_value_above(limit)
        return found if math.isnan(tail) else tail

    def p_value_below(self, limit: float) -> float:
        """The same of replicates at or above the limit."""
        return Resampled(-self.value, -self.changes).p_value_above(-limit)


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of independent rows; Wilson's interval, and the score test that it inverts.

    A bootstrap cannot judge these near 0 and 1: 30 right answers of 30 do not vary however they are drawn.
    """

    value: float
    trials: float

    def interval(self, confidence: float) -> Interval:
        """Wilson's interval."""
        return wilson_interval(self.value * self.trials, self.trials, confidence)

    def p_value_above(self, limit: float) -> float:
        """The score test."""
        if not 0 < limit < 1:
            return 1.0 if limit >= 1 else 0.0 if self.value > limit else 1.0
        return upper_tail((self.value - limit) / math.sqrt(limit * (1 - limit) / self.trials))

    def p_value_below(self, limit: float) -> float:
        """The score test."""
        return Proportion(1 - self.value, self.trials).p_value_above(1 - limit)
