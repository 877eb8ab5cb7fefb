"""The delimiter of a CSV file that nobody named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from assay.artifacts.formats.csv_blocks import BOM, MAX_RECORD_BYTES, NUMBER, CsvStream, excel_separator, read_header
from assay.errors import DataError, argument

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COMMA = ","
_OTHERS = (";", "\t", "|")
_SELDOM: Final = "^~\x01\x02\x1e\x1f"
_START_BYTES: Final = 1 << 16
_LEAST_WORDS: Final = 2


def delimiter_of(path: Path, max_record_bytes: int = MAX_RECORD_BYTES) -> str:
    """Return the delimiter that the file's first line names (`sep=;`), else the one that its header shows.

    That is the comma; or, where the header is a single cell by it, what cuts that cell into most names. Semicolons,
    tabs and bars are looked for. See docs/decisions/0012-csv-delimiter-detection.md.

    Raises:
        DataError: The file has no header that can be read, or its columns are cut by blanks.
    """
    with CsvStream(path) as stream:
        start = stream.read(_START_BYTES)
    separator = excel_separator(start.removeprefix(BOM))
    if separator is not None:
        return separator.delimiter
    header = read_header(path, COMMA, max_record_bytes).names
    if len(header) > 1:
        return COMMA
    counts = {other: header[0].count(other) for other in _OTHERS}
    most = max(_OTHERS, key=lambda other: counts[other])
    if counts[most]:
        return most
    lines = start.removeprefix(BOM).decode("utf-8", "replace").splitlines()
    if len(start) == _START_BYTES:
        del lines[-1]  # it may be cut
    _refuse_blanks(path, lines)
    _refuse_other_delimiters(path, [line for line in lines if line])
    return COMMA


def _refuse_other_delimiters(path: Path, lines: Sequence[str]) -> None:
    """Refuse a file of one column whose header and lines all have as many of a character that seldom is in text."""
    for character in _SELDOM:
        cells = {line.count(character) for line in lines}
        if len(lines) > 1 and len(cells) == 1 and 0 not in cells:
            given = argument("delimiter", character)
            convert = f"Convert the file: tr '\\{ord(character):03o}' ',' < {path} > converted.csv."
            raise DataError(
                "csv.other_delimiter",
                f"{path}: the header is a single column, and every line has {cells.pop() + 1} cells between "
                f"{character!r}.",
                f"{f'Name the delimiter: {given}.' if character.isprintable() else convert} If it is one column, give "
                f"{argument('delimiter', ',')}.",
            )


def _refuse_blanks(path: Path, lines: Sequence[str]) -> None:
    """Refuse a file whose lines all have as many words as its header, where a word of each is a number.

    It would be read as one column of text. A single column of names or sentences has no numbers in one place.
    """
    header, *rows = [words for line in lines if (words := line.split())] or [[]]
    if len(header) < _LEAST_WORDS or not rows or any(len(row) != len(header) for row in rows):
        return
    if any(all(NUMBER.fullmatch(word) for word in words) for words in zip(*rows, strict=True)):
        raise DataError(
            "csv.blanks",
            f"{path}: the header is a single column, and every line has {len(header)} words; the columns seem to be "
            "separated by blanks.",
            f"Convert the file: tr -s ' \\t' ',' < {path} > converted.csv. If it is one column, give "
            f"{argument('delimiter', ',')}.",
        )
