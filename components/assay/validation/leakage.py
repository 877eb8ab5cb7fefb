"""Leakage: rows that two splits share, by chosen columns.

Rows are compared by hashes first, and then the rows behind hashes that two splits share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

from assay.errors import DataError, UsageError, did_you_mean
from assay.kernels.identity import (
    NO_VALUES,
    ColumnKind,
    Identity,
    exact_keys,
    identity_of,
    kinds_of,
    own_identity,
    row_numbers,
)
from assay.kernels.row_hash import row_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

_SAMPLE_ROWS = 5


class Reduce(Protocol):
    """Feeds every batch of a split to an accumulator: `partial(engine.reduce, source)`."""

    def __call__(self, accumulator: Any, /) -> Any:
        """Return what the accumulator extracts."""
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


def find_leakage(
    splits: Mapping[str, Reduce], columns: Sequence[str] | None = None, *, sample_rows: int = _SAMPLE_ROWS
) -> tuple[SplitPair, ...]:
    """Find the rows that each two splits share.

    Rows are the same as `kernels.identity` has it: 5 is 5.0, and a column that a split lacks is missing.

    Args:
        splits: Reads each split, once or twice: `partial(engine.reduce, examples.source(split))`.
        columns: The columns that identify a row, such as an id; all if None.
        sample_rows: How many shared rows to show for each two splits.

    Raises:
        UsageError: No split has one of the columns, or there are not two splits.
        DataError: No row of one split could be a row of another: one lacks a column that each row of the other has a
            value of, or they hold a column as types whose values cannot be the same.
    """
    if len(splits) < 2:
        raise UsageError("leakage.one_split", f"Expected at least two splits to compare, got {len(splits)}.")
    rows: dict[str, SplitTally] = {split: reduce(SplitHashes(columns)) for split, reduce in splits.items()}
    names = _column_names(rows, columns)
    pairs = list(combinations(splits, 2))
    for one, other in pairs:
        _check_columns((one, rows[one]), (other, rows[other]), names)
    keys = columns is not None
    kinds = {split: each.kinds if each.num_rows else {} for split, each in rows.items()}
    identity = identity_of(kinds, names, keys=keys, code="leakage.different_types")
    for split, reduce in splits.items():  # a split that was hashed in other forms than its neighbour
        own = own_identity({name: each for name, each in rows[split].kinds.items() if name in names}, keys=keys)
        if any(own.forms.get(name) != identity.forms.get(name) for name in rows[split].kinds):
            rows[split] = reduce(SplitHashes(columns, identity))
    shared = [np.intersect1d(rows[a].hashes[0], rows[b].hashes[0], assume_unique=True) for a, b in pairs]
    suspects = np.unique(np.concatenate(shared))
    if not len(suspects):
        return tuple(_split_pair(pair, rows, None, names, 0) for pair in pairs)
    candidates = {split: reduce(SplitCandidates(names, suspects, identity)) for split, reduce in splits.items()}
    numbered = numbered_rows(candidates, names, identity)
    return tuple(_split_pair(pair, rows, numbered, names, sample_rows) for pair in pairs)


def _column_names(rows: Mapping[str, SplitTally], columns: Sequence[str] | None) -> list[str]:
    known = set[str]().union(*(each.columns for each in rows.values()))
    if columns is None:
        return sorted(known)
    for name in columns:
        if known and name not in known:
            raise UsageError("leakage.unknown_column", f"No split has a column '{name}'.", did_you_mean(name, known))
    return list(columns)


def _check_columns(one: tuple[str, SplitTally], other: tuple[str, SplitTally], names: Sequence[str]) -> None:
    """Refuses two splits that cannot share a row whatever they hold: to call them clean would say nothing."""
    for (split, ours), (lacking, theirs) in ((one, other), (other, one)):
        for name in names if theirs.num_rows else ():
            if name not in theirs.columns and ours.num_rows and ours.values[name] == ours.num_rows:
                both = sorted(ours.columns & theirs.columns)
                raise DataError(
                    "leakage.different_columns",
                    f"{lacking} has no column '{name}', of which each row of {split} has a value: no row can be the "
                    "same in both.",
                    f"Name the columns to compare; both have {', '.join(both)}." if both else "",
                )


def _split_pair(
    splits: tuple[str, str],
    rows: Mapping[str, SplitTally],
    numbered: Mapping[str, NumberedRows] | None,
    names: Sequence[str],
    sample_rows: int,
) -> SplitPair:
    num_rows = (rows[splits[0]].num_rows, rows[splits[1]].num_rows)
    if numbered is None:
        return SplitPair(splits=splits, num_rows=num_rows, num_shared=(0, 0), num_distinct=0)
    one, other = numbered[splits[0]], numbered[splits[1]]
    _, ours, theirs = np.intersect1d(one.numbers, other.numbers, assume_unique=True, return_indices=True)
    shown = np.argsort(one.first[ours], kind="stable")[:sample_rows]  # in the order of the first split's rows
    return SplitPair(
        splits=splits,
        num_rows=num_rows,
        num_shared=(int(one.counts[ours].sum()), int(other.counts[theirs].sum())),
        num_distinct=len(ours),
        samples=tuple(
            SharedRow(
                values=one.values(int(one.first[mine]), names),
                rows=(int(one.counts[mine]), int(other.counts[its])),
                first=(one.position(int(one.first[mine])), other.position(int(other.first[its]))),
            )
            for mine, its in zip(ours[shown], theirs[shown], strict=True)
        ),
    )


@dataclass(slots=True)
class SplitTally:
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

    def create(self) -> SplitTally:
        """Return the state of no rows."""
        return SplitTally()

    def add_batch(self, state: SplitTally, batch: pa.RecordBatch) -> SplitTally:
        """Add a batch to `state`, in place."""
        kinds = kinds_of(batch)
        identity = self._identity or own_identity(kinds, keys=self._columns is not None)
        state.hashes.append(np.unique(row_hashes(identity.of(batch), self._columns)))
        state.num_rows += batch.num_rows
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            state.values[name] += batch.num_rows - column.null_count
            state.kinds.setdefault(name, set()).update(kinds[name])
        return state

    def merge(self, states: Sequence[SplitTally]) -> SplitTally:
        """Return the state of all rows, in the first of `states`."""
        result, *others = states
        for other in others:
            result.hashes += other.hashes
            result.num_rows += other.num_rows
            result.values.update(other.values)
            for name, kinds in other.kinds.items():
                result.kinds.setdefault(name, set()).update(kinds)
        return result

    def extract(self, state: SplitTally) -> SplitTally:
        """Return the state with one array of distinct hashes, sorted."""
        hashes = np.unique(np.concatenate([np.zeros(0, np.uint64), *state.hashes]))
        return SplitTally(state.num_rows, [hashes], state.values, state.kinds)


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
        """Return the state of no rows."""
        return CandidateRows()

    def add_batch(self, state: CandidateRows, batch: pa.RecordBatch) -> CandidateRows:
        """Add a batch to `state`, in place."""
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
        """Return the state of all rows, in the first of `states`."""
        result, *others = states
        for other in others:
            result.batches += other.batches
            result.positions += [result.num_rows + rows for rows in other.positions]
            result.num_rows += other.num_rows
        return result

    def extract(self, state: CandidateRows) -> CandidateRows:
        """Return the state."""
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
        """Return the number of a candidate in the split."""
        return int(np.concatenate(self.candidates.positions)[at])

    def values(self, at: int, names: Sequence[str]) -> dict[str, Any]:
        """Return a candidate's values."""
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
