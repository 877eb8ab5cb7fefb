from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.data.csv import scan_csv
from assay.data.csv_types import CsvOptions
from raising import raises


def write(folder: Path, content: bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, *, block_bytes: int = 1 << 20, **options: Any) -> dict[str, list[object]]:
    table = scan_csv([path], CsvOptions(**options), block_bytes=block_bytes)
    return pa.Table.from_batches(table.batches()).to_pydict()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "-7"], pa.int64()),
        (["1", "2.5"], pa.float64()),
        (["1", "2.5", "x"], pa.string()),
        (["", ""], pa.null()),
        (["", "3"], pa.int64()),
        (["9223372036854775807"], pa.int64()),
        (["9223372036854775808"], pa.string()),  # longer than 64 bits: TFX calls it text, not a float
        (["0.5", "9223372036854775808"], pa.string()),
        (["+5"], pa.int64()),
        (["1_000"], pa.string()),  # a code, which only Python reads as a number
        ([" 7 "], pa.int64()),
        (["0x1F"], pa.string()),
        (["1e3"], pa.float64()),
        (["1e30"], pa.float64()),
        (["nan", "inf", "-Infinity"], pa.float64()),
        (["nan(1)"], pa.string()),
        (["1.5", "nan(1)"], pa.string()),
        ([" "], pa.string()),
        (["NA"], pa.string()),
        (["True"], pa.string()),
    ],
)
def test_a_columns_type_is_the_least_that_holds_every_cell(
    tmp_path: Path, cells: list[str], expected: pa.DataType
) -> None:
    rows = "".join(f"{cell},k\n" for cell in cells)
    table = scan_csv([write(tmp_path, f"a,b\n{rows}".encode())])
    assert table.schema.field("a").type == expected
    assert table.num_rows == len(cells)


def test_numbers_that_arrow_does_not_read_are_converted_as_python_does(tmp_path: Path) -> None:
    path = write(tmp_path, b"i,f,t,n\n+5,+10.5,a,\n 1000,+2,b,\n,,,\n7,0.25,c,\n")
    assert read(path) == {
        "i": [5, 1000, None, 7],
        "f": [10.5, 2.0, None, 0.25],
        "t": ["a", "b", None, "c"],
        "n": [None, None, None, None],
    }


def test_a_type_that_changes_deep_in_the_file_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path, b"a,b\n" + b"1,2\n" * 5000 + b"x,2.5\n" + b"1,2\n" * 5000)
    table = scan_csv([path], block_bytes=1024)
    assert table.schema.types == [pa.string(), pa.float64()]
    assert len(table.shards) > 10
    assert sum(batch.num_rows for batch in table.batches()) == table.num_rows == 10_001


def test_types_are_inferred_over_all_files_together(tmp_path: Path) -> None:
    paths = [write(tmp_path, b"a,b\n1,2\n", "1.csv"), write(tmp_path, b"b,a\n0.5,\n", "2.csv")]
    table = scan_csv(paths)
    assert table.schema == pa.schema([("a", pa.int64()), ("b", pa.float64())])
    assert pa.Table.from_batches(table.batches()).to_pydict() == {"a": [1, None], "b": [2.0, 0.5]}


def test_a_cell_is_the_double_that_its_text_names(tmp_path: Path) -> None:
    path = write(tmp_path, b"a\n0.1\n1700000030.5\n1e39\n")
    assert read(path) == {"a": [0.1, 1700000030.5, 1e39]}


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_any_line_end_is_read(tmp_path: Path, newline: str) -> None:
    path = write(tmp_path, newline.join(["a,b", "1,x", "2,y", ""]).encode())
    assert read(path) == {"a": [1, 2], "b": ["x", "y"]}


def test_a_last_line_without_a_line_end_is_read(tmp_path: Path) -> None:
    assert read(write(tmp_path, b"a,b\n1,x\n2,y")) == {"a": [1, 2], "b": ["x", "y"]}


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    assert read(write(tmp_path, b"\xef\xbb\xbfa,b\n1,2\n")) == {"a": [1], "b": [2]}


def test_blank_lines_are_skipped_and_empty_cells_are_missing(tmp_path: Path) -> None:
    assert read(write(tmp_path, b'\n\na,b\n\n1,""\n\n,x\n\n')) == {"a": [1, None], "b": [None, "x"]}


@pytest.mark.parametrize("block_bytes", [16, 64, 1 << 20])
def test_newlines_and_delimiters_inside_quotes_belong_to_the_cell(tmp_path: Path, block_bytes: int) -> None:
    path = write(tmp_path, b'a,"b ""q"""\n1,"x\n""y"", z"\r\n2,"\r\n"\n3,""""\n')
    assert read(path, block_bytes=block_bytes) == {"a": [1, 2, 3], 'b "q"': ['x\n"y", z', "\r\n", '"']}


@pytest.mark.parametrize("block_bytes", [16, 1 << 20])
def test_a_stray_quote_inside_an_unquoted_cell_is_text(tmp_path: Path, block_bytes: int) -> None:
    path = write(tmp_path, b'a,b\n1,"x"\n2,5" pipe\n3,"y\nz"\n4,6"\n')
    table = scan_csv([path], block_bytes=block_bytes)
    assert pa.Table.from_batches(table.batches()).to_pydict() == {
        "a": [1, 2, 3, 4],
        "b": ["x", '5" pipe', "y\nz", '6"'],
    }
    assert table.num_rows == 4


def test_gzip_is_recognised_by_its_content(tmp_path: Path) -> None:
    path = write(tmp_path, gzip.compress(b"a,b\n" + b"1,2.5\n" * 1000))
    table = scan_csv([path], block_bytes=512)
    assert not table.bounded
    assert [shard.num_rows for shard in table.shards] == [1000]
    assert pa.Table.from_batches(table.batches()).to_pydict() == {"a": [1] * 1000, "b": [2.5] * 1000}


def test_another_delimiter(tmp_path: Path) -> None:
    assert read(write(tmp_path, b"a;b\n1;0,5\n"), delimiter=";") == {"a": [1], "b": ["0,5"]}


def test_columns_can_be_chosen_and_rows_count_without_any(tmp_path: Path) -> None:
    table = scan_csv([write(tmp_path, b"a,b,c\n1,2,3\n4,5,6\n")])
    assert pa.Table.from_batches(table.batches(["c", "a"])).to_pydict() == {"a": [1, 4], "c": [3, 6]}
    assert sum(batch.num_rows for batch in table.batches([])) == 2


def test_a_cell_larger_than_a_block_is_read_whole(tmp_path: Path) -> None:
    text = "é" * 50_000
    path = write(tmp_path, f'a,b\n1,"{text}\n"\n2,y\n'.encode())
    assert read(path, block_bytes=1000) == {"a": [1, 2], "b": [text + "\n", "y"]}


def test_one_thread_and_many_give_the_same_shards(tmp_path: Path) -> None:
    path = write(tmp_path, b"a,b\n" + b"".join(b"%d,%d.5\n" % (i, i) for i in range(5000)))
    assert scan_csv([path], threads=1, block_bytes=999) == scan_csv([path], threads=4, block_bytes=999)


@pytest.mark.parametrize("delimiter", ["", "||", '"', "\n", "é"])
def test_a_delimiter_is_one_character(tmp_path: Path, delimiter: str) -> None:
    with raises("csv.delimiter"):
        scan_csv([write(tmp_path, b"a\n1\n")], CsvOptions(delimiter=delimiter))


def test_at_least_one_file_is_needed() -> None:
    with raises("csv.no_files"):
        scan_csv([])
