"""Serialised `tf.Example`s to Arrow batches and back, by tfx_bsl's C++ coders.

A `tf.Example` holds, by feature name, a list of int64, float32 or bytes, or a feature without any kind. As Arrow that
is a column of `large_list<int64|float|large_binary>`, where a null list is a feature that is absent or has no kind.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import DataError
from assay.native import coders

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

_FEATURE_LISTS_TAG = 0x12  # field 2 of SequenceExample, which tf.Example does not have
_FEATURES_TAG = 0x0A  # field 1 of both
_FEATURES_HEADER = bytes([_FEATURES_TAG])
_DECIMAL_DIGITS_OF_INT64 = 18


def decode(records: Sequence[bytes], *, source: str = "the input", first_record: int = 1) -> pa.RecordBatch:
    """Decode records to list columns, one for each feature that occurs in any of them.

    A feature that has no kind in all of the records gives a column of type null.

    Args:
        records: Serialised `tf.Example`s.
        source: Where they come from, for messages: a file's path.
        first_record: The number in its file of the first record.

    Raises:
        DataError: A record is not a `tf.Example`, or features change their kind between records.
    """
    for number, record in enumerate(records, first_record):
        if _has_feature_lists(record):
            raise DataError(
                "tf_example.sequence_example",
                f"{source}, record {number}: expected a tf.Example and found a tf.SequenceExample.",
                "Its feature lists would be lost; convert the file to tf.Examples with list features.",
            )
    decoder = coders().ExamplesToRecordBatchDecoder()
    try:
        return decoder.DecodeBatch(list(records))
    except RuntimeError as error:
        # The coder does not say which record it refused.
        for number, record in enumerate(records, first_record):
            try:
                decoder.DecodeBatch([record])
            except RuntimeError:
                raise DataError(
                    "tf_example.not_an_example",
                    f"{source}, record {number}: expected a serialised tf.Example and found {len(record)} bytes that "
                    "do not parse as one.",
                    "Check the payload format of the file.",
                ) from error
        last = first_record + len(records) - 1
        raise DataError(
            "tf_example.mixed_kinds",
            f"{source}, records {first_record} to {last}: {error}.",
            "Use one of int64, float and bytes for a feature throughout.",
        ) from error


def encode(batch: pa.RecordBatch) -> list[bytes]:
    """Encode rows as serialised `tf.Example`s; flat columns become lists of one value.

    Features are in the order of their names, so equal rows give equal bytes: the C++ coder alone writes a record's
    features in an order that changes from process to process.

    Raises:
        DataError: A column's type has no place in a `tf.Example` (see `as_example_columns`).
    """
    columns = as_example_columns(batch)
    names = sorted(columns.schema.names)
    encoder = coders().RecordBatchToExamplesEncoder()
    one_feature = [
        encoder.Encode(pa.RecordBatch.from_arrays([columns.column(columns.schema.get_field_index(name))], [name]))
        for name in names
    ]
    if not one_feature:
        return [b""] * batch.num_rows
    return [_joined(records) for records in zip(*one_feature, strict=True)]


def _joined(records: Sequence[bytes]) -> bytes:
    """Join Examples of one feature each to one: the entries of their `features` field, one after another.

    A record starts with the field's tag and the length of the rest, which takes one byte up to 127; a missing feature's
    record is empty.
    """
    entries = b"".join([record[2:] if len(record) < 130 else record[_header(record) :] for record in records])
    return _FEATURES_HEADER + _varint(len(entries)) + entries if entries else b""


def _header(record: bytes) -> int:
    """Return the number of bytes of the field's tag and length at the start of a record."""
    at = 1
    while record[at] >= 0x80:
        at += 1
    return at + 1


