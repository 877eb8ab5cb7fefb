"""Replicates of a stripe of rows: exact sums, and weights of positives and negatives by score for replicated curves."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.kernels.metrics.matrices import Matrices, exact_matrices
from assay.kernels.metrics.metric import Term
from assay.kernels.metrics.moments import CENTRED, GroupMoments, moments_of_rows
from assay.kernels.metrics.values import SumKey
from assay.kernels.metrics.view import Pairs, View

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.kernels.metrics.rows import Floats, Ints
    from assay.kernels.uncertainty.kept_rows import OrderedRows

MAX_BINS = 256
_WIDTH = 96  # rows whose weights are added as bytes: their sum (96 +- 10) is below 256 but for one in 10^35
_GATHERED = 1 << 18  # bytes of weights gathered at a time: as float64 they still fit the cache
_BLOCK = 2048  # rows whose weights are made floating-point numbers at a time: they stay in the cache
_DROWNED = 1e-13  # of the squares: no more than their rounding
_SMALL_CELL = 48  # rows: below this a matrix product costs less than calling it


@dataclass(frozen=True, slots=True)
class BinnedScores:
    """One slice's rows, sorted into bins of score.

    A slice with no more than 256 distinct scores has a bin for each, which is exact. Else bins hold equal numbers of
    rows, and what replicates add to the exact value is computed from the bins: about 1 % of a standard error off. The
    change between two models is off by as much unless they order nearly all rows alike: bins then add noise, and a
    spread of 2e-5 came out as 3e-5 (20,000 rows). It errs to the safe side; DeLong's closed form has no such error.

    Attributes:
        scores: The least score of each bin, ascending.
        pieces: The rows of each piece of at most 96; short ones are filled up with a row that weighs nothing.
        factors: What each row of each piece weighs, or None where all weigh 1.
        starts: The first piece of each row of the result.
        places: The rows of the result that occur: bins of negatives, then bins of positives.
    """

    scores: Floats
    pieces: NDArray[np.int32]
    factors: Floats | None
    starts: Ints
    places: Ints

    def matrices(self, weights: NDArray[np.uint8]) -> Matrices:
        """Return the confusion matrices of each replicate.

        Args:
            weights: Of each row in each replicate; the last row weighs nothing.
        """
        count, replicates = len(self.scores), weights.shape[1]
        # Negatives of each bin first, then positives; bins without rows stay 0.
        totals = np.zeros((2 * count, replicates))
        if len(self.pieces):
            totals[self.places] = np.add.reduceat(self._of_pieces(weights), self.starts, axis=0)
        return exact_matrices(self.scores, totals[count:], totals[:count])

    def _of_pieces(self, weights: NDArray[np.uint8]) -> Floats:
        width, replicates = self.pieces.shape[1], weights.shape[1]
        result = np.empty((len(self.pieces), replicates))
        # As many pieces at a time as fit the cache: gathering is bound by memory, not by additions.
        step = max(1, _GATHERED // (width * replicates))
        # Eight bytes are gathered and added as one number: no sum reaches 256, so none carries into the next byte.
        eights = weights.view(np.uint64)
        for start in range(0, len(self.pieces), step):
            pieces = self.pieces[start : start + step]
            chosen = np.take(eights, pieces.reshape(-1), axis=0).reshape(*pieces.shape, -1)
            if self.factors is None:
                result[start : start + step] = chosen.sum(axis=1).view(np.uint8)
            else:
                factors = self.factors[start : start + step, None, :]
                result[start : start + step] = (factors @ chosen.view(np.uint8).astype(np.float64))[:, 0]
        return result


def binned_scores(rows: OrderedRows, pairs: Pairs) -> list[BinnedScores | None]:
    """Sorts the rows of each slice into bins; None for a slice with a row that is not known (NaN)."""
    weights = pairs.weigh(rows.weights)
    valid = ~np.isnan(pairs.predictions) & (pairs.labels >= 0) & (pairs.labels <= 1) & ~np.isnan(weights)
    order = np.argsort(pairs.predictions)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    per_row = len(rank) // max(len(rows), 1)
    result: list[BinnedScores | None] = []
    for cells in rows.slices.values():
        chosen = rows.rows_of(cells)
        if pairs.rows is not None:
            chosen = (chosen[:, None] * per_row + np.arange(per_row)).reshape(-1)
        if not valid[chosen].all():
            result.append(None)
            continue
        # Sorting ranks, which are distinct integers, is several times faster than sorting scores stably.
        chosen = order[np.sort(rank[chosen])]
        sources = chosen if pairs.rows is None else pairs.rows[chosen]
        result.append(
            _binned(sources, pairs.predictions[chosen], pairs.labels[chosen], weights[chosen], padding=len(rows))
        )
    return result


def _binned(sources: Ints, scores: Floats, labels: Floats, weights: Floats, padding: int) -> BinnedScores:
    bins, least = _bins(scores)
    plain = bool(np.all(weights == 1) and np.all((labels == 0) | (labels == 1)))
    if plain:
        places = bins + len(least) * labels.astype(np.int64)
        order = np.argsort(places, kind="stable")
        places, sources, amounts = places[order], sources[order], None
    else:
        # A row is as much positive as its label says, and negative for the rest.
        places = np.concatenate([bins, bins + len(least)])
        sources = np.concatenate([sources, sources])
        amounts = np.concatenate([weights * (1 - labels), weights * labels])
        used = amounts != 0
        places, sources, amounts = places[used], sources[used], amounts[used]
    first = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]])) if len(places) else np.zeros(0, int)
    lengths = np.diff(np.append(first, len(places)))
    # Long runs are cut into pieces of one width, so that one gather reads a rectangle of rows.
    width = int(min(_WIDTH, lengths.max(initial=1)))
    pieces_of = -(-lengths // width)
    starts = np.concatenate([[0], np.cumsum(pieces_of)[:-1]]).astype(np.int64)[: len(first)]
    # Where each row goes in the table of pieces: its run's first piece, and its place in the run.
    target = np.arange(len(places)) - np.repeat(first, lengths) + np.repeat(starts * width, lengths)
    pieces = np.full(int(pieces_of.sum()) * width, padding, dtype=np.int32)
    pieces[target] = sources
    factors: Floats | None = None
    if amounts is not None:
        factors = np.zeros(len(pieces))
        factors[target] = amounts
        factors = factors.reshape(-1, width)
    return BinnedScores(least, pieces.reshape(-1, width), factors, starts, places[first])


def _bins(scores: Floats) -> tuple[Ints, Floats]:
    """Return each score's bin, and the minimum score of each bin; scores ascend, and equal ones share a bin."""
    if not len(scores):
        return np.zeros(0, dtype=np.int64), scores
    changes = np.concatenate([[True], scores[1:] != scores[:-1]])
    if changes.sum() > MAX_BINS:
        # A new bin starts at the first change after each 1/256 of the rows.
        level = np.arange(len(scores)) * MAX_BINS // len(scores)
        at_change = level[changes]
        keep = np.concatenate([[True], at_change[1:] != at_change[:-1]])
        changes[np.flatnonzero(changes)[~keep]] = False
    return np.cumsum(changes) - 1, scores[changes]


