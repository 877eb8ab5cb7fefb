"""Examples: rows by split, as Parquet or as compressed TFRecord of tf.Example."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assay.artifacts.base import Artifact
from assay.data.example_records import ExampleRecords, ExampleRecordWriter
from assay.data.parquet import ParquetTable, ParquetWriter
from assay.data.splits import (
    PARQUET,
    TFRECORD_GZIP,
    FileFormat,
    check_split,
    data_files,
    format_by_name,
    open_split,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

_FILE_NAMES = {PARQUET: "data-00000-of-00001.parquet", TFRECORD_GZIP: "data-00000-of-00001.tfrecord.gz"}


class BatchWriter(Protocol):
    """Writes the rows of a split."""

    @property
    def num_rows(self) -> int:
        """Rows so far."""
        ...

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        ...


class Examples(Artifact):
    """Rows of data by split.

    A flat column holds at most one value a row and null where the feature is missing; a list column holds any number.
    """

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of the splits, in order."""
        return tuple(self.properties.get("split_names") or (split for split, _ in self.split_folders()))

    @property
    def span(self) -> int:
        """Number of the span of data."""
        return int(self.properties.get("span") or 0)

    @property
    def version(self) -> int | None:
        """Version of the span, where the input names one."""
        return self.properties.get("version")

    @property
    def file_format(self) -> FileFormat:
        """`parquet` or `tfrecord_gzip`: as recorded, or by the names of the files."""
        recorded: FileFormat | None = self.properties.get("file_format")
        return recorded or format_by_name(self.path)

    def describe(self) -> Mapping[str, Any]:
        """Infer splits and format from a folder that TFX wrote."""
        file_format = format_by_name(self.path)
        return {
            "split_names": [split for split, _ in self.split_folders()],
            "span": 0,
            "file_format": file_format,
            "payload_format": "FORMAT_PARQUET" if file_format == PARQUET else "FORMAT_TF_EXAMPLE",
        }

    def split_path(self, split: str) -> Path:
        """Return the folder of a split.

        Raises:
            ArtifactError: If there is no such split.
        """
        check_split(self.path, split, self.split_names)
        return self.require(f"Split-{split}")

    def files(self, split: str) -> list[Path]:
        """Return the data files of a split, in the order of their names and of the numbers in them."""
        return data_files(self.split_path(split))

    def source(self, split: str) -> ParquetTable | ExampleRecords:
        """Return the rows of a split, in parts that an engine can work on.

        Raises:
            DataError: If a file cannot be read.
        """
        return open_split(self.split_path(split), self.file_format)

    def batches(self, split: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Return the rows of a split, in order, with the given columns (default: all)."""
        for shard in self.source(split).shards:
            yield from shard.batches(columns)

    def num_rows(self, split: str) -> int:
        """Return the number of rows of a split: as recorded, else counted."""
        if split in self.rows:
            return self.rows[split]
        return sum(batch.num_rows for batch in self.batches(split))

    @contextmanager
    def writer(self, split: str, schema: pa.Schema) -> Iterator[BatchWriter]:
        """Write the rows of a split in the artifact's file format, and record their number.

        Set `properties["file_format"]` first where it is not Parquet.

        Args:
            split: The split's name.
            schema: The columns that every batch has.
        """
        file_format = self.properties.setdefault("file_format", PARQUET)
        folder = self.path / f"Split-{split}"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _FILE_NAMES[file_format]
        with ParquetWriter(path, schema) if file_format == PARQUET else ExampleRecordWriter(path) as writer:
            yield writer
            # Rows are known once the writer has taken them; an aborted block records none.
            self.rows[split] = writer.num_rows
