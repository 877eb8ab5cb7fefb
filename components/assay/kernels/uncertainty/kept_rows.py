"""The rows that a bootstrap draws from, in an order that depends on their content only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.metrics.rows import checked_weights
from assay.kernels.metrics.slices import CellIndex, SliceKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.kernels.metrics.rows import EvaluatedRows, Floats, Ints


@dataclass(slots=True)
class KeptRows:
    """Rows so far: 8 bytes a number; predictions keep what they have.

    Attributes:
        cells: The cells met.
        parts: (cell, labels, weights, predictions by model) of each batch.
    """

    cells: CellIndex = field(default_factory=CellIndex)
    parts: list[tuple[Ints, Floats, Floats, tuple[Floats, ...]]] = field(default_factory=list)

    def add(self, rows: EvaluatedRows) -> None:
        """Add the rows that weigh anything."""
        codes = self.cells.add(rows.cells.keys)[rows.cells.codes]
        used = rows.weights != 0
        weights = checked_weights(rows.weights)
        predictions = tuple(values[used] for values in rows.predictions.values())
        self.parts.append((codes[used], rows.labels[used], weights[used], predictions))

    def merge(self, other: KeptRows) -> None:
        """Add another's rows."""
        codes = self.cells.add(tuple(other.cells.numbers))
        self.parts.extend((codes[part[0]], *part[1:]) for part in other.parts)


@dataclass(frozen=True, slots=True)
class OrderedRows:
    """All rows, by cell and then by content: the same rows in any order give the same.

    Attributes:
        labels: Of each row.
        weights: Of each row.
        predictions: Of each model, of each row.
        starts: Where each cell starts, and the end.
        slices: The cells of each slice, the whole data first.
    """

    labels: Floats
    weights: Floats
    predictions: tuple[Floats, ...]
    starts: Ints
    slices: dict[SliceKey, Ints]

    def __len__(self) -> int:
        return len(self.weights)

    def rows_of(self, cells: Ints) -> Ints:
        """Return the rows of some cells, ascending."""
        begins, lengths = self.starts[cells], self.starts[cells + 1] - self.starts[cells]
        rows: Ints = np.arange(lengths.sum()) + np.repeat(begins - np.cumsum(lengths) + lengths, lengths)
        return rows


def ordered(kept: KeptRows) -> OrderedRows:
    """Sort the rows."""
    by_content = kept.cells.by_content()
    rank = np.empty(len(by_content), dtype=np.int64)
    rank[[kept.cells.numbers[key] for key in by_content]] = np.arange(len(by_content))
    cells = rank[np.concatenate([np.zeros(0, dtype=np.int64), *(part[0] for part in kept.parts)])]
    labels = _joined([part[1] for part in kept.parts])
    weights = _joined([part[2] for part in kept.parts])
    models = range(len(kept.parts[0][3])) if kept.parts else range(0)
    predictions = tuple(_joined([part[3][model] for part in kept.parts]) for model in models)
    # Rows that are alike in everything may be in any order, so a hash of the content is as good as the content.
    # Neighbours in score are read together later on.
    scores = [values if values.ndim == 1 else values[:, 0] for values in predictions[:1]]
    order = np.lexsort((_hashes([labels, weights, *predictions]), *scores, cells))
    index = CellIndex({key: number for number, key in enumerate(by_content)})
    return OrderedRows(
        labels[order],
        weights[order],
        tuple(values[order] for values in predictions),
        np.searchsorted(cells[order], np.arange(len(by_content) + 1)),
        index.slices(),
    )


def _joined(parts: list[Floats]) -> Floats:
    return np.concatenate(parts) if parts else np.zeros(0)


def _hashes(columns: list[Floats]) -> NDArray[np.uint64]:
    """Return a hash of each row (the mixing steps of SplitMix64)."""
    result = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        for values in column[:, None].T if column.ndim == 1 else column.T:
            # 0.0 is added because -0.0 and 0.0 are one number with two patterns of bits.
            mixed = result ^ np.ascontiguousarray(values + 0.0).view(np.uint64)
            mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
            mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
            result = (mixed ^ (mixed >> np.uint64(31))) + np.uint64(0x9E3779B97F4A7C15)
    return result
