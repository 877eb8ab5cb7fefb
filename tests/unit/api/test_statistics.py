"""`assay.statistics`: data without rows or columns, types that Arrow does not have, options that are none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from raising import raises

FRAME = pd.DataFrame({"fare": [1.5, 2.5], "rides": [1, 2], "city": ["a", "b"]})
EMPTY = pa.table({"fare": pa.array([], pa.float64()), "rides": pa.array([], pa.int64()), "city": pa.array([], "str")})


@pytest.mark.parametrize("kind", ["pandas", "polars", "table", "batch", "parquet"])
def test_data_without_rows_still_has_its_columns(tmp_path: Path, kind: str) -> None:
    """As TFDV tells them; an inferred schema keeps the types, and validation says that there is nothing."""
    pq.write_table(EMPTY, tmp_path / "empty.parquet")
    data = {
        "pandas": FRAME.iloc[:0],
        "polars": pl.DataFrame(schema={"fare": pl.Float64, "rides": pl.Int64, "city": pl.Utf8}),
        "table": EMPTY,
        "batch": pa.RecordBatch.from_arrays([pa.array([], each.type) for each in EMPTY.schema], EMPTY.schema.names),
        "parquet": tmp_path / "empty.parquet",
    }[kind]
    found = assay.statistics(data)
    types = {feature.feature: feature.type for feature in found.features}
    assert found.num_examples == 0
    assert types == {"fare": "FLOAT", "rides": "INT", "city": "STRING"}
    report = assay.validate(data, assay.infer_schema(FRAME), rows=True)
    assert [finding.type for finding in report.findings] == ["DATA_MISSING"]
    assert not report.ok
    assert "0 examples, 3 features" in str(found)


def test_nothing_is_shared_with_data_without_rows() -> None:
    with raises("leakage.no_rows", "eval"):
        assay.leakage({"train": FRAME, "eval": FRAME.iloc[:0]})


@pytest.mark.parametrize("data", [pd.DataFrame(), pd.DataFrame(index=range(3)), pa.table({})])
def test_data_without_columns_is_refused(data: Any) -> None:
    """Arrow does not know how many rows it has: they would be counted at random."""
    with raises("data.no_columns"):
        assay.statistics(data)


@pytest.mark.parametrize("values", [[1 + 2j], pd.arrays.SparseArray([0, 1]), [2**70, 1]])
def test_what_arrow_does_not_have_is_said(values: Any) -> None:
    with raises("data.mixed_types", "x"):
        assay.statistics(pd.DataFrame({"x": values}))


def test_a_column_without_values_can_be_shown() -> None:
    assert str(assay.statistics(pd.DataFrame({"x": [None, None]}))).endswith("x: STRING, missing 100.0%, 0 distinct")


def test_options_that_are_none_are_refused() -> None:
    given: Any = {"num_top_values": 3}
    with raises("statistics.options", "StatisticsOptions", "dict"):
        assay.statistics(FRAME, options=given)


def test_a_record_is_a_mapping() -> None:
    validator = assay.RowValidator(assay.infer_schema(FRAME))
    record: Any = [1.5, 1, "a"]
    for ask in (validator.validate, validator.is_valid):
        with raises("rows.record"):
            ask(record)


@pytest.mark.parametrize("library", ["pandas", "arrow"])
def test_half_precision_is_summarised_and_compared(library: str) -> None:
    half = np.array([1, np.nan, np.inf, -2], np.float16)
    single = {"x": half.astype(np.float32), "id": np.arange(4)}
    frames = [pd.DataFrame({**single, "x": half}), pd.DataFrame(single)]
    tables = frames if library == "pandas" else [pa.table({**single, "x": half}), pa.table(single)]
    assert assay.statistics(tables[0]).proto == assay.statistics(tables[1]).proto
    pair = assay.leakage({"half": tables[0], "single": tables[1]})[0]
    assert pair.num_shared == (4, 4)
