"""A hash of each row's content, which decides its split.

The hash depends on the names of columns and on the values in them, and on nothing else: not on the order of columns,
files or rows, on batches, threads, or on how a value was stored. Equal by design are

- a missing cell, a column that the file does not have, an empty list, and NaN (pandas writes missing numbers so);
- 5, 5.0, and any integer or float type that holds them; 0.1 as a double and as float32 (whose shortest decimal counts:
  text of up to six significant digits gives the same hash, however it was read);
- text and its UTF-8 bytes; `true` and the text "True" (as CSV writers spell it); a category and its text;
- a value and a list of that one value.

Every function here is frozen: a change of one bit moves rows between the splits of everybody's data.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import DataError, UsageError
from assay.kernels.shortest_decimal import shortest_decimals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Values = tuple[NDArray[np.bool_], Hashes]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 divided by the golden ratio: splitmix64's increment
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)  # splitmix64's multipliers
_MIX_2 = np.uint64(0x94D049BB133111EB)
# The first three multiples of the increment tell the families apart: the integer 5 is not the text with those bits.
_INTEGER, _FLOAT, _TEXT = (np.uint64(0x9E3779B97F4A7C15 * family % 2**64) for family in (1, 2, 3))
_LONG_TEXT_BYTES = 512  # longer text is hashed one by one
_WORD = np.dtype("<u8")
_INT64_END = float(2**63)


def row_hashes(batch: pa.RecordBatch, columns: Sequence[str] | None = None) -> Hashes:
    """Hashes each row of a batch.

    Args:
        batch: Rows; columns of numbers, booleans, text, bytes, times, decimals, and lists and structs of them.
        columns: The columns that count; all where None. One that the batch lacks counts as missing in every row.

    Returns:
        One unsigned 64-bit integer a row, of shape `(batch.num_rows,)`.

    Raises:
        DataError: A column's type has no canonical form.
    """
    total = np.zeros(batch.num_rows, np.uint64)
    wanted = None if columns is None else set(columns)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if wanted is None or name in wanted:
            total += _contribution(_text_hash(name.encode()), name, column)
    return _mix(total)


def value_hashes(column: pa.Array) -> Hashes:
    """Hash each value of a column by itself; what a null gives means nothing.

    Raises:
        DataError: The column's type has no canonical form.
    """
    return _values("", column)[1]


def assign_buckets(hashes: Hashes, buckets: Sequence[int]) -> NDArray[np.intp]:
    """Return the index of the split of each hash, where split `i` owns `buckets[i]` of `sum(buckets)` buckets.

    Raises:
        UsageError: A split has no bucket.
    """
    if not buckets or min(buckets) < 1:
        raise UsageError("row_hash.buckets", f"Expected a positive number of hash buckets per split, found {buckets}.")
    bounds = np.cumsum(np.asarray(buckets, np.uint64))
    owners: NDArray[np.intp] = np.searchsorted(bounds, hashes % bounds[-1], side="right")
    return owners


def _contribution(name_hash: np.uint64, name: str, column: pa.Array) -> Hashes:
    """Return what a column adds to each row's sum: 0 where the cell is missing."""
    column = _canonical(column)
    if _is_list(column.type):
        return _list_sums(name_hash, name, column)
    present, hashes = _values(name, column)
    return np.where(present, _mix(hashes + name_hash), np.uint64(0))


def _list_sums(name_hash: np.uint64, name: str, column: pa.Array) -> Hashes:
    """Sum over a list's positions; position 0 counts like a value outside of a list."""
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    starts = np.cumsum(lengths) - lengths
    position = np.arange(lengths.sum(), dtype=np.int64) - np.repeat(starts, lengths)
    present, hashes = _values(name, column.flatten())
    moved = np.where(position == 0, hashes, _mix(hashes + position.astype(np.uint64) * _GOLDEN))
    sums = np.zeros(len(moved) + 1, np.uint64)
    np.cumsum(np.where(present, _mix(moved + name_hash), np.uint64(0)), out=sums[1:])
    difference: Hashes = sums[starts + lengths] - sums[starts]
    return difference


def _values(name: str, column: pa.Array) -> Values:
    """Return which values are present, and their hashes (anything where they are not)."""
    column = _canonical(column)
    for is_of_family, hash_family in _FAMILIES:
        if is_of_family(column.type):
            return hash_family(name, column)
    raise DataError(
        "row_hash.unsupported_type",
        f"Column '{name}' is of type {column.type}, which cannot identify rows.",
        "Cast the column, or split by a partition feature.",
    )


def _canonical(column: pa.Array) -> pa.Array:
    """Brings types that only store values otherwise to integers, floats, text or lists."""
    of, kind = pa.types, column.type
    if of.is_dictionary(kind):
        return _canonical(column.dictionary_decode())
    if of.is_temporal(kind) and not of.is_interval(kind):
        return _in_microseconds(column)
    if of.is_decimal(kind):
        return column.cast(pa.float64())
    if of.is_fixed_size_binary(kind):
        return pa.concat_arrays([column]).cast(pa.binary())  # Arrow 10's cast reads beyond the memory of a slice
    if of.is_fixed_size_list(kind):
        return pa.array(column.to_pylist(), pa.list_(kind.value_type))
    return column


def _null_values(_: str, column: pa.Array) -> Values:
    return np.zeros(len(column), np.bool_), np.zeros(len(column), np.uint64)


def _integer_values(_: str, column: pa.Array) -> Values:
    return _present(column), _integer_hashes(_filled(column, 0))


