"""The AUC's variance and covariance in closed form (DeLong, DeLong and Clarke-Pearson 1988).

Computed from sorted scores in n log n (Sun and Xu 2014). For rows of equal weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.uncertainty.intervals import Estimate, Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from assay.kernels.metrics.rows import Floats, Ints
    from assay.kernels.metrics.view import View
    from assay.kernels.uncertainty.kept_rows import OrderedRows


@dataclass(frozen=True, slots=True)
class Area:
    """An AUC with its standard error; tests and bounds are normal on the logit's scale.

    There the error is nearly normal and bounds stay within 0 and 1, where the plain ones leave them for areas near 1
    (Pepe, The Statistical Evaluation of Medical Tests, 2003, section 5.2; Qin and Hotilovac 2008 compare coverage).

    Attributes:
        value: The area.
        standard_error: DeLong's; NaN where it is not known.
    """

    value: float
    standard_error: float

    def interval(self, confidence: float = 0.95) -> Interval:
        """Return bounds within 0 and 1; NaN for an area of 0 or 1, from which nothing follows for other rows."""
        if not self._varies():
            known = self.standard_error == 0 and 0 < self.value < 1  # every score is the same
            return Interval(self.value, self.value) if known else Interval(math.nan, math.nan)
        found = self._logit().interval(confidence)
        return Interval(1 / (1 + math.exp(-found.lower)), 1 / (1 + math.exp(-found.upper)))

    def p_value_above(self, limit: float) -> float:
        """Return the p-value of the hypothesis that the true area is at most `limit`."""
        if math.isnan(self.value) or math.isnan(self.standard_error):
            return math.nan
        if not self._varies() or not 0 < limit < 1:
            return 0.0 if self.value > limit else 1.0
        return self._logit().p_value_above(math.log(limit / (1 - limit)))

    def p_value_below(self, limit: float) -> float:
        """Return the p-value of the hypothesis that the true area is at least `limit`."""
        return Area(1 - self.value, self.standard_error).p_value_above(1 - limit)

    def _varies(self) -> bool:
        return 0 < self.value < 1 and self.standard_error > 0

    def _logit(self) -> Estimate:
        # The delta method: d/dp log(p / (1 - p)) = 1 / (p (1 - p)).
        spread = self.value * (1 - self.value)
        return Estimate(math.log(self.value / (1 - self.value)), self.standard_error / spread)


@dataclass(frozen=True, slots=True)
class Areas:
    """AUCs of several models on the same rows.

    Attributes:
        values: The area of each model; NaN where a class is missing or a row is not known.
        covariance: Of the areas; NaN where a class has fewer than two rows.
        smaller_class: The number of rows of the class that has fewer.
        effective: Of each model, how many rows of one class would make its errors, or its successes, if each made as
            many: the fewest of both classes. A few rows make an area near 1, or one of few positives, what it is.
        alike: Whether all models put the rows in one order, so that no other sample is likely to part them.
    """

    values: Floats
    covariance: Floats
    smaller_class: int = 0
    effective: tuple[float, ...] = ()
    alike: bool = False

    @property
    def rows(self) -> int:
        """The number of rows that an area is made of: those of the smaller class."""
        return self.smaller_class

    def estimate(self, model: int = 0) -> Area:
        """Return one model's area with its standard error."""
        return Area(float(self.values[model]), math.sqrt(float(self.covariance[model, model])))

    def difference(self, first: int = 0, second: int = 1) -> Estimate:
        """Return the first model's area minus the second's; the standard error allows for their shared rows."""
        value = float(self.values[first] - self.values[second])
        return replace(self._combined(value, first, second, 1.0, -1.0), least=-1.0, most=1.0)

    def relative_difference(self, first: int = 0, second: int = 1) -> Estimate:
        """Return the difference over the second model's area; the error by the delta method. NaN where that is 0."""
        ours, theirs = float(self.values[first]), float(self.values[second])
        if theirs == 0:
            return Estimate(math.nan, math.nan)
        if ours == theirs:  # rounding must not part what is equal
            return self._combined(0.0, first, second, 1 / theirs, -1 / theirs)
        return self._combined(ours / theirs - 1, first, second, 1 / theirs, -ours / theirs**2)

    def _combined(self, value: float, first: int, second: int, one: float, other: float) -> Estimate:
        variance = (
            one * one * self.covariance[first, first]
            + other * other * self.covariance[second, second]
            + 2 * one * other * self.covariance[first, second]
        )
        if variance <= 0 and not self.alike:
            variance = math.nan  # models that err nowhere, or in the same rows: what others they have is not known
        # Rounding can leave the variance of nearly identical models just below 0; NaN passes through.
        return Estimate(value, float(np.sqrt(np.maximum(variance, 0.0))))


