"""Means of a loss over rows, and roots of such means, in closed form: bounds that know of skewed losses.

A few large losses make a mean's error skewed, and percentiles of a bootstrap too narrow on the side that matters: with
60 normal residuals 95 % bounds of an RMSE hold in 92 %. Hall's transformation (On the removal of skewness by
transformation, JRSS B 54, 1992) takes the skewness out of the studentised mean; its inverse has no turning point.
Losses with tails so heavy that their own variance is not known from the rows at hand have no bounds that hold (Bahadur
and Savage 1956); see `assay.evaluation.remarks`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from assay.kernels.metrics import terms
from assay.kernels.metrics.matrices import ratio
from assay.kernels.metrics.metric import SumsMetric
from assay.kernels.metrics.multiclass import class_log_loss
from assay.kernels.metrics.regression import root_of_ratio
from assay.kernels.uncertainty.delong import Areas
from assay.kernels.uncertainty.intervals import Interval, quantile, upper_tail
from assay.kernels.uncertainty.replicates import term_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.kernels.metrics.rows import Floats
    from assay.kernels.uncertainty.kept_rows import OrderedRows

_LOSSES: Final = frozenset(
    {
        terms.squared_error,
        terms.absolute_error,
        terms.absolute_percentage_error,
        terms.squared_logarithmic_error,
        terms.log_loss,
        terms.log_loss_of_logits,
        class_log_loss,
    }
)
_STRAIGHT: Final = 1e-6  # a skewness that changes nothing, and that must not be divided by


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewedMean:
    """A mean of rows, or the change of one.

    Attributes:
        value: The mean.
        standard_error: Its standard deviation over samples.
        skewness: Of its error: that of a row over the root of the number of rows.
        root: Whether it is the mean's root that is judged.
        positive: Whether the mean cannot be below 0.
    """

    value: float
    standard_error: float
    skewness: float
    root: bool = False
    positive: bool = False

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return the two-sided bounds; NaN where they are not known."""
        # A mean whose rows are all the same shows nothing of other rows; models that are the same differ nowhere.
        if math.isnan(self.value) or math.isnan(self.standard_error) or (self.positive and self.standard_error == 0):
            return Interval(math.nan, math.nan)
        critical = quantile(0.5 + confidence / 2)
        bounds = [self.value - self.standard_error * self._studentised(score) for score in (critical, -critical)]
        if self.positive:
            bounds = [max(bound, 0.0) for bound in bounds]
        return Interval(*(math.sqrt(bound) if self.root else bound for bound in bounds))

    def p_value_above(self, limit: float) -> float:
        """Return the p-value of "the true value is at most `limit`": a small one shows that it is above."""
        return self._tail(limit, 1.0)

    def p_value_below(self, limit: float) -> float:
        """Return the p-value of "the true value is at least `limit`": a small one shows that it is below."""
        return self._tail(limit, -1.0)

    def _tail(self, limit: float, side: float) -> float:
        if math.isnan(self.value) or math.isnan(self.standard_error):
            return math.nan
        if self.root:
            limit = math.copysign(limit * limit, limit)
        if self.standard_error == 0:
            return 0.0 if side * (self.value - limit) > 0 else 1.0
        score = (self.value - limit) / self.standard_error
        third = self.skewness / 3
        # Hall's (1.6): nearly normal where the studentised mean is skewed.
        transformed = score + third * score**2 + third**2 * score**3 / 3 + self.skewness / 6
        return upper_tail(side * transformed)

    def _studentised(self, transformed: float) -> float:
        """Return the studentised mean that is transformed to this: the inverse of a cubic."""
        third = self.skewness / 3
        straight = transformed - self.skewness / 6
        if abs(third) < _STRAIGHT:
            return straight
        return float(np.cbrt(1 + 3 * third * straight) - 1) / third