def _varint(number: int) -> bytes:
    parts = bytearray()
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def as_example_columns(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return each column as `tf.Example` sees it: `large_list` of int64, float32 or large_binary.

    Integers and booleans become int64, floats float32, text its UTF-8 bytes; a null cell becomes a null list. A column
    of type null becomes null lists of bytes. What has no kind of its own is what statistics, and so the schema, see in
    it: a time is the integer of its unit, a decimal an integer where it is whole and fits, else a float.

    Raises:
        DataError: `tf_example.unsupported_type`, `tf_example.out_of_range` (an unsigned integer over 2^63) or
            `tf_example.null_in_list`.
    """
    columns = [_as_list(batch.schema.field(at).name, batch.column(at)) for at in range(batch.num_columns)]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def fits(kind: pa.DataType) -> bool:
    """Return whether a `tf.Example` can represent a column of this type: one value or one list per row."""
    try:
        as_example_columns(pa.RecordBatch.from_arrays([pa.array([], kind)], ["column"]))
    except (DataError, pa.ArrowException):  # Arrow makes no empty arrays of some nested types
        return False
    return True


def without_structs(schema: schema_pb2.Schema) -> schema_pb2.Schema:
    """Return a schema of what a `tf.Example` can represent: without the features of nested columns."""
    flat = schema_pb2.Schema()
    flat.CopyFrom(schema)
    del flat.feature[:]
    flat.feature.extend(each for each in schema.feature if each.type != schema_pb2.STRUCT)
    return flat


def single_valued_columns(batch: pa.RecordBatch) -> frozenset[str]:
    """Name the list columns in which no row has more than one value, and all columns that are not lists."""
    names = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        if not is_list(column.type) or (pc.max(pc.list_value_length(column)).as_py() or 0) <= 1:
            names.append(name)
    return frozenset(names)


def flatten_columns(batch: pa.RecordBatch, names: Iterable[str]) -> pa.RecordBatch:
    """Return the named list columns, of at most one value per row, as flat ones; an empty or null list becomes null."""
    wanted = set(names)
    columns = [
        _first_values(column) if name in wanted and is_list(column.type) else column
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return pa.RecordBatch.from_arrays(columns, batch.schema.names)


def _first_values(column: pa.Array) -> pa.Array:
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    values = column.flatten()
    if len(values) == len(column) and bool((lengths == 1).all()):
        return values
    positions = np.cumsum(lengths) - 1
    return values.take(pa.array(positions, pa.int64(), mask=lengths == 0))


def _as_list(name: str, column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if not is_list(column.type):
        return _wrap(_as_example_values(name, column))
    values = column.flatten()
    if values.null_count:
        raise DataError(
            "tf_example.null_in_list",
            f"Column '{name}' has a list with a missing value, which a tf.Example cannot represent.",
            "Remove missing values from the lists.",
        )
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
    return _lists(lengths, column.is_valid(), _as_example_values(name, values))


def _wrap(values: pa.Array) -> pa.Array:
    valid = values.is_valid()
    lengths = valid.to_numpy(zero_copy_only=False).astype(np.int64)
    return _lists(lengths, valid, values.drop_null() if values.null_count else values)


def _lists(lengths: NDArray[np.int64], valid: pa.Array, values: pa.Array) -> pa.Array:
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    missing = np.append(~valid.to_numpy(zero_copy_only=False), False)
    nullable = pa.array(offsets, mask=missing) if missing.any() else pa.array(offsets)
    return pa.LargeListArray.from_arrays(nullable, values)


def _as_example_values(name: str, values: pa.Array) -> pa.Array:
    of = pa.types
    kind = values.type
    if of.is_dictionary(kind):
        return _as_example_values(name, values.dictionary_decode())
    if of.is_integer(kind) or of.is_boolean(kind):
        try:
            return values.cast(pa.int64())
        except pa.ArrowInvalid as error:
            raise DataError(
                "tf_example.out_of_range",
                f"Column '{name}' has values that do not fit in 64-bit signed integers.",
                "Cast the column to text or to float.",
            ) from error
    if of.is_temporal(kind) and kind.bit_width in (32, 64):
        return values.view(pa.int32() if kind.bit_width == 32 else pa.int64()).cast(pa.int64())
    if of.is_decimal(kind):
        is_whole = kind.scale <= 0 and kind.precision - kind.scale <= _DECIMAL_DIGITS_OF_INT64
        return values.cast(pa.int64()) if is_whole else values.cast(pa.float64()).cast(pa.float32(), safe=False)
    if of.is_floating(kind):
        return values.cast(pa.float32(), safe=False)
    if of.is_fixed_size_binary(kind):
        # Arrow 10's cast reads beyond the memory of a slice.
        return pa.concat_arrays([values]).cast(pa.binary()).cast(pa.large_binary())
    if of.is_null(kind) or of.is_string(kind) or of.is_large_string(kind) or of.is_binary(kind):
        return values.cast(pa.large_binary())
    if of.is_large_binary(kind):
        return values
    raise DataError(
        "tf_example.unsupported_type",
        f"Column '{name}' is of type {kind}; a tf.Example supports integers, floats and bytes, and lists of them.",
        "Cast the column before reading it, for example to int64 or text.",
    )


def is_list(kind: pa.DataType) -> bool:
    """Tell whether a column has a list of values in each row."""
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _has_feature_lists(record: bytes) -> bool:
    """Return whether field 2 follows field 1 or comes first, without parsing the record."""
    at = 0
    if record[:1] == bytes([_FEATURES_TAG]):
        length, at, shift = 0, 1, 0
        while at < len(record):
            byte = record[at]
            length |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                break
        at += length
    return at < len(record) and record[at] == _FEATURE_LISTS_TAG
