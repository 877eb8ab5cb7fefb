"""A schema of a table accepts the table from every other source, and rejects what is no longer the table."""

from __future__ import annotations

from datetime import date, datetime, timedelta
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

_VALUES: dict[str, Any] = {
    "int": st.integers(-(2**53), 2**53),
    "float": st.floats(-1e6, 1e6).map(lambda value: round(value, 3) + 0.0005),
    "bool": st.booleans(),
    "word": st.sampled_from(["a", "b", "c d", "é"]),
    "date": st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    "time": st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1)).map(lambda time: time.replace(microsecond=0)),  # noqa: DTZ001 (as files have them)
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(st.integers(20, 30))
    columns = {}
    for name, values in _VALUES.items():
        whole = draw(st.lists(values, min_size=rows, max_size=rows))
        columns[name] = whole
        columns[f"{name} or null"] = [None if at % 4 == 1 else value for at, value in enumerate(whole)]
    return pa.table(columns)


def forms(table: pa.Table, folder: Path) -> dict[str, Any]:
    pq.write_table(table, folder / "t.parquet")
    frame: pd.DataFrame = table.to_pandas()
    frame.to_csv(folder / "t.csv", index=False)
    frame.to_parquet(folder / "frame.parquet", index=False)  # integers with nulls are doubles in it
    return {
        "arrow": table,
        "pandas": frame,
        "polars": pl.from_arrow(table),
        "parquet": folder / "t.parquet",
        "frame's parquet": folder / "frame.parquet",
        "csv": folder / "t.csv",
    }


@given(table=tables())
@settings(max_examples=4, deadline=None)
def test_a_schema_of_one_form_accepts_every_other(table: pa.Table) -> None:
    with TemporaryDirectory() as folder:
        data = forms(table, Path(folder))
        for name, one in data.items():
            schema = assay.infer_schema(one)
            for other, rows in data.items():
                report = assay.validate(rows, schema, rows=True)
                assert report.ok, (name, other, report.verdict.summary, str(report))


@pytest.mark.parametrize("form", ["arrow", "pandas", "polars", "parquet", "csv"])
def test_one_other_value_is_found_in_every_form(form: str, tmp_path: Path) -> None:
    """What a column cannot be converted for stays an anomaly of type."""
    table = pa.table({"n": [1, 2, None, 4] * 5, "flag": [True, False, None, True] * 5, "at": [date(2024, 1, 1)] * 20})
    schema = assay.infer_schema(table)
    broken = table.slice(0, 19).to_pydict()
    broken["n"][0], broken["flag"], broken["at"] = 0.5, ["yes"] * 19, ["today"] * 19
    other = pa.table({"n": pa.array(broken["n"], pa.float64()), "flag": broken["flag"], "at": broken["at"]})
    report = assay.validate(forms(other, tmp_path)[form], schema)
    assert {finding.feature for finding in report.findings} == {"n", "flag", "at"}


def test_times_within_a_day_are_no_dates(tmp_path: Path) -> None:
    schema = assay.infer_schema(pa.table({"day": [date(2024, 1, 1)] * 20}))
    (tmp_path / "t.csv").write_text("day\n" + "2024-01-01 10:30:00\n" * 20)
    assert not assay.validate(tmp_path / "t.csv", schema).ok


def test_durations_are_text_where_a_csv_described_them(tmp_path: Path) -> None:
    table = pa.table({"took": [timedelta(minutes=at) for at in range(30)]})
    table.to_pandas().to_csv(tmp_path / "t.csv", index=False)
    assert assay.validate(table, assay.infer_schema(tmp_path / "t.csv")).ok
