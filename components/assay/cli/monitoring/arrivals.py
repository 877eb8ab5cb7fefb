"""The spans that a pattern finds, and whether one has changed since it was looked at."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from assay.components.example_gen.patterns import find_spans
from assay.errors import DataError, check_not_url

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPECIAL = "*?[{"
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A span's files.

    Attributes:
        span: Its number; for a date the days since 1970-01-01.
        name: As people call it: the date, or the number.
        files: Of its newest version, sorted.
        fingerprint: Changes when a file is added, removed or rewritten.
    """

    span: int
    name: str
    files: tuple[Path, ...]
    fingerprint: str


def arrivals(pattern: str) -> list[Arrival]:
    """Return the spans that `data/{SPAN}/*.csv` or `data/{YYYY}-{MM}-{DD}.parquet` finds, in order.

    Raises:
        UsageError: The pattern names neither a span nor a date, or is wrong.
        DataError: The folder before the first placeholder is not there.
    """
    parts = Path(pattern).parts
    at = next((i for i, part in enumerate(parts) if any(character in part for character in _SPECIAL)), len(parts) - 1)
    base, rest = Path(*parts[:at]), Path(*parts[at:]).as_posix()
    if not base.is_dir():
        check_not_url(base, "The pattern of spans")
        raise DataError("monitor.no_folder", f"Expected a folder at {base}; there is none.", "Check the pattern.")
    dated = "{YYYY}" in rest
    return [
        Arrival(
            span,
            (_EPOCH + timedelta(days=span)).isoformat() if dated else str(span),
            tuple(files),
            _fingerprint(files),
        )
        for span, files in sorted(find_spans(base, rest).items())
    ]


def _fingerprint(files: Sequence[Path]) -> str:
    lines = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
