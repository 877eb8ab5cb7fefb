"""Cuts CSV text into blocks that begin and end at record boundaries, so that blocks parse independently.

A newline inside quotes does not end a record. Where every quote that opens a field stands at the field's start, the
number of quotes before a newline is even exactly when the newline ends a record, and that is proved per block on the
quotes' positions. Text that breaks the rule (a stray `"` inside an unquoted field) goes through the `csv` module from
there to the end of the file: slower, and read as TFX reads it.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

import numpy as np

from assay.data.recognition import GZIP_DAMAGE, gzip_damage, other_format, require_regular
from assay.errors import DataError, argument

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from typing_extensions import Self

BLOCK_BYTES = 8 << 20
MAX_RECORD_BYTES = 16 << 20
"""A record is parsed whole, and takes up to 20 times its size in memory."""

BOM = b"\xef\xbb\xbf"

_EXCEL_SEPARATOR = re.compile(rb"sep=([^\"\r\n\x80-\xff])(?:\r\n|\n|\r)", re.IGNORECASE)
_BACKSLASH_QUOTE = re.compile(r'(?<!\\)(?:\\\\)*\\"')
_GZIP_MAGIC = b"\x1f\x8b"
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_NAMES_SHOWN = 6
_QUOTE, _NEWLINE, _RETURN = 0x22, 0x0A, 0x0D
_ROWS_PER_REWRITTEN_BLOCK = 65_536


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Run a block in which the csv module reads a file.

    Raises:
        DataError: The module refuses the text; with Python 3.10, for a null byte.
    """
    try:
        yield
    except csv.Error as error:
        raise DataError(
            "csv.unreadable", f"{path}: a record cannot be read: {error}.", "Check the quoting and the delimiter."
        ) from error


def name_not_utf8(path: Path, position: int, name: bytes) -> DataError:
    """Return the error for a header that is not UTF-8: UTF-16, as spreadsheets save "Unicode text", or another."""
    encoding = _encoding(name)
    return DataError(
        "csv.not_utf8",
        f"{path}, row 1, column {position}: the column's name is not UTF-8.",
        f"Convert the file: iconv -f {encoding} -t UTF-8."
        if encoding
        else "Convert the file: iconv -f LATIN1 -t UTF-8 (or the encoding it has).",
    )


def _encoding(name: bytes) -> str:
    """Return the UTF-16 or UTF-32 encoding of a name, by its byte order mark or null bytes; empty if neither."""
    if name.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if name.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    if b"\0" not in name:
        return ""
    wide = "UTF-32" if b"\0\0" in name else "UTF-16"
    return f"{wide}BE" if name.startswith(b"\0") else f"{wide}LE"


csv.field_size_limit(2**31 - 1)  # the module's default refuses a cell of over 128 KiB, which is ordinary text


@dataclass(frozen=True, slots=True)
class Block:
    """Whole records of one file.

    Attributes:
        data: The records' text, UTF-8 (not yet checked).
        start: Offset of the first byte in the (decompressed) file.
        rewritten: True where the `csv` module read the text and wrote it again with regular quotes; `start` is then
            where the rewriting began, and `data` is not a piece of the file.
    """

    data: bytes
    start: int
    rewritten: bool = False


@dataclass(frozen=True, slots=True)
class Header:
    """The column names of one file and where its records begin."""

    names: tuple[str, ...]
    end: int


