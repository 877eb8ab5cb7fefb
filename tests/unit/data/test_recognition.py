"""Files whose content is not what their name says, pipes and devices: named, with advice that helps."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import re
import struct
import zipfile
import zlib
from pathlib import Path

import pytest

from assay.data.csv import scan_csv
from assay.data.csv_blocks import BLOCK_BYTES
from assay.data.csv_types import CsvOptions
from assay.data.parquet import open_parquet
from assay.data.sources import rows_of
from assay.data.tfrecord import masked_crc, read_records
from raising import raises

CSV = b"a,b\n1,2\n"


def zipped(path: Path, member: str) -> bytes:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, CSV)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content", "expected", "advice"),
    [
        (bz2.compress(CSV), ("csv.other_format", "bzip2"), r"bunzip2 < '.*/its data\.csv' >"),
        (lzma.compress(CSV), ("csv.other_format", "xz"), "unxz <"),
        (b"\x28\xb5\x2f\xfd" + CSV, ("csv.other_format", "zstd"), "zstd -d <"),
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n",
            ("csv.other_format", "Git", "LFS"),
            "git lfs pull",
        ),
        (b"PAR1\x15\x04\x15", ("csv.other_format", "Parquet"), "Rename"),
        (b'{"a": 1}\n{"a": 2}\n', ("csv.other_format", "JSON"), "read_json"),
        (b'[\n  {"a": 1},\n  {"a": 2}\n]', ("csv.other_format", "JSON"), "read_json"),
        (b'{\n  "a": [1, 2]\n}', ("csv.other_format", "JSON"), "read_json"),
        (b"<!DOCTYPE html><html>", ("csv.other_format", "HTML"), "Check the download"),
        (b'<?xml version="1.0"?>', ("csv.other_format", "XML"), "Check the download"),
        (gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), ("csv.other_format", "gzip"), "gunzip"),
    ],
)
def test_another_format_named_csv_is_recognised(
    tmp_path: Path, content: bytes, expected: tuple[str, ...], advice: str
) -> None:
    path = tmp_path / "its data.csv"
    path.write_bytes(content)
    with raises(*expected) as caught:
        rows_of(path)
    assert re.search(advice, caught.value.hint)


def test_archives_and_workbooks_are_told_apart(tmp_path: Path) -> None:
    for member, what in [("a.csv", "zip"), ("xl/workbook.xml", "spreadsheet")]:
        (tmp_path / "x.csv").write_bytes(zipped(tmp_path / "x.zip", member))
        with raises("csv.other_format", what):
            rows_of(tmp_path / "x.csv")
    (tmp_path / "x.csv.bz2").write_bytes(bz2.compress(CSV))
    with raises("data.file_kind", "bzip2"):
        rows_of(tmp_path / "x.csv.bz2")
    (tmp_path / "x.parquet").write_bytes(bz2.compress(CSV))
    with raises("parquet.not_parquet", "Parquet", "bzip2"):
        rows_of(tmp_path / "x.parquet")


@pytest.mark.parametrize("header", ["ORC,b", "PAR1,b", "[id],[name]", "<TICKER>,<PER>", "{id},b", "Obj,BZ", "7z,b"])
def test_a_header_that_looks_like_a_format_is_a_header(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(header + "\n1,2\n")
    assert scan_csv([path]).schema.names == header.split(",")


def test_pipes_and_devices_are_no_data(tmp_path: Path) -> None:
    pipe, link = tmp_path / "pipe.csv", tmp_path / "link.csv"
    os.mkfifo(pipe)
    link.symlink_to("/dev/zero")
    for path, what in [(pipe, "pipe"), (link, "device")]:
        for read in (rows_of, lambda path: scan_csv([path]), lambda path: open_parquet([path]), _records):
            with raises("*.not_a_file", path, what):
                read(path)


def _records(path: Path) -> list[bytes]:
    return list(read_records(path))


@pytest.mark.parametrize("length", [1 << 40, 1 << 63, (1 << 64) - 1])
def test_a_record_of_a_length_that_none_has_is_refused(tmp_path: Path, length: int) -> None:
    header = struct.pack("<Q", length)
    (tmp_path / "x.tfrecord").write_bytes(header + struct.pack("<I", masked_crc(header)) + b"x" * 20)
    with raises("tfrecord.record_too_long", "1", "0"):
        _records(tmp_path / "x.tfrecord")


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("sep=;\nOne;Two\n1;2\n", ["One", "Two"], 1),
        ("\ufeffSEP=,\r\na,b\r\n1,2\r\n", ["a", "b"], 1),
        ("sep=\t\na\tb\n1\t2\n", ["a", "b"], 1),
        ("sep=;\nOne\n1\n2\n", ["One"], 2),
        ("sep=;,b\n1,2\n", ["sep=;", "b"], 1),
    ],
)
def test_excels_separator_line_is_no_header(tmp_path: Path, text: str, names: list[str], rows: int) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8", newline="")
    table = scan_csv([path])
    assert (table.schema.names, table.num_rows) == (names, rows)
    assert sum(batch.num_rows for batch in table.batches()) == rows


def test_a_separator_line_against_the_delimiter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("sep=;\na;b\n1;2\n")
    with raises("csv.delimiter_differs", ";", ","):
        scan_csv([tmp_path / "a.csv"], options=CsvOptions(delimiter=","))


def test_columns_cut_by_blanks_are_not_one_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a  b   c\n1  2 x\n3  4 y\n")
    with raises("csv.blanks", "3"):
        scan_csv([path])
    assert scan_csv([path], options=CsvOptions(delimiter=",")).schema.names == ["a  b   c"]
    path.write_text("full name\nJohn Smith\nJane Doe\n")
    assert scan_csv([path]).num_rows == 2


@pytest.mark.parametrize("text", ['a,b\n"x \\"q\\" y",1\n', 'a,b\n1,2\n"x \\"q, y",1\n', 'a,b\npipe 5\\",1\n'])
def test_quotes_escaped_by_backslashes_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with raises("csv.backslash_quote", text.count(chr(10))):
        scan_csv([tmp_path / "a.csv"])


def test_a_backslash_before_a_closing_quote_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('a,b\n"C:\\dir\\",1\n')
    assert next(scan_csv([tmp_path / "a.csv"]).batches()).column(0).to_pylist() == ["C:\\dir\\"]


LONG = 20 << 20


@pytest.mark.parametrize(
    ("before", "after", "row"),
    [
        ("a,b\n1,2\n", ",3\n", 3),
        ('a,b\n1,2\n1,"', '"\n', 3),
        ('a,b\nx "stray" y,2\n1,', "\n", 2),
        ("", "\n1\n", 1),
    ],
)
def test_a_record_longer_than_the_limit_is_refused(tmp_path: Path, before: str, after: str, row: int) -> None:
    path = tmp_path / "a.csv.gz"
    with gzip.open(path, "wb", compresslevel=1) as stream:
        stream.write(before.encode() + b"x" * LONG + after.encode())
    with raises("csv.record_too_long", row, "max_record_bytes"):
        scan_csv([path])
    assert scan_csv([path], options=CsvOptions(max_record_bytes=2 * LONG)).num_rows


def test_a_small_limit_counts_however_the_file_is_cut(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n1," + b"x" * 10_000 + b"\n")
    options = CsvOptions(max_record_bytes=1_000)
    for block_bytes in (64, 999, 1 << 20):
        with raises("csv.record_too_long", "2", "1,000"):
            scan_csv([tmp_path / "a.csv"], options=options, block_bytes=block_bytes)
    (tmp_path / "a.csv").write_bytes(b"a,b\n" + (b"1," + b"x" * 997 + b"\n") * 9)
    assert scan_csv([tmp_path / "a.csv"], options=options).num_rows == 9
    with raises("csv.max_record_bytes"):
        CsvOptions(max_record_bytes=0)
    assert CsvOptions().max_record_bytes >= BLOCK_BYTES


def test_a_small_archive_of_one_endless_field_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "bomb.csv.gz"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    with path.open("wb") as stream:
        stream.write(packer.compress(b"a,b\n1,"))
        for _ in range(64):
            stream.write(packer.compress(b"x" * (1 << 20)))
        stream.write(packer.flush())
    with raises("csv.record_too_long", "2"):
        scan_csv([path])


@pytest.mark.parametrize("change", [b"a,b\n1,2\n", b"a,b\n1,x\n3,4\n", b"a,b\n1,2,3\n3,4\n", b"a,b\n1,2\n3,4\n5,6\n"])
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_file_that_changes_between_the_passes_is_refused(tmp_path: Path, name: str, change: bytes) -> None:
    def write(content: bytes) -> None:
        (tmp_path / name).write_bytes(gzip.compress(content, mtime=0) if name.endswith("gz") else content)

    write(b"a,b\n1,2\n3,4\n")
    table = scan_csv([tmp_path / name])
    write(change)
    if name == "a.csv" and change.endswith(b"5,6\n"):
        assert len(list(table.batches())) == 1  # what was added is not read
        return
    with raises("csv.changed"):
        list(table.batches())


@pytest.mark.parametrize(
    "line", ["5.1,3.5,1.4,setosa", "39,State-gov,77516,13", "1,0,0,1", "-1,-1", "1.5e0,1", "5.0,3.0,x"]
)
def test_a_first_line_of_data_is_no_header(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.csv").write_text(f"{line}\n{line}\n")
    with raises("csv.header_is_data", "1"):
        scan_csv([tmp_path / "a.csv"])


@pytest.mark.parametrize("line", ["id,2019,2020,2021", "2021,2020,id", "0,1,2", "q,0.05,0.5,0.95", "a,1", "1_2,0x1"])
def test_numbers_that_ascend_are_names(tmp_path: Path, line: str) -> None:
    (tmp_path / "a.csv").write_text(f"{line}\n{line}\n")
    assert scan_csv([tmp_path / "a.csv"]).schema.names == line.split(",")
