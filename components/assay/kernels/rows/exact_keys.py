"""Values of chosen rows as Python tuples that are equal where `row_hash` takes rows for equal.

Hashes of 64 bits find candidates; these tuples decide, so that no two different rows are ever taken for one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.kernels.python_values import python_values
from assay.kernels.shortest_decimal import shortest_decimals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Key = tuple[Any, ...]


def exact_keys(batch: pa.RecordBatch, columns: Sequence[str], rows: NDArray[np.intp]) -> list[Key]:
    """Gives the values of `columns` in each of `rows`; None where missing."""
    return list(zip(*(_values(key_column(batch, name).take(pa.array(rows))) for name in columns), strict=True))


def key_column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Gives a column of a key; nulls where the batch lacks it, as batches of a TFRecord file may."""
    position = batch.schema.get_field_index(name)
    return pa.nulls(batch.num_rows) if position < 0 else batch.column(position)


def has_whole_key(batch: pa.RecordBatch, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Tells which rows lack none of the columns; NaN is missing, as in `row_hash`."""
    whole = np.ones(batch.num_rows, np.bool_)
    for name in columns:
        column = key_column(batch, name)
        whole &= np.asarray(column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)) ^ True
    return whole


def _values(column: pa.Array) -> list[Any]:
    if pa.types.is_float32(column.type):  # 0.1 as float32 is 0.1, as in row_hash
        numbers = shortest_decimals(np.asarray(column.fill_null(np.nan).to_numpy(zero_copy_only=False)))
        return [None if number != number else number for number in numbers.tolist()]  # noqa: PLR0124
    return [_canonical(value) for value in python_values(column)]


def _canonical(value: Any) -> Any:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        values = tuple(map(_canonical, value))
        return values[0] if len(values) == 1 else values or None
    if isinstance(value, dict):
        return tuple(sorted((name, each) for name, inner in value.items() if (each := _canonical(inner)) is not None))
    return value
