"""What functions give for predictions: arrays as they are, and whatever has a column a class in the classes' order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from assay.models.predictor import array_of_output, names_in
from raising import raises

VALUES = np.array([[0.1, 0.2, 0.7], [0.5, 0.25, 0.25]])
NAMES = ("b", "a", "c")
COLUMNS = {name: VALUES[:, at] for at, name in enumerate(NAMES)}
TABLE = pa.table(COLUMNS)


@pytest.mark.parametrize(
    "made",
    [
        pd.DataFrame(VALUES, columns=NAMES),
        pd.DataFrame(VALUES.astype(np.float32), columns=NAMES, index=[7, 3]).astype(np.float64).round(1),
        pl.DataFrame(COLUMNS),
        pl.DataFrame(COLUMNS).lazy().collect(),
        TABLE,
        TABLE.to_batches()[0],
        pa.concat_tables([TABLE.slice(0, 1), TABLE.slice(1)]),
        pa.StructArray.from_arrays([column.chunk(0) for column in TABLE.columns], NAMES),
        COLUMNS,
        {name: column.tolist() for name, column in COLUMNS.items()},
        {name: pa.array(column) for name, column in COLUMNS.items()},
        {name: pd.Series(column, index=[5, 6]) for name, column in COLUMNS.items()},
    ],
    ids=lambda made: type(made).__name__,
)
def test_columns_named_for_classes(made: Any) -> None:
    assert names_in(made) == NAMES
    np.testing.assert_allclose(array_of_output(made, ("a", "b", "c"), "model"), VALUES[:, [1, 0, 2]], atol=0.06)
    with raises("evaluator.other_classes", "b", "c"):
        array_of_output(made, ("a", "b"), "model")


@pytest.mark.parametrize("made", [VALUES, VALUES.tolist(), pd.Series([0.1, 0.2]), pl.Series([0.1, 0.2]), pa.array([1])])
def test_arrays_are_what_they_were(made: Any) -> None:
    assert names_in(made) == ()
    np.testing.assert_array_equal(array_of_output(made, (), "model"), np.asarray(made))
    with raises("evaluator.other_classes", "b"):
        array_of_output(made, ("a", "b"), "model")


def test_one_column_is_one_number_a_row() -> None:
    for made in (pd.DataFrame({"score": [0.1, 0.2]}), {"score": [0.1, 0.2]}, pa.table({"score": [0.1, 0.2]})):
        assert names_in(made) == ()
        np.testing.assert_array_equal(array_of_output(made, (), "model"), [[0.1], [0.2]])


def test_what_cannot_be_read_is_an_error() -> None:
    with raises("data.duplicate_columns", "a"):
        names_in(pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], ["a", "a"]))
    with raises("evaluator.shape", "p", "[2, 3]"):
        array_of_output({"p": VALUES, "q": [1, 2]}, ("p", "q"), "model")
    with raises("metrics.not_numeric", "a", "baseline model", "string"):
        array_of_output({"a": ["x"], "b": [1.0]}, ("a", "b"), "baseline model")


def test_missing_predictions_are_no_numbers() -> None:
    made = pl.DataFrame({"a": [0.5, None], "b": [None, 1.0]})
    np.testing.assert_array_equal(array_of_output(made, ("a", "b"), "m"), [[0.5, np.nan], [np.nan, 1.0]])
