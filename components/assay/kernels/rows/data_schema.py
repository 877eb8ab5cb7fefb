"""The columns of a dataset whose batches differ: those of a TFRecord file lack what none of their rows has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from assay.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence


class DataSchema:
    """An accumulator that gives every column of the data, in the order in which they first come."""

    def create(self) -> dict[str, pa.DataType]:
        """Return the state of no rows."""
        return {}

    def add_batch(self, state: dict[str, pa.DataType], batch: pa.RecordBatch) -> dict[str, pa.DataType]:
        """Add a batch's columns to `state`, in place.

        Raises:
            DataError: A column has another type than before, and neither is null.
        """
        return self.merge([state, {field.name: field.type for field in batch.schema}])

    def merge(self, states: Sequence[dict[str, pa.DataType]]) -> dict[str, pa.DataType]:
        """Return the columns of all states, in the first of them.

        Raises:
            DataError: A column has another type in one state than in another, and neither is null.
        """
        result, *others = states
        for other in others:
            for name, kind in other.items():
                result[name] = _joined(name, result.get(name, kind), kind)
        return result

    def extract(self, state: dict[str, pa.DataType]) -> pa.Schema:
        """Return the schema."""
        return pa.schema(list(state.items()))


def _joined(name: str, one: pa.DataType, other: pa.DataType) -> pa.DataType:
    if one == other or _is_untyped(other):
        return one
    if _is_untyped(one):
        return other
    raise DataError(
        "rows.different_types",
        f"Column '{name}' is of type {one} in some rows and {other} in others.",
        "Write it with one type.",
    )


def _is_untyped(kind: pa.DataType) -> bool:
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(pa.types.is_null(kind.value_type if is_list else kind))
