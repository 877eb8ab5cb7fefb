"""Means and sums of squares of labels and predictions, mergeable, and exact however far the numbers are from 0.

Sums of squares of large numbers with a small spread (epoch seconds, prices in cents) lose the spread in rounding: with
labels around 1e9 an R² read from them was 0.93 in place of 0.90. Here squares are of deviations from the mean only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.kernels.metrics import terms

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Floats, Ints


def _nothing() -> Any:
    return np.zeros(0)


@dataclass(frozen=True, slots=True)
class GroupMoments:
    """Weights, means and sums of products of deviations from the means, of any number of groups of rows.

    A mean is kept as a value of the group and the mean's distance from that value. The difference of two such values is
    exact where they are close, so a mean of 1e12 keeps the digits that a spread of 1 needs; a single double does not.

    Attributes:
        weight: The weight of each group.
        label_at: A label of each group.
        prediction_at: A prediction of each group.
        label_off: The mean label less `label_at`, times the weight.
        prediction_off: The mean prediction less `prediction_at`, times the weight.
        label_squares: The weighted sum of squared deviations of labels from their mean.
        prediction_squares: The same of predictions.
        products: The weighted sum of the products of both deviations.
    """

    weight: Floats = field(default_factory=_nothing)
    label_at: Floats = field(default_factory=_nothing)
    prediction_at: Floats = field(default_factory=_nothing)
    label_off: Floats = field(default_factory=_nothing)
    prediction_off: Floats = field(default_factory=_nothing)
    label_squares: Floats = field(default_factory=_nothing)
    prediction_squares: Floats = field(default_factory=_nothing)
    products: Floats = field(default_factory=_nothing)

    def __len__(self) -> int:
        return len(self.weight)

    @property
    def label_mean_off(self) -> Floats:
        """The mean label less `label_at`."""
        return np.divide(self.label_off, self.weight, out=np.zeros(len(self)), where=self.weight != 0)

    @property
    def prediction_mean_off(self) -> Floats:
        """The mean prediction less `prediction_at`."""
        return np.divide(self.prediction_off, self.weight, out=np.zeros(len(self)), where=self.weight != 0)

    def grouped(self, groups: Ints, size: int) -> GroupMoments:
        """Return the moments of groups of these: the parallel form of Chan, Golub and LeVeque (1979).

        The squares about the common mean are the parts' own, and the parts' weights times the squared distances of
        their means from it.

        Args:
            groups: The group of each part.
            size: How many groups there are.
        """
        first = np.full(size, -1, dtype=np.int64)
        weighing = np.flatnonzero(self.weight != 0)
        first[groups[weighing[::-1]]] = weighing[::-1]  # of several writes to one place the last, so the first part
        some = first >= 0

        def total(values: Floats) -> Floats:
            return np.bincount(groups, values, minlength=size).astype(np.float64)

        def centred(at: Floats, off: Floats) -> tuple[Floats, Floats, Floats]:
            """Return a value of each group, the mean's distance from it, and the parts' means less the group's."""
            begin = np.zeros(size)
            begin[some] = at[first[some]]
            with np.errstate(invalid="ignore", over="ignore"):
                parted = np.where(self.weight == 0, 0.0, at - begin[groups])
                offs = total(off + self.weight * parted)
                means = np.divide(offs, weight, out=np.zeros(size), where=weight != 0)
                own = np.divide(off, self.weight, out=np.zeros(len(self)), where=self.weight != 0)
                return begin, offs, np.where(self.weight == 0, 0.0, parted + own - means[groups])

        weight = total(self.weight)
        label_at, label_off, label_apart = centred(self.label_at, self.label_off)
        prediction_at, prediction_off, prediction_apart = centred(self.prediction_at, self.prediction_off)
        with np.errstate(invalid="ignore", over="ignore"):
            return GroupMoments(
                weight,
                label_at,
                prediction_at,
                label_off,
                prediction_off,
                total(self.label_squares + self.weight * label_apart * label_apart),
                total(self.prediction_squares + self.weight * prediction_apart * prediction_apart),
                total(self.products + self.weight * label_apart * prediction_apart),
            )

    def joined(self, other: GroupMoments) -> GroupMoments:
        """Return these groups and then the other's."""
        return GroupMoments(
            *(np.concatenate([getattr(self, one.name), getattr(other, one.name)]) for one in fields(self))
        )

    def of_slices(self, members: Sequence[Ints]) -> GroupMoments:
        """Return the moments of slices, each made of some of these groups; later groups than these have no rows."""
        known = [cells[cells < len(self)] for cells in members]
        chosen = np.concatenate([np.zeros(0, dtype=np.int64), *known])
        parts = GroupMoments(*(getattr(self, one.name)[chosen] for one in fields(self)))
        return parts.grouped(np.repeat(np.arange(len(members)), [len(cells) for cells in known]), len(members))

    def about_means(self, function: Callable[..., Floats]) -> Floats:
        """Return the sum over each group of a term of `assay.kernels.metrics.terms`, of deviations from the means."""
        name = CENTRED[function]
        return np.where(np.isnan(self.weight), np.nan, 0.0) if name is None else getattr(self, name)


