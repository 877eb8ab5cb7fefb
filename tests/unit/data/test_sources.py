from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import csv

from assay.data.csv_types import CsvOptions
from assay.data.example_records import ExampleRecordWriter
from assay.data.sources import rows_of
from assay.files import shard_order
from raising import raises

TABLE = pa.table({"x": [1, 2, 3], "c": ["a", "b", None]})
TEXT = "x,c\n1,a\n2,b\n3,\n"


def _read(data: Any, **options: Any) -> pa.Table:
    batches = [batch for shard in rows_of(data, **options).shards for batch in shard.batches()]
    return pa.Table.from_batches(batches)


def _files(folder: Path) -> dict[str, Any]:
    (folder / "t.csv").write_text(TEXT)
    (folder / "t.tsv").write_text(TEXT.replace(",", "\t"))
    (folder / "t.csv.gz").write_bytes(gzip.compress(TEXT.encode()))
    (folder / "plain").write_text(TEXT)
    pq.write_table(TABLE, folder / "t.parquet")
    (folder / "hidden").mkdir()
    pq.write_table(TABLE, folder / "hidden" / "unnamed")
    return {
        "csv": folder / "t.csv",
        "text path": str(folder / "t.csv"),
        "tsv": folder / "t.tsv",
        "gzip": folder / "t.csv.gz",
        "no ending": folder / "plain",
        "parquet": folder / "t.parquet",
        "parquet by content": folder / "hidden" / "unnamed",
        "folder": folder / "hidden",
        "glob": str(folder / "*.csv"),
        "list": [folder / "t.csv"],
        "table": TABLE,
        "batch": TABLE.to_batches()[0],
        "batches": TABLE.to_batches(),
        "pandas": TABLE.to_pandas(),
    }


def test_the_same_rows_from_whatever_people_have(tmp_path: Path) -> None:
    for kind, data in _files(tmp_path).items():
        assert _read(data).to_pydict() == TABLE.to_pydict(), kind


def test_records_of_examples_are_rows(tmp_path: Path) -> None:
    with ExampleRecordWriter(tmp_path / "t.tfrecord.gz") as writer:
        writer.write(TABLE.to_batches()[0])
    assert _read(tmp_path / "t.tfrecord.gz")["x"].to_pylist() == [[1], [2], [3]]


