"""What Python's csv module refuses, as an error of ours."""

from __future__ import annotations

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


def name_not_utf8(path: Path, position: int, name: str) -> DataError:
    """Gives the error for a header that is not UTF-8: UTF-16, as spreadsheets save "Unicode text", or another."""
    is_utf16 = name.encode(errors="surrogateescape")[:2] in {b"\xff\xfe", b"\xfe\xff"}  # a mark of byte order
    return DataError(
        "csv.not_utf8",
        f"{path}, row 1, column {position}: the column's name is not UTF-8.",
        "Convert the file: iconv -f UTF-16 -t UTF-8."
        if is_utf16
        else "Convert the file: iconv -f LATIN1 -t UTF-8 (or the encoding it has).",
    )