CENTRED: Mapping[Callable[..., Floats], str | None] = MappingProxyType(
    {
        terms.label: None,
        terms.prediction: None,
        terms.label_squared: "label_squares",
        terms.prediction_squared: "prediction_squares",
        terms.product: "products",
    }
)
"""The terms that may be summed over deviations, and where `GroupMoments` has them; deviations themselves sum to 0."""


def moments_of_rows(labels: Floats, predictions: Floats, weights: Floats, groups: Ints, size: int) -> GroupMoments:
    """Return the moments of groups of rows.

    Args:
        labels: Of each row.
        predictions: Of each row.
        weights: Of each row; one of weight 0 is left out.
        groups: The group of each row.
        size: How many groups there are.
    """
    used = weights != 0
    if not used.all():
        labels, predictions, weights, groups = labels[used], predictions[used], weights[used], groups[used]
    first = np.full(size, -1, dtype=np.int64)
    first[groups[::-1]] = np.arange(len(groups))[::-1]  # of several writes to one place the last, so the first row
    some = first >= 0
    alike = bool((weights == 1).all())
    weight = np.bincount(groups, None if alike else weights, minlength=size).astype(np.float64)

    def total(values: Floats) -> Floats:
        return np.bincount(groups, values if alike else values * weights, minlength=size).astype(np.float64)

    def apart(values: Floats) -> tuple[Floats, Floats]:
        """Return a value of each group, and the rows' distances from it."""
        begin = np.zeros(size)
        begin[some] = values[first[some]]
        return begin, values - begin[groups]

    with np.errstate(invalid="ignore", over="ignore"):
        label_at, label = apart(labels)
        prediction_at, prediction = apart(predictions)
        label_off, prediction_off = total(label), total(prediction)

        def about_means(squares: Floats, off: Floats, other: Floats) -> Floats:
            # The value belongs to the group, so that its own deviation is in the sum: rounding is at most the number of
            # rows times that of the sum, however far from the mean the value is.
            return np.asarray(squares - np.divide(off * other, weight, out=np.zeros(size), where=weight != 0))

        return GroupMoments(
            weight,
            label_at,
            prediction_at,
            label_off,
            prediction_off,
            np.maximum(about_means(total(label * label), label_off, label_off), 0.0),
            np.maximum(about_means(total(prediction * prediction), prediction_off, prediction_off), 0.0),
            about_means(total(label * prediction), label_off, prediction_off),
        )


def merged(ours: GroupMoments, our_cells: Ints, theirs: GroupMoments, their_cells: Ints, size: int) -> GroupMoments:
    """Return the moments of `size` cells, of which each of the parts has some."""
    return ours.joined(theirs).grouped(np.concatenate([our_cells, their_cells]), size)
