"""Any bytes named .tfrecord are the records that were written, or an error of ours; none is lost in silence."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mutations import damaged

from assay.data.example_records import ExampleRecords
from assay.data.tfrecord import TFRecordWriter, read_records
from assay.errors import DataError

CORPUS = sorted((Path(__file__).parent / "corpus" / "tfrecord").glob("*"))
RECORDS = [b"\n\x00", b"", b"x" * 300, bytes(range(256))]


def _valid(folder: Path, compress: bool) -> bytes:
    path = folder / "valid"
    with TFRecordWriter(path, compress=compress) as writer:
        writer.write(*RECORDS)
    return path.read_bytes()


def check(data: bytes, folder: Path) -> None:
    path = folder / "any.tfrecord.gz"
    path.write_bytes(data)
    try:
        records = list(read_records(path))
    except DataError as error:
        assert str(path) in error.message
    else:
        assert sum(16 + len(record) for record in records) == len(_plain(data)), "bytes were passed over in silence"
    try:
        rows = sum(batch.num_rows for shard in ExampleRecords([path]).shards for batch in shard.batches())
    except DataError as error:
        assert str(path) in error.message
    else:
        assert rows == len(records)


def _plain(data: bytes) -> bytes:
    try:
        return gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error):
        return data


@given(data=st.data(), compress=st.booleans())
def test_damaged_files(data: st.DataObject, compress: bool, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("tfrecord")
    check(data.draw(damaged(st.just(_valid(folder, compress)))), folder)


@given(data=st.binary(max_size=80))
def test_arbitrary_bytes(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    check(data, tmp_path_factory.mktemp("tfrecord"))


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_what_once_failed(path: Path, tmp_path: Path) -> None:
    check(path.read_bytes(), tmp_path)
