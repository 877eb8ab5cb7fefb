"""Binary confusion matrices at thresholds, exact or on TFMA's grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from assay.kernels.metrics.rows import Floats

EPSILON = 1e-7  # TFMA's and Keras's step beyond 0 and 1
NUM_BUCKETS = 10_000  # of TFMA's calibration histogram
NEGLIGIBLE: Final = 1e-8
"""What TFMA takes for 0: the absolute tolerance of numpy's `isclose`."""


@dataclass(frozen=True, slots=True)
class Matrices:
    """Weights of true and false positives and negatives, by ascending threshold.

    A row is predicted positive where its score is above the threshold. The first axis is that of thresholds; a second,
    where there is one, is that of bootstrap replicates.

    Attributes:
        thresholds: Ascending.
        tp: Weight of positives above each threshold.
        fp: Weight of negatives above each threshold.
        tn: Weight of negatives at or below.
        fn: Weight of positives at or below.
    """

    thresholds: Floats
    tp: Floats
    fp: Floats
    tn: Floats
    fn: Floats

    @property
    def positives(self) -> Floats:
        """Weight of all positives."""
        total: Floats = self.tp[0] + self.fn[0]
        return total

    @property
    def negatives(self) -> Floats:
        """Weight of all negatives."""
        total: Floats = self.fp[0] + self.tn[0]
        return total


def exact_matrices(scores: Floats, positives: Floats, negatives: Floats) -> Matrices:
    """Return the matrices at every threshold that separates scores: below all, and at each score.

    Args:
        scores: Distinct and ascending.
        positives: The weight of positives at each score (rows), in each replicate (columns, if any).
        negatives: The same of negatives.
    """
    fn, tn = _from_zero(positives), _from_zero(negatives)
    # Weights are not negative, so neither is what is left of them; rounding may say otherwise.
    tp, fp = np.maximum(fn[-1] - fn, 0), np.maximum(tn[-1] - tn, 0)
    return Matrices(np.concatenate([[-np.inf], scores]), tp, fp, tn, fn)


def matrices_at(thresholds: Floats, scores: Floats, positives: Floats, negatives: Floats) -> Matrices:
    """Return the matrices at given thresholds as TFMA does from its calibration histogram (`use_histogram`).

    TFMA counts a bucket as positive at a threshold where the bucket's lower edge is at least the threshold plus 1e-7
    (at threshold 0: at least 0), everything at the first threshold if that is below 0, and nothing from 1 + 1e-7 on.

    Args:
        thresholds: Ascending.
        scores: Lower edges of buckets, ascending, as [`bucket_edges`][...bucket_edges] gives them.
        positives: The weight of positives in each bucket.
        negatives: The same of negatives.
    """
    fn, tn = _from_zero(positives), _from_zero(negatives)
    edges = np.where(thresholds == 0, 0.0, thresholds + EPSILON)
    at = np.searchsorted(scores, edges, side="left")
    at[(thresholds < 0) & (np.arange(len(thresholds)) == 0)] = 0
    at[thresholds >= 1 + EPSILON] = len(scores)
    return Matrices(thresholds, np.maximum(fn[-1] - fn[at], 0), np.maximum(tn[-1] - tn[at], 0), tn[at], fn[at])


def interpolated_thresholds(num_thresholds: int) -> Floats:
    """Return TFMA's and Keras's thresholds: equidistant in [0, 1], the ends moved outward by 1e-7."""
    inner = np.arange(1, num_thresholds - 1) * 1.0 / (num_thresholds - 1)
    return np.concatenate([[-EPSILON], inner, [1.0 + EPSILON]])


def bucket_edges(scores: Floats, num_buckets: int = NUM_BUCKETS, left: float = 0.0, right: float = 1.0) -> Floats:
    """Return the lower edge of each score's bucket in TFMA's calibration histogram; infinite outside; NaN for NaN."""
    with np.errstate(invalid="ignore", over="ignore"):
        position = (scores - left) / (right - left) * num_buckets + 1
        bucket = np.trunc(np.clip(position, 0, num_buckets + 1))
    edges = (bucket - 1) / num_buckets * (right - left) + left
    return np.where(bucket == 0, -np.inf, np.where(bucket == num_buckets + 1, np.inf, edges))


def _from_zero(weights: Floats) -> Floats:
    """Return cumulative sums that start with 0."""
    sums = np.zeros((len(weights) + 1, *weights.shape[1:]))
    np.cumsum(weights, axis=0, out=sums[1:])
    return sums


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    """Divides where the denominator is above 0, and gives NaN elsewhere: an undefined value is never a number."""
    numerator, denominator = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        quotient: Floats = np.divide(
            numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0
        )
    return quotient


def safe_ratio(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    """Divides where the denominator is not (close to) 0, of either sign; NaN elsewhere."""
    numerator, denominator = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        quotient: Floats = np.divide(
            numerator, denominator, out=np.full(numerator.shape, np.nan), where=np.abs(denominator) > NEGLIGIBLE
        )
    return quotient