def delong(labels: Floats, scores: Sequence[Floats], orders: Sequence[Ints] | None = None) -> Areas:
    """Return the AUCs of models with their covariance.

    Args:
        labels: 0 or 1; with any other label, or NaN among the scores, nothing is known.
        scores: Of each model, for the same rows.
        orders: What sorts each model's scores, where that is known.
    """
    orders = [np.argsort(score) for score in scores] if orders is None else orders
    positive = labels == 1
    count = len(scores)
    unknown = Areas(np.full(count, np.nan), np.full((count, count), np.nan))
    if not (positive | (labels == 0)).all() or any(np.isnan(score).any() for score in scores):
        return unknown
    num_positives = int(positive.sum())
    num_negatives = len(labels) - num_positives
    smaller = min(num_positives, num_negatives)
    if smaller == 0:
        return unknown
    placements = np.stack([_placements(positive, *pair) for pair in zip(scores, orders, strict=True)])
    of_positives, of_negatives = placements[:, positive], placements[:, ~positive]
    values = of_positives.mean(axis=1)
    if smaller < 2:
        return Areas(values, unknown.covariance, smaller)
    # An area is a two-sample U-statistic: its variance is that of the placements of each class, over the class's size.
    covariance = _covariance(of_positives) / num_positives + _covariance(of_negatives) / num_negatives
    effective = tuple(
        min(_effective(one), _effective(other)) for one, other in zip(of_positives, of_negatives, strict=True)
    )
    alike = all(_same_order(scores[0], score, orders[0]) for score in scores[1:])
    return Areas(values, covariance, smaller, effective, alike)


def _effective(placements: Floats) -> float:
    """Return the number of equal rows that would make the placements, or what they lack of 1: the fewer."""
    found = []
    for part in (placements, 1 - placements):
        # Kish's effective size, (sum w)^2 / sum w^2: one row with all the errors counts as one, of however many rows.
        squares = float(part @ part)
        found.append(float(part.sum()) ** 2 / squares if squares > 0 else 0.0)
    return min(found)


def _same_order(first: Floats, second: Floats, order: Ints) -> bool:
    """Return whether two models order rows alike, ties included."""
    if first is second:
        return True
    one, other = first[order], second[order]
    rises = other[1:] > other[:-1]
    return bool(((one[1:] > one[:-1]) == rises).all() and (rises | (other[1:] == other[:-1])).all())


def _placements(positive: NDArray[np.bool_], scores: Floats, order: Ints) -> Floats:
    """Return for each positive the share of negatives below it, for each negative that of positives above it.

    Rows of one score count half of each other.
    """
    sorted_scores, sorted_positive = scores[order], positive[order]
    # Runs of equal scores: a run starts where a score differs from the one before it.
    starts = np.flatnonzero(np.concatenate([[True], sorted_scores[1:] != sorted_scores[:-1]]))
    lengths = np.diff(np.append(starts, len(order)))
    positives = np.concatenate([[0], np.cumsum(sorted_positive)])
    ends = starts + lengths
    # Twice the number of positives, and of negatives, below each score, its own counting half.
    # Whole numbers up to here, so that ties and equal models give the very same placements.
    below = positives[starts] + positives[ends]
    negatives_below = starts + ends - below
    total = positives[-1]
    placed = np.where(
        sorted_positive,
        np.repeat(negatives_below / (2 * (len(order) - total)), lengths),
        np.repeat(1 - below / (2 * total), lengths),
    )
    result = np.empty(len(order))
    result[order] = placed
    return result


def _covariance(placements: Floats) -> Floats:
    """Return the sample covariance; models whose placements are equal have the very same entries."""
    centred = placements - placements.mean(axis=1, keepdims=True)
    count = len(placements)
    # Models with equal placements share one row of the matrix: computed apart, their covariance could differ from the
    # variance in the last digit, and the difference of equal models would not have a variance of exactly 0.
    same = [
        next(other for other in range(row + 1) if np.array_equal(centred[other], centred[row])) for row in range(count)
    ]
    result = np.empty((count, count))
    for row in range(count):
        for column in range(count):
            first, second = sorted((same[row], same[column]))
            result[row, column] = centred[first] @ centred[second] / (placements.shape[1] - 1)
    return result


def sliced_areas(rows: OrderedRows, view: View) -> list[Areas] | None:
    """Return the areas of all models in each slice.

    Args:
        rows: All rows.
        view: How labels and predictions are paired; a view that makes several pairs of a row has no closed form.

    Returns:
        One for each slice, in the order of `rows.slices`; None where rows weigh differently, labels are not 0 and 1, or
        a row makes several pairs.
    """
    pairs = [view.pairs(rows.labels, predictions) for predictions in rows.predictions]
    labels = pairs[0].labels
    plain = all(one.rows is None for one in pairs) and np.all(pairs[0].weigh(rows.weights) == 1)
    # A view by rank pairs the models with different labels, so their rows are not the same.
    if not plain or not np.isin(labels, (0, 1)).all() or any(not np.array_equal(one.labels, labels) for one in pairs):
        return None
    orders = [np.argsort(one.predictions) for one in pairs]
    ranks = [np.empty(len(order), dtype=np.int64) for order in orders]
    for order, rank in zip(orders, ranks, strict=True):
        rank[order] = np.arange(len(order))
    result = []
    for cells in rows.slices.values():
        chosen = rows.rows_of(cells)
        place = np.empty(len(rows), dtype=np.int64)
        place[chosen] = np.arange(len(chosen))
        # Sorting ranks, which are distinct integers, is several times faster than sorting scores.
        own = [place[order[np.sort(rank[chosen])]] for order, rank in zip(orders, ranks, strict=True)]
        result.append(delong(labels[chosen], [one.predictions[chosen] for one in pairs], own))
    return result
