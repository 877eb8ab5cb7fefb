"""Slices of rows: by feature values, crosses of features, numeric bins and spans of time.

Rows that are in the same slices make a *cell*. A row is in one cell and a cell in any number of slices, so a figure is
added up once a row however many slices there are; cells are added into slices at the end.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.errors import DataError
from assay.kernels.python_values import python_values
from assay.kernels.shortest_decimal import as_decimals
from assay.kernels.statistics.slices.labels import bin_labels, period_labels
from assay.kernels.statistics.slices.specs import Period

SliceValue: TypeAlias = str | int | float
SliceKey: TypeAlias = tuple[tuple[str, SliceValue], ...]
"""A slice as (feature, value) pairs in the order of their features; the empty tuple is the whole data."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,4})?")
CellKey: TypeAlias = tuple[SliceKey, ...]
Ints: TypeAlias = NDArray[np.int64]
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicingSpec:
    """Which slices to make: TFMA's `SlicingSpec`, and the bins and periods that statistics can be sliced by.

    Without any of them it is the whole data. A row that lacks a feature is in no slice of it, and a row with
    several values of a feature in one slice for each.

    Attributes:
        feature_keys: Features of which every value makes a slice; several make the cross.
        feature_values: Features that must have just this value.
        bins: Numeric features with ascending boundaries; bins are closed below and named `[10.0,20.0)`.
        periods: Features with times, and the length of their slices, named `2024-03` and the like.
    """

    feature_keys: tuple[str, ...] = ()
    feature_values: tuple[tuple[str, SliceValue], ...] = ()
    bins: tuple[tuple[str, tuple[float, ...]], ...] = ()
    periods: tuple[tuple[str, Period], ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """The features that the slices are made of, in order of name as TFMA writes a slice's key."""
        return tuple(sorted({*self.feature_keys, *dict(self.feature_values), *dict(self.bins), *dict(self.periods)}))


@dataclass(frozen=True, slots=True)
class Cells:
    """The cell of each row of a batch.

    Attributes:
        codes: For each row the position of its cell in `keys`.
        keys: The slices of each cell.
    """

    codes: Ints
    keys: tuple[CellKey, ...]


@dataclass(slots=True)
class CellIndex:
    """Numbers cells in the order in which they first come, over all batches."""

    numbers: dict[CellKey, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, keys: Sequence[CellKey]) -> Ints:
        """Return the number of each cell, with new numbers for new cells."""
        return np.array([self.numbers.setdefault(key, len(self.numbers)) for key in keys], dtype=np.int64)

    def slices(self) -> dict[SliceKey, Ints]:
        """Return the cells of each slice, ascending; the whole data first, then by features and values."""
        members: dict[SliceKey, list[int]] = {}
        for key, number in self.numbers.items():
            for slice_key in key:
                members.setdefault(slice_key, []).append(number)
        return {key: np.sort(np.array(members[key], dtype=np.int64)) for key in sorted(members, key=slice_order)}

    def by_content(self) -> list[CellKey]:
        """Return the cells in an order that does not depend on how they came."""
        rank = {key: position for position, key in enumerate(self.slices())}
        return sorted(self.numbers, key=lambda cell: [rank[key] for key in cell])


def slice_order(key: SliceKey) -> tuple[int, list[tuple[str, bool, SliceValue]]]:
    """Return a sort key: the whole data first, fewer features before more, numbers by value before texts."""
    return len(key), [(feature, isinstance(value, str), value) for feature, value in key]


def disjoint_families(members: Sequence[Ints], num_cells: int) -> list[list[int]]:
    """Group slices that have no cell in common, such as those by one feature, to be sorted out together.

    Args:
        members: The cells of each slice.
        num_cells: How many cells there are.
    """
    families: list[tuple[NDArray[np.bool_], list[int]]] = []
    for position, cells in enumerate(members):
        free = [place for place in families if not place[0][cells].any()]
        if not free:
            free = [(np.zeros(num_cells, dtype=np.bool_), [])]
            families.extend(free)
        taken, family = free[0]
        taken[cells] = True
        family.append(position)
    return [family for _, family in families]


def cells_of(batch: pa.RecordBatch, specs: Sequence[SlicingSpec]) -> Cells:
    """Return the cell of each row.

    Raises:
        DataError: A feature that a spec names is not a column.
    """
    parts = [_spec_codes(batch, spec) for spec in specs]
    combined = np.zeros(batch.num_rows, dtype=np.int64)
    tables: list[list[CellKey]] = []
    inverse: Ints = combined
    kept: list[Ints] = []
    for codes, keys in parts:
        # Renumbering after each spec keeps codes below rows times keys, far from overflow.
        unique, inverse = np.unique(combined * len(keys) + codes, return_inverse=True)
        kept = [previous[unique // len(keys)] for previous in kept] + [unique % len(keys)]
        combined = inverse.reshape(-1).astype(np.int64)
        tables.append(keys)
    keys_of_cells = tuple(
        tuple(itertools.chain.from_iterable(table[code] for table, code in zip(tables, cell, strict=True)))
        for cell in zip(*(codes.tolist() for codes in kept), strict=True)
    )
    return Cells(combined, keys_of_cells)


def _spec_codes(batch: pa.RecordBatch, spec: SlicingSpec) -> tuple[Ints, list[CellKey]]:
    """Return a code for each row, and for each code the slices that its rows are in."""
    codes = np.zeros(batch.num_rows, dtype=np.int64)
    keys: list[CellKey] = [((),)]
    wanted = dict(spec.feature_values)
    for feature in spec.features:
        own, values = _feature_codes(batch, feature, spec)
        if feature in wanted:
            values = [tuple(value for value in row if is_value(value, wanted[feature])) for row in values]
        unique, inverse = np.unique(codes * len(values) + own, return_inverse=True)
        keys = [
            tuple((*key, (feature, value)) for key in keys[code // len(values)] for value in values[code % len(values)])
            for code in unique.tolist()
        ]
        codes = inverse.reshape(-1).astype(np.int64)
    return codes, keys


def is_value(value: SliceValue, wanted: SliceValue) -> bool:
    """Return whether a slice's value is the one that a threshold, a slicing spec or a waiver names.

    The type of the slice's value decides, because a `SlicingSpec` holds texts only: a text must be equal (`07` is not
    `7`), a number must be the number that the text writes (`7`, `7.0` and `7e0` are 7, `07` and `1_000` are not
    numbers), and a boolean is `true` or `false` in any case, or 1 or 0 as TFMA has it. What is wanted as a number or a
    boolean, from a waiver's mapping, is not equal to a text.
    """
    if isinstance(value, str) or not isinstance(wanted, str):
        return isinstance(value, bool) == isinstance(wanted, bool) and value == wanted
    if isinstance(value, bool):
        return wanted.lower() in (("true", "1") if value else ("false", "0"))
    if _NUMBER.fullmatch(wanted) is None:
        return False
    # An integer beyond 2^53 has neighbours that are the same double.
    return Decimal(wanted) == value if isinstance(value, int) else float(wanted) == value


def _feature_codes(batch: pa.RecordBatch, feature: str, spec: SlicingSpec) -> tuple[Ints, list[tuple[SliceValue, ...]]]:
    """Return a code for each row, and for each code the distinct values of the feature in its rows."""
    index = batch.schema.get_field_index(feature)
    if index < 0:
        raise DataError(
            "metrics.missing_slice_feature",
            f"Slices need a column '{feature}'; the data has {', '.join(batch.schema.names)}.",
        )
    column = batch.column(index)
    bins, periods = dict(spec.bins), dict(spec.periods)
    if feature in bins:
        labels = bin_labels(feature, column, bins[feature])
        return _codes_of_rows(labels.rows, labels.codes, [(label,) for label in labels.labels], len(column))
    if feature in periods:
        try:
            labels = period_labels(feature, column, periods[feature], None)
        except DataError as error:  # its hint is for statistics, which have a schema
            hint = "Write the column as timestamps or dates (Parquet has them), or the period as a column to slice by."
            raise DataError(error.code, error.message, hint) from None
        return _codes_of_rows(labels.rows, labels.codes, [(label,) for label in labels.labels], len(column))
    rows: Ints = np.arange(len(column))
    if isinstance(column.type, (pa.ListType, pa.LargeListType)):
        rows = np.repeat(rows, pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False))
        column = column.flatten()
    if not isinstance(column, pa.DictionaryArray):
        try:
            column = pc.dictionary_encode(column)
        except pa.ArrowNotImplementedError:
            raise DataError(
                "metrics.unsliceable",
                f"The column '{feature}' cannot define slices: its values are of type {column.type}; expected numbers, "
                "text, booleans, dates or times, or lists of these.",
                "Slice by a derived column, such as one field of a struct.",
            ) from None
    values = [_values(value) for value in python_values(as_decimals(column.dictionary))]
    codes = pc.fill_null(column.indices.cast(pa.int64()), len(values)).to_numpy(zero_copy_only=False)
    return _codes_of_rows(rows, np.asarray(codes, dtype=np.int64), [*values, ()], batch.num_rows)


def _codes_of_rows(
    rows: Ints, codes: Ints, values: list[tuple[SliceValue, ...]], num_rows: int
) -> tuple[Ints, list[tuple[SliceValue, ...]]]:
    """Brings values that are listed by row, each row any number of times, into one code a row."""
    result = np.full(num_rows, len(values), dtype=np.int64)
    if len(rows) <= 1 or (rows[1:] > rows[:-1]).all():
        result[rows] = codes
        return result, [*values, ()]
    sets: dict[tuple[SliceValue, ...], int] = {}
    found: list[set[SliceValue]] = [set() for _ in range(num_rows)]
    for row, code in zip(rows.tolist(), codes.tolist(), strict=True):
        found[row].update(values[code])
    for row, members in enumerate(found):
        key = tuple(sorted(members, key=lambda value: (isinstance(value, str), value)))
        result[row] = sets.setdefault(key, len(sets))
    return result, list(sets)


def _values(value: object) -> tuple[SliceValue, ...]:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - NaN is not a value
        return ()
    if isinstance(value, bytes):
        # Bytes that are not UTF-8 become halves of surrogate pairs: other bytes are another slice, also in TFMA's file.
        return (value.decode("utf-8", errors="surrogateescape"),)
    if isinstance(value, int) and not isinstance(value, bool) and value not in _INT64:
        return (str(value),)  # a slice's key in TFMA's files holds an int64
    return (value,) if isinstance(value, (str, int, float)) else (str(value),)
