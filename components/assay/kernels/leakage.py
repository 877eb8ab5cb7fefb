"""Leakage: rows that two splits share, by chosen columns.

Hashes of all rows find candidates (8 bytes for each distinct row), and exact values decide; only rows whose hash occurs
in two splits are looked at again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from assay.errors import UsageError, did_you_mean
from assay.kernels.row_hash import row_hashes
from assay.kernels.rows.exact_keys import exact_keys

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Key = tuple[Any, ...]

_SAMPLE_ROWS = 5


class Reduce(Protocol):
    """Feeds every batch of a split to an accumulator: `partial(engine.reduce, source)`."""

    def __call__(self, accumulator: Any, /) -> Any:
        """Gives what the accumulator extracts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRow:
    """A row that two splits share.

    Attributes:
        values: Its values in the columns that count.
        rows: For each of the two splits how many of its rows are this one.
        first: For each of the two splits the number of the first of these rows, from 0.
    """

    values: dict[str, Any]
    rows: tuple[int, int]
    first: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPair:
    """What two splits share.

    Attributes:
        splits: The two.
        num_rows: Rows of each.
        num_shared: For each, how many of its rows the other has too.
        num_distinct: Distinct rows that both have.
        samples: The first of them, in the order of the first split.
    """

    splits: tuple[str, str]
    num_rows: tuple[int, int]
    num_shared: tuple[int, int]
    num_distinct: int
    samples: tuple[SharedRow, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether they share nothing."""
        return not self.num_distinct

    @property
    def sentence(self) -> str:
        """The finding in words."""
        one, other = self.splits
        if self.ok:
            return f"{one} and {other} share no row."
        shares = [shared / rows for shared, rows in zip(self.num_shared, self.num_rows, strict=True)]
        return (
            f"{one} and {other} share {self.num_distinct:,} distinct rows: {self.num_shared[0]:,} rows of {one} "
            f"({shares[0]:.2%}) and {self.num_shared[1]:,} of {other} ({shares[1]:.2%})."
        )


@dataclass(slots=True)
class SplitRows:
    """A split so far.

    Attributes:
        num_rows: Rows.
        hashes: Of rows that have a value in one of the columns that count.
        columns: Columns that some batch has.
    """

    num_rows: int = 0
    hashes: list[Hashes] = field(default_factory=list)
    columns: set[str] = field(default_factory=set)


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
        state.columns.update(batch.schema.names)
        return state

    def merge(self, states: Sequence[SplitRows]) -> SplitRows:
        """Gives the state of all rows, in the first of `states`."""
        result, *others = states
        for other in others:
            result.hashes += other.hashes
            result.num_rows += other.num_rows
            result.columns |= other.columns
        return result

    def extract(self, state: SplitRows) -> SplitRows:
        """Gives the state with one array of distinct hashes, sorted."""
        hashes = np.unique(np.concatenate([np.zeros(0, np.uint64), *state.hashes]))
        return SplitRows(state.num_rows, [hashes], state.columns)


@dataclass(slots=True)
class CandidateRows:
    """Rows of a split whose hash another split has too: how often each occurs, and where first."""

    num_rows: int = 0
    counts: dict[Key, int] = field(default_factory=dict)
    first: dict[Key, int] = field(default_factory=dict)


class SplitCandidates:
    """Second pass: an accumulator that collects the exact rows behind shared hashes.

    Args:
        columns: The columns that count.
        hashes: The shared hashes.
    """

    def __init__(self, columns: Sequence[str], hashes: Hashes) -> None:
        self._columns = columns
        self._hashes = hashes

    def create(self) -> CandidateRows:
        """Gives the state of no rows."""
        return CandidateRows()

    def add_batch(self, state: CandidateRows, batch: pa.RecordBatch) -> CandidateRows:
        """Adds a batch to `state`, in place."""
        rows = np.flatnonzero(np.isin(row_hashes(batch, self._columns), self._hashes))
        for row, key in zip(rows.tolist(), exact_keys(batch, self._columns, rows), strict=True):
            if any(value is not None for value in key):  # rows without any value have nothing to leak
                state.counts[key] = state.counts.get(key, 0) + 1
                state.first.setdefault(key, state.num_rows + row)
        state.num_rows += batch.num_rows
        return state

    def merge(self, states: Sequence[CandidateRows]) -> CandidateRows:
        """Gives the state of all rows, in the first of `states`."""
        result, *others = states
        for other in others:
            for key, count in other.counts.items():
                result.counts[key] = result.counts.get(key, 0) + count
                result.first.setdefault(key, result.num_rows + other.first[key])
            result.num_rows += other.num_rows
        return result

    def extract(self, state: CandidateRows) -> CandidateRows:
        """Gives the state."""
        return state


def find_leakage(
    splits: Mapping[str, Reduce], columns: Sequence[str] | None = None, *, sample_rows: int = _SAMPLE_ROWS
) -> tuple[SplitPair, ...]:
    """Finds the rows that each two splits share.

    Rows are equal as `row_hash` has it: 5 is 5.0, and a column that a split lacks is missing.

    Args:
        splits: Reads each split, once or twice: `partial(engine.reduce, examples.source(split))`.
        columns: The columns that count, an id for one; all where None.
        sample_rows: How many shared rows to show for each two splits.

    Raises:
        UsageError: No split has one of the columns, or there are not two splits.
    """
    if len(splits) < 2:
        raise UsageError("leakage.one_split", f"Expected at least two splits to compare, got {len(splits)}.")
    rows: dict[str, SplitRows] = {split: reduce(SplitHashes(columns)) for split, reduce in splits.items()}
    names = _column_names(rows, columns)
    pairs = list(combinations(splits, 2))
    shared = [np.intersect1d(rows[a].hashes[0], rows[b].hashes[0], assume_unique=True) for a, b in pairs]
    suspects = np.unique(np.concatenate(shared))
    if not len(suspects):
        return tuple(_split_pair(pair, rows, CandidateRows(), CandidateRows(), names, 0) for pair in pairs)
    candidates = {split: reduce(SplitCandidates(names, suspects)) for split, reduce in splits.items()}
    return tuple(_split_pair((a, b), rows, candidates[a], candidates[b], names, sample_rows) for a, b in pairs)


def _column_names(rows: Mapping[str, SplitRows], columns: Sequence[str] | None) -> list[str]:
    known = set[str]().union(*(each.columns for each in rows.values()))
    if columns is None:
        return sorted(known)
    for name in columns:
        if known and name not in known:
            raise UsageError("leakage.unknown_column", f"No split has a column '{name}'.", did_you_mean(name, known))
    return list(columns)


def _split_pair(
    splits: tuple[str, str],
    rows: Mapping[str, SplitRows],
    one: CandidateRows,
    other: CandidateRows,
    names: Sequence[str],
    sample_rows: int,
) -> SplitPair:
    keys = [key for key in one.counts if key in other.counts]  # in the order of the first split's rows
    return SplitPair(
        splits=splits,
        num_rows=(rows[splits[0]].num_rows, rows[splits[1]].num_rows),
        num_shared=(sum(one.counts[key] for key in keys), sum(other.counts[key] for key in keys)),
        num_distinct=len(keys),
        samples=tuple(
            SharedRow(
                values=dict(zip(names, key, strict=True)),
                rows=(one.counts[key], other.counts[key]),
                first=(one.first[key], other.first[key]),
            )
            for key in keys[:sample_rows]
        ),
    )
