"""Data of plots: confusion matrices over thresholds, calibration, histograms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.kernels.metrics.binary import confusion_terms
from assay.kernels.metrics.matrices import Matrices, bucket_edges
from assay.kernels.metrics.metric import BINARY, CurveMetric, SumsMetric
from assay.kernels.metrics.rows import Floats
from assay.kernels.metrics.view import View


@dataclass(frozen=True, slots=True)
class Buckets:
    """Sums by bucket of the prediction.

    Attributes:
        edges: The least prediction of each bucket: `-inf`, then equidistant; the last is open above.
        labels: Sum of weighted labels.
        predictions: Sum of weighted predictions.
        weights: Sum of weights.
    """

    edges: Floats
    labels: Floats
    predictions: Floats
    weights: Floats


def confusion_matrix_at_thresholds(
    thresholds: Sequence[float], *, name: str = "confusion_matrix_at_thresholds", view: View = BINARY
) -> SumsMetric:
    """Return (tp, tn, fp, fn) at each threshold, counted exactly: an array of slices by thresholds by four."""
    return SumsMetric(name=name, terms=confusion_terms(thresholds), formula=confusion_counts, view=view)


def confusion_matrix_plot(num_thresholds: int = 1000, *, name: str = "confusion_matrix_plot") -> CurveMetric:
    """Return a slice's `Matrices` at TFMA's thresholds: -1e-6, and multiples of 1 / num_thresholds."""
    return CurveMetric(name=name, formula=_itself, thresholds=_plot_thresholds(num_thresholds))


def calibration_plot(
    num_buckets: int = 1000, left: float = 0.0, right: float = 1.0, *, name: str = "calibration_plot"
) -> CurveMetric:
    """Return labels and predictions by bucket of the prediction, from every distinct score.

    TFMA goes through a histogram of 10,000 buckets first, so that a prediction within 1e-4 of an edge may be in the
    bucket below in its plot.
    """
    return CurveMetric(name=name, formula=_calibration, params=(num_buckets, left, right))


def _plot_thresholds(num_thresholds: int) -> tuple[float, ...]:
    return (-1e-6, *(position * 1.0 / num_thresholds for position in range(num_thresholds + 1)))


def confusion_counts(*sums: Floats) -> Floats:
    """Brings the four counts at each threshold together."""
    stacked = np.stack(sums)
    return stacked.reshape(-1, 4, *stacked.shape[1:])


def _itself(matrices: Matrices) -> Matrices:
    return matrices


def _calibration(matrices: Matrices, num_buckets: int, left: float, right: float) -> Buckets:
    scores, labels = matrices.thresholds[1:], np.diff(matrices.fn)
    weights = labels + np.diff(matrices.tn)
    edges = np.concatenate([[-np.inf], left + np.arange(num_buckets + 1) * (right - left) / num_buckets])
    # Scores are first floored to a bucket so that an edge such as 0.3 falls where the division puts it.
    floors = bucket_edges(scores, num_buckets, left, right)
    at = np.clip(np.searchsorted(edges, floors, side="right") - 1, 0, num_buckets + 1)

    def summed(values: Floats) -> Floats:
        return np.bincount(at, values, minlength=num_buckets + 2).astype(np.float64)

    return Buckets(edges, summed(labels), summed(np.where(weights == 0, 0.0, weights * scores)), summed(weights))