def test_several_files_are_one_data_set(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text(f"n\n{name}\n")
    assert _read(str(tmp_path / "*.csv"))["n"].to_pylist() == ["a.csv", "b.csv"]


def test_a_table_is_cut_into_shards_of_fixed_size() -> None:
    shards = rows_of(pa.table({"x": range(150_000)})).shards
    assert [sum(batch.num_rows for batch in shard.batches()) for shard in shards] == [65_536, 65_536, 18_928]
    assert next(shards[1].batches(["x"])).column(0)[0].as_py() == 65_536


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("nowhere.csv", ("data.no_such_file", "nowhere.csv")),
        ("nowhere*.csv", ("data.no_match", "nowhere*.csv")),
        (3, ("data.kind", "builtins.int")),
        ([], ("data.kind", "builtins.list")),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), ("data.duplicate_columns", "a")),
        (pd.DataFrame({"a": [1, "x", 2.0]}), ("data.mixed_types", "a")),
    ],
)
def test_what_is_not_data_is_said(data: Any, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        rows_of(data)


class Relation:
    """What DuckDB gives for a query: nothing but the Arrow C stream interface."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return pl.from_arrow(TABLE.select(["x"])).__arrow_c_stream__(requested_schema)


def test_streams_and_series_are_tables_too() -> None:
    assert _read(TABLE.to_reader()).equals(TABLE)
    assert _read(Relation()).to_pydict() == {"x": [1, 2, 3]}
    assert _read(pl.Series("x", [1.5])).to_pydict() == {"x": [1.5]}


def test_files_of_several_kinds_are_not_one_data_set(tmp_path: Path) -> None:
    _files(tmp_path)
    with raises("data.mixed"):
        rows_of([tmp_path / "t.csv", tmp_path / "t.parquet"])


def test_an_unknown_ending_and_an_empty_folder_are_said(tmp_path: Path) -> None:
    with raises("data.empty_folder"):
        rows_of(tmp_path)
    (tmp_path / "2024" / "1").mkdir(parents=True)
    (tmp_path / "2024" / "1" / "part.csv").write_text("a\n1\n")
    with raises("data.empty_folder") as raised:
        rows_of(tmp_path)
    assert _read(str(raised.value.hint).split("'")[1]).num_rows == 1
    (tmp_path / "t.xlsx").write_bytes(b"PK\x03\x04")
    with raises("data.file_kind"):
        rows_of(tmp_path / "t.xlsx")


def test_a_data_frame_has_the_types_of_its_csv(tmp_path: Path) -> None:
    text = "count,share,flag,empty,word\n1,0.5,True,,a\n,,,,b\n3,1.0,False,,\n"
    (tmp_path / "t.csv").write_text(text)
    from_csv = _read(tmp_path / "t.csv")
    from_pandas = _read(pd.read_csv(tmp_path / "t.csv"))
    assert from_pandas["count"].type == from_csv["count"].type == pa.int64()
    assert from_pandas["flag"].type == from_csv["flag"].type == pa.string()
    assert from_pandas["empty"].type == from_csv["empty"].type == pa.null()
    assert from_pandas["share"].type == pa.float64()
    assert from_pandas.to_pydict() == from_csv.to_pydict()
    whole = _read(pd.DataFrame({"flag": [True, False], "half": [0.5, None], "huge": [1e300, None]}))
    assert whole["flag"].to_pylist() == ["True", "False"]
    assert whole["half"].type == whole["huge"].type == pa.float64()


@pytest.mark.parametrize("how", ["folder", "pattern"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_shards_are_read_as_their_numbers_count(tmp_path: Path, how: str, ending: str) -> None:
    for number in range(12):
        table = pa.table({"at": [number]})
        if ending == "csv":
            csv.write_csv(table, tmp_path / f"part-{number}.csv")
        else:
            pq.write_table(table, tmp_path / f"part-{number}.parquet")
    source = rows_of(tmp_path if how == "folder" else str(tmp_path / "part-*"))
    rows = [row["at"] for shard in source.shards for batch in shard.batches() for row in batch.to_pylist()]
    assert rows == list(range(12))


@given(st.lists(st.tuples(st.text("ab-_.", max_size=4), st.integers(0, 10**12)), min_size=2, max_size=8))
def test_the_order_of_shards_is_that_of_their_numbers(parts: list[tuple[str, int]]) -> None:
    names = [f"{text}{number}" for text, number in parts]
    assert sorted(names, key=shard_order) == [f"{text}{number}" for text, number in sorted(parts)]


def _hive(folder: Path, ending: str) -> Path:
    for year, month, city in [("2023", "12", "a%20b"), ("2024", "01", "__HIVE_DEFAULT_PARTITION__")]:
        place = folder / "hive" / f"year={year}" / f"month={month}" / f"city={city}"
        place.mkdir(parents=True)
        (csv.write_csv if ending == "csv" else pq.write_table)(
            pa.table({"v": [int(month)] * 2}), place / f"part-0.{ending}"
        )
    return folder / "hive"


@pytest.mark.parametrize("named", ["{}", "{}/**/part-*", "{}/year=*/*/*/*"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_folders_in_the_manner_of_hive_are_columns(tmp_path: Path, named: str, ending: str) -> None:
    pattern = named.format(_hive(tmp_path, ending))
    expected = {
        "v": [12, 12, 1, 1],
        "year": [2023, 2023, 2024, 2024],
        "month": [12, 12, 1, 1],
        "city": ["a b", "a b", None, None],
    }
    assert _read(pattern).to_pydict() == expected
    assert _read(sorted((tmp_path / "hive").rglob(f"*.{ending}"))).to_pydict() == expected, "as a shell expands it"
    rows = rows_of(pattern)
    assert [batch.schema.names for shard in rows.shards for batch in shard.batches(["city"])] == [["city"]] * 2
    assert sum(batch.num_rows for shard in rows.shards for batch in shard.batches([])) == 4


def test_values_of_folders_are_read_as_cells_of_their_csv(tmp_path: Path) -> None:
    pattern = str(_hive(tmp_path, "csv") / "**" / "*.csv")
    text = rows_of(pattern, csv=CsvOptions(types={"month": "text"}, missing_values={"year": "2024"}))
    table = pa.Table.from_batches([batch for shard in text.shards for batch in shard.batches()])
    assert table["month"].to_pylist() == ["12", "12", "01", "01"]
    assert table["year"].to_pylist() == [2023, 2023, None, None]
    assert rows_of(pattern).codes(["month", "year"]) == ["month"]
    keys = rows_of(pattern).as_text(["month"])
    assert [batch["month"][0].as_py() for shard in keys.shards for batch in shard.batches(["month"])] == ["12", "01"]
    with raises("csv.cell_type"):
        rows_of(pattern, csv=CsvOptions(types={"city": "int"}))
    with raises("csv.no_such_column", "day"):
        rows_of(pattern, csv=CsvOptions(types={"day": "int"}))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_folders_above_what_is_named_are_no_columns(tmp_path: Path, ending: str) -> None:
    assert rows_of(f"{_hive(tmp_path, ending)}/year=2024/**/*.{ending}").schema.names == ["v", "month", "city"]
    file = next(_hive(tmp_path / "other", ending).rglob(f"*.{ending}"))
    assert rows_of(file).schema.names == ["v"]


def test_a_column_of_the_file_counts_more_than_the_folders_name(tmp_path: Path) -> None:
    (tmp_path / "year=2024").mkdir()
    pq.write_table(pa.table({"year": [7], "v": [1]}), tmp_path / "year=2024" / "a.parquet")
    assert rows_of(tmp_path).schema.names == ["year", "v"]
    (tmp_path / "year=2025").mkdir()
    pq.write_table(pa.table({"v": [1]}), tmp_path / "year=2025" / "b.parquet")
    rows = rows_of(tmp_path)
    assert [batch.column(0).to_pylist() for shard in rows.shards for batch in shard.batches(["year"])] == [[7], [2025]]
