from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from assay.data.csv import scan_csv
from assay.errors import DataError
from raising import raises

if TYPE_CHECKING:
    from pathlib import Path

BAD_FILES: dict[str, tuple[bytes, str, tuple[str, ...]]] = {
    "no_bytes": (b"", "csv.empty_file", ()),
    "blank_lines": (b"\n\r\n", "csv.empty_file", ()),
    "header_only": (b"a,b\n", "csv.header_only", ()),
    "header_without_line_end": (b"a,b", "csv.header_only", ()),
    "too_few_cells": (b"a,b,c\n1,2,3\n1,2\n", "csv.ragged_row", ("3", "2", "c")),
    "too_many_cells": (
        b"a,b\n1,2\n1,2,extra\n",
        "csv.ragged_row",
        ("3", "2", "extra", "b"),
    ),
    "ragged_after_quoted_newlines": (b'a,b\n"x\ny",2\n"\n\n",3\n4\n', "csv.ragged_row", ("7", "1")),
    "ragged_with_return_line_ends": (b"a,b\r1,2\r3\r", "csv.ragged_row", ("3", "2")),
    "ragged_after_crlf": (b"a,b\r\n1,2\r\n\r\n3\r\n", "csv.ragged_row", ("4", "2")),
    "ragged_after_a_stray_quote": (b'a,b\n1,5"\n3\n', "csv.ragged_row", ("2", "1")),
    "duplicate_names": (b"a,b,a\n1,2,3\n", "csv.duplicate_column", ("1", "3", "a")),
    "empty_name": (b"a,,c\n1,2,3\n", "csv.empty_column_name", ("1", "2")),
    "index_of_pandas": (
        b",a,b\n0,1,2\n",
        "csv.empty_column_name",
        ("1", "to_csv(path, index=False"),
    ),
    "latin1": (b"a,b\n1,x\n2,caf\xe9\n", "csv.not_utf8", ("3", "b", "e9")),
    "latin1_in_quotes": (b'a,b\n"1","x\n\xe9"\n', "csv.not_utf8", ("3",)),
    "latin1_name": (b"a,caf\xe9\n1,2\n", "csv.not_utf8", ("1", "2")),
    "utf16": ("a,b\n1,2\n".encode("utf-16"), "csv.not_utf8", ("1", "iconv -f UTF-16 -t UTF-8")),
    "utf16_without_a_mark": ("a,b\n1,2\n".encode("utf-16-le"), "csv.not_utf8", ("iconv -f UTF-16LE -t UTF-8",)),
    "utf16_of_the_other_order": ("a,b\n1,2\n".encode("utf-16-be"), "csv.not_utf8", ("iconv -f UTF-16BE -t UTF-8",)),
    "utf32": ("a,b\n1,2\n".encode("utf-32"), "csv.not_utf8", ("iconv -f UTF-32 -t UTF-8",)),
    "utf32_without_a_mark": ("a,b\n1,2\n".encode("utf-32-le"), "csv.not_utf8", ("iconv -f UTF-32LE -t UTF-8",)),
    "unclosed_quote": (b'a,b\n1,2\n3,"x\n4,5\n', "csv.unclosed_quote", ("3",)),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_content_is_named_with_its_place(tmp_path: Path, case: str) -> None:
    content, code, named = BAD_FILES[case]
    path = tmp_path / "data.csv"
    path.write_bytes(content)
    with raises(code, path, *named):
        scan_csv([path])


def test_the_first_bad_row_of_a_large_file_is_named(tmp_path: Path) -> None:
    lines = [b"%d,x" % number for number in range(20_000)]
    lines[15_000] = b"1,2,3"
    lines[15_500] = b"9"
    path = tmp_path / "data.csv"
    path.write_bytes(b"a,b\n" + b"\n".join(lines) + b"\n")
    with raises("csv.ragged_row", "15002", "2"):
        scan_csv([path], block_bytes=4096)


def test_no_such_file(tmp_path: Path) -> None:
    with raises("csv.no_such_file", "absent.csv"):
        scan_csv([tmp_path / "absent.csv"])


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with raises("csv.not_a_file"):
        scan_csv([tmp_path])


def test_files_of_a_split_have_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_bytes(b"a,b\n1,2\n")
    (tmp_path / "2.csv").write_bytes(b"a,c\n1,2\n")
    with raises("csv.different_columns", "2.csv", "b", "c", "1.csv"):
        scan_csv([tmp_path / "1.csv", tmp_path / "2.csv"])


@pytest.mark.parametrize("kept", [0.5, 0.98])
def test_a_cut_off_gzip_stream_is_not_read_in_part(tmp_path: Path, kept: float) -> None:
    packed = gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(5000)))
    path = tmp_path / "data.csv.gz"
    path.write_bytes(packed[: int(len(packed) * kept)])
    with raises("csv.truncated_gzip", kind=DataError):
        scan_csv([path])


def test_a_damaged_gzip_stream(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (i, i * i) for i in range(5000))))
    packed[len(packed) // 2] ^= 0xFF
    path = tmp_path / "data.csv.gz"
    path.write_bytes(packed)
    with raises("csv.bad_gzip", kind=DataError):
        scan_csv([path])
