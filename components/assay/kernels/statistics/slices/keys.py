"""Which rows belong to which slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import DataError
from assay.kernels.expression import Condition, compile_expression
from assay.kernels.rows.batch_columns import BatchColumns
from assay.kernels.statistics.slices.labels import (
    Labels,
    bin_labels,
    period_labels,
    time_formats,
    value_labels,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.kernels.statistics.slices.specs import SlicingSpec

SliceKey = tuple[tuple[str, str], ...]
"""What defines a slice: columns, ascending, with the label of the value, bin or period; a condition has no column."""


def slice_name(key: SliceKey) -> str:
    """Return the name of a slice as TFDV writes it."""
    return "_".join(f"{column}_{label}" if column else label for column, label in key)


@dataclass(frozen=True, slots=True)
class _Members:
    """Rows and what they belong to; a row may stand there several times, or not at all. Rows ascend."""

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]


class Slicer:
    """Cuts batches into slices."""

    def __init__(self, specs: Sequence[SlicingSpec], schema: Schema | None) -> None:
        self._specs: list[tuple[SlicingSpec, Condition | None]] = [
            (spec, None if spec.where is None else compile_expression(spec.where)) for spec in specs
        ]
        self._formats = time_formats(schema)

    @property
    def promised(self) -> list[SliceKey]:
        """Slices that are there even without rows: those by nothing but a condition."""
        return [(("", _text(spec)),) for spec, _ in self._specs if not spec.columns]

    def check_columns(self, columns: Iterable[str]) -> None:
        """Check that the data has the columns to slice by.

        Raises:
            DataError: A column of a specification was in no batch.
        """
        present = set(columns)
        for spec, where in self._specs:
            absent = sorted({*spec.columns, *(where.columns if where else ())} - present)
            if absent:
                raise DataError(
                    "statistics.slice_column",
                    f"The data is sliced by '{absent[0]}', which is not a column of the data: "
                    f"{', '.join(sorted(present))}.",
                )

    def slices(self, batch: pa.RecordBatch) -> Iterator[tuple[SliceKey, pa.RecordBatch]]:
        """Return each slice that has rows in the batch, once, with its rows in order.

        Raises:
            DataError: A column does not fit what it is to be cut by.
        """
        seen: set[SliceKey] = set()
        for spec, where in self._specs:
            for key, rows in self._cut(spec, where, batch):
                if key not in seen:  # two specifications may define the same slice
                    seen.add(key)
                    yield key, rows

    def _cut(
        self, spec: SlicingSpec, where: Condition | None, batch: pa.RecordBatch
    ) -> Iterator[tuple[SliceKey, pa.RecordBatch]]:
        everywhere = np.arange(batch.num_rows)
        members = _Members(everywhere, np.zeros(batch.num_rows, np.int64))
        if where is not None:
            selected = everywhere[BatchColumns(batch).truth(where).selected]
            members = _Members(selected, np.zeros(len(selected), np.int64))
        columns = sorted(spec.columns)
        labels: list[Sequence[str]] = []
        for column in columns:
            if batch.schema.get_field_index(column) < 0:
                return
            of_column = self._labels(spec, column, batch.column(column))
            members = _joined(members, _Members(of_column.rows, of_column.codes), len(of_column.labels))
            labels.append(of_column.labels)
        if not len(members.rows):
            return
        order = np.argsort(members.codes, kind="stable")
        rows, codes = members.rows[order], members.codes[order]
        starts = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
        together = _taken(batch, rows)
        for start, end in zip(starts, [*starts[1:], len(codes)], strict=True):
            key = _key(int(codes[start]), columns, labels)
            if where is not None:
                key = (*key, ("", _text(spec)))
            yield key, together.slice(start, end - start)

    def _labels(self, spec: SlicingSpec, column: str, array: pa.Array) -> Labels:
        if column in spec.bins:
            return bin_labels(column, array, spec.bins[column])
        if column in spec.periods:
            return period_labels(column, array, spec.periods[column], self._formats.get(column))
        return value_labels(column, array, spec.feature_values.get(column))


def _text(spec: SlicingSpec) -> str:
    return spec.name or spec.where or ""


def _joined(one: _Members, two: _Members, num_codes: int) -> _Members:
    """Join on rows: each combination of what a row belongs to on both sides."""
    num_rows = int(max(one.rows.max(initial=-1), two.rows.max(initial=-1))) + 1
    counts = np.bincount(two.rows, minlength=num_rows)
    starts = np.cumsum(counts) - counts
    repeats = counts[one.rows]
    nth = np.arange(int(repeats.sum())) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    rows = np.repeat(one.rows, repeats)
    return _Members(rows, np.repeat(one.codes, repeats) * max(num_codes, 1) + two.codes[starts[rows] + nth])


def _key(code: int, columns: Sequence[str], labels: Sequence[Sequence[str]]) -> SliceKey:
    parts = []
    for column, of_column in zip(reversed(columns), reversed(labels), strict=True):
        code, nth = divmod(code, len(of_column))
        parts.append((column, of_column[nth]))
    return tuple(reversed(parts))


def _taken(batch: pa.RecordBatch, rows: NDArray[np.int64]) -> pa.RecordBatch:
    indices = pa.array(rows)
    taken: list[Any] = [pc.take(column, indices) for column in batch.columns]
    return pa.RecordBatch.from_arrays(taken, schema=batch.schema)
