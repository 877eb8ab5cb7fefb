"""Metrics of classifiers with several classes, and averages over their classes as TFMA takes them.

Metrics of one class are those of [`binary`][assay.kernels.metrics.binary] with a `View`; so are micro averages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.metrics import terms
from assay.kernels.metrics.matrices import ratio
from assay.kernels.metrics.metric import AverageMetric, CurveMetric, SumsMetric, Term
from assay.kernels.metrics.rows import Floats
from assay.kernels.metrics.view import View, by_class, dense, is_class

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Ints

_WHOLE = View(whole=True)
_WEIGHT = Term(terms.one)
NO_PREDICTED_CLASS = -1
"""The predicted class of a row whose best prediction is not above the threshold, as in TFMA."""


def categorical_accuracy(*, name: str = "categorical_accuracy") -> SumsMetric:
    """Return the share of rows whose best class is the label's; `sparse_categorical_accuracy` is the same.

    Labels may be class numbers or one number a class; of equal predictions the first class is the best.
    """
    return SumsMetric(name=name, terms=(Term(hit), _WEIGHT), formula=ratio, view=_WHOLE)


def top_k_categorical_accuracy(k: int = 5, *, name: str = "top_k_categorical_accuracy") -> SumsMetric:
    """Return the share of rows whose label is among the k best classes.

    Of classes with equal predictions any order is as good: a row counts by the share of orders that put its label among
    the first k. (Keras counts each of these classes as a hit, so that a constant prediction is always right; and
    scikit-learn takes the classes with the highest numbers.)
    """
    return SumsMetric(name=name, terms=(Term(top_hit, (k,)), _WEIGHT), formula=ratio, view=_WHOLE)


def categorical_crossentropy(
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    clip: float = 0.0,
    name: str = "categorical_crossentropy",
) -> SumsMetric:
    """Return the log loss in nats, with each row's predictions scaled to sum to 1.

    Args:
        from_logits: Whether predictions are logits.
        label_smoothing: Moves this share of each label to all classes alike.
        clip: Probabilities are moved this far from 0 and 1; Keras takes 1e-7. Without it a label whose class has
            probability 0 costs infinity (TFMA's own metric lets it cost nothing). scikit-learn takes `EPSILON`.
        name: `sparse_categorical_crossentropy` in Keras for class numbers as labels.
    """
    loss = Term(class_log_loss, (from_logits, label_smoothing, clip))
    return SumsMetric(name=name, terms=(loss, _WEIGHT), formula=ratio, view=_WHOLE)


def macro_average(
    metric: Callable[[View], SumsMetric | CurveMetric],
    views: Mapping[View, float],
    *,
    by_labels: bool = False,
) -> AverageMetric:
    """Return the average of a metric over classes, or over the ranks that predictions give them.

    Args:
        metric: Gives the metric of one class from its view, such as `lambda view: auc(view=view)`.
        views: The classes (or ranks), and what each counts by.
        by_labels: Whether each class also counts by its share of the labels: TFMA's `weighted_macro_average`, which
            weighs ranks alike even so.
    """
    parts = tuple(metric(view) for view in views)
    of_classes = all(view.class_id is not None for view in views)
    labels = SumsMetric(name="labels", terms=(Term(terms.label),), formula=np.asarray)
    return AverageMetric(
        name=parts[0].name,
        parts=parts,
        weights=tuple(views.values()),
        by_labels=tuple(replace(labels, view=view) for view in views) if by_labels and of_classes else (),
        aggregation="weighted_macro" if by_labels else "macro",
    )


def hit(labels: Floats, predictions: Floats) -> Floats:
    """1 for each row whose best class is the label's."""
    predictions = by_class(predictions)
    actual = _class_of(labels, predictions.shape[1])
    return _known(actual, predictions, predictions.argmax(axis=1) == actual)


def top_hit(labels: Floats, predictions: Floats, k: int) -> Floats:
    """1 for each row whose label is among the k best classes, 0 for others, and between them where predictions tie."""
    predictions = by_class(predictions)
    actual = _class_of(labels, predictions.shape[1])
    valid = actual >= 0
    own = np.take_along_axis(predictions, np.where(valid, actual, 0).astype(np.int64)[:, None], axis=1)
    above, alike = (predictions > own).sum(axis=1), (predictions == own).sum(axis=1)
    return _known(actual, predictions, np.where(valid, np.clip((k - above) / np.maximum(alike, 1), 0.0, 1.0), 0.0))


def _class_of(labels: Floats, classes: int) -> Floats:
    if labels.ndim == 1:
        return np.where(is_class(labels, classes), labels, np.nan)
    return np.where(np.isnan(labels).any(axis=1), np.nan, labels.argmax(axis=1))


def _known(actual: Floats, predictions: Floats, values: Floats) -> Floats:
    return np.where(np.isnan(actual) | np.isnan(predictions).any(axis=1), np.nan, values)


def class_log_loss(
    labels: Floats,
    predictions: Floats,
    from_logits: bool,  # noqa: FBT001 - a term passes its parameters by position
    label_smoothing: float,
    clip: float,
) -> Floats:
    """Return each row's log loss over its classes; see [`categorical_crossentropy`][...categorical_crossentropy]."""
    if not from_logits:
        predictions = by_class(predictions)
    elif predictions.ndim == 1:
        predictions = np.stack([np.zeros_like(predictions), predictions], axis=1)
    classes = predictions.shape[1]
    target = dense(labels, classes) * (1 - label_smoothing) + label_smoothing / classes
    with np.errstate(divide="ignore", invalid="ignore"):
        if from_logits:
            shifted = predictions - predictions.max(axis=1, keepdims=True)
            logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        else:
            share = predictions / predictions.sum(axis=1, keepdims=True)
            logs = np.log(np.clip(share, clip, 1 - clip) if clip else share)
        losses = np.where(target == 0, np.where(np.isnan(logs), np.nan, 0.0), -target * logs)
    return np.asarray(losses.sum(axis=1))


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

    A label that is not a class number (NaN, a fraction) is counted under the actual class it is not: none, with a
    weight of NaN under (-1, -1), so that the slice shows that its matrix is not known.
    """

    weights: dict[tuple[int, int, int, int], float] = field(default_factory=dict)

    def add(self, metric: ClassMatrixMetric, cells: Ints, labels: Floats, predictions: Floats, weights: Floats) -> None:
        """Add rows."""
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
        """Add another matrix, whose cells have these numbers here."""
        for (position, cell, actual, predicted), weight in other.weights.items():
            self._count((position, int(cells[cell]), actual, predicted), weight)

    def of_cells(self, metric: ClassMatrixMetric, cells: Ints) -> Mapping[float, Mapping[tuple[int, int], float]]:
        """Return for each threshold the weight of each (actual, predicted) class that occurs."""
        members = set(cells.tolist())
        matrices: dict[float, dict[tuple[int, int], float]] = {threshold: {} for threshold in metric.thresholds}
        for (position, cell, actual, predicted), weight in sorted(self.weights.items(), key=lambda item: item[0]):
            if cell in members:
                matrix = matrices[metric.thresholds[position]]
                matrix[actual, predicted] = matrix.get((actual, predicted), 0.0) + weight
        return matrices

    def _count(self, key: tuple[int, int, int, int], weight: float) -> None:
        self.weights[key] = self.weights.get(key, 0.0) + weight
