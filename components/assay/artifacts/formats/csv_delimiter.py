"""The delimiter of a CSV file that nobody named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.artifacts.formats.csv_blocks import read_header

if TYPE_CHECKING:
    from pathlib import Path

COMMA = ","
_OTHERS = (";", "\t", "|")


def delimiter_of(path: Path) -> str:
    """Gives the comma; or, where the header is a single cell by it, what cuts that cell into most names.

    Semicolons, tabs and bars are looked for. See docs/decisions/0012-the-delimiter-that-nobody-named.md.

    Raises:
        DataError: The file has no header that can be read.
    """
    header = read_header(path, COMMA).names
    if len(header) > 1:
        return COMMA
    counts = {other: header[0].count(other) for other in _OTHERS}
    most = max(_OTHERS, key=lambda other: counts[other])
    return most if counts[most] else COMMA
