"""The rows that leakage is looked for in: hashes of all of them, and those behind hashes that two splits share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.kernels.identity import NO_VALUES, ColumnKind, Identity, exact_keys, kinds_of, own_identity, row_numbers
from assay.kernels.row_hash import row_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]


@dataclass(slots=True)
class SplitRows:
    """A split so far.

    Attributes:
        num_rows: Rows.
        hashes: Of rows that have a value in one of the columns that count.
        values: For each column that some batch has, how many of its rows have a value.
        kinds: What the values of a column are; nothing where it has none.
    """

    num_rows: int = 0
    hashes: list[Hashes] = field(default_factory=list)
    values: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, set[ColumnKind]] = field(default_factory=dict)

    @property
    def columns(self) -> set[str]:
        """Columns that some batch has."""
        return set(self.values)


class SplitHashes:
    """First pass: an accumulator that gives the distinct row hashes of a split.

    Args:
        columns: The columns that count; all where None.
        identity: How they are compared; as with others of their own kinds where None.
    """

    def __init__(self, columns: Sequence[str] | None = None, identity: Identity | None = None) -> None:
        self._columns = columns
        self._identity = identity

    def create(self) -> SplitRows:
        """Gives the state of no rows."""
        return SplitRows()

    def add_batch(self, state: SplitRows, batch: pa.RecordBatch) -> SplitRows:
        """Adds a batch to `state`, in place."""
        kinds = kinds_of(batch)
        identity = self._identity or own_identity(kinds, keys=self._columns is not None)
        state.hashes.append(np.unique(row_hashes(identity.of(batch), self._columns)))
        state.num_rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            state.values[name] += batch.num_rows - column.null_count
            state.kinds.setdefault(name, set()).update(kinds[name])
        return state

    def merge(self, states: Sequence[SplitRows]) -> SplitRows:
        """Gives the state of all rows, in the first of `states`."""
        result, *others = states
        for other in others:
            result.hashes += other.hashes
            result.num_rows += other.num_rows
            result.values.update(other.values)
            for name, kinds in other.kinds.items():
                result.kinds.setdefault(name, set()).update(kinds)
        return result

    def extract(self, state: SplitRows) -> SplitRows:
        """Gives the state with one array of distinct hashes, sorted."""
        hashes = np.unique(np.concatenate([np.zeros(0, np.uint64), *state.hashes]))
        return SplitRows(state.num_rows, [hashes], state.values, state.kinds)


@dataclass(slots=True)
class CandidateRows:
    """Rows of a split whose hash another split has too.

    Attributes:
        num_rows: Rows of the split.
        batches: The candidates, in order, with the columns that count.
        positions: For each batch, the numbers of its rows in the split.
    """

    num_rows: int = 0
    batches: list[pa.RecordBatch] = field(default_factory=list)
    positions: list[NDArray[np.int64]] = field(default_factory=list)


class SplitCandidates:
    """Second pass: an accumulator that collects the rows behind shared hashes.

    Args:
        columns: The columns that count.
        hashes: The shared hashes, sorted.
        identity: How the columns are compared.
    """

    def __init__(self, columns: Sequence[str], hashes: Hashes, identity: Identity) -> None:
        self._columns = columns
        self._hashes = hashes
        self._identity = identity

    def create(self) -> CandidateRows:
        """Gives the state of no rows."""
        return CandidateRows()

    def add_batch(self, state: CandidateRows, batch: pa.RecordBatch) -> CandidateRows:
        """Adds a batch to `state`, in place."""
        hashes = row_hashes(self._identity.of(batch), self._columns)
        places = np.minimum(np.searchsorted(self._hashes, hashes), len(self._hashes) - 1)
        rows = np.flatnonzero(self._hashes[places] == hashes)
        if len(rows):
            chosen = [name for name in batch.schema.names if name in self._columns]
            columns = [batch.column(batch.schema.get_field_index(name)) for name in chosen]
            if len(rows) < batch.num_rows:
                columns = [column.take(pa.array(rows)) for column in columns]
            state.batches.append(pa.RecordBatch.from_arrays(columns, chosen))
            state.positions.append(state.num_rows + rows)
        state.num_rows += batch.num_rows
        return state

    def merge(self, states: Sequence[CandidateRows]) -> CandidateRows:
        """Gives the state of all rows, in the first of `states`."""
        result, *others = states
        for other in others:
            result.batches += other.batches
            result.positions += [result.num_rows + rows for rows in other.positions]
            result.num_rows += other.num_rows
        return result

    def extract(self, state: CandidateRows) -> CandidateRows:
        """Gives the state."""
        return state


@dataclass(frozen=True, slots=True)
class NumberedRows:
    """A split's candidates by the number of their content: how many rows have it, and which is the first.

    Attributes:
        numbers: The distinct numbers, ascending.
        counts: For each, how many rows have it.
        first: For each, where its first row stands among the candidates.
        candidates: The rows.
    """

    numbers: NDArray[np.int64]
    counts: NDArray[np.int64]
    first: NDArray[np.int64]
    candidates: CandidateRows

    def position(self, at: int) -> int:
        """The number of a candidate in the split."""
        return int(np.concatenate(self.candidates.positions)[at])

    def values(self, at: int, names: Sequence[str]) -> dict[str, Any]:
        """A candidate's values."""
        for batch in self.candidates.batches:
            if at < batch.num_rows:
                return dict(zip(names, exact_keys(batch, names, np.array([at]))[0], strict=True))
            at -= batch.num_rows
        raise IndexError(at)


def numbered_rows(
    candidates: Mapping[str, CandidateRows], names: Sequence[str], identity: Identity
) -> dict[str, NumberedRows]:
    """Numbers the rows of all splits together, so that equal rows of two splits have one number."""
    numbers = row_numbers([identity.of(batch) for each in candidates.values() for batch in each.batches], names)
    result, start = {}, 0
    for split, each in candidates.items():
        length = sum(batch.num_rows for batch in each.batches)
        own = numbers[start : start + length]
        start += length
        distinct, first, counts = np.unique(own, return_index=True, return_counts=True)
        known = distinct != NO_VALUES  # rows without any value have nothing to leak
        result[split] = NumberedRows(distinct[known], counts[known], first[known], each)
    return result
