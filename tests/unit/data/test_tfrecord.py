from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from assay.data.tfrecord import TFRecordWriter, masked_crc, read_records
from assay.errors import DataError
from raising import raises

RECORDS = [b"", b"a", b"x" * 100_000, *(b"record %d" % number for number in range(200))]


def write(path: Path, records: list[bytes] = RECORDS, *, compress: bool = False) -> Path:
    with TFRecordWriter(path, compress=compress) as writer:
        writer.write(*records)
    return path


def test_the_checksum_of_a_known_value() -> None:
    # CRC-32C of "123456789" is 0xE3069283 (RFC 3720), masked as TensorFlow's crc32c.h does.
    crc = 0xE3069283
    assert masked_crc(b"123456789") == (((crc >> 15) | (crc << 17)) + 0xA282EAD8) % 2**32


@pytest.mark.parametrize("compress", [False, True])
def test_what_is_written_reads_back(tmp_path: Path, compress: bool) -> None:
    path = write(tmp_path / "a", compress=compress)
    assert list(read_records(path)) == RECORDS


def test_compressed_bytes_depend_on_the_records_only(tmp_path: Path) -> None:
    one = write(tmp_path / "one.gz", compress=True)
    with TFRecordWriter(tmp_path / "two.gz") as writer:
        for record in RECORDS:
            writer.write(record)
    assert writer.num_records == len(RECORDS)
    assert one.read_bytes() == (tmp_path / "two.gz").read_bytes()


def test_an_empty_file_has_no_records(tmp_path: Path) -> None:
    assert list(read_records(write(tmp_path / "a", []))) == []
    assert list(read_records(write(tmp_path / "a.gz", [], compress=True))) == []


@pytest.mark.parametrize("at", [24, 12, 20])
def test_a_flipped_bit_in_the_data_is_found(tmp_path: Path, at: int) -> None:
    path = write(tmp_path / "a", [b"first", b"second"])
    content = bytearray(path.read_bytes())
    content[16 + 5 + at - 12] ^= 1  # the second record begins at byte 21
    path.write_bytes(content)
    with raises("tfrecord.bad_crc", "2", "21", kind=DataError):
        list(read_records(path))


@pytest.mark.parametrize(("kept", "record"), [(3, 1), (14, 1), (25, 2), (35, 2), (42, 2)])
def test_a_cut_off_file_is_an_error(tmp_path: Path, kept: int, record: int) -> None:
    path = write(tmp_path / "a", [b"first", b"second"])
    path.write_bytes(path.read_bytes()[:kept])
    with raises("tfrecord.truncated", record):
        list(read_records(path))


def test_a_cut_off_gzip_stream_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", compress=True)
    path.write_bytes(path.read_bytes()[:-100])
    with raises("tfrecord.truncated_gzip", "a.gz", kind=DataError):
        list(read_records(path))


def test_a_gzip_stream_cut_in_its_trailer_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", compress=True)
    path.write_bytes(path.read_bytes()[:-4])
    with raises("tfrecord.truncated_gzip", kind=DataError):
        list(read_records(path))


def test_a_damaged_gzip_stream_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gz", compress=True)
    content = bytearray(path.read_bytes())
    content[-6] ^= 0xFF  # in the trailer's checksum
    path.write_bytes(content)
    with raises("tfrecord.bad_gzip", kind=DataError):
        list(read_records(path))


def test_another_format_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2\n3,4\n5,6\n")
    with raises("tfrecord.not_tfrecord", "1", kind=DataError):
        list(read_records(tmp_path / "a.csv"))


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    with raises("tfrecord.no_such_file"):
        list(read_records(tmp_path / "absent"))
    with raises("tfrecord.unreadable"):
        list(read_records(tmp_path))
    with raises("artifact.write_failed"):
        write(tmp_path / "absent" / "a")


@pytest.mark.parametrize("compress", [False, True])
def test_a_full_disk_is_reported(compress: bool) -> None:
    with raises("artifact.write_failed", "/dev/full"):
        write(Path("/dev/full"), [b"x" * 10_000] * 200, compress=compress)


@pytest.mark.tensorflow
@pytest.mark.parametrize("compress", [False, True])
def test_tensorflow_reads_what_is_written_and_the_other_way(tmp_path: Path, compress: bool) -> None:
    import tensorflow as tf

    kind = "GZIP" if compress else ""
    path = write(tmp_path / "a", compress=compress)
    assert list(tf.data.TFRecordDataset(str(path), kind).as_numpy_iterator()) == RECORDS
    with tf.io.TFRecordWriter(str(tmp_path / "b"), kind) as writer:
        for record in RECORDS:
            writer.write(record)
    assert list(read_records(tmp_path / "b")) == RECORDS


def test_a_multi_member_gzip_file_is_read_whole(tmp_path: Path) -> None:
    parts = [write(tmp_path / str(at), [b"%d" % at]).read_bytes() for at in range(3)]
    (tmp_path / "a.gz").write_bytes(b"".join(gzip.compress(part) for part in parts))
    assert list(read_records(tmp_path / "a.gz")) == [b"0", b"1", b"2"]
