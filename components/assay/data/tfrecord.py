"""TFRecord files, plain or gzip: records as bytes, every checksum verified, without TensorFlow.

A record is a length (8 bytes, little-endian), the length's masked CRC-32C, the data, and the data's masked CRC-32C.
The CRC comes from google-crc32c, which uses the processor's instruction and installs as a wheel everywhere.
"""

from __future__ import annotations

import gzip
import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

import google_crc32c

from assay.data.recognition import GZIP_DAMAGE, gzip_damage, require_regular
from assay.errors import DataError, disk_full

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Self

_GZIP_MAGIC = b"\x1f\x8b"
_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_LENGTH = struct.Struct("<Q")
_READ_BYTES = 1 << 20
_MAX_RECORD_BYTES = (2 << 30) - 1  # protobuf's limit for a message
# TFX compresses at zlib's level 6; 3 takes a third of the time for about a tenth more bytes.
_COMPRESSION_LEVEL = 3


@dataclass(frozen=True, slots=True)
class _Place:
    path: Path
    record: int  # counted from 1
    offset: int  # of the record's first byte in the decompressed file

    def __str__(self) -> str:
        return f"{self.path}, record {self.record} (byte {self.offset})"


def read_records(path: Path) -> Iterator[bytes]:
    """Yield the records of one file, in order.

    Raises:
        DataError: The file is missing, a checksum does not match, or the file (or its gzip stream) is cut off. The
            message names the file, the record and its byte offset in the decompressed file.
    """
    with _open(path) as file:
        number, offset = 0, 0
        while True:
            number += 1
            place = _Place(path, number, offset)
            header = _read(file, _HEADER.size, place)
            if not header:
                return
            _check_complete(header, _HEADER.size, place)
            length, length_crc = _HEADER.unpack(header)
            if masked_crc(header[:8]) != length_crc:
                raise _bad_crc(place, "length", first=number == 1)
            if length > _MAX_RECORD_BYTES:
                raise DataError(
                    "tfrecord.record_too_long",
                    f"{place}: the record's length is {length:,} bytes; a record has at most {_MAX_RECORD_BYTES:,}.",
                    "The file is damaged, or is not a TFRecord file; export it again.",
                )
            body = _read(file, length + _FOOTER.size, place)
            _check_complete(body, length + _FOOTER.size, place)
            data = body[:length]
            if masked_crc(data) != _FOOTER.unpack_from(body, length)[0]:
                raise _bad_crc(place, "data", first=False)
            yield data
            offset += _HEADER.size + len(body)


def masked_crc(data: bytes) -> int:
    """Return TFRecord's checksum: the CRC-32C rotated right by 15 bits plus a constant, mod 2^32."""
    crc: int = google_crc32c.value(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


class TFRecordWriter:
    """Writes records to one file; a context manager.

    The bytes depend on the records only: a gzip header carries neither name nor time.

    Attributes:
        num_records: Records written so far.
    """

    def __init__(self, path: Path, *, compress: bool = True) -> None:
        self.num_records = 0
        self._path = path
        try:
            self._raw = path.open("wb")
        except OSError as error:
            raise disk_full(path, error) from error
        self._file: io.BufferedIOBase = (
            gzip.GzipFile("", "wb", _COMPRESSION_LEVEL, self._raw, mtime=0) if compress else self._raw
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with self._raw:
                self._file.close()
        except OSError as error:
            if kind is None:
                raise disk_full(self._path, error) from error

    def write(self, *records: bytes) -> None:
        """Add records.

        Raises:
            ArtifactError: The file system refuses the write.
        """
        parts = []
        for data in records:
            length = _LENGTH.pack(len(data))
            parts += [length, _FOOTER.pack(masked_crc(length)), data, _FOOTER.pack(masked_crc(data))]
        try:
            self._file.write(b"".join(parts))
        except OSError as error:
            raise disk_full(self._path, error) from error
        self.num_records += len(records)


def _open(path: Path) -> BinaryIO:
    require_regular(path, "tfrecord")
    try:
        with path.open("rb") as file:
            compressed = file.read(2) == _GZIP_MAGIC
    except FileNotFoundError as error:
        raise DataError("tfrecord.no_such_file", f"{path} does not exist.", "Check the path.") from error
    except OSError as error:
        raise DataError("tfrecord.unreadable", f"Cannot read {path}: {error.strerror}.") from error
    if compressed:
        return cast("BinaryIO", io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(path)), _READ_BYTES))
    return path.open("rb", buffering=_READ_BYTES)


def _read(file: BinaryIO, size: int, place: _Place) -> bytes:
    try:
        if size <= _READ_BYTES:
            return file.read(size)
        # Piece by piece: read() allocates what it is asked for, and the length of a damaged file may be any.
        content = bytearray()
        while len(content) < size and (piece := file.read(min(size - len(content), _READ_BYTES))):
            content += piece
        return bytes(content)
    except GZIP_DAMAGE as error:
        raise gzip_damage(error, "tfrecord", place, "records") from error


def _check_complete(found: bytes, size: int, place: _Place) -> None:
    if len(found) < size:
        raise DataError(
            "tfrecord.truncated",
            f"{place}: expected {size} more bytes and the file ends after {len(found)}.",
            "Copy or export the file again.",
        )


def _bad_crc(place: _Place, what: str, *, first: bool) -> DataError:
    return DataError(
        "tfrecord.not_tfrecord" if first else "tfrecord.bad_crc",
        f"{place}: the checksum of the record's {what} does not match.",
        "The file is not a TFRecord file." if first else "The file is damaged; copy or export it again.",
    )
