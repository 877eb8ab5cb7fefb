"""Views of labels and predictions: how a model with several classes is looked at as a binary one.

TFMA's binarisation (`class_ids`, `k_list`, `top_k_list`) and its micro average, on whole batches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from assay.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.kernels.metrics.rows import Floats


@dataclass(frozen=True, slots=True)
class Pairs:
    """Labels beside predictions.

    Attributes:
        labels: One a pair; or as the rows have them in a view that leaves them whole.
        predictions: As `labels`.
        rows: The row that each pair comes from; None where pair i comes from row i.
        factors: What each pair's weight is multiplied by; None for 1.
    """

    labels: Floats
    predictions: Floats
    rows: NDArray[np.int64] | None = None
    factors: Floats | None = None

    def expand(self, per_row: Floats) -> Floats:
        """Return a quantity of the rows for each pair."""
        return per_row if self.rows is None else per_row[self.rows]

    def weigh(self, weights: Floats) -> Floats:
        """Return the weight of each pair."""
        weights = self.expand(weights)
        return weights if self.factors is None else weights * self.factors


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """How labels and predictions are paired.

    A model with one output needs none of this. For one with several classes the default pairs each class's label with
    its prediction, which gives micro averages. Labels may be class numbers or one number a class.

    Attributes:
        whole: Leaves rows as they are, for metrics that look at all classes of a row.
        class_id: Only this class.
        k: Only the class with the k-th highest prediction.
        top_k: Counts only the k highest predictions as made; all other classes count as predicted with `-inf`.
        aggregated: With `top_k`: leaves the other classes out (TFMA's micro average over the top k).
        class_weights: (class, weight) pairs that multiply the weights; a class that is not named weighs 0.
    """

    whole: bool = False
    class_id: int | None = None
    k: int | None = None
    top_k: int | None = None
    aggregated: bool = False
    class_weights: tuple[tuple[int, float], ...] = ()

    @property
    def sub_key(self) -> str:
        """The view as TFMA writes it in a metric's key: `classId:1`, `k:1`, `topK:3`, or nothing."""
        parts = (("classId", self.class_id), ("k", self.k), ("topK", self.top_k))
        return ",".join(f"{name}:{value}" for name, value in parts if value is not None)

    def pairs(self, labels: Floats, predictions: Floats) -> Pairs:
        """Pairs labels and predictions.

        Raises:
            DataError: The view asks for a class or rank that the predictions do not have.
        """
        if self.whole:
            return Pairs(labels, predictions)
        if predictions.ndim == 1:
            if self.k is not None or self.top_k is not None:
                raise _missing("rank", self.k or self.top_k or 0, 1)
            if self.class_id is None:
                return Pairs(labels, predictions)
            predictions = predictions[:, None]
        classes = predictions.shape[1]
        if self.k is not None:
            columns = top_classes(predictions, self._rank(self.k, classes))[:, -1:]
            return self._flat(dense(labels, classes), predictions, columns)
        if self.class_id is not None:
            if not 0 <= self.class_id < classes:
                raise _missing("class", self.class_id, classes)
            chosen = predictions[:, self.class_id]
            label = labels[:, self.class_id] if labels.ndim == 2 else _equal(labels, self.class_id, classes)
            return Pairs(label, self._top(predictions)[:, self.class_id] if self.top_k else chosen)
        if self.top_k is not None and self.aggregated:
            return self._flat(dense(labels, classes), predictions, top_classes(predictions, self.top_k))
        return self._flat(dense(labels, classes), self._top(predictions), None)

    def _top(self, predictions: Floats) -> Floats:
        if self.top_k is None:
            return predictions
        columns = top_classes(predictions, self._rank(self.top_k, predictions.shape[1]))
        result = np.full_like(predictions, -np.inf)
        np.put_along_axis(result, columns, np.take_along_axis(predictions, columns, 1), 1)
        # A row with a NaN has no top; it stays NaN throughout, so that its figures do.
        result[np.isnan(predictions).any(axis=1)] = np.nan
        return result

    def _flat(self, labels: Floats, predictions: Floats, columns: NDArray[np.int64] | None) -> Pairs:
        if columns is not None:
            labels, predictions = (np.take_along_axis(values, columns, 1) for values in (labels, predictions))
        count, width = predictions.shape
        factors = None
        if self.class_weights:
            # As TFMA, by position: the class, or the place among the top k.
            by_position = dict(self.class_weights)
            factors = np.tile([by_position.get(position, 0.0) for position in range(width)], count)
        return Pairs(labels.reshape(-1), predictions.reshape(-1), np.repeat(np.arange(count), width), factors)

    @staticmethod
    def _rank(rank: int, classes: int) -> int:
        if not 1 <= rank <= classes:
            raise _missing("rank", rank, classes)
        return rank


def by_class(predictions: Floats) -> Floats:
    """Return predictions as one number per class; a binary model's single one is the probability of class 1.

    Any other number there, such as that of the class that is predicted, is not known (NaN).
    """
    if predictions.ndim == 2:
        return predictions
    single = np.where((predictions >= 0) & (predictions <= 1), predictions, np.nan)
    return np.stack([1 - single, single], axis=1)


def dense(labels: Floats, classes: int) -> Floats:
    """Return labels as one number per class; -1 (no class) is all zeros, an invalid class number all NaN."""
    if labels.ndim == 2:
        return labels
    result: Floats = (labels[:, None] == np.arange(classes)).astype(np.float64)
    result[~is_class(labels, classes)] = np.nan
    return result


def is_class(labels: Floats, classes: int) -> NDArray[np.bool_]:
    """Return which labels are class numbers, or -1 for none. Classes that count from 1 are not those of predictions."""
    return np.asarray((labels >= -1) & (labels < classes) & (labels == np.floor(labels)))


def top_classes(predictions: Floats, top_k: int) -> NDArray[np.int64]:
    """Return the classes of the k highest predictions of each row, highest first; of equal ones the first class."""
    return np.argsort(-predictions, axis=1, kind="stable")[:, :top_k]


def _equal(labels: Floats, class_id: int, classes: int) -> Floats:
    known = is_class(labels, max(classes, 2))  # a single prediction is that of a model of two classes
    return np.asarray(np.where(known, labels == class_id, np.nan), dtype=np.float64)


def _missing(what: str, asked: int, classes: int) -> DataError:
    return DataError(
        "metrics.missing_class", f"A metric asks for {what} {asked}, but the predictions have {classes} classes."
    )
