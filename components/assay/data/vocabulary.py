"""Vocabulary files: a token a line, or a record each of a TFRecord file; a token's number is its place."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.data.tfrecord import read_records
from assay.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_vocabularies(paths: Mapping[str, str | Path]) -> dict[str, tuple[str, ...]]:
    """Return the tokens in each file; blanks around a token do not belong to it, as in TFDV.

    Raises:
        DataError: A file is missing, damaged or not UTF-8.
    """
    return {name: _tokens(name, Path(path)) for name, path in paths.items()}


def _tokens(name: str, path: Path) -> tuple[str, ...]:
    try:
        if path.name.endswith("tfrecord.gz"):
            return tuple(record.decode().strip() for record in read_records(path))
        with path.open(encoding="utf-8") as lines:
            return tuple(line.strip() for line in lines)
    except OSError as error:
        raise DataError(
            "vocabulary.unreadable",
            f"Expected the vocabulary '{name}' at {path}: {error.strerror}.",
            "Run Transform again with --force.",
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            "vocabulary.not_utf8",
            f"The vocabulary '{name}' at {path} is not UTF-8: {error}.",
            "Write it as UTF-8 text, one value per line.",
        ) from error
