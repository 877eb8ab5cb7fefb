"""Metrics' values as TFMA's protos."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from assay.kernels.metrics.matrices import Matrices
from assay.kernels.metrics.metric import SumsMetric
from assay.kernels.metrics.plots import Buckets, confusion_counts

if TYPE_CHECKING:
    from assay.kernels.metrics.state import AnyMetric

_COUNTS = ("true_positives", "true_negatives", "false_positives", "false_negatives")


def fill_metric_value(message: Any, metric: AnyMetric, value: Any) -> None:
    """Writes a value into a `MetricValue`: a number, an array, or a confusion matrix of either kind."""
    if isinstance(value, Mapping):
        fill_class_matrices(message.multi_class_confusion_matrix_at_thresholds, value)
    elif isinstance(metric, SumsMetric) and metric.formula is confusion_counts:
        thresholds = [float(term.params[0]) for term in metric.terms[::4]]
        fill_confusions(message.confusion_matrix_at_thresholds, thresholds, np.asarray(value))
    elif np.ndim(value) == 0:
        message.double_value.value = float(value)
    else:
        array = np.asarray(value, dtype=np.float64)
        message.array_value.data_type = message.array_value.FLOAT64
        message.array_value.shape.extend(array.shape)
        message.array_value.float64_values.extend(array.reshape(-1).tolist())


def fill_confusions(message: Any, thresholds: list[float], counts: npt.NDArray[Any]) -> None:
    """Writes (tp, tn, fp, fn) by threshold into a `ConfusionMatrixAtThresholds`, with TFMA's rates of them.

    A rate of nothing is what TFMA 0.52 makes of it, on both version lines; TFMA 0.47 divides, and a difference of two
    matrices, whose counts sum to nothing, has an accuracy of minus infinity.
    """
    tp, tn, fp, fn = (counts[:, column] for column in range(4))
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.where(tp + fp > 0, tp / (tp + fp), 1.0)
        recall = np.where(tp + fn > 0, tp / (tp + fn), 0.0)
        rates = {
            "precision": precision,
            "recall": recall,
            "f1": np.where(precision + recall > 0, 2 * precision * recall / (precision + recall), 0.0),
            "accuracy": np.where(tp + tn + fp + fn > 0, (tp + tn) / (tp + tn + fp + fn), 0.0),
            "false_positive_rate": np.where(fp + tn > 0, fp / (fp + tn), 0.0),
            "false_omission_rate": np.where(fn + tn > 0, fn / (fn + tn), np.nan),
        }
    # Plots have a thousand thresholds in each slice: setting fields one by one would take longer than computing them.
    names = ("threshold", *_COUNTS, *rates)
    rounded = [round(threshold, 6) for threshold in thresholds]
    columns = [rounded, *(column.tolist() for column in (tp, tn, fp, fn, *rates.values()))]
    for row in zip(*columns, strict=True):
        message.matrices.add(**dict(zip(names, row, strict=True)))


def fill_class_matrices(message: Any, matrices: Mapping[float, Mapping[tuple[int, int], float]]) -> None:
    """Writes weights by actual and predicted class into a `MultiClassConfusionMatrixAtThresholds`."""
    for threshold in sorted(matrices):
        matrix = message.matrices.add(threshold=threshold)
        for (actual, predicted), weight in sorted(matrices[threshold].items()):
            matrix.entries.add(actual_class_id=actual, predicted_class_id=predicted, num_weighted_examples=weight)


def fill_plot(message: Any, value: Any) -> None:
    """Writes a plot's data into a `PlotData`."""
    if isinstance(value, Matrices):
        counts = np.stack([value.tp, value.tn, value.fp, value.fn], axis=1)
        fill_confusions(message.confusion_matrix_at_thresholds, value.thresholds.tolist(), counts)
    elif isinstance(value, Buckets):
        edges = [*value.edges.tolist(), float("inf")]
        columns = (value.weights.tolist(), value.labels.tolist(), value.predictions.tolist())
        buckets = message.calibration_histogram_buckets.buckets
        for low, high, weight, label, prediction in zip(edges[:-1], edges[1:], *columns, strict=True):
            bucket = buckets.add(lower_threshold_inclusive=low, upper_threshold_exclusive=high)
            bucket.num_weighted_examples.value = weight
            bucket.total_weighted_label.value = label
            bucket.total_weighted_refined_prediction.value = prediction
    else:
        fill_class_matrices(message.multi_class_confusion_matrix_at_thresholds, value)