_UNKNOWN: Final = SkewedMean(value=math.nan, standard_error=math.nan, skewness=math.nan)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowMeans:
    """The means of one model, or of two over the same rows.

    Attributes:
        estimates: Each model's metric.
        change: The first model's metric less the second's; that they share rows is in its error.
        relative: The change over the second model's metric, by the delta method; NaN where that is 0.
        effective: Of each model, how many rows of one equal loss would make its sum: (sum x)² / sum x².
        rows: The number of rows.
    """

    estimates: tuple[SkewedMean, ...]
    change: SkewedMean = _UNKNOWN
    relative: SkewedMean = _UNKNOWN
    effective: tuple[float, ...]
    rows: int

    def estimate(self, model: int = 0) -> SkewedMean:
        """Return one model's mean, or its root."""
        return self.estimates[model]

    def difference(self) -> SkewedMean:
        """Return the change from the second model to the first."""
        return self.change

    def relative_difference(self) -> SkewedMean:
        """Return the change over the second model's metric."""
        return self.relative


ClosedForm: TypeAlias = Areas | RowMeans
"""The uncertainty of a metric of one model or two, without a bootstrap."""


def is_mean(metric: object) -> bool:
    """Return whether a metric is the mean of a loss over rows, or the root of one."""
    return (
        isinstance(metric, SumsMetric)
        and not metric.paired
        and len(metric.terms) == 2
        and metric.terms[0].function in _LOSSES
        and metric.formula in {ratio, root_of_ratio}
    )


def row_means(rows: OrderedRows, metric: SumsMetric) -> list[RowMeans]:
    """Return the means of all models in each slice, in the order of `rows.slices`.

    Args:
        rows: All rows.
        metric: One that [`is_mean`][...is_mean] accepts.
    """
    columns = [term_columns(rows, model, metric.view, metric.terms) for model in range(len(rows.predictions))]
    root = metric.formula is root_of_ratio
    whole = len(rows)
    result = []
    for cells in rows.slices.values():
        chosen = rows.rows_of(cells)
        # The slice of all rows is the rows themselves.
        own = columns if len(chosen) == whole else [[part[chosen] for part in pair] for pair in columns]
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):  # a loss that is infinite or no number
            result.append(_of_slice(own, root=root))
    return result


def _of_slice(columns: Sequence[Sequence[Floats]], *, root: bool) -> RowMeans:
    """Return the means of rows: of each model what the rows add to loss and weight."""
    estimates, effective, values, errors = [], [], [], []
    for loss, weight in columns:
        total, of_weight = float(loss.sum()), float(weight.sum())
        mean = total / of_weight if of_weight > 0 else math.nan
        # What each row adds to the error of the mean.
        error = (loss - mean * weight) / of_weight if of_weight > 0 else np.full(len(loss), np.nan)
        squares = float(loss @ loss)
        estimates.append(_mean(mean, error, root=root, positive=True))
        effective.append(total * total / squares if squares > 0 else math.nan)
        value = math.sqrt(mean) if root and mean >= 0 else mean
        values.append(value)
        errors.append((error / (2 * value) if value > 0 else np.zeros_like(error)) if root else error)
    counted = int(np.count_nonzero(columns[0][1]))
    if len(values) == 1:
        return RowMeans(estimates=tuple(estimates), effective=tuple(effective), rows=counted)
    (ours, theirs), (our_errors, their_errors) = values, errors
    relative = _UNKNOWN
    if theirs > 0:
        # Rounding must not part what is equal.
        change = 0.0 if ours == theirs else (ours - theirs) / theirs
        relative = _mean(change, our_errors / theirs - their_errors * (ours / theirs**2))
    return RowMeans(
        estimates=tuple(estimates),
        change=_mean(ours - theirs, our_errors - their_errors),
        relative=relative,
        effective=tuple(effective),
        rows=counted,
    )


def _mean(value: float, errors: Floats, *, root: bool = False, positive: bool = False) -> SkewedMean:
    """Return a mean of which each row makes one of these errors."""
    count = len(errors)
    squares = float(errors @ errors)
    cubes = float(errors @ (errors * errors))
    if count < 2 or not math.isfinite(squares) or not math.isfinite(value):
        return replace(_UNKNOWN, value=value)
    # Squares below the smallest float are no spread.
    skewness = cubes / squares**1.5 if squares > 0 and squares**1.5 > 0 else 0.0
    return SkewedMean(
        value=value,
        standard_error=math.sqrt(squares * count / (count - 1)),  # as from the sample's variance
        skewness=skewness,
        root=root,
        positive=positive,
    )
