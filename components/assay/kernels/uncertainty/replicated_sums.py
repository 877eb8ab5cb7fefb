"""Sums of rows in all replicates of a stripe: exact, whatever is summed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.kernels.metrics.metric import Term
from assay.kernels.metrics.moments import CENTRED, Moments, moments_of_rows
from assay.kernels.metrics.state import SumKey
from assay.kernels.metrics.view import Pairs, View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.kernels.metrics.rows import Floats, Ints
    from assay.kernels.uncertainty.kept_rows import OrderedRows

_BLOCK = 2048  # rows whose weights are made floating-point numbers at a time: they stay in the cache
_DROWNED = 1e-13  # of the squares: no more than their rounding
_SMALL_CELL = 48  # rows: below this a matrix product costs less than calling it


class ReplicatedSums:
    """Sums of terms by slice, in replicates.

    Args:
        rows: All rows.
        columns: What is summed: a number a row, with the row's weight in it.
    """

    def __init__(self, rows: OrderedRows, columns: Mapping[SumKey, Floats]) -> None:
        self._keys, distinct = _distinct(columns)
        self._columns = np.ascontiguousarray(np.stack(distinct)) if distinct else np.zeros((0, len(rows)))
        self._num_slices = len(rows.slices)
        self._parts = _parts(rows)

    def sums(self, weights: NDArray[np.uint8]) -> Mapping[SumKey, Floats]:
        """Gives the sums for these weights: by column an array of slices by replicates."""
        totals = np.zeros((self._num_slices, len(self._columns), weights.shape[1]))
        if len(self._columns):
            for chosen, slices in self._parts:
                totals[slices] += _product(self._columns[:, chosen], weights[chosen])
        return {key: totals[:, position] for key, position in self._keys.items()}


class ReplicatedMoments:
    """Sums of centred terms by slice, in replicates: of deviations from the means of the rows as they are.

    A replicate's own means are near those, so that what formulas take from the sums loses nothing; see `Moments`. Sums
    are taken about the means of each part of the rows, and carried over to those of the slices that the part is in.

    Args:
        rows: All rows.
        pairs: Their labels and predictions; several of a row stand side by side.
        keys: What the sums of each term's function are called.
    """

    def __init__(self, rows: OrderedRows, pairs: Pairs, keys: Mapping[Callable[..., Floats], SumKey]) -> None:
        self._keys = keys
        self._num_slices = len(rows.slices)
        shape = (len(rows), len(pairs.labels) // len(rows) if len(rows) else 1)
        columns_of_pairs = (pairs.labels, pairs.predictions, pairs.weigh(rows.weights))
        labels, predictions, weights = (values.reshape(shape) for values in columns_of_pairs)
        self._parts: list[tuple[slice | Ints, Ints, Floats, Floats]] = []
        parts = _parts(rows)
        of_parts = Moments()
        for chosen, _ in parts:
            label, prediction, weight = (values[chosen].ravel() for values in (labels, predictions, weights))
            of_part = moments_of_rows(label, prediction, weight, np.zeros(len(label), dtype=np.int64), 1)
            of_parts = of_parts.joined(of_part)
        members: list[list[int]] = [[] for _ in rows.slices]
        for at, (_, slices) in enumerate(parts):
            for position in slices.tolist():
                members[position].append(at)
        of_slices = of_parts.of_slices([np.array(one, dtype=np.int64) for one in members])
        with np.errstate(over="ignore", invalid="ignore"):
            for at, (chosen, slices) in enumerate(parts):
                one = of_parts.of_slices([np.array([at])])
                label = labels[chosen] - one.label_at - one.label_mean_off
                prediction = predictions[chosen] - one.prediction_at - one.prediction_mean_off
                weight = weights[chosen]
                terms = (np.ones_like(label), label, prediction, label * label, prediction * prediction)
                columns = np.stack([(weight * term).sum(axis=1) for term in (*terms, label * prediction)])
                apart = np.stack(
                    [
                        one.label_at - of_slices.label_at + (one.label_mean_off - of_slices.label_mean_off),
                        one.prediction_at
                        - of_slices.prediction_at
                        + (one.prediction_mean_off - of_slices.prediction_mean_off),
                    ]
                )[:, slices]
                self._parts.append((chosen, slices, columns, apart))

    def sums(self, weights: NDArray[np.uint8]) -> Mapping[SumKey, Floats]:
        """Return the sums for these weights: by term an array of slices by replicates."""
        totals = np.zeros((6, self._num_slices, weights.shape[1]))
        carried = np.zeros((2, self._num_slices, weights.shape[1]))  # what the squares were carried over
        for chosen, slices, columns, apart in self._parts:
            weight, label, prediction, squares, other_squares, products = _product(columns, weights[chosen])
            x, y = apart[:, :, None]
            with np.errstate(over="ignore", invalid="ignore"):
                totals[0, slices] += label + weight * x
                totals[1, slices] += prediction + weight * y
                totals[2, slices] += squares + 2 * x * label + weight * x * x
                totals[3, slices] += other_squares + 2 * y * prediction + weight * y * y
                totals[4, slices] += products + x * prediction + y * label + weight * x * y
                totals[5, slices] += weight
                carried[0, slices] += squares + weight * x * x
                carried[1, slices] += other_squares + weight * y * y
        for at in range(2):
            # A replicate that drew one value has no spread, and rounding must not become one.
            with np.errstate(over="ignore", invalid="ignore"):
                means = np.divide(totals[at] ** 2, totals[5], out=np.zeros_like(totals[at]), where=totals[5] > 0)
                drowned = np.abs(totals[2 + at] - means) <= _DROWNED * carried[at]
            totals[2 + at] = np.where(drowned, means, totals[2 + at])
        of_terms = dict(zip(CENTRED, totals[:5], strict=True))
        return {key: of_terms[function] for function, key in self._keys.items()}


def _product(columns: Floats, of_rows: NDArray[np.uint8]) -> Floats:
    """Return the sum of each column in each replicate."""
    total = np.zeros((len(columns), of_rows.shape[1]))
    for start in range(0, len(of_rows), _BLOCK):
        block = of_rows[start : start + _BLOCK].astype(np.float64)
        with np.errstate(invalid="ignore"):
            total += columns[:, start : start + _BLOCK] @ block
    return total


def term_columns(
    rows: OrderedRows, model: int, view: View, terms: Sequence[Term], baseline: int | None = None
) -> list[Floats]:
    """Gives what a view's terms count for each row: the sum over the row's pairs, weighted.

    Args:
        rows: All rows.
        model: Whose predictions.
        view: How labels and predictions are paired.
        terms: The terms.
        baseline: The model that paired terms compare with.
    """
    pairs = view.pairs(rows.labels, rows.predictions[model])
    others: tuple[Any, ...] = ()
    if baseline is not None:
        others = (view.pairs(rows.labels, rows.predictions[baseline]).predictions,)
    weights = pairs.weigh(rows.weights)
    result: list[Floats] = []
    for term in terms:
        values = term.function(pairs.labels, pairs.predictions, *others, *term.params)
        with np.errstate(invalid="ignore"):
            values = np.asarray(values * weights if term.weighted else values, dtype=np.float64)
        if pairs.rows is not None:
            values = np.bincount(pairs.rows, values, minlength=len(rows)).astype(np.float64)
        result.append(values)
    return result


def _distinct(columns: Mapping[SumKey, Floats]) -> tuple[dict[SumKey, int], list[Floats]]:
    """Finds columns that are the same, such as both models' labels."""
    distinct: list[Floats] = []
    by_digest: dict[tuple[float, ...], list[int]] = {}
    positions: dict[SumKey, int] = {}
    for key, column in columns.items():
        alike = by_digest.setdefault((float(column[:1].sum()), float(column[-1:].sum())), [])
        found = [position for position in alike if np.array_equal(distinct[position], column, equal_nan=True)]
        if not found:
            found = [len(distinct)]
            alike.append(len(distinct))
            distinct.append(column)
        positions[key] = found[0]
    return positions, distinct


def _parts(rows: OrderedRows) -> list[tuple[slice | Ints, Ints]]:
    """Gives groups of rows, and the slices that each is in: cells, or slices themselves where cells are small."""
    members = list(rows.slices.values())
    num_cells = len(rows.starts) - 1
    if num_cells * _SMALL_CELL > len(rows) and len(members) < num_cells:
        return [(rows.rows_of(cells), np.array([position])) for position, cells in enumerate(members)]
    slices_of: list[list[int]] = [[] for _ in range(num_cells)]
    for position, cells in enumerate(members):
        for cell in cells.tolist():
            slices_of[cell].append(position)
    return [
        (slice(int(rows.starts[cell]), int(rows.starts[cell + 1])), np.array(slices, dtype=np.int64))
        for cell, slices in enumerate(slices_of)
        if slices
    ]
