"""Metrics of a curve of confusion matrices: areas, and the best of one rate where another is good enough.

Values that do not exist (no positives, no negatives, NaN among the rows) are NaN; TFMA gives 0 for some of them, which
reads as a measured value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from assay.kernels.metrics.matrices import ratio

if TYPE_CHECKING:
    from collections.abc import Callable

    from assay.kernels.metrics.matrices import Matrices
    from assay.kernels.metrics.rows import Floats

Rate = "Callable[[Matrices], Floats]"


def roc_area(matrices: Matrices, summation_method: str = "interpolation") -> Floats:
    """Return the area under the ROC curve.

    With matrices at every score and `interpolation` it is the probability that a positive scores above a negative,
    ties counting half.

    Args:
        matrices: At ascending thresholds.
        summation_method: `interpolation` (trapezoids), `minoring` (lower steps) or `majoring` (upper steps).
    """
    steps = matrices.fp[:-1] - matrices.fp[1:]
    heights = _heights(matrices.tp, summation_method)
    return ratio((steps * heights).sum(axis=0), matrices.positives * matrices.negatives)


def precision_recall_area(matrices: Matrices, summation_method: str = "interpolation") -> Floats:
    """Return the area under the precision-recall curve.

    Args:
        matrices: At ascending thresholds.
        summation_method: `interpolation` interpolates true and false positives, not precision (Davis and Goadrich
            2006); `minoring` and `majoring` take the lower and upper steps.
    """
    tp, predicted = matrices.tp, matrices.tp + matrices.fp
    if summation_method != "interpolation":
        # TFMA leaves out the steps where nothing is predicted positive.
        precision = ratio(tp, predicted)
        steps = np.nan_to_num((tp[:-1] - tp[1:]) * _heights(precision, summation_method))
        return ratio(steps.sum(axis=0), matrices.positives)
    gained, widened = tp[:-1] - tp[1:], predicted[:-1] - predicted[1:]
    slope = np.divide(gained, widened, out=np.zeros_like(gained), where=widened > 0)
    intercept = tp[1:] - slope * predicted[1:]
    both = (predicted[:-1] > 0) & (predicted[1:] > 0)
    growth = np.divide(predicted[:-1], predicted[1:], out=np.ones_like(gained), where=both)
    return ratio((slope * (gained + intercept * np.log(growth))).sum(axis=0), matrices.positives)


def average_precision(matrices: Matrices) -> Floats:
    """Return the mean of precision over the recalls reached, as scikit-learn's `average_precision_score`."""
    precision = np.nan_to_num(ratio(matrices.tp, matrices.tp + matrices.fp))
    return ratio(((matrices.tp[:-1] - matrices.tp[1:]) * precision[:-1]).sum(axis=0), matrices.positives)


def best_under_constraint(
    matrices: Matrices,
    wanted: Callable[[Matrices], Floats],
    constrained: Callable[[Matrices], Floats],
    limits: tuple[float, ...],
    at_most: bool = False,  # noqa: FBT001, FBT002 - passed by position in a metric's parameters
) -> Floats:
    """Return the maximum of one rate over the thresholds at which another is good enough; 0 if none is.

    Args:
        matrices: At ascending thresholds.
        wanted: The rate to maximise.
        constrained: The rate that must be at least (or at most) the limit.
        limits: One value is given for each.
        at_most: Whether the limit is an upper one.
    """
    values, constraint = np.broadcast_arrays(_by_replicate(wanted(matrices), matrices), constrained(matrices))
    defined = ~np.isnan(values) & ~np.isnan(constraint)
    best = []
    for limit in limits:
        feasible = defined & (constraint <= limit if at_most else constraint >= limit)
        found = np.where(feasible, values, -np.inf).max(axis=0)
        best.append(np.where(np.isneginf(found) & ~feasible.any(axis=0), 0.0, found))
    unknown = np.isnan(matrices.positives + matrices.negatives) | ~defined.any(axis=0)
    result = np.where(unknown, np.nan, best)
    return result[0] if len(limits) == 1 else result


def recall(matrices: Matrices) -> Floats:
    """Return recall (sensitivity) at each threshold."""
    return ratio(matrices.tp, matrices.tp + matrices.fn)


def precision(matrices: Matrices) -> Floats:
    """Return precision at each threshold."""
    return ratio(matrices.tp, matrices.tp + matrices.fp)


def specificity(matrices: Matrices) -> Floats:
    """Return specificity at each threshold."""
    return ratio(matrices.tn, matrices.tn + matrices.fp)


def false_positive_rate(matrices: Matrices) -> Floats:
    """Return the false positive rate at each threshold."""
    return ratio(matrices.fp, matrices.tn + matrices.fp)


def threshold(matrices: Matrices) -> Floats:
    """Return the thresholds themselves."""
    return matrices.thresholds


def _by_replicate(values: Floats, matrices: Matrices) -> Floats:
    return values[:, None] if values.ndim < matrices.tp.ndim else values


def _heights(values: Floats, summation_method: str) -> Floats:
    lower, upper = values[:-1], values[1:]
    if summation_method == "minoring":
        return np.minimum(lower, upper)
    if summation_method == "majoring":
        return np.maximum(lower, upper)
    return (lower + upper) / 2


AREAS: Final = (roc_area, precision_recall_area)
"""The formulas of areas, which lie within 0 and 1."""
