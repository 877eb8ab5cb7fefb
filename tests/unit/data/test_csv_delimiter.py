"""The delimiter of a file that nobody named: by what its header shows."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import assay
from assay.data.csv import scan_csv
from assay.data.csv_types import CsvOptions
from raising import raises


def columns(folder: Path, text: str, delimiter: str | None = None) -> dict[str, list[object]]:
    path = folder / "export.csv"
    path.write_text(text)
    table = scan_csv([path], CsvOptions(delimiter=delimiter))
    found: dict[str, list[object]] = pa.Table.from_batches(list(table.batches()), table.schema).to_pydict()
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a;b\n1;x,y\n", {"a": [1], "b": ["x,y"]}),
        ("a\tb\n1\tx\n", {"a": [1], "b": ["x"]}),
        ("a|b\r\n1|x\r\n", {"a": [1], "b": ["x"]}),
        ('"a";"b|c"\n1;2\n', {"a": [1], "b|c": [2]}),
        ("a;b,c\n1,2\n", {"a;b": [1], "c": [2]}),
        ("a\n1\n", {"a": [1]}),
    ],
)
def test_what_a_header_shows(tmp_path: Path, text: str, expected: dict[str, list[object]]) -> None:
    assert columns(tmp_path, text) == expected


def test_a_delimiter_that_is_named_is_heeded(tmp_path: Path) -> None:
    assert columns(tmp_path, "a;b\n1\n", ",") == {"a;b": [1]}


def test_every_command_reads_such_a_file(tmp_path: Path) -> None:
    """One column of text, as TFDV reads it, would fit any schema that was inferred from it."""
    path = tmp_path / "export.csv"
    path.write_text("city;fare\n" + "Paris;3\nRome;4\n" * 20)
    schema = assay.infer_schema(path)
    assert [feature.name for feature in schema.feature] == ["city", "fare"]
    assert assay.validate(path, schema, rows=True).ok


def test_a_row_that_does_not_fit_is_named(tmp_path: Path) -> None:
    with raises("csv.ragged_row", "3", "2", "1"):
        columns(tmp_path, "a;b\n1;2\n3\n")
    with raises("csv.ragged_row", "2", "1"):
        columns(tmp_path, "a\n1,2\n")


@pytest.mark.parametrize(
    ("mark", "advice"),
    [("^", "Name the delimiter: delimiter='^'."), ("~", "delimiter='~'"), ("\x01", "tr '\\001' ',' <")],
)
def test_a_mark_that_cuts_every_line_is_named(tmp_path: Path, mark: str, advice: str) -> None:
    text = "a,b,c\n1,x,2\n3,y,4\n".replace(",", mark)
    with raises("csv.other_delimiter", "3") as caught:
        columns(tmp_path, text)
    assert advice in str(caught.value)
    assert columns(tmp_path, text, mark) == {"a": [1, 3], "b": ["x", "y"], "c": [2, 4]}
    assert len(columns(tmp_path, text, ",")) == 1
    assert columns(tmp_path, f"a{mark}b\nx\n") == {f"a{mark}b": ["x"]}
