"""Says where and why a block of CSV does not parse; runs only once reading has failed."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.data.csv_blocks import CsvStream, readable
from assay.data.csv_types import Kind, column_kind, parse
from assay.errors import DataError, argument

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from assay.data.csv_blocks import Block
    from assay.data.csv_types import CsvOptions

_READ_BYTES = 16 << 20
_SHOWN = 60


def not_utf8(path: Path, names: Sequence[str], block: Block, error: UnicodeDecodeError, delimiter: str) -> DataError:
    """Return the error for bytes that are not UTF-8, with their row and column."""
    line = _line_of(path, block, error.start)
    record_start = max(block.data.rfind(b"\n", 0, error.start), block.data.rfind(b"\r", 0, error.start)) + 1
    with readable(path):
        cells = next(csv.reader([block.data[record_start : error.start].decode("utf-8")], delimiter=delimiter), [])
    position = max(len(cells), 1)
    column = f"column '{names[position - 1]}'" if position <= len(names) else f"column {position}"
    found = block.data[error.start : error.start + 4].hex(" ")
    return DataError(
        "csv.not_utf8",
        f"{path}, row {line}, {column}: expected UTF-8 text and found the bytes {found}.",
        "Convert the file: iconv -f LATIN1 -t UTF-8 (or the encoding it has).",
    )


def unparsable(path: Path, names: Sequence[str], block: Block, delimiter: str, reason: str) -> DataError:
    """Return the error for a block that Arrow refuses: the first record whose cells do not match the header."""
    first = _line_of(path, block, 0)
    reader = csv.reader(io.StringIO(block.data.decode("utf-8"), newline=""), delimiter=delimiter)
    start = 0
    with readable(path):
        for row in reader:
            if row and len(row) != len(names):
                return _ragged(path, names, first + start, row)
            start = reader.line_num
    return DataError("csv.unreadable", f"{path}, near row {first}: {reason}.", "Check the quoting and the delimiter.")


def not_of_type(path: Path, names: Sequence[str], block: Block, column: str, options: CsvOptions) -> DataError:
    """Return the error for the first cell of a block that is not of the type that was named for its column."""
    cells = parse(block.data, names, {column: pa.string()}, options)[column]
    kinds = {None: Kind.NULL}
    records = csv.reader(io.StringIO(block.data.decode("utf-8"), newline=""), delimiter=str(options.delimiter))
    line = 1  # of the record's first character, as in the other messages
    for cell in cells.to_pylist():
        while not next(records):  # blank lines are not records
            line = records.line_num + 1
        if cell not in kinds:
            kinds[cell] = column_kind(pa.chunked_array([[cell]]), column, options)
        if options.misfits(column, kinds[cell]):
            break
        line = records.line_num + 1
    unit = options.units.get(column, "")
    expected = {
        "int": "a whole number",
        "float": "a number",
        "amount": f"a number with the unit '{unit}'" if unit else "a number",
        "date": "a date such as 2024-01-31",
        "time": "a date and time such as 2024-01-31T12:30:00",
    }[options.types[column]]
    return DataError(
        "csv.cell_type",
        f"{path}, row {_line_of(path, block, 0) + line - 1}, column '{column}': expected {expected}, found "
        f"{_shorten(cell)!r}.",
        f"Correct the cell, name it as a missing value with {argument('missing_values', cell)}, or read the column as "
        f"text with {argument('types', {column: 'text'}, option='--type', words=f'{column}=text')}.",
    )


def unclosed_quote(path: Path, at: int) -> DataError:
    """Return the error for a quote that opens at a byte offset and never closes."""
    return DataError(
        "csv.unclosed_quote",
        f"{path}, row {lines_before(path, at) + 1}: a quote opens and the file ends before it closes.",
        "Close the quote, or export the file again.",
    )


def backslash_quote(path: Path, start: int) -> DataError:
    """Return the error for the first quote at or after a byte offset that a backslash escapes."""
    with CsvStream(path) as stream:
        stream.seek(start)
        data = stream.read(_READ_BYTES)
    line = lines_before(path, start) + _count_lines(data[: max(data.find(b'\\"'), 0)]) + 1
    return DataError(
        "csv.backslash_quote",
        f"{path}, row {line}: a quote is escaped by a backslash; expected a doubled quote, as CSV has it.",
        'Export the file with doubled quotes, or convert it: sed \'s/\\\\"/""/g\' FILE.',
    )


def _ragged(path: Path, names: Sequence[str], line: int, row: list[str]) -> DataError:
    expected, count = (f"{number} cell" + ("s" if number > 1 else "") for number in (len(names), len(row)))
    if len(row) < len(names):
        where = f"column '{names[len(row)]}' and the columns after it are missing"
    else:
        where = f"{_shorten(row[len(names)])!r} is beyond the last column '{names[-1]}'"
    return DataError(
        "csv.ragged_row",
        f"{path}, row {line}: expected {expected} as in the header, found {count}; {where}.",
        "Quote cells that contain the delimiter, or name another delimiter.",
    )


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _line_of(path: Path, block: Block, offset: int) -> int:
    if block.rewritten:  # only the place where the rewriting began is known in the file
        return lines_before(path, block.start) + 1
    return lines_before(path, block.start) + _count_lines(block.data[:offset]) + 1


def lines_before(path: Path, offset: int) -> int:
    """Return the number of line ends before a byte of the (decompressed) file."""
    lines, left, previous = 0, offset, b""
    with CsvStream(path) as stream:
        while left and (data := stream.read(min(left, _READ_BYTES))):
            lines += _count_lines(data) - (previous == b"\r" and data.startswith(b"\n"))
            left -= len(data)
            previous = data[-1:]
    return lines


def _count_lines(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")
