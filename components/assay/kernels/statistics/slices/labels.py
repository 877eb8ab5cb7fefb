"""What the values of one column are called as parts of slice names: values, bins, and spans of time."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import DataError
from assay.kernels.arrow_types import FeatureType, Meaning, reading
from assay.kernels.python_values import python_values
from assay.kernels.shortest_decimal import as_decimals
from assay.kernels.statistics.columns import leaf_features, row_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.kernels.statistics.slices.specs import Period

_UNITS = {
    schema_pb2.TimeDomain.UNIX_SECONDS: "s",
    schema_pb2.TimeDomain.UNIX_MILLISECONDS: "ms",
    schema_pb2.TimeDomain.UNIX_MICROSECONDS: "us",
    schema_pb2.TimeDomain.UNIX_NANOSECONDS: "ns",
    schema_pb2.TimeDomain.UNIX_DAYS: "D",
}
_FORMATS = {
    "year": "%Y",
    "quarter": "%Y-%m",
    "month": "%Y-%m",
    "week": "%G-W%V",
    "day": "%Y-%m-%d",
    "hour": "%Y-%m-%dT%H",
    "minute": "%Y-%m-%dT%H:%M",
}
_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Labels:
    """Which rows have which labels: once for each distinct label, rows ascending.

    Attributes:
        rows: Row numbers.
        codes: For each of them a number in `labels`.
        labels: Of this batch.
    """

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]
    labels: Sequence[str]


def time_formats(schema: Schema | None) -> dict[str, str]:
    """Return numpy's units of the integers that a schema calls times."""
    features = () if schema is None else leaf_features(schema.feature)
    return {
        path[0]: _UNITS[feature.time_domain.integer_format]
        for path, feature in features
        if len(path) == 1 and feature.time_domain.integer_format in _UNITS
    }


def value_labels(name: str, array: pa.Array, wanted: Sequence[str | int] | None) -> Labels:
    """Label rows by their values; only by the wanted ones, if given.

    Raises:
        DataError: The column has no values that can be named, or what is wanted is not of its type.
    """
    leaf, rows = row_values(array)
    how = reading(leaf.type)
    if how.convert is None and how.type is not None:
        raise _unfit(name, leaf.type)
    encoded = (leaf if how.convert is None else how.convert(leaf)).dictionary_encode()
    labels = [_label(name, value, how.meaning) for value in python_values(as_decimals(encoded.dictionary))]
    codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    if wanted is not None:
        texts = {_wanted_label(name, value, how.type) for value in wanted}
        kept = np.array([label in texts for label in labels], dtype=bool)[codes] if labels else codes.astype(bool)
        rows, codes = rows[kept], codes[kept]
    return _distinct(rows, codes, labels)


def bin_labels(name: str, array: pa.Array, boundaries: Sequence[float]) -> Labels:
    """Label rows by bins, closed below; NaN is in none.

    Raises:
        DataError: The column is not numeric.
    """
    leaf, rows = row_values(array)
    how = reading(leaf.type)
    if how.type not in {FeatureType.INT, FeatureType.FLOAT, None} or (how.meaning and how.meaning.unit):
        raise _unfit(name, leaf.type, "into bins of numbers")
    edges = [-np.inf, *map(float, boundaries), np.inf]
    labels = [f"[{low},{high}{']' if high == np.inf else ')'}" for low, high in pairwise(edges)]
    if how.convert is None:
        return Labels(rows[:0], rows[:0], labels)
    values: NDArray[np.float64] = as_decimals(how.convert(leaf)).to_numpy(zero_copy_only=False).astype(np.float64)
    codes = np.searchsorted(np.array(edges[1:-1]), values, side="right").astype(np.int64)
    kept = ~np.isnan(values)
    return _distinct(rows[kept], codes[kept], labels)


def period_labels(name: str, array: pa.Array, period: Period, unit: str | None) -> Labels:
    """Label rows by spans of time, in the column's time zone (UTC if it has none).

    Args:
        name: For messages.
        array: Times, or integers if `unit` is given.
        period: The length of the spans.
        unit: Of integers since 1970, by the schema.

    Raises:
        DataError: The values are not times.
    """
    leaf, rows = row_values(array)
    if pa.types.is_null(leaf.type):
        return Labels(rows, rows, [])
    times = _times(leaf, unit)
    if times is None:
        raise DataError(
            "statistics.slice_column",
            f"Column '{name}' of type {leaf.type} cannot be cut by {period}: it does not contain times.",
            "Give integers that are times a time_domain with integer_format in the schema.",
        )
    encoded = pc.floor_temporal(times, unit=period).dictionary_encode()
    labels = pc.strftime(encoded.dictionary, format=_FORMATS[period]).to_pylist()
    if period == "quarter":
        labels = [f"{label[:4]}-Q{(int(label[5:]) + 2) // 3}" for label in labels]
    return _distinct(rows, encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), labels)


def _times(leaf: pa.Array, unit: str | None) -> pa.Array | None:
    if pa.types.is_timestamp(leaf.type):
        return leaf
    if pa.types.is_date(leaf.type):
        return leaf.cast(pa.timestamp("ms"))
    if not pa.types.is_integer(leaf.type) or unit is None:
        return None
    ticks = leaf.cast(pa.int64())
    if unit == "D":
        return pc.multiply_checked(ticks, _SECONDS_A_DAY).cast(pa.timestamp("s"))
    return ticks.cast(pa.timestamp(unit))


def _distinct(rows: NDArray[np.int64], codes: NDArray[np.int64], labels: Sequence[str]) -> Labels:
    if len(rows) and not (rows[1:] > rows[:-1]).all():
        pairs = np.unique(rows * max(len(labels), 1) + codes)
        rows, codes = np.divmod(pairs, max(len(labels), 1))
    return Labels(rows, codes, labels)


def _label(name: str, value: Any, meaning: Meaning | None) -> str:
    if meaning is not None and meaning.unit:
        return meaning.text(value)
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError as error:
            raise DataError(
                "statistics.slice_value", f"Column '{name}' cannot name slices: {value!r} is not UTF-8."
            ) from error
    return str(value)


def _wanted_label(name: str, value: str | int, type_: int | None) -> str:
    if type_ not in {FeatureType.INT, FeatureType.FLOAT}:
        return str(value)
    try:
        return str(int(value) if type_ == FeatureType.INT else float(value))
    except ValueError as error:
        raise DataError(
            "statistics.slice_value", f"Slices are by the value {value!r} of '{name}', which is numeric."
        ) from error


def _unfit(name: str, type_: pa.DataType, how: str = "into slices") -> DataError:
    return DataError("statistics.slice_column", f"Column '{name}' of type {type_} cannot be cut {how}.")
