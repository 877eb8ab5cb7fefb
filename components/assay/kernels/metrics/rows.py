"""The rows that metrics are computed from: labels, the predictions of each model, weights and slices."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from assay.errors import DataError
from assay.kernels.metrics.slices import Cells, SlicingSpec, cells_of

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_MOST_SHOWN = 40  # characters of a text in a message


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatedRows:
    """A batch of evaluated examples.

    Attributes:
        labels: One number a row, or one a row and class (one-hot or multi-hot). NaN where there is none.
        predictions: By model; one number a row, or one a row and class. NaN where there is none.
        weights: One number a row, not negative. A row that weighs 0 is masked: what else it holds does not matter.
        cells: The slices that each row is in.
        query: The query (or session) that each row belongs to, for ranking metrics.
        gains: How relevant each row is to its query.
    """

    labels: Floats
    predictions: Mapping[str, Floats]
    weights: Floats
    cells: Cells
    query: NDArray[np.object_] | None = None
    gains: Floats | None = None

    def __len__(self) -> int:
        return len(self.weights)


@dataclass(frozen=True, slots=True, kw_only=True)
class RowColumns:
    """Says which columns of a record batch are what.

    Attributes:
        label: A numeric column, or a column of lists of one length (one number per class); None where nothing needs
            labels.
        predictions: By model, the same kinds of column.
        weight: A numeric column; None where every row weighs 1.
        slicing: The slices to compute. An empty spec is the whole data.
        query: The column that groups rows for ranking metrics.
        gain: The column of relevances for ranking metrics.
    """

    label: str | None
    predictions: Mapping[str, str]
    weight: str | None = None
    slicing: tuple[SlicingSpec, ...] = field(default=(SlicingSpec(),))
    query: str | None = None
    gain: str | None = None

    def rows(self, batch: pa.RecordBatch) -> EvaluatedRows:
        """Read the rows of a record batch.

        Raises:
            DataError: A column is missing, is not numeric, or has lists of several lengths.
        """
        size = batch.num_rows
        return EvaluatedRows(
            labels=np.full(size, np.nan) if self.label is None else numbers(batch, self.label),
            predictions={model: numbers(batch, column) for model, column in self.predictions.items()},
            weights=np.ones(size) if self.weight is None else numbers(batch, self.weight),
            cells=cells_of(batch, self.slicing),
            query=None if self.query is None else np.asarray(column_of(batch, self.query).to_pylist(), dtype=object),
            gains=None if self.gain is None else numbers(batch, self.gain),
        )


LARGEST_WEIGHT: Final = 1e100
"""Sums of larger weights, and products of such sums, may be beyond what a double holds."""


def weights_in_range(weights: Floats) -> NDArray[np.bool_]:
    """Return which weights a row can have: numbers from 0 to `LARGEST_WEIGHT`."""
    return np.asarray((weights >= 0) & (weights <= LARGEST_WEIGHT))


def checked_weights(weights: Floats) -> Floats:
    """Return the weights, with NaN for those that no row can have: what includes them is not known."""
    right = weights_in_range(weights)
    return weights if right.all() else np.where(right, weights, np.nan)


def column_of(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Return a column by name.

    Raises:
        DataError: There is no such column.
    """
    index = batch.schema.get_field_index(name)
    if index < 0:
        raise DataError(
            "metrics.missing_column",
            f"The evaluation needs a column '{name}'; the data has {', '.join(batch.schema.names) or 'none'}.",
        )
    return batch.column(index)


def numbers(batch: pa.RecordBatch, name: str) -> Floats:
    """Return a column as float64, with NaN for null: one number, or an array of numbers, per row.

    Lists of one number are numbers, as in TFMA; an empty list is a missing value, as in tf.Example.

    Raises:
        DataError: The column is missing, not numeric, or its lists have several lengths.
    """
    column = column_of(batch, name)
    if isinstance(column.type, (pa.ListType, pa.LargeListType, pa.FixedSizeListType)):
        return _table(column, name)
    return _numbers(column, name)


def _table(column: pa.Array, name: str) -> Floats:
    fixed = isinstance(column.type, pa.FixedSizeListType)
    if fixed and column.null_count:
        # Arrow keeps values behind the nulls of a fixed-size list, and its versions differ in whether they show.
        column, fixed = pa.array(column.to_pylist(), pa.list_(column.type.value_type)), False
    values = _numbers(column.flatten(), name)
    if fixed:
        lengths = np.full(len(column), column.type.list_size)
    else:
        lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False))
    width = int(lengths.max(initial=1))
    present = lengths > 0
    if not np.all(lengths[present] == width):
        raise DataError(
            "metrics.ragged_column",
            f"Column '{name}' should contain lists of one length, one number per class, but their lengths differ: "
            f"{width} at most, and {int(lengths[present].min())} in row {int(np.argmax(present & (lengths != width)))} "
            "of a batch.",
            "Write a prediction for every class in every row.",
        )
    table = np.full((len(column), width), np.nan)
    table[present] = values.reshape(-1, width)
    return table[:, 0] if width == 1 else table


def _numbers(values: pa.Array, name: str) -> Floats:
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        values = booleans_of(values)
    kind = values.type
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_decimal, pa.types.is_null)
    if not any(test(kind) for test in tests):
        sample, hint = _not_numbers(values)
        raise DataError(
            "metrics.not_numeric", f"Column '{name}' should contain numbers, but contains {kind}{sample}.", hint
        )
    if pa.types.is_float16(kind):
        return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
    try:
        floats = values.cast(pa.float64())
    except pa.ArrowInvalid as error:
        raise DataError(
            "metrics.too_big",
            f"Column '{name}' contains integers that doubles cannot distinguish ({str(error).rstrip('.')}).",
            "Use numbers between -2^53 and 2^53 as labels and predictions; check that the column is not an id.",
        ) from error
    return np.asarray(floats.to_numpy(zero_copy_only=False), dtype=np.float64)


def _not_numbers(values: pa.Array) -> tuple[str, str]:
    """Return an example of what a column holds in place of numbers, and what to do about it."""
    kind = values.type
    if pa.types.is_nested(kind):
        return "", "Write one number, or one list of numbers, in each row: select or flatten what is nested deeper."
    if pa.types.is_temporal(kind):
        return "", "Name the column that holds labels or predictions; this one holds times."
    text = next((str(one) for one in values.drop_null()[:1].to_pylist()), "")
    sample = f" such as {text[:_MOST_SHOWN]!r}" if text else ""
    if _NUMBER.fullmatch(text.strip()):
        return sample, "Convert the column to numbers."
    if _NUMBER.fullmatch(text.strip().removesuffix("%").strip().replace(",", ".")):
        return sample, "Write numbers with a decimal point, and without percent signs."
    return sample, (
        "Write labels as 0 and 1, or as the numbers of classes from 0, and predictions as numbers. Labels that are "
        "names need predictions that name their classes: columns `<prediction_key>.<class>`, or `all_classes`."
    )


def booleans_of(values: pa.Array) -> pa.Array:
    """Return booleans for the words that a CSV has for them; other texts as they are."""
    words = pc.utf8_lower(values)
    is_word = pc.is_in(words, value_set=pa.array(["true", "false"], words.type))
    known = pc.fill_null(pc.or_(is_word, pc.is_null(values)), False)
    return pc.equal(words, "true") if len(values) and pc.all(known).as_py() else values
