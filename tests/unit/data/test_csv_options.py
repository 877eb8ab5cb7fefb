"""Missing values, decimal marks, thousands separators and types of the columns of a CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.data.csv import scan_csv
from assay.data.csv_types import CsvOptions, Kind
from assay.data.sources import as_text, rows_of
from raising import raises


def read(folder: Path, text: str, *, block_bytes: int = 1 << 20, **options: Any) -> pa.Table:
    path = folder / "data.csv"
    path.write_text(text, encoding="utf-8")
    table = scan_csv([path], CsvOptions(**options), block_bytes=block_bytes)
    return pa.Table.from_batches(table.batches(), table.schema)


@pytest.mark.parametrize(
    ("text", "options", "type_", "values"),
    [
        ("1\nNA\n?\n", {"missing_values": ["NA", "?"]}, pa.int64(), [1, None, None]),
        ("1\nNA\n", {"missing_values": "NA"}, pa.int64(), [1, None]),
        ("x\nNA\n", {"missing_values": {"a": "NA"}}, pa.string(), ["x", None]),
        ("x\nNA\n", {"missing_values": {"*": ["NA"], "a": ["?"]}}, pa.string(), ["x", "NA"]),  # Namibia
        ("1\n-999\n", {"missing_values": ["-999"]}, pa.int64(), [1, None]),
        ('"1,5"\n"-2,25"\n3\n', {"decimal": ","}, pa.float64(), [1.5, -2.25, 3.0]),
        ('"1,5"\n1.5\n', {"decimal": ","}, pa.string(), ["1,5", "1.5"]),
        ('"1,5"\n1.5\n', {}, pa.string(), ["1,5", "1.5"]),
        ('"1,234"\n5\n', {"thousands": ","}, pa.int64(), [1234, 5]),
        ('"1,234.5"\n"-12,345,678"\n', {"thousands": ","}, pa.float64(), [1234.5, -12345678.0]),
        ('"1,23"\n5\n', {"thousands": ","}, pa.string(), ["1,23", "5"]),
        ('"1.234,5"\n1.234\n', {"decimal": ",", "thousands": "."}, pa.float64(), [1234.5, 1234.0]),
        ('"1.234,5"\n1.23\n', {"decimal": ",", "thousands": "."}, pa.string(), ["1.234,5", "1.23"]),
        ("1 234\n1\u00a0234\n1\u202f234\n", {"thousands": " "}, pa.int64(), [1234, 1234, 1234]),
        ("0010\n10\n", {"types": {"a": "text"}}, pa.string(), ["0010", "10"]),
        ("1\n2\n", {"types": {"a": "float"}}, pa.float64(), [1.0, 2.0]),
        ('"1"\n""\n', {"types": {"a": "int"}}, pa.int64(), [1, None]),
        ('""\n""\n', {"types": {"a": "int"}}, pa.int64(), [None, None]),
        ("1.0\n9007199254740993\n1e3\n", {"types": {"a": "int"}}, pa.int64(), [1, 9007199254740993, 1000]),
        ("1.0\n2.0\n", {}, pa.float64(), [1.0, 2.0]),
    ],
)
@pytest.mark.parametrize("block_bytes", [8, 1 << 20])
def test_cells_are_read_as_the_options_say(
    tmp_path: Path, text: str, options: dict[str, Any], type_: pa.DataType, values: list[Any], block_bytes: int
) -> None:
    cells = "".join(f"{line},k\n" for line in text.splitlines())
    table = read(tmp_path, f"a,b\n{cells}", block_bytes=block_bytes, **options)
    assert table.schema.field("a").type == type_
    assert table["a"].to_pylist() == values


@pytest.mark.parametrize(("type_", "cell"), [("int", "1.5"), ("int", "x"), ("float", "1,5"), ("float", "NA")])
@pytest.mark.parametrize("block_bytes", [8, 1 << 20])
def test_a_cell_of_another_type_than_the_named_one_is_an_error(
    tmp_path: Path, type_: str, cell: str, block_bytes: int
) -> None:
    with raises("csv.cell_type", "6", "a", cell) as caught:
        read(tmp_path, f'a,b\n1,"k\n"\n\n2,k\n"{cell}",k\n', block_bytes=block_bytes, types={"a": type_})
    assert "--type a=text" in caught.value.on_command_line()[1]


@pytest.mark.parametrize(
    ("cells", "expected", "type_"),
    [
        (["1", "2"], schema_pb2.FLOAT, pa.float64()),
        (["1", "x"], schema_pb2.FLOAT, pa.string()),
        (["0010", "10"], schema_pb2.BYTES, pa.string()),
        (["1.0", "2.0"], schema_pb2.INT, pa.int64()),
        (["1.5", "2.0"], schema_pb2.INT, pa.float64()),
        (["1", "2"], schema_pb2.STRUCT, pa.int64()),
        (['""', '""'], schema_pb2.FLOAT, pa.null()),
    ],
)
def test_a_schemas_types_hold_where_every_cell_can_be_read_so(
    tmp_path: Path, cells: list[str], expected: int, type_: pa.DataType
) -> None:
    path = tmp_path / "data.csv"
    path.write_text("\n".join(["a", *cells]))
    schema = schema_pb2.Schema(feature=[schema_pb2.Feature(name="a", type=expected)])  # type: ignore[arg-type]  # an enum
    assert rows_of(path, schema=schema).schema.field("a").type == type_


def test_columns_can_be_read_again_as_text(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    path.write_text("a,b\n0010,1\n1E3,2\n")
    rows = rows_of(path)
    assert pa.Table.from_batches(as_text(rows, ["a"]).batches()).to_pydict() == {"a": ["0010", "1E3"], "b": [1, 2]}
    assert pa.Table.from_batches(rows.batches()).to_pydict() == {"a": [10.0, 1000.0], "b": [1, 2]}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"types": {"a": "integer"}}, "csv.type"),
        ({"decimal": ";"}, "csv.decimal"),
        ({"thousands": "."}, "csv.thousands"),
        ({"thousands": "00"}, "csv.thousands"),
        ({"types": {"c": "int"}}, "csv.no_such_column"),
        ({"missing_values": {"c": ["NA"]}}, "csv.no_such_column"),
    ],
)
def test_options_that_cannot_be_are_refused(tmp_path: Path, options: dict[str, Any], code: str) -> None:
    with raises(code):
        read(tmp_path, "a,b\n1,2\n", **options)


def test_data_to_compare_with_may_lack_a_column_and_be_of_another_format(tmp_path: Path) -> None:
    options = CsvOptions(types={"c": "int"}, optional=True)
    (tmp_path / "data.csv").write_text("a\n1\n")
    assert rows_of(tmp_path / "data.csv", csv=options).num_rows == 1
    assert rows_of(pa.table({"a": [1]}), csv=options).num_rows == 1
    with raises("csv.not_csv"):
        rows_of(pa.table({"a": [1]}), csv=CsvOptions(types={"c": "int"}))


def test_kinds_that_a_schema_expects_are_no_options_that_were_given() -> None:
    assert not CsvOptions(expected={"a": Kind.INT}).is_given
    assert CsvOptions(decimal=",").is_given
