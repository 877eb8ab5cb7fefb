"""What the labels and predictions are like: the least, the greatest, how many are no numbers.

It tells logits from probabilities and one class from two, and costs next to nothing beside the metrics.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.metrics.rows import weights_in_range
from assay.kernels.metrics.view import dense

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Floats, Rows


@dataclass(slots=True)
class Spread:
    """The numbers of a column.

    Attributes:
        least: Infinity where there is none.
        greatest: Minus infinity where there is none.
        lacking: The number of rows without a number.
        classes: How many a row holds, one a class; 1 where it holds a single number.
    """

    least: float = math.inf
    greatest: float = -math.inf
    lacking: int = 0
    classes: int = 1

    @property
    def several(self) -> bool:
        """Whether a row holds a number a class."""
        return self.classes > 1

    def lacks(self, classes: int) -> bool:
        """Whether some number is no class of so many, nor -1 for none."""
        return self.least < -1 or (self.greatest > classes - 1 and math.isfinite(self.greatest))

    def add(self, values: Floats) -> None:
        """Adds the rows of a batch."""
        missing = np.isnan(values)
        self.classes = max(self.classes, values.shape[1] if values.ndim > 1 else 1)
        if missing.any():
            self.lacking += int(missing.reshape(len(values), -1).any(axis=1).sum())
            values = values[~missing]
        if values.size:
            self.least = min(self.least, float(values.min()))
            self.greatest = max(self.greatest, float(values.max()))

    def merge(self, other: Spread) -> None:
        """Adds other rows."""
        self.least, self.greatest = min(self.least, other.least), max(self.greatest, other.greatest)
        self.lacking += other.lacking
        self.classes = max(self.classes, other.classes)


@dataclass(slots=True)
class Seen:
    """What was seen of the rows.

    Attributes:
        label: Labels.
        predictions: By model.
        weighing: The number of rows that weigh anything; the others are masked, and not looked at.
        misweighed: Of these, rows whose weight is negative, too large or no number.
        alike: Whether all models predict the same on every row.
        perfect: The models whose predictions are the labels, on every row, to the digits of a float32.
        apart: By model, the greatest prediction of a row labelled 0 and the least of a row labelled 1.
        inverted: By model, the greatest prediction of a row labelled 1 and the least of a row labelled 0.
    """

    label: Spread = field(default_factory=Spread)
    predictions: dict[str, Spread] = field(default_factory=dict)
    weighing: int = 0
    misweighed: int = 0
    alike: bool = True
    perfect: dict[str, bool] = field(default_factory=dict)
    apart: dict[str, tuple[float, float]] = field(default_factory=dict)
    inverted: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, rows: Rows) -> None:
        """Adds the rows of a batch."""
        weighs = rows.weights != 0
        count = int(np.count_nonzero(weighs))
        self.weighing += count
        self.misweighed += int(np.count_nonzero(~weights_in_range(rows.weights)))
        everything = count == len(rows)
        labels = rows.labels if everything else rows.labels[weighs]
        self.label.add(labels)
        predictions = {model: values if everything else values[weighs] for model, values in rows.predictions.items()}
        for model, values in predictions.items():
            self.predictions.setdefault(model, Spread()).add(values)
            if self.perfect.setdefault(model, True):  # after the first other row there is nothing to look for
                self.perfect[model] = _are_labels(values, labels)
            for found, below in ((self.apart, 0), (self.inverted, 1)):
                low, high = found.setdefault(model, _APART)
                if low < high:
                    found[model] = _apart((low, high), _separation(values, labels, below))
        if self.alike and len(predictions) > 1:
            first, *others = predictions.values()
            self.alike = all(np.array_equal(first, other, equal_nan=True) for other in others)

    def merge(self, other: Seen) -> None:
        """Adds other rows."""
        self.weighing += other.weighing
        self.misweighed += other.misweighed
        self.label.merge(other.label)
        self.alike = self.alike and other.alike
        for model, spread in other.predictions.items():
            self.predictions.setdefault(model, Spread()).merge(spread)
            self.perfect[model] = self.perfect.get(model, True) and other.perfect[model]
            self.apart[model] = _apart(self.apart.get(model, _APART), other.apart[model])
            self.inverted[model] = _apart(self.inverted.get(model, _APART), other.inverted[model])


_APART = (-math.inf, math.inf)
_FLOAT32 = 1e-6  # relative: more than a float32 loses of a label


def _are_labels(predictions: Floats, labels: Floats) -> bool:
    if predictions.ndim > labels.ndim:
        labels = dense(labels, predictions.shape[1])
    if predictions.shape != labels.shape:
        return False
    # The first row tells most models apart from the labels.
    if len(labels) and not np.allclose(predictions[:1], labels[:1], rtol=_FLOAT32, atol=0):
        return False
    return bool(np.allclose(predictions, labels, rtol=_FLOAT32, atol=0))


def _separation(predictions: Floats, labels: Floats, below: int) -> tuple[float, float]:
    """Return the greatest prediction of label `below`, 0 or 1, and the least of the other; NaN for further labels."""
    if predictions.ndim > 1 or labels.ndim > 1:
        return math.nan, math.nan
    lower, upper = labels == below, labels == 1 - below
    if not (lower | upper).all():
        return math.nan, math.nan
    return float(predictions[lower].max(initial=-math.inf)), float(predictions[upper].min(initial=math.inf))


def _apart(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return float(np.maximum(one[0], other[0])), float(np.minimum(one[1], other[1]))  # NaN stays
