"""One table as CSV, Parquet, TFRecord, pandas, polars and Arrow has the same figures, findings, rows and verdict."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.data.example_records import ExampleRecordWriter

SINGLE = pa.schema([("n", pa.int64()), ("x", pa.float32()), ("t", pa.string()), ("label", pa.int64())])
DOUBLE = pa.schema([(each.name, pa.float64() if each.name == "x" else each.type) for each in SINGLE])

numbers = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from([0.1, 0.3, 1e-7, 16777217.25, 1700000000.5, 1e15, -2.5]),
)
rows = st.tuples(
    st.none() | st.integers(-(2**53), 2**53), st.none() | numbers, st.sampled_from([None, "a", "b b", "ü,", '"q"'])
)
tables = st.lists(rows, min_size=2, max_size=20)


def table_of(found: list[tuple[Any, Any, Any]]) -> pa.Table:
    """Return the rows as a table in which every column has a value, and the floats have a fraction."""
    n, x, t = (list(column) for column in zip((7, 0.25, "a"), *found, strict=True))
    return pa.table([n, x, t, [at % 2 for at in range(len(n))]], schema=DOUBLE)


def write_csv(table: pa.Table, path: Path) -> Path:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(table.column_names)
        writer.writerows(
            ["" if cell is None else repr(cell) if isinstance(cell, float) else cell for cell in row.values()]
            for row in table.to_pylist()
        )
    return path


def write_records(table: pa.Table, path: Path) -> Path:
    with ExampleRecordWriter(path) as writer:
        for batch in table.to_batches():
            writer.write(batch)
    return path


def forms(table: pa.Table, folder: Path, name: str) -> Iterator[tuple[str, Any]]:
    yield "arrow", table
    yield "csv", write_csv(table, folder / f"{name}.csv")
    pq.write_table(table, folder / f"{name}.parquet")
    yield "parquet", folder / f"{name}.parquet"
    yield "pandas", table.to_pandas(types_mapper={pa.int64(): pd.Int64Dtype()}.get)
    yield "polars", pl.from_arrow(table)


def findings(data: Any, schema: Any) -> Any:
    report = assay.validate(data, schema, rows=True)
    rows = report.rows()
    broken = [(outcome.rule_id, outcome.num_broken, outcome.sentence) for outcome in rows.broken]
    checks = [(check.id, check.ok, check.sentence) for check in report.verdict.checks]
    return report.anomalies, [finding.sentence for finding in report.findings], broken, rows.num_rejected, checks


@settings(max_examples=6)  # a case takes a third of a second
@given(tables, tables)
def test_figures_findings_rows_and_drift(before: Any, now: Any) -> None:
    one, two = table_of(before), table_of(now)
    schema = assay.infer_schema(one)
    with TemporaryDirectory() as folder:
        controls = dict(forms(one, Path(folder), "one"))
        (_, first), *others = forms(two, Path(folder), "two")
        statistics = assay.statistics(first).proto
        found = findings(first, schema)
        drift = assay.drift(one, first)
        assert assay.infer_schema(controls["csv"]) == schema
        for form, data in others:
            assert assay.statistics(data).proto == statistics, form
            assert findings(data, schema) == found, form
            assert assay.drift(controls[form], data).features == drift.features, form


@settings(max_examples=6)
@given(tables)
def test_records_of_what_a_float32_can_carry(found: Any) -> None:
    table = table_of(found).cast(SINGLE, safe=False)
    schema = assay.infer_schema(table)
    with TemporaryDirectory() as folder:
        records = write_records(table, Path(folder) / "data.tfrecord.gz")
        assert {feature.feature: str(feature) for feature in assay.statistics(records).features} == {
            feature.feature: str(feature) for feature in assay.statistics(table).features
        }
        assert findings(records, schema)[1:4] == findings(table, schema)[1:4]
        assert {each.feature: each.distances for each in assay.drift(table, records).features} == {
            each.feature: each.distances for each in assay.drift(table, table).features
        }


CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "x"}],
    "slicing_specs": [{}, {"feature_keys": ["t"]}, {"feature_keys": ["x"]}],
    "metrics_specs": [
        {
            "metrics": [
                {"class_name": "MeanAbsoluteError", "threshold": {"value_threshold": {"upper_bound": 0.5}}},
                {"class_name": "Precision", "config": '{"thresholds": [0.3]}'},
            ]
        }
    ],
}


@settings(max_examples=5)
@given(st.lists(st.tuples(st.none(), st.sampled_from([0.1, 0.3, 0.30000001, 0.7, 1.0]), st.sampled_from("ab"))))
def test_metrics_and_the_gates_verdict(found: Any) -> None:
    table = table_of(found)
    with TemporaryDirectory() as folder:
        (_, first), *others = forms(table, Path(folder), "data")
        metrics = str(assay.evaluate(CONFIG, predictions=first).metrics.to_pylist())  # NaN is not itself
        verdict = assay.gate(CONFIG, predictions=first).verdict
        for form, data in others:
            assert str(assay.evaluate(CONFIG, predictions=data).metrics.to_pylist()) == metrics, form
            decided = assay.gate(CONFIG, predictions=data).verdict
            assert (decided.ok, str(decided.checks)) == (verdict.ok, str(verdict.checks)), form


@pytest.mark.parametrize("type_", [pa.float64(), pa.float32()])
def test_a_slice_has_one_name_in_every_precision(tmp_path: Path, type_: pa.DataType) -> None:
    dose, label = [0.1, 0.25, 1.7] * 20, [0, 1, 1] * 20
    table = pa.table({"dose": pa.array(dose, type_), "label": label, "x": [0.4] * 60})
    config = CONFIG | {"slicing_specs": [{"feature_values": {"dose": "0.1"}}, {"feature_keys": ["dose"]}]}
    names = {"dose=0.1", "dose=0.25", "dose=1.7"}
    pq.write_table(table, tmp_path / "data.parquet")
    records = write_records(table, tmp_path / "data.tfrecord.gz")
    for data in (table, tmp_path / "data.parquet", write_csv(table, tmp_path / "data.csv"), records):
        if type_ == pa.float32() and data == tmp_path / "data.csv":
            continue  # a CSV has no precision: its cells would say 0.10000000149011612
        assert set(assay.evaluate(CONFIG | config, predictions=data).metrics["slice"].to_pylist()) >= names