class UnclosedQuoteError(Exception):
    """A quote that opens at offset `at` of the file is never closed."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class RecordTooLongError(Exception):
    """The record that begins at offset `at` of the file is longer than `limit` bytes."""

    def __init__(self, at: int, limit: int) -> None:
        super().__init__(at, limit)
        self.at = at
        self.limit = limit


class BackslashQuoteError(Exception):
    """A quote is escaped by a backslash, in a record at or after offset `at` of the file."""

    def __init__(self, at: int) -> None:
        super().__init__(at)
        self.at = at


class CsvStream:
    """The decompressed bytes of one file; read errors become `DataError`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.compressed = is_gzip(path)
        self._file = cast("BinaryIO", gzip.GzipFile(path)) if self.compressed else path.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def seek(self, offset: int) -> None:
        """Goes to a byte of the decompressed text; on gzip that reads everything before it."""
        self._file.seek(offset)

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes; fewer only at the end of the file."""
        try:
            return self._file.read(size)
        except GZIP_DAMAGE as error:
            raise gzip_damage(error, "csv", self._path, "rows") from error


def is_gzip(path: Path) -> bool:
    """Return whether the file starts with gzip's magic bytes, whatever its name.

    Raises:
        DataError: `csv.no_such_file`, `csv.not_a_file` or `csv.unreadable`.
    """
    require_regular(path, "csv")
    try:
        with path.open("rb") as file:
            return file.read(2) == _GZIP_MAGIC
    except FileNotFoundError as error:
        raise DataError("csv.no_such_file", f"{path} does not exist.", "Check the path and the input base.") from error
    except IsADirectoryError as error:
        raise DataError(
            "csv.not_a_file", f"Expected a CSV file but {path} is a folder.", "Give a pattern such as 'data/*.csv'."
        ) from error
    except OSError as error:
        raise DataError("csv.unreadable", f"Cannot read {path}: {error.strerror}.") from error


def read_header(path: Path, delimiter: str, max_record_bytes: int = MAX_RECORD_BYTES) -> Header:
    """Read the first record of a file, without a byte order mark and without Excel's `sep=` line.

    Raises:
        DataError: `csv.empty_file`, `csv.not_utf8`, `csv.empty_column_name`, `csv.duplicate_column`,
            `csv.record_too_long`, or `csv.other_format` where the content is of another format.
    """
    with CsvStream(path) as stream:
        raw = stream.read(1 << 16)
        other = other_format(path, raw)
        if other is not None:
            raise DataError("csv.other_format", f"{path} is not a CSV: its content is {other[0]}.", other[1])
        while raw and not _has_record_end(raw):
            if len(raw) > max_record_bytes:
                raise record_too_long(path, 1, max_record_bytes)
            more = stream.read(len(raw))
            if not more:
                break
            raw += more
    bom = len(BOM) if raw.startswith(BOM) else 0
    separator = excel_separator(raw[bom:])
    if separator is not None:
        if separator.delimiter != delimiter:
            raise DataError(
                "csv.delimiter_differs",
                f"{path}, row 1: the line declares the delimiter {separator.delimiter!r}, but {delimiter!r} is used.",
                f"Give {argument('delimiter', separator.delimiter)}, or remove the line.",
            )
        bom += separator.length
    first = raw[bom:].lstrip(b"\r\n").partition(b"\n")[0]
    if b"\0" in first:  # every other byte, in UTF-16
        raise name_not_utf8(path, 1, first)
    with readable(path):
        names, length = _first_record(raw[bom:], delimiter)
    if not names:
        raise DataError(
            "csv.empty_file",
            f"{path} is empty: expected a header row with the column names.",
            "Remove the file from the pattern, or export it again with a header.",
        )
    if length > max_record_bytes:
        raise record_too_long(path, 1, max_record_bytes)
    _check_names(path, names)
    return Header(names, bom + length)


class ExcelSeparator(NamedTuple):
    """A first line such as `sep=;`, which tells Excel the delimiter and is not a part of the data."""

    delimiter: str
    length: int


def excel_separator(text: bytes) -> ExcelSeparator | None:
    """Return what the first line says about the delimiter, if it is `sep=` and one character."""
    found = _EXCEL_SEPARATOR.match(text)
    return None if found is None else ExcelSeparator(found[1].decode(), found.end())


def record_too_long(path: Path, row: int, limit: int) -> DataError:
    """Return the error for a record of more than `limit` bytes."""
    return DataError(
        "csv.record_too_long",
        f"{path}, row {row}: the record is longer than {limit:,} bytes. A quote that is not closed makes the rest of "
        "the file one record; a record is parsed whole, and takes up to 20 times its size in memory.",
        f"Close the quote, or allow longer records with {argument('max_record_bytes')}.",
    )


def read_blocks(
    path: Path, delimiter: str, start: int, block_bytes: int = BLOCK_BYTES, max_record_bytes: int | None = None
) -> Iterator[Block]:
    """Yield the records from byte `start` (a record's first byte) to the end of the file.

    Raises:
        RecordTooLongError: A record is longer than `max_record_bytes`.
        BackslashQuoteError: Quotes are escaped by backslashes.
        UnclosedQuoteError: A quote opens and the file ends.
        DataError: The gzip stream is damaged or cut off.
    """
    if max_record_bytes is not None:  # so that only the first record of what is read can be too long
        block_bytes = min(block_bytes, max_record_bytes)
    with CsvStream(path) as stream:
        stream.seek(start)
        pending = b""
        while True:
            chunk = stream.read(block_bytes)
            data = pending + chunk
            if not data:
                return
            quotes = _quotes(data)
            if not _opens_at_field_starts(data, quotes, delimiter):
                with readable(path):
                    yield from _rewritten(data, stream, start, delimiter, max_record_bytes)
                return
            if max_record_bytes is not None and len(data) > max_record_bytes:
                _check_first_record(data, quotes, start, max_record_bytes)
            if not chunk:
                if len(quotes) % 2:
                    raise UnclosedQuoteError(start + int(quotes[-1]))
                yield Block(data, start)
                return
            end = record_end(data, quotes)
            if end:
                yield Block(data[:end], start)
            pending = data[end:]
            start += end


def read_span(path: Path, start: int, end: int) -> bytes:
    """Read the bytes `[start, end)` of an uncompressed file."""
    with CsvStream(path) as stream:
        stream.seek(start)
        return stream.read(end - start)


def _check_first_record(data: bytes, quotes: NDArray[np.int64], start: int, limit: int) -> None:
    ahead = limit + 1
    if not record_end(data[:ahead], quotes[: np.searchsorted(quotes, ahead)]):
        raise RecordTooLongError(start, limit)


def record_end(data: bytes, quotes: NDArray[np.int64] | None = None) -> int:
    """Return the offset after the last record that ends in `data`; 0 where none does."""
    positions = _quotes(data) if quotes is None else quotes
    newline = b"\n" if b"\n" in data else b"\r"
    limit = len(data)
    while (at := data.rfind(newline, 0, limit)) >= 0:
        before = int(np.searchsorted(positions, at))
        if before % 2 == 0:
            return at + 1
        limit = int(positions[before - 1])  # inside quotes: look before the quote that opened
    return 0


def _quotes(data: bytes) -> NDArray[np.int64]:
    if b'"' not in data:
        return np.empty(0, np.int64)
    return np.flatnonzero(np.frombuffer(data, np.uint8) == _QUOTE)


def _opens_at_field_starts(data: bytes, quotes: NDArray[np.int64], delimiter: str) -> bool:
    opens = quotes[0::2]
    if not len(opens):
        return True
    text = np.frombuffer(data, np.uint8)
    before = text[np.maximum(opens - 1, 0)]
    at_start = (before == ord(delimiter)) | (before == _NEWLINE) | (before == _RETURN) | (opens == 0)
    doubled = np.zeros(len(opens), bool)
    doubled[1:] = quotes[1:-1:2][: len(opens) - 1] == opens[1:] - 1
    return bool(np.all(at_start | doubled))


def _rewritten(data: bytes, stream: CsvStream, start: int, delimiter: str, limit: int | None) -> Iterator[Block]:
    text = io.TextIOWrapper(
        io.BufferedReader(cast("io.RawIOBase", _Rest(data, stream))), "utf-8", errors="surrogateescape", newline=""
    )
    lines = _Lines(text, start, limit)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator="\n")
    for count, row in enumerate(csv.reader(lines, delimiter=delimiter), 1):
        lines.in_record = 0
        writer.writerow(row)
        if count % _ROWS_PER_REWRITTEN_BLOCK == 0 or buffer.tell() > BLOCK_BYTES:
            yield Block(buffer.getvalue().encode("utf-8", "surrogateescape"), start, rewritten=True)
            buffer.seek(0)
            buffer.truncate()
    if buffer.tell():
        yield Block(buffer.getvalue().encode("utf-8", "surrogateescape"), start, rewritten=True)


class _Lines:
    """The lines of a text, for Python's reader, which itself bounds neither a line nor a record."""

    def __init__(self, text: io.TextIOWrapper, start: int, limit: int | None) -> None:
        self.in_record = 0  # characters of the record that is being read
        self._text = text
        self._start = start
        self._limit = limit

    def __iter__(self) -> Iterator[str]:
        size = -1 if self._limit is None else self._limit + 1
        while line := self._text.readline(size):
            self.in_record += len(line)
            if self._limit is not None and self.in_record > self._limit:
                raise RecordTooLongError(self._start, self._limit)
            if "\\" in line and _BACKSLASH_QUOTE.search(line):
                raise BackslashQuoteError(self._start)
            yield line


class _Rest(io.RawIOBase):
    """What was read ahead, then the rest of the stream."""

    def __init__(self, ahead: bytes, stream: CsvStream) -> None:
        self._ahead = memoryview(ahead)
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer has no len()
        size = len(buffer)
        part = self._ahead[:size] if len(self._ahead) else self._stream.read(size)
        self._ahead = self._ahead[size:]
        buffer[: len(part)] = part
        return len(part)


def _has_record_end(raw: bytes) -> bool:
    return record_end(raw) > 0 and bool(raw.strip(b"\r\n\xef\xbb\xbf"))


def _first_record(raw: bytes, delimiter: str) -> tuple[tuple[str, ...], int]:
    consumed = 0

    def lines() -> Iterator[str]:
        nonlocal consumed
        for line in io.StringIO(raw.decode("utf-8", "surrogateescape"), newline=""):
            consumed += len(line.encode("utf-8", "surrogateescape"))
            yield line

    for row in csv.reader(lines(), delimiter=delimiter):
        if row:
            return tuple(row), consumed
    return (), consumed


def _check_names(path: Path, names: tuple[str, ...]) -> None:
    numbers = [float(name) for name in names if NUMBER.fullmatch(name.strip())]
    ascend = all(one < other for one, other in pairwise(numbers))  # quantiles, positions, years
    whole = all(name.strip().isdecimal() for name in names if NUMBER.fullmatch(name.strip()))
    years = whole and all(one > other for one, other in pairwise(numbers))
    if not (ascend or years):
        shown = ", ".join(names[:_NAMES_SHOWN])
        raise DataError(
            "csv.header_is_data",
            f"{path}, row 1: the names of the columns would be {shown}{', …' if len(names) > _NAMES_SHOWN else ''}; it "
            "looks like a row of data in a file without a header.",
            "Add a first line with the names of the columns.",
        )
    seen: dict[str, int] = {}
    for position, name in enumerate(names, 1):
        if not name.isprintable() and any("\udc80" <= character <= "\udcff" for character in name):
            raise name_not_utf8(path, position, name.encode(errors="surrogateescape"))
        if not name.strip():
            is_index = position == 1 and all(other.strip() for other in names[1:])
            raise DataError(
                "csv.empty_column_name",
                f"{path}, row 1, column {position}: expected a column name, found an empty cell.",
                "It looks like the index of a pandas data frame: export it with df.to_csv(path, index=False)."
                if is_index
                else "Name the column in the header, or remove the trailing delimiter.",
            )
        if name in seen:
            raise DataError(
                "csv.duplicate_column",
                f"{path}, row 1: columns {seen[name]} and {position} have the same name '{name}'.",
                "Rename one of them.",
            )
        seen[name] = position
