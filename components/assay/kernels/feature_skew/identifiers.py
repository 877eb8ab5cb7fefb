"""Joins two tables by their identifier features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.kernels.feature_skew.values import has_values, round_column
from assay.kernels.identity import key_column, value_codes
from assay.kernels.rows.batch_columns import BatchColumn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from assay.kernels.identity import Identity

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
        column = value_codes([one, other]) + 1
        _, codes = np.unique(codes * (int(column.max(initial=0)) + 1) + column, return_inverse=True)
    num_ids = int(codes.max(initial=-1)) + 1
    base_codes, test_codes = codes[: base.num_rows].astype(np.int64), codes[base.num_rows :].astype(np.int64)
    return Join(
        base_codes,
        test_codes,
        np.bincount(base_codes, minlength=num_ids),
        np.bincount(test_codes, minlength=num_ids),
    )


def identifiers(batch: pa.RecordBatch, names: Sequence[str], ndigits: int | None, identity: Identity) -> pa.RecordBatch:
    """Return the identifier features of a batch, rounded and in the form in which they are compared.

    One that the batch lacks is missing in every row, and NaN is a missing id.
    """
    columns = []
    for name in names:
        column = round_column(key_column(batch, name), ndigits)
        if pa.types.is_floating(column.type):
            column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
        columns.append(identity.column(name, column))
    return pa.RecordBatch.from_arrays(columns, list(names))


def have_identifiers(ids: pa.RecordBatch) -> NDArray[np.bool_]:
    """Tells which rows have a value in every identifier feature."""
    whole = np.ones(ids.num_rows, np.bool_)
    for column in ids.columns:
        whole &= has_values(BatchColumn(ids.num_rows, column))
    return whole
