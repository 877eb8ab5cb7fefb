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
