"""Numbers rows so that equal ones have the same number, exactly, where `row_hash` takes rows for equal.

Hashes of 64 bits find candidates; values decide, so that no two different rows are ever taken for one. Columns of one
simple type are encoded by Arrow, all rows at once; anything else value by value, in the canonical form of `exact_keys`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.kernels.rows.exact_keys import exact_keys, key_column

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

NO_VALUES = -1
"""The number of rows that have no value in any of the columns."""


def row_numbers(batches: Sequence[pa.RecordBatch], columns: Sequence[str]) -> Codes:
    """Numbers the rows of all batches, one after another, by their values in some columns.

    Args:
        batches: Rows; their columns may be of different types, and some may lack a column.
        columns: The columns that count.

    Returns:
        A number for each row, from 0 and without gaps; `NO_VALUES` where it has no value.
    """
    length = sum(batch.num_rows for batch in batches)
    numbers: Codes = np.zeros(length, np.int64)
    present = np.zeros(length, np.bool_)
    for name in columns:
        codes = _codes([key_column(batch, name) for batch in batches], length)
        present |= codes >= 0
        # Both factors are below the number of rows plus one, so the product fits for all that memory can hold.
        numbers = _dense(numbers * (int(codes.max(initial=-1)) + 2) + codes + 1)
    numbers[~present] = NO_VALUES
    return numbers


def _dense(numbers: Codes) -> Codes:
    """The same numbers without gaps: by a table where they are small, else sorted."""
    if not len(numbers):
        return numbers
    most = int(numbers.max()) + 1
    if most <= 8 * len(numbers):
        seen = np.zeros(most, np.bool_)
        seen[numbers] = True
        ranks = np.cumsum(seen) - 1
        return np.asarray(ranks[numbers], np.int64)
    _, dense = np.unique(numbers, return_inverse=True)
    return dense.astype(np.int64)


def _codes(parts: Sequence[pa.Array], length: int) -> Codes:
    """A number for each distinct value; -1 where it is missing."""
    types = {part.type for part in parts if not pa.types.is_null(part.type)}
    if not types:
        return np.full(length, -1, np.int64)
    wide = {_widest(kind) for kind in types}
    kind = wide.pop()
    if kind is None or wide:
        return _codes_of_values(parts, length)
    column = pa.concat_arrays([part.cast(kind) for part in parts])
    if pa.types.is_floating(kind):
        column = pa.array(column.to_numpy(zero_copy_only=False) + 0.0, from_pandas=True)  # -0 is 0, NaN is missing
    indices = column.dictionary_encode().indices
    return np.asarray(indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def _widest(kind: pa.DataType) -> pa.DataType | None:
    """The type that values of a type can be compared in; None where only their canonical form can be."""
    of = pa.types
    if of.is_signed_integer(kind) or of.is_uint8(kind) or of.is_uint16(kind) or of.is_uint32(kind):
        return pa.int64()
    if of.is_string(kind) or of.is_large_string(kind):
        return pa.large_string()
    if of.is_binary(kind) or of.is_large_binary(kind):
        return pa.large_binary()
    # A float32 is its shortest decimal, which no other float32 has; beside doubles it takes the canonical form.
    return kind if of.is_float64(kind) or of.is_float32(kind) or of.is_boolean(kind) else None


def _codes_of_values(parts: Sequence[pa.Array], length: int) -> Codes:
    numbers: dict[Any, int] = {}
    keys = (
        key[0]
        for part in parts
        for key in exact_keys(pa.RecordBatch.from_arrays([part], ["key"]), ["key"], np.arange(len(part)))
    )
    return np.fromiter((-1 if key is None else numbers.setdefault(key, len(numbers)) for key in keys), np.int64, length)
