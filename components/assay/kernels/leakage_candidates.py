"""The rows that leakage is looked for in: hashes of all of them, and those behind hashes that two splits share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.kernels.row_hash import row_hashes
from assay.kernels.row_identity import NO_VALUES, row_numbers
from assay.kernels.rows.exact_keys import exact_keys

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
        kinds: Whether the values of a column are `text` or `numbers`; columns that hold neither are left out.
    """

    num_rows: int = 0
    hashes: list[Hashes] = field(default_factory=list)
    values: Counter[str] = field(default_factory=Counter)
    kinds: dict[str, set[str]] = field(default_factory=dict)

    @property
    def columns(self) -> set[str]:
        """Columns that some batch has."""
        return set(self.values)


class SplitHashes:
    """First pass: an accumulator that gives the distinct row hashes of a split.

    Args:
        columns: The columns that count; all where None.
    """

    def __init__(self, columns: Sequence[str] | None = None) -> None:
        self._columns = columns

    def create(self) -> SplitRows:
        """Gives the state of no rows."""
        return SplitRows()

    def add_batch(self, state: SplitRows, batch: pa.RecordBatch) -> SplitRows:
        """Adds a batch to `state`, in place."""
        state.hashes.append(np.unique(row_hashes(batch, self._columns)))
        state.num_rows += batch.num_rows
        for column, of in zip(batch.columns, batch.schema, strict=True):
            state.values[of.name] += batch.num_rows - column.null_count
            if kind := _kind(of.type):
                state.kinds.setdefault(of.name, set()).add(kind)
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
    """

    def __init__(self, columns: Sequence[str], hashes: Hashes) -> None:
        self._columns = columns
        self._hashes = hashes

    def create(self) -> CandidateRows:
        """Gives the state of no rows."""
        return CandidateRows()

    def add_batch(self, state: CandidateRows, batch: pa.RecordBatch) -> CandidateRows:
        """Adds a batch to `state`, in place."""
        hashes = row_hashes(batch, self._columns)
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


def numbered_rows(candidates: Mapping[str, CandidateRows], names: Sequence[str]) -> dict[str, NumberedRows]:
    """Numbers the rows of all splits together, so that equal rows of two splits have one number."""
    numbers = row_numbers([batch for each in candidates.values() for batch in each.batches], names)
    result, start = {}, 0
    for split, each in candidates.items():
        length = sum(batch.num_rows for batch in each.batches)
        own = numbers[start : start + length]
        start += length
        distinct, first, counts = np.unique(own, return_index=True, return_counts=True)
        known = distinct != NO_VALUES  # rows without any value have nothing to leak
        result[split] = NumberedRows(distinct[known], counts[known], first[known], each)
    return result


def _kind(kind: pa.DataType) -> str | None:
    """What values of a type are, so far as it decides whether two of them can be equal."""
    of = pa.types
    while of.is_list(kind) or of.is_large_list(kind) or of.is_fixed_size_list(kind) or of.is_dictionary(kind):
        kind = kind.value_type
    if of.is_string(kind) or of.is_large_string(kind) or of.is_binary(kind) or of.is_large_binary(kind):
        return "text"
    return "numbers" if of.is_integer(kind) or of.is_floating(kind) else None