class ReplicatedSums:
    """Sums of terms by slice, in replicates.

    Args:
        rows: All rows.
        columns: What is summed: one number per row, with the row's weight in it.
    """

    def __init__(self, rows: OrderedRows, columns: Mapping[SumKey, Floats]) -> None:
        self._keys, distinct = _distinct(columns)
        self._columns = np.ascontiguousarray(np.stack(distinct)) if distinct else np.zeros((0, len(rows)))
        self._num_slices = len(rows.slices)
        self._parts = _parts(rows)

    def sums(self, weights: NDArray[np.uint8]) -> Mapping[SumKey, Floats]:
        """Return the sums for these weights: by column an array of slices by replicates."""
        totals = np.zeros((self._num_slices, len(self._columns), weights.shape[1]))
        if len(self._columns):
            for chosen, slices in self._parts:
                totals[slices] += _product(self._columns[:, chosen], weights[chosen])
        return {key: totals[:, position] for key, position in self._keys.items()}


class ReplicatedMoments:
    """Sums of centred terms by slice, in replicates: of deviations from the means of the rows as they are.

    A replicate's own means are near those, so that what formulas take from the sums loses nothing; see `GroupMoments`.
    Sums are taken about the means of each part of the rows, and carried over to those of the slices with the part.

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
        of_parts = GroupMoments()
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
                # The distance of the part's means p from those of each slice, m: (x - m) = (x - p) + (p - m). Means are
                # a value and an offset from it, subtracted pairwise so that no digits of a large value are lost.
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
            # Steiner's theorem carries sums about the part's means over to the slice's: S' = S + 2 x L + W x^2.
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
    """Return what a view's terms count for each row: the sum over the row's pairs, weighted.

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
    """Find columns that are the same, such as both models' labels."""
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
    """Return groups of rows, and the slices that each is in: cells, or slices themselves where cells are small."""
    members = list(rows.slices.values())
    num_cells = len(rows.starts) - 1
    # A product per cell costs one call each; with many small cells it is cheaper to add a row once for each slice.
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
