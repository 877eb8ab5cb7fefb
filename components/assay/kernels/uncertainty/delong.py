"""The AUC's variance and covariance in closed form (DeLong, DeLong and Clarke-Pearson 1988).

Computed from sorted scores in n log n (Sun and Xu 2014). For rows of equal weight.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.uncertainty.interval import Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from assay.kernels.metrics.rows import Floats


@dataclass(frozen=True, slots=True)
class Areas:
    """AUCs of several models on the same rows.

    Attributes:
        values: The area of each model; NaN where a class is missing or a row is not known.
        covariance: Of the areas; NaN where a class has fewer than two rows.
    """

    values: Floats
    covariance: Floats

    def estimate(self, model: int = 0) -> Estimate:
        """Gives one model's area with its standard error."""
        return Estimate(float(self.values[model]), math.sqrt(float(self.covariance[model, model])))

    def difference(self, first: int = 0, second: int = 1) -> Estimate:
        """Gives the first model's area less the second's; that they share rows is in the standard error."""
        variance = self.covariance[first, first] + self.covariance[second, second] - 2 * self.covariance[first, second]
        # Rounding can leave the variance of identical models just below 0; NaN passes through.
        error = float(np.sqrt(np.maximum(variance, 0.0)))
        return Estimate(float(self.values[first] - self.values[second]), error)


def delong(labels: Floats, scores: Sequence[Floats]) -> Areas:
    """Gives the AUCs of models with their covariance.

    Args:
        labels: 0 or 1; with any other label, or NaN among the scores, nothing is known.
        scores: Of each model, for the same rows.
    """
    positive, negative = labels == 1, labels == 0
    count = len(scores)
    nothing = np.full((count, count), np.nan)
    if not (positive | negative).all() or any(np.isnan(score).any() for score in scores):
        return Areas(np.full(count, np.nan), nothing)
    placements = [_placements(score, positive, negative) for score in scores]
    of_positives = np.array([pair[0] for pair in placements])
    of_negatives = np.array([pair[1] for pair in placements])
    num_positives, num_negatives = of_positives.shape[1], of_negatives.shape[1]
    if not num_positives or not num_negatives:
        return Areas(np.full(count, np.nan), nothing)
    values = of_positives.mean(axis=1)
    if min(num_positives, num_negatives) < 2:
        return Areas(values, nothing)
    covariance = _covariance(of_positives) / num_positives + _covariance(of_negatives) / num_negatives
    return Areas(values, covariance)


def _placements(scores: Floats, positive: NDArray[np.bool_], negative: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Gives for each positive the share of negatives below it, and for each negative that of positives above it."""
    above, below = np.sort(scores[positive]), np.sort(scores[negative])
    with np.errstate(invalid="ignore"):
        of_positives = _share_below(scores[positive], below)
        of_negatives = 1 - _share_below(scores[negative], above)
    return of_positives, of_negatives


def _share_below(values: Floats, ordered: Floats) -> Floats:
    """Gives the share of the ordered numbers that are below each value, equal ones counting half."""
    if not len(ordered):
        return np.full(len(values), np.nan)
    # Sorted needles make the searches run through memory in order: several times faster for a million.
    order = np.argsort(values)
    needles = values[order]
    both = np.searchsorted(ordered, needles, side="left") + np.searchsorted(ordered, needles, side="right")
    shares = np.empty(len(values))
    shares[order] = both / (2 * len(ordered))
    return shares


def _covariance(placements: Floats) -> Floats:
    return np.asarray(np.atleast_2d(np.cov(placements)))
