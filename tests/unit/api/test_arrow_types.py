"""Columns of every type of Arrow: rows fit the schema that was inferred from them; nothing crashes or is lost."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay.kernels.statistics import SlicingSpec, StatisticsOptions
from raising import raises

N = [0, 1, 2, 3, 5, 8, 13, 21] * 5
DAYS = [dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(each) for each in N]
COLUMNS = {
    "float16": pa.array(np.array(N, np.float16)),
    "bool": pa.array([each > 2 for each in N]),
    "date32": pa.array(DAYS, pa.date32()),
    "date64": pa.array(DAYS, pa.date64()),
    "timestamp": pa.array(DAYS, pa.timestamp("us")),
    "timestamp with a zone": pa.array(DAYS, pa.timestamp("ms", "Asia/Tokyo")),
    "lists of timestamps": pa.array([[day] * (at % 3) for at, day in enumerate(DAYS)]),
    "time32": pa.array([dt.time(each) for each in N], pa.time32("s")),
    "time64": pa.array([dt.time(each) for each in N], pa.time64("us")),
    "duration": pa.array([dt.timedelta(each) for each in N]),
    "whole decimal": pa.array([Decimal(each) for each in N], pa.decimal128(9, 0)),
    "decimal": pa.array([Decimal(each) / 4 for each in N], pa.decimal128(9, 2)),
    "wide decimal": pa.array([Decimal(each) / 4 for each in N], pa.decimal256(50, 2)),
    "dictionary": pa.array(N).dictionary_encode(),
    "fixed size binary": pa.array([b"%02d" % each for each in N], pa.binary(2)),
    "fixed size list": pa.array([[each, each] for each in N], pa.list_(pa.int64(), 2)),
    "map": pa.array([[("key", each)] for each in N], pa.map_(pa.string(), pa.int64())),
}


@pytest.mark.parametrize("kind", COLUMNS)
def test_rows_fit_the_schema_that_was_inferred_from_them(tmp_path: Path, kind: str) -> None:
    """Statistics call a time INT and a decimal INT or FLOAT, and so must the rules for rows."""
    rows = pa.table({"x": COLUMNS[kind]})
    schema = assay.infer_schema(rows)
    report = assay.validate(rows, schema, rows=True)
    assert report.ok
    assert [each.rule_id for each in report.rows().broken] == []
    if kind != "map":  # of which Python has lists of pairs
        validator = assay.RowValidator(schema)
        assert [validator.validate(row) for row in rows.to_pylist()] == [()] * len(N)
    if kind != "float16":  # of which Parquet has a type only since Arrow 15
        counts = report.quarantine(tmp_path)
        assert (counts.read, counts.clean, counts.rejected) == (len(N), len(N), 0)


def test_limits_of_decimals_are_held() -> None:
    rows = pa.table({"x": pa.array([Decimal("1.25"), Decimal("7.50"), None], pa.decimal128(5, 2))})
    schema = assay.infer_schema(rows)
    schema.feature[0].float_domain.max = 5
    validator = assay.RowValidator(schema)
    assert [bool(validator.validate(row)) for row in rows.to_pylist()] == [False, True, False]
    (broken,) = assay.validate(rows, schema, rows=True).rows().broken
    assert (broken.rule_id, broken.num_broken) == ("x.max", 1)


def test_text_where_a_time_belongs_is_still_of_the_wrong_type() -> None:
    schema = assay.infer_schema(pa.table({"x": COLUMNS["timestamp"]}))
    text = pa.table({"x": ["2024-01-01"]})
    assert [each.rule_id for each in assay.validate(text, schema, rows=True).rows().broken] == ["x.type"]
    assert [breach.rule_id for breach in assay.RowValidator(schema).validate({"x": "2024-01-01"})] == ["x.type"]


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_part_of_a_table_is_compared_like_the_whole(kind: str) -> None:
    """Arrow 10 ends the process when it casts bytes of a fixed size in a slice."""
    rows = pa.table({"id": range(len(N)), "x": COLUMNS[kind]})
    one, other = rows.slice(0, 30), rows.slice(20)
    assert assay.statistics(other).num_examples == 20
    assert assay.drift(other, one).num_examples == (30, 20)
    assert assay.validate(other, assay.infer_schema(rows), rows=True).ok
    if kind != "map":
        (pair,) = assay.leakage({"one": one, "other": other})
        assert pair.num_distinct == 10


@pytest.mark.parametrize("kind", ["float16", "duration", "time32", "date64", "decimal", "fixed size binary"])
def test_every_value_of_a_type_can_name_a_slice(kind: str) -> None:
    options = StatisticsOptions(slices=(SlicingSpec(feature_keys=("x",)),))
    slices = assay.statistics(pa.table({"x": COLUMNS[kind]}), options=options).slices
    assert [each.num_examples for each in slices.values()] == [5] * len(set(N))


def test_a_type_that_parquet_does_not_have_is_said(tmp_path: Path) -> None:
    rows = pa.table({"x": pa.array([pa.MonthDayNano([1, each, 3]) for each in N])})
    with raises("parquet.unwritable_type", "clean.parquet"):
        assay.validate(rows, assay.infer_schema(rows)).quarantine(tmp_path)
