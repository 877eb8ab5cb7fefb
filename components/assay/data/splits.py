"""Rows by split, in the layout of TFX's Examples: a `Split-<name>` folder for each, of Parquet or of TFRecord files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from assay.data.example_records import ExampleRecords
from assay.data.parquet import ParquetTable, open_parquet
from assay.errors import ArtifactError, UsageError, did_you_mean
from assay.files import shard_order, split_folders

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from typing_extensions import TypeIs

FileFormat = Literal["parquet", "tfrecord_gzip"]
PARQUET: FileFormat = "parquet"
TFRECORD_GZIP: FileFormat = "tfrecord_gzip"


class Splits(Protocol):
    """Rows by split: an Examples artifact, or a folder in its layout."""

    @property
    def path(self) -> Path:
        """The folder."""
        ...

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of the splits, in order."""
        ...

    def source(self, split: str) -> ParquetTable | ExampleRecords:
        """Return the rows of a split."""
        ...


@dataclass(frozen=True, slots=True)
class SplitFolders:
    """A folder in the layout of Examples, whoever wrote it and whether or not it has a manifest.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of the splits, in order."""
        return tuple(split for split, _ in split_folders(self.path))

    def source(self, split: str) -> ParquetTable | ExampleRecords:
        """Return the rows of a split, in parts that an engine can work on.

        Raises:
            ArtifactError: If there is no such split.
            DataError: If a file cannot be read.
        """
        check_split(self.path, split, self.split_names)
        return open_split(self.path / f"Split-{split}", format_by_name(self.path))


def has_splits(data: Any) -> TypeIs[Splits]:
    """Tell whether `data` has rows by split."""
    # The class is asked, not the object: columns of a data frame are attributes of it, whatever their names.
    return hasattr(type(data), "split_names") and hasattr(type(data), "source")


def check_split(folder: Path, split: str, names: Sequence[str]) -> None:
    """Check that there is such a split.

    Raises:
        ArtifactError: If there is not.
    """
    if split not in names:
        raise ArtifactError("examples.unknown_split", f"{folder} has no split '{split}'.", did_you_mean(split, names))


def data_files(folder: Path) -> list[Path]:
    """Return the data files of a folder, in the order of their names and of the numbers in them."""
    found = (path for path in folder.iterdir() if path.is_file() and not path.name.startswith((".", "_")))
    return sorted(found, key=shard_order)


def format_by_name(folder: Path) -> FileFormat:
    """Return the file format of all splits of a folder, by the names of their files."""
    is_parquet = any(folder.glob("Split-*/*.parquet")) or any(folder.glob("Split-*/*_parquet-*"))
    return PARQUET if is_parquet else TFRECORD_GZIP


def open_split(folder: Path, file_format: FileFormat) -> ParquetTable | ExampleRecords:
    """Return the rows of a split's folder, in parts that an engine can work on.

    Raises:
        DataError: If a file cannot be read.
    """
    files = data_files(folder)
    return open_parquet(files) if file_format == PARQUET else ExampleRecords(files)


def chosen_splits(owner: str, splits: Sequence[str], exclude: Sequence[str] | None) -> list[str]:
    """Return the splits but the excluded ones.

    Args:
        owner: What has the splits, for messages.
        splits: The names of all splits.
        exclude: Those that are left out.

    Raises:
        UsageError: If an excluded split does not exist (a typo would otherwise include it in silence), or none is left.
    """
    excluded = set(exclude or ())
    for name in sorted(excluded - set(splits)):
        raise UsageError(
            "splits.unknown",
            f"exclude_splits names '{name}', which is not a split of {owner}.",
            did_you_mean(name, splits),
        )
    chosen = [split for split in splits if split not in excluded]
    if not chosen:
        raise UsageError(
            "splits.none_left",
            f"exclude_splits excludes every split of {owner}.",
            f"Remove one of {', '.join(splits)} from exclude_splits.",
        )
    return chosen
