"""What is wrong with a gzip stream that cannot be read to its end."""

from __future__ import annotations

import gzip
import zlib
from typing import Final

from assay.errors import DataError

GZIP_DAMAGE: Final = (EOFError, gzip.BadGzipFile, zlib.error)
"""What Python raises for a stream that is cut off or damaged."""


def gzip_damage(error: Exception, code: str, place: object, items: str) -> DataError:
    """Gives the error of one of `GZIP_DAMAGE`.

    Args:
        error: What was raised.
        code: What the error's code begins with.
        place: The file, and where in it.
        items: What the file holds: rows, or records.
    """
    if isinstance(error, EOFError):
        return DataError(
            f"{code}.truncated_gzip",
            f"{place}: the gzip stream is cut off before its end.",
            f"Copy or export the file again; the {items} up to the cut would be an arbitrary part of the data.",
        )
    return DataError(
        f"{code}.bad_gzip", f"{place}: the gzip stream is damaged ({error}).", "Copy or export the file again."
    )
