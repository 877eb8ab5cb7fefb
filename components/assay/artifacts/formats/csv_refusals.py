"""What Python's csv module refuses, as an error of ours."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import DataError


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Runs a block in which the csv module reads a file.

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
    """Gives the error for a header that is not UTF-8: UTF-16, as spreadsheets save "Unicode text", or another."""
    encoding = _encoding(name)
    return DataError(
        "csv.not_utf8",
        f"{path}, row 1, column {position}: the column's name is not UTF-8.",
        f"Convert the file: iconv -f {encoding} -t UTF-8."
        if encoding
        else "Convert the file: iconv -f LATIN1 -t UTF-8 (or the encoding it has).",
    )


def _encoding(name: bytes) -> str:
    """The wide encoding that a name is written in, by its mark of byte order or its null bytes; empty for none."""
    if name.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "UTF-32"
    if name.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "UTF-16"
    if b"\0" not in name:
        return ""
    wide = "UTF-32" if b"\0\0" in name else "UTF-16"
    return f"{wide}BE" if name.startswith(b"\0") else f"{wide}LE"
