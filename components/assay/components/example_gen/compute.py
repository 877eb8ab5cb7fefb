"""Which split a row belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.components.example_gen.config import SplitConfig, TimeUnit, parse_time
from assay.errors import DataError, did_you_mean
from assay.kernels.row_hash import assign_buckets, row_hashes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_PER_SECOND: dict[TimeUnit, int] = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


def assign_splits(batch: pa.RecordBatch, config: SplitConfig) -> NDArray[np.intp]:
    """Return the index in `config.splits` of each row's split.

    The split depends on the row's content only (by default, all of it), so equal rows are never divided.

    Args:
        batch: Whole rows, with floats as they were written (see `row_hashes`).
        config: A split config with splits.

    Raises:
        DataError: The partition or time feature is absent, missing in a row, or of a type that cannot be split by.
    """
    if config.time_feature_name:
        return _by_time(batch, config)
    columns = None
    if config.partition_feature_name:
        _partition_column(batch, config.partition_feature_name)
        columns = [config.partition_feature_name]
    return assign_buckets(row_hashes(batch, columns), [split.hash_buckets for split in config.splits])


def take_split(batch: pa.RecordBatch, assigned: NDArray[np.intp], split: int) -> pa.RecordBatch:
    """Return the rows that were assigned to a split, in order."""
    return batch.filter(pa.array(assigned == split))


def _partition_column(batch: pa.RecordBatch, name: str) -> None:
    column = _single_values(batch, name, "partition")
    of, kind = pa.types, column.type
    is_text = of.is_string(kind) or of.is_large_string(kind) or of.is_binary(kind) or of.is_large_binary(kind)
    if not (is_text or of.is_integer(kind)):
        raise DataError(
            "example_gen.partition_type",
            f"The partition feature '{name}' is of type {kind}; expected integers or text.",
            "Choose another feature: rounding moves rows between splits when they are divided by a float.",
        )


def _single_values(batch: pa.RecordBatch, name: str, role: str) -> pa.Array:
    """Flatten a feature that every row has exactly once."""
    at = batch.schema.get_field_index(name)
    if at < 0:
        raise DataError(
            f"example_gen.no_{role}_feature",
            f"The {role} feature '{name}' is not in the data.",
            did_you_mean(name, batch.schema.names),
        )
    column = batch.column(at)
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
        lengths = pc.fill_null(pc.list_value_length(column), 0)
        if not pc.all(pc.equal(lengths, 1)).as_py():
            raise _not_once(name, role, column, pc.index(pc.equal(lengths, 1), False).as_py())
        column = column.flatten()
    if column.null_count:
        raise _not_once(name, role, column, pc.index(column.is_valid(), False).as_py())
    return column


def _not_once(name: str, role: str, column: pa.Array, row: int) -> DataError:
    return DataError(
        f"example_gen.missing_{role}_feature",
        f"The {role} feature '{name}' must have one value in every row; a row has {column[row].as_py()!r}.",
        "Choose a feature that is always present, or fill in missing values.",
    )


def _by_time(batch: pa.RecordBatch, config: SplitConfig) -> NDArray[np.intp]:
    name = config.time_feature_name
    column = _single_values(batch, name, "time")
    bounds: Sequence[Any] = [split.before for split in config.splits[:-1]]
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        scale = _PER_SECOND[config.time_unit]
        numbers = [parse_time(bound).timestamp() * scale if isinstance(bound, str) else bound for bound in bounds]
        return _position(numbers, column.to_numpy(zero_copy_only=False))
    if bounds and not isinstance(bounds[0], str):
        raise DataError(
            "example_gen.time_type",
            f"The time feature '{name}' is of type {column.type}, but the splits' `before` are numbers.",
            "Give dates in ISO 8601 as `before`.",
        )
    times = [int(parse_time(bound).timestamp() * 10**6) for bound in bounds]
    return _position(times, _microseconds(name, column))


def _position(bounds: Sequence[float], values: NDArray[Any]) -> NDArray[np.intp]:
    position: NDArray[np.intp] = np.searchsorted(np.asarray(bounds), values, side="right")
    return position


def _microseconds(name: str, column: pa.Array) -> NDArray[np.int64]:
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        column = column.cast(pa.string())
    try:
        if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            column = _from_text(column)
        zone = column.type.tz if pa.types.is_timestamp(column.type) else None
        numbers = column.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise DataError(
            "example_gen.time_type",
            f"The time feature '{name}' of type {column.type} cannot be read as times: {error}.",
            "Expected ISO 8601 text, timestamps, dates, or numbers since 1970-01-01.",
        ) from error
    found: NDArray[np.int64] = numbers.to_numpy(zero_copy_only=False)
    return found


def _from_text(column: pa.Array) -> pa.Array:
    """Read ISO 8601 text, with a zone in every row or in none (then it is UTC)."""
    try:
        return column.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        return column.cast(pa.timestamp("us", "UTC"))
