"""Confusion matrices of several classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.metrics.view import by_class

if TYPE_CHECKING:
    from collections.abc import Mapping

    from assay.kernels.metrics.rows import Floats, Ints

NO_PREDICTED_CLASS = -1
"""The predicted class of a row whose best prediction is not above the threshold, as in TFMA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassMatrixMetric:
    """The weights of examples by actual and predicted class, at thresholds.

    Attributes:
        name: TFMA's name: `multi_class_confusion_matrix_at_thresholds` or `multi_class_confusion_matrix_plot`.
        thresholds: A row predicts its best class where that prediction is above the threshold, else
            `NO_PREDICTED_CLASS`.
    """

    name: str = "multi_class_confusion_matrix_at_thresholds"
    thresholds: tuple[float, ...] = (0.5,)


@dataclass(slots=True)
class ClassMatrix:
    """Weights by threshold, cell, actual and predicted class.

    A label that is no class number (NaN, a fraction) is counted under the actual class it is not: none, with a weight
    of NaN under (-1, -1), so that the slice shows that its matrix is not known.
    """

    weights: dict[tuple[int, int, int, int], float] = field(default_factory=dict)

    def add(self, metric: ClassMatrixMetric, cells: Ints, labels: Floats, predictions: Floats, weights: Floats) -> None:
        """Adds rows."""
        predictions = by_class(predictions)
        actual = labels if labels.ndim == 1 else np.where(np.isnan(labels).any(axis=1), np.nan, labels.argmax(axis=1))
        best = predictions.max(axis=1)
        known = ~np.isnan(best) & (actual == np.floor(actual))
        used = weights != 0
        for position, threshold in enumerate(metric.thresholds):
            predicted = np.where(best > threshold, predictions.argmax(axis=1), NO_PREDICTED_CLASS)
            pair = np.stack([cells, np.where(known, actual, -1), np.where(known, predicted, -1)]).astype(np.int64)
            keys, inverse = np.unique(pair[:, used], axis=1, return_inverse=True)
            totals = np.bincount(inverse.reshape(-1), np.where(known, weights, np.nan)[used], minlength=keys.shape[1])
            for (cell, row, column), total in zip(keys.T.tolist(), totals.tolist(), strict=True):
                self._count((position, cell, row, column), total)

    def merge(self, other: ClassMatrix, cells: Ints) -> None:
        """Adds another matrix, whose cells have these numbers here."""
        for (position, cell, actual, predicted), weight in other.weights.items():
            self._count((position, int(cells[cell]), actual, predicted), weight)

    def of_cells(self, metric: ClassMatrixMetric, cells: Ints) -> Mapping[float, Mapping[tuple[int, int], float]]:
        """Gives for each threshold the weight of each (actual, predicted) class that occurs."""
        members = set(cells.tolist())
        matrices: dict[float, dict[tuple[int, int], float]] = {threshold: {} for threshold in metric.thresholds}
        for (position, cell, actual, predicted), weight in sorted(self.weights.items(), key=lambda item: item[0]):
            if cell in members:
                matrix = matrices[metric.thresholds[position]]
                matrix[actual, predicted] = matrix.get((actual, predicted), 0.0) + weight
        return matrices

    def _count(self, key: tuple[int, int, int, int], weight: float) -> None:
        self.weights[key] = self.weights.get(key, 0.0) + weight
