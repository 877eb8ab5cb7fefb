"""Rows behind an anomaly: the first that have a value which was not expected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.artifacts import Examples
from assay.kernels.python_values import python_value

_MOST_ROWS = 3
_SCANNED_ROWS = 500_000
_SHOWN_COLUMNS = 12
_LONGEST = 60


def rows_with(examples: Examples, split: str, feature: str, values: Sequence[str]) -> list[str]:
    """Gives the first rows of a split in which a text column has one of the values, each as a line of text.

    At most half a million rows are looked at: a page is made in a moment, and the quarantine has every row.
    """
    if split not in examples.split_names:
        return []
    wanted = pa.array(list(values), pa.string())
    found: list[str] = []
    first = 0
    for batch in examples.batches(split):
        if feature not in batch.schema.names or first >= _SCANNED_ROWS:
            return found
        column = batch.column(batch.schema.get_field_index(feature))
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            places = _places_in_lists(column, wanted)
        else:
            places = _places(column, wanted)
        found += [_line(batch, place, first + place, feature) for place in places[: _MOST_ROWS - len(found)]]
        if len(found) == _MOST_ROWS:
            return found
        first += batch.num_rows
    return found


def _places(column: pa.Array, wanted: pa.Array) -> list[int]:
    if not (
        pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_binary(column.type)
    ):
        return []
    mask = pc.is_in(column.cast(pa.string()), value_set=wanted)
    return [int(place) for place in pc.indices_nonzero(mask).to_pylist()]


def _places_in_lists(column: pa.Array, wanted: pa.Array) -> list[int]:
    parents = pc.list_parent_indices(column).to_pylist()
    return sorted({int(parents[place]) for place in _places(pc.list_flatten(column), wanted)})


def _line(batch: pa.RecordBatch, place: int, number: int, feature: str) -> str:
    names = [feature, *(name for name in batch.schema.names if name != feature)][:_SHOWN_COLUMNS]
    cells = {name: _cell(python_value(batch.column(batch.schema.get_field_index(name))[place])) for name in names}
    known = ", ".join(f"{name}: {value}" for name, value in cells.items() if value)
    return f"Row {number:,}: {known}"


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_cell(item) for item in value[:5])
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
