"""Arrow values as Python objects, where Python has none that holds them too."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa

_UNREPRESENTABLE = (ValueError, OverflowError, KeyError, pa.ArrowException)
"""What pyarrow raises for a value: KeyError for an unknown time zone, ValueError for text that is not UTF-8."""


def python_values(column: pa.Array) -> list[Any]:
    """Return the values of a column as Python objects.

    An instant outside of the years 1 to 9999, in a time zone that this machine does not know, or with nanoseconds where
    pandas is not installed is its text in ISO 8601; text that is not UTF-8 has its bytes escaped. Which of the two a
    value is depends on the value alone, so equal values of one type stay equal.
    """
    try:
        values: list[Any] = column.to_pylist()
    except _UNREPRESENTABLE:
        return [python_value(value) for value in column]
    return values


def python_value(value: pa.Scalar) -> Any:
    """Return one value as `python_values` does."""
    try:
        return value.as_py()
    except _UNREPRESENTABLE:
        pass
    kind = value.type
    if pa.types.is_dictionary(kind):
        return python_value(value.value)
    if pa.types.is_struct(kind):
        return {kind[at].name: python_value(value[at]) for at in range(kind.num_fields)}
    if pa.types.is_nested(kind):  # lists, and maps, whose entries are structs
        return python_values(value.values)
    if pa.types.is_temporal(kind):
        return _iso(value)
    return value.as_buffer().to_pybytes().decode("utf-8", "backslashreplace")


def _iso(value: pa.Scalar) -> str:
    kind = value.type
    days = pa.types.is_date32(kind)
    unit = "D" if days else re.findall(r"\[(\w+)", str(kind))[0]  # times have no attribute for it in pyarrow 10
    number = value.cast(pa.int32() if days or pa.types.is_time32(kind) else pa.int64()).as_py()
    if pa.types.is_duration(kind):
        return f"{number} {unit}"
    text = str(np.datetime64(number, unit))
    if pa.types.is_time(kind):
        return text.partition("T")[2]
    zone = "Z" if getattr(kind, "tz", None) else ""  # what is stored is UTC
    return (text.rstrip("0").rstrip(".") if "." in text else text) + zone