def _float_values(_: str, column: pa.Array) -> Values:
    numbers = _filled(column, 0.0)
    return _present(column) & ~np.isnan(numbers), _float_hashes(numbers)


def _boolean_values(_: str, column: pa.Array) -> Values:
    return _present(column), np.where(_filled(column, False), _text_hash(b"True"), _text_hash(b"False"))


def _text_values(_: str, column: pa.Array) -> Values:
    return _present(column), _text_hashes(column)


def _list_values(name: str, column: pa.Array) -> Values:
    sums = _list_sums(np.uint64(0), name, column)
    return sums != 0, _mix(sums)


def _struct_values(name: str, column: pa.Array) -> Values:
    sums = np.zeros(len(column), np.uint64)
    for field, child in zip(column.type, column.flatten(), strict=True):
        sums += _contribution(_text_hash(field.name.encode()), f"{name}.{field.name}", child)
    return sums != 0, _mix(sums)


def _integer_hashes(numbers: NDArray[Any]) -> Hashes:
    return _mix(numbers.astype(np.int64, casting="unsafe").view(np.uint64) + _INTEGER)


def _float_hashes(numbers: NDArray[Any]) -> Hashes:
    values = numbers if numbers.dtype == np.float64 else shortest_decimals(numbers.astype(np.float32))
    whole = (values == np.floor(values)) & (values >= -_INT64_END) & (values < _INT64_END)
    integers = np.where(whole, values, 0.0).astype(np.int64)
    bits = values.view(np.uint64)
    return np.where(whole, _integer_hashes(integers), _mix(bits + _FLOAT))


def _text_hashes(column: pa.Array) -> Hashes:
    """Hashes text eight bytes at a time, all rows at once.

    The hash of `n` bytes starts from `n` and takes in `ceil(n / 8)` little-endian words, the last padded with zeros.
    """
    large = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    _, offset_buffer, data_buffer = column.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64 if large else np.int32)[column.offset :][: len(column) + 1]
    starts = offsets[:-1].astype(np.int64)
    lengths = np.diff(offsets).astype(np.int64)
    if column.null_count:  # a null's bytes are arbitrary
        lengths = np.where(_present(column), lengths, 0)
    first, last = (int(offsets[0]), int(offsets[-1])) if len(column) else (0, 0)
    data = np.zeros(last - first + 8, np.uint8)
    if data_buffer is not None:
        data[: last - first] = np.frombuffer(data_buffer, np.uint8, last - first, first)
    words: NDArray[np.uint64] = np.ndarray(last - first + 1, _WORD, data, 0, (1,))  # the word at each byte
    hashes = _mix(lengths.astype(np.uint64) + _TEXT)
    rows = np.flatnonzero((lengths > 0) & (lengths <= _LONG_TEXT_BYTES))
    at, left = starts[rows] - first, lengths[rows]
    while len(rows):
        word = words[at].astype(np.uint64)
        short = left < 8
        word[short] &= (np.uint64(1) << (left[short].astype(np.uint64) * np.uint64(8))) - np.uint64(1)
        hashes[rows] = _mix(hashes[rows] ^ word)
        more = left > 8
        rows, at, left = rows[more], at[more] + 8, left[more] - 8
    for row in np.flatnonzero(lengths > _LONG_TEXT_BYTES).tolist():
        begin = int(starts[row]) - first
        hashes[row] = _digest(data[begin : begin + int(lengths[row])].tobytes())
    return hashes


def _text_hash(text: bytes) -> np.uint64:
    return np.uint64(_text_hashes(pa.array([text], pa.binary()))[0])


def _digest(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def _mix(values: Hashes) -> Hashes:
    """splitmix64's finaliser: each input bit changes each output bit with probability one half."""
    mixed = values + _GOLDEN
    mixed ^= mixed >> np.uint64(30)
    mixed *= _MIX_1
    mixed ^= mixed >> np.uint64(27)
    mixed *= _MIX_2
    mixed ^= mixed >> np.uint64(31)
    return mixed


def _filled(column: pa.Array, value: float) -> NDArray[Any]:
    filled = column.fill_null(value) if column.null_count else column
    numbers: NDArray[Any] = filled.to_numpy(zero_copy_only=False)
    return numbers


def _in_microseconds(column: pa.Array) -> pa.Array:
    """Return times as whole microseconds, so that the unit in which a file stores them does not matter."""
    of, kind = pa.types, column.type
    if of.is_date(kind):  # Arrow refuses to cast days beyond the years of microseconds; the product wraps around
        days = column.cast(pa.date32()).cast(pa.int32()).cast(pa.int64())
        return pc.multiply(days, 86_400_000_000)
    if of.is_timestamp(kind):
        return column.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.int64())
    if of.is_time(kind):
        return column.cast(pa.time64("us"), safe=False).cast(pa.int64())
    return column.cast(pa.duration("us"), safe=False).cast(pa.int64())


def _present(column: pa.Array) -> NDArray[np.bool_]:
    present: NDArray[np.bool_] = column.is_valid().to_numpy(zero_copy_only=False)
    return present


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


_FAMILIES: tuple[tuple[Callable[[pa.DataType], bool], Callable[[str, pa.Array], Values]], ...] = (
    (pa.types.is_null, _null_values),
    (pa.types.is_integer, _integer_values),
    (pa.types.is_floating, _float_values),
    (pa.types.is_boolean, _boolean_values),
    (pa.types.is_string, _text_values),
    (pa.types.is_large_string, _text_values),
    (pa.types.is_binary, _text_values),
    (pa.types.is_large_binary, _text_values),
    (_is_list, _list_values),
    (pa.types.is_struct, _struct_values),
)
