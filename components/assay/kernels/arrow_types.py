"""How statistics read the types of Arrow: which feature type each becomes, in which numbers, and what is noted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

if TYPE_CHECKING:
    from collections.abc import Callable

FeatureType = statistics_pb2.FeatureNameStatistics

_DECIMAL_DIGITS_OF_INT64 = 18
"""Every decimal of so many digits fits a 64-bit integer."""

_UNIX_FORMATS = {
    "s": schema_pb2.TimeDomain.UNIX_SECONDS,
    "ms": schema_pb2.TimeDomain.UNIX_MILLISECONDS,
    "us": schema_pb2.TimeDomain.UNIX_MICROSECONDS,
    "ns": schema_pb2.TimeDomain.UNIX_NANOSECONDS,
    "D": schema_pb2.TimeDomain.UNIX_DAYS,
}


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the numbers of a column mean, where its Arrow type says more than their feature type can.

    Attributes:
        arrow_type: As Arrow writes it, such as `timestamp[us, tz=UTC]`.
        unit: numpy's unit of time of the numbers; empty for other than times.
        counts_from: What times count from: `epoch`, `midnight`, or `zero` for durations.
        summarised: Whether more than presence and valency is known.
    """

    arrow_type: str
    unit: str = ""
    counts_from: str = ""
    summarised: bool = True

    @property
    def domain(self) -> str | None:
        """The domain that TFDV's inference puts into the schema, as text of `schema_pb2.Feature`; `None` if none."""
        if self.counts_from != "epoch":
            return None
        return f"time_domain {{integer_format: {_UNIX_FORMATS[self.unit]}}}"

    def text(self, number: int) -> str:
        """Return a time as ISO 8601 writes it; an instant with a time zone is given in UTC."""
        if self.counts_from == "zero":
            seconds = np.array(number, f"m8[{self.unit}]") / np.timedelta64(1, "s")
            return f"PT{seconds:.9f}".rstrip("0").rstrip(".") + "S"
        text = str(np.datetime_as_string(np.array(number, f"M8[{self.unit}]")))
        if self.counts_from == "midnight":
            return text.partition("T")[2]
        return f"{text}Z" if "tz=" in self.arrow_type else text


@dataclass(frozen=True, slots=True)
class Reading:
    """How the values of an Arrow type are read.

    Attributes:
        type: `FeatureNameStatistics.Type`; `None` where nothing tells it.
        convert: Gives the same values in a type that Arrow can count; `None` where they cannot be summarised.
        meaning: What the numbers mean, if the type says so.
    """

    type: int | None
    convert: Callable[[pa.Array], pa.Array] | None
    meaning: Meaning | None = None


def reading(type_: pa.DataType) -> Reading:
    """Return how values of a type that is neither a list nor a struct are read.

    Times become integers of their own unit, as TFDV's time domain has them; decimals become integers where they are
    whole and fit 64 bits, else doubles; what remains (intervals, unions) has presence and valency only, and says so.
    """
    if pa.types.is_null(type_):
        return Reading(None, None)
    if pa.types.is_integer(type_) or pa.types.is_boolean(type_):
        return Reading(FeatureType.INT, _from_boolean if pa.types.is_boolean(type_) else _same)
    if pa.types.is_floating(type_):
        return Reading(FeatureType.FLOAT, _from_half if pa.types.is_float16(type_) else _same)
    if is_binary_like(type_):
        return Reading(FeatureType.STRING, from_fixed_size if pa.types.is_fixed_size_binary(type_) else _same)
    if pa.types.is_decimal(type_):
        whole = type_.scale <= 0 and type_.precision - type_.scale <= _DECIMAL_DIGITS_OF_INT64
        type_of_feature, convert = (FeatureType.INT, _to_int64) if whole else (FeatureType.FLOAT, _to_float64)
        return Reading(type_of_feature, convert, Meaning(str(type_)))
    meaning = _time(type_)
    if meaning is not None:
        return Reading(FeatureType.INT, _ticks, meaning)
    return Reading(FeatureType.BYTES, None, Meaning(str(type_), summarised=False))


def plain(array: pa.Array) -> pa.Array:
    """Undoes what Arrow wraps values in: extension types, dictionaries, runs, views, and maps, which are lists."""
    if isinstance(array, pa.ExtensionArray):
        array = array.storage
    type_ = array.type
    if pa.types.is_dictionary(type_):
        return plain(array.dictionary_decode())
    if pa.types.is_map(type_):
        return _entries(array)
    # Types of newer versions of Arrow, recognised by name. Its casts of views are missing or misread null lists.
    name = str(type_)
    if name in {"string_view", "binary_view"}:
        return pa.array(array.to_pylist(), pa.large_string() if name == "string_view" else pa.large_binary())
    if name.startswith("run_end_encoded"):
        decode: Any = getattr(pc, "run_end_decode")  # noqa: B009  # absent in the oldest supported version
        return plain(decode(array))
    if name.startswith(("list_view<", "large_list_view<")):
        return pa.array(array.to_pylist(), pa.large_list(type_.value_field))
    return array


def is_list(type_: pa.DataType) -> bool:
    """Return whether a column of this type has lists, to whatever depth."""
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_) or pa.types.is_fixed_size_list(type_))


def is_binary_like(type_: pa.DataType) -> bool:
    """Return whether values are text or bytes."""
    return bool(
        pa.types.is_string(type_)
        or pa.types.is_large_string(type_)
        or pa.types.is_binary(type_)
        or pa.types.is_large_binary(type_)
        or pa.types.is_fixed_size_binary(type_)
    )


def _same(leaf: pa.Array) -> pa.Array:
    return leaf


def _to_int64(leaf: pa.Array) -> pa.Array:
    return leaf.cast(pa.int64())


def _to_float64(leaf: pa.Array) -> pa.Array:
    return leaf.cast(pa.float64())


def _from_boolean(leaf: pa.Array) -> pa.Array:
    return leaf.cast(pa.int8())


def from_fixed_size(leaf: pa.Array) -> pa.Array:
    """Return values of a fixed size as any bytes; of a slice a copy, beyond whose memory Arrow 10 would read."""
    return pa.concat_arrays([leaf]).cast(pa.binary())


def _from_half(leaf: pa.Array) -> pa.Array:
    return pa.array(leaf.to_numpy(zero_copy_only=False).astype(np.float32), mask=np.asarray(leaf.is_null()))


def _time(type_: pa.DataType) -> Meaning | None:
    if pa.types.is_date(type_):
        return Meaning(str(type_), "D" if pa.types.is_date32(type_) else "ms", "epoch")
    if pa.types.is_timestamp(type_):
        return Meaning(str(type_), type_.unit, "epoch")
    if pa.types.is_time(type_):
        return Meaning(str(type_), str(type_).partition("[")[2].rstrip("]"), "midnight")
    if pa.types.is_duration(type_):
        return Meaning(str(type_), type_.unit, "zero")
    return None


def _ticks(leaf: pa.Array) -> pa.Array:
    return leaf.view(pa.int32() if leaf.type.bit_width == 32 else pa.int64())  # bits


def _entries(array: pa.Array) -> pa.Array:
    """Return a map as what it is in memory: a list of structs `key` and `value`."""
    entries = pa.StructArray.from_arrays([array.keys, array.items], ["key", "value"])
    return pa.Array.from_buffers(
        pa.list_(entries.type), len(array), array.buffers()[:2], offset=array.offset, children=[entries]
    )
