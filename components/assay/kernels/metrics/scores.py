"""Weights of positives and negatives by score: what exact curves are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.metrics.slices import disjoint_families

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from assay.kernels.metrics.rows import Floats, Ints

_COMPACT_AT = 1 << 20  # rows: sorting less than this at once gains nothing, and more need not be held twice


@dataclass(frozen=True, slots=True)
class ScoreWeights:
    """Weights by score.

    Attributes:
        cells: The cell of each entry; all 0 in a slice, where cells were brought together.
        scores: Ascending; each once in a cell.
        positives: The weight of positives at each score. A row that is not known (NaN) stands at `-inf` with NaN.
        negatives: The weight of negatives at each score.
    """

    cells: NDArray[np.int32]
    scores: Floats
    positives: Floats
    negatives: Floats

    def __len__(self) -> int:
        return len(self.scores)


EMPTY = ScoreWeights(np.zeros(0, dtype=np.int32), np.zeros(0), np.zeros(0), np.zeros(0))


@dataclass(slots=True)
class ScoreTable:
    """Weights by cell and score over all batches; its size is the number of distinct scores.

    Counts of unweighted rows do not depend on the order of batches. Sums of weights do within rounding (1e-15).

    Attributes:
        parts: Entries of batches; the first is sorted and added up as far as `compacted` says.
        compacted: Entries that are sorted and added up.
        pending: Entries that are not.
    """

    parts: list[ScoreWeights] = field(default_factory=list)
    compacted: int = 0
    pending: int = 0

    def add(self, cells: Ints, scores: Floats, labels: Floats, weights: Floats) -> None:
        """Add rows; a label in [0, 1] counts as positive by that share, and negative for the rest."""
        used = weights != 0
        if not used.all():
            cells, scores, labels, weights = cells[used], scores[used], labels[used], weights[used]
        known = ~np.isnan(scores) & (labels >= 0) & (labels <= 1)
        if not known.all():
            scores, labels = np.where(known, scores, -np.inf), np.where(known, labels, np.nan)
        positives = labels * weights
        self._append(ScoreWeights(cells.astype(np.int32), scores, positives, weights - positives))

    def merge(self, other: ScoreTable, cells: Ints) -> None:
        """Add another table, whose cells have these numbers here."""
        for part in other.parts:
            self._append(ScoreWeights(cells[part.cells].astype(np.int32), part.scores, part.positives, part.negatives))

    def weights(self) -> ScoreWeights:
        """Return all weights, sorted by score and cell."""
        self._compact()
        return self.parts[0] if self.parts else EMPTY

    def _append(self, part: ScoreWeights) -> None:
        self.parts.append(part)
        self.pending += len(part)
        if self.pending > max(_COMPACT_AT, self.compacted):
            self._compact()

    def _compact(self) -> None:
        if self.pending:
            self.parts = [_sorted(_joined(self.parts))]
            self.compacted, self.pending = len(self.parts[0]), 0


def of_slices(weights: ScoreWeights, members: Sequence[Ints], num_cells: int) -> list[ScoreWeights]:
    """Return the weights by score of each slice.

    Args:
        weights: Sorted by score.
        members: The cells of each slice.
        num_cells: How many cells there are.
    """
    result = [EMPTY] * len(members)
    for family in disjoint_families(members, num_cells):
        slice_of_cell = np.full(num_cells, len(members), dtype=np.int64)
        for position in family:
            slice_of_cell[members[position]] = position
        codes = slice_of_cell[weights.cells]
        if len(family) == 1:
            chosen = np.flatnonzero(codes == family[0])
            result[family[0]] = _added_up(_chosen(weights, chosen))
            continue
        # A stable sort keeps scores ascending within a slice; of 16-bit numbers it is a radix sort.
        order = np.argsort(codes.astype(np.uint16) if len(members) < 1 << 16 else codes, kind="stable")
        bounds = np.searchsorted(codes[order], np.arange(len(members) + 1))
        for position in family:
            result[position] = _added_up(_chosen(weights, order[bounds[position] : bounds[position + 1]]))
    return result


def _joined(parts: list[ScoreWeights]) -> ScoreWeights:
    return ScoreWeights(
        np.concatenate([part.cells for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.positives for part in parts]),
        np.concatenate([part.negatives for part in parts]),
    )


def _chosen(weights: ScoreWeights, rows: Ints) -> ScoreWeights:
    """Return some entries, as those of one cell."""
    return ScoreWeights(
        np.zeros(len(rows), dtype=np.int32), weights.scores[rows], weights.positives[rows], weights.negatives[rows]
    )


def _sorted(weights: ScoreWeights) -> ScoreWeights:
    """Sorts by score and cell and adds up what has the same of both."""
    order = np.argsort(weights.scores)
    scores = weights.scores[order]
    changes = scores[1:] != scores[:-1]
    if not changes.all():
        # Ties must be grouped by cell: sorting by one number for both is several times faster than by two keys.
        ranks = np.concatenate([[0], np.cumsum(changes)])
        order = order[np.argsort(ranks * (int(weights.cells.max()) + 1) + weights.cells[order])]
        scores = weights.scores[order]
    return _added_up(ScoreWeights(weights.cells[order], scores, weights.positives[order], weights.negatives[order]))


def _added_up(weights: ScoreWeights) -> ScoreWeights:
    """Add up neighbours of the same cell and score."""
    scores, cells = weights.scores, weights.cells
    starts = np.flatnonzero(np.concatenate([[True], (scores[1:] != scores[:-1]) | (cells[1:] != cells[:-1])]))
    if len(starts) >= len(scores):
        return weights
    return ScoreWeights(
        cells[starts],
        scores[starts],
        np.add.reduceat(weights.positives, starts),
        np.add.reduceat(weights.negatives, starts),
    )
