"""Exact distributions of a dataset's features: how often each distinct value occurs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from assay.kernels.arrow_types import is_binary_like, plain, reading
from assay.kernels.distances.distribution import Categories, Numbers, exact_numbers
from assay.kernels.feature_path import join_path
from assay.kernels.statistics.summaries.value_counts import ValueCounts, count_numbers, count_values

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_TABLE_BYTES: Final = 64 << 20
"""A feature whose distinct values take more has no table: its distances come from its statistics, and say so."""


@dataclass(slots=True)
class TableState:
    """The tables so far; features that have none anymore are in `given_up`."""

    numbers: dict[str, ValueCounts] = field(default_factory=dict)
    categories: dict[str, ValueCounts] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class ValueTables:
    """Counts every distinct value of every flat or list-valued column, as an accumulator over record batches.

    The result does not depend on how the rows are split. Columns of other types are left out.

    Attributes:
        max_bytes: The memory of one feature's distinct values.
    """

    max_bytes: int = MAX_TABLE_BYTES

    def create(self) -> TableState:
        """Return the state of no rows."""
        return TableState()

    def add_batch(self, state: TableState, batch: pa.RecordBatch) -> TableState:
        """Add the rows of one batch to `state`, in place."""
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            values = _leaves(column)
            if name in state.given_up or values is None:
                continue
            if pa.types.is_large_binary(values.type):
                state.categories.setdefault(name, ValueCounts()).add(count_values(values, None))
            else:
                state.numbers.setdefault(name, ValueCounts()).add(count_numbers(values, None))
            self._bound(state, name)
        return state

    def merge(self, states: Sequence[TableState]) -> TableState:
        """Return the state of all rows, in the first of `states`; the others must not be used afterwards."""
        result, *others = states
        for other in others:
            result.given_up |= other.given_up
            for ours, theirs in ((result.numbers, other.numbers), (result.categories, other.categories)):
                for name, table in theirs.items():
                    ours.setdefault(name, ValueCounts()).merge(table)
            for name in {*result.numbers, *result.categories}:
                self._bound(result, name)
        return result

    def extract(self, state: TableState) -> dict[str, Categories | Numbers]:
        """Return the distributions by column; none for a column with words in one part and numbers in another."""
        result: dict[str, Categories | Numbers] = {}
        for name, table in state.numbers.items():
            counted = table.table()
            if counted is not None and name not in state.given_up:
                result[join_path((name,))] = exact_numbers(counted.values.to_numpy(), counted.counts.astype(np.float64))
        for name, table in state.categories.items():
            counted = table.table()
            if counted is not None and name not in state.given_up:
                found = counted.values.to_pylist()
                words = [word.decode("utf-8", "backslashreplace") for word in found]
                if result.pop(join_path((name,)), None) is not None:
                    continue
                counts: dict[str, float] = {}
                for word, count in zip(words, counted.counts.tolist(), strict=True):
                    counts[word] = counts.get(word, 0.0) + count
                not_text = frozenset(
                    word for word, raw in zip(words, found, strict=True) if word.encode("utf-8") != raw
                )
                result[join_path((name,))] = Categories(counts, not_text=not_text)
        return result

    def _bound(self, state: TableState, name: str) -> None:
        for tables in (state.numbers, state.categories):
            if name in state.given_up or (name in tables and tables[name].exceeds(self.max_bytes)):
                state.given_up.add(name)
                tables.pop(name, None)


def _leaves(column: pa.Array) -> pa.Array | None:
    """Return the values in a column as doubles or bytes, as statistics read them; None for other types."""
    column = plain(column)
    while pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        column = plain(column.flatten())
    convert = reading(column.type).convert
    if convert is None:
        return None
    values = convert(column)
    if pa.types.is_string(values.type):
        values = values.cast(pa.binary())
    return values.cast(pa.large_binary() if is_binary_like(values.type) else pa.float64(), safe=False)
