"""Joins two tables by their identifier features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from assay.kernels.feature_skew.values import has_values, round_column
from assay.kernels.rows.batch_columns import BatchColumn
from assay.kernels.rows.exact_keys import exact_keys

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

_PAIRS_AT_A_TIME = 1 << 16


@dataclass(frozen=True, slots=True)
class Join:
    """The examples of two tables by id.

    Attributes:
        base: For each base row the number of its id.
        test: For each test row the number of its id.
        base_counts: For each id, how many base rows have it.
        test_counts: For each id, how many test rows have it.
    """

    base: NDArray[np.int64]
    test: NDArray[np.int64]
    base_counts: NDArray[np.int64]
    test_counts: NDArray[np.int64]

    def pairs(self, *, allow_duplicates: bool) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
        """Yields base and test rows that share an id, in the order of the base rows, a bounded number at a time."""
        by_id = np.argsort(self.test, kind="stable")
        starts = np.cumsum(self.test_counts) - self.test_counts
        wanted = np.ones(len(self.base_counts), np.bool_)
        if not allow_duplicates:
            wanted = (self.base_counts <= 1) & (self.test_counts <= 1)
        base_rows = np.flatnonzero(wanted[self.base] & (self.test_counts[self.base] > 0))
        ends = np.cumsum(self.test_counts[self.base[base_rows]])
        first = 0
        while first < len(base_rows):
            before = int(ends[first - 1]) if first else 0
            last = max(first + 1, int(np.searchsorted(ends, before + _PAIRS_AT_A_TIME, side="right")))
            rows = base_rows[first:last]
            counts = self.test_counts[self.base[rows]]
            offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
            yield np.repeat(rows, counts), by_id[np.repeat(starts[self.base[rows]], counts) + offsets]
            first = last


def join(base: pa.RecordBatch, test: pa.RecordBatch) -> Join:
    """Joins by equal rows.

    Args:
        base: The identifier features of the base examples, none missing.
        test: Those of the test examples, in the same order of columns.
    """
    codes = np.zeros(base.num_rows + test.num_rows, np.int64)
    for one, other in zip(base.columns, test.columns, strict=True):
        column = _codes(one, other)
        _, codes = np.unique(codes * (int(column.max(initial=0)) + 1) + column, return_inverse=True)
    num_ids = int(codes.max(initial=-1)) + 1
    base_codes, test_codes = codes[: base.num_rows].astype(np.int64), codes[base.num_rows :].astype(np.int64)
    return Join(
        base_codes,
        test_codes,
        np.bincount(base_codes, minlength=num_ids),
        np.bincount(test_codes, minlength=num_ids),
    )


def identifiers(batch: pa.RecordBatch, names: Sequence[str], ndigits: int | None) -> pa.RecordBatch:
    """Gives the identifier features of a batch, rounded; one that the batch lacks is missing in every row."""
    columns = []
    for name in names:
        position = batch.schema.get_field_index(name)
        columns.append(pa.nulls(batch.num_rows) if position < 0 else round_column(batch.column(position), ndigits))
    return pa.RecordBatch.from_arrays(columns, list(names))


def have_identifiers(ids: pa.RecordBatch) -> NDArray[np.bool_]:
    """Tells which rows have a value in every identifier feature."""
    whole = np.ones(ids.num_rows, np.bool_)
    for column in ids.columns:
        whole &= has_values(BatchColumn(ids.num_rows, column))
    return whole


def _codes(one: pa.Array, other: pa.Array) -> NDArray[np.int64]:
    """Numbers the distinct values of two columns."""
    simple = pa.types.is_integer(one.type) or pa.types.is_string(one.type) or pa.types.is_binary(one.type)
    if simple and one.type == other.type:
        encoded = pa.concat_arrays([one, other]).dictionary_encode()
        return np.asarray(encoded.indices.to_numpy(zero_copy_only=False), np.int64)
    numbers: dict[object, int] = {}
    keys = [key for column in (one, other) for key in _keys(column)]
    return np.fromiter((numbers.setdefault(key, len(numbers)) for key in keys), np.int64, len(keys))


def _keys(column: pa.Array) -> list[tuple[object, ...]]:
    batch = pa.RecordBatch.from_arrays([column], ["id"])
    return exact_keys(batch, ["id"], np.arange(len(column)))
