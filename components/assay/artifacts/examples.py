"""Examples: rows by split, as Parquet or as compressed TFRecord of tf.Example."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from assay.artifacts.base import Artifact, shard_order
from assay.artifacts.formats.example_records import ExampleRecords, ExampleRecordWriter
from assay.artifacts.formats.parquet import ParquetTable, ParquetWriter, open_parquet
from assay.errors import ArtifactError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

FileFormat = Literal["parquet", "tfrecord_gzip"]
PARQUET: FileFormat = "parquet"
TFRECORD_GZIP: FileFormat = "tfrecord_gzip"
_FILE_NAMES = {PARQUET: "data-00000-of-00001.parquet", TFRECORD_GZIP: "data-00000-of-00001.tfrecord.gz"}


class BatchWriter(Protocol):
    """Writes the rows of a split."""

    @property
    def num_rows(self) -> int:
        """Rows so far."""
        ...

    def write(self, batch: pa.RecordBatch) -> None:
        """Adds rows."""
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
        return recorded or self._format_by_name()

    def describe(self) -> Mapping[str, Any]:
        """Reads splits and format off a folder that TFX wrote."""
        file_format = self._format_by_name()
        return {
            "split_names": [split for split, _ in self.split_folders()],
            "span": 0,
            "file_format": file_format,
            "payload_format": "FORMAT_PARQUET" if file_format == PARQUET else "FORMAT_TF_EXAMPLE",
        }

    def split_path(self, split: str) -> Path:
        """The folder of a split.

        Raises:
            ArtifactError: If there is no such split.
        """
        if split not in self.split_names:
            raise ArtifactError(
                "examples.unknown_split", f"{self.path} has no split '{split}'.", did_you_mean(split, self.split_names)
            )
        return self.require(f"Split-{split}")

    def files(self, split: str) -> list[Path]:
        """The data files of a split, in the order of their names and of the numbers in them."""
        found = self.split_path(split).iterdir()
        return sorted(
            (path for path in found if path.is_file() and not path.name.startswith((".", "_"))), key=shard_order
        )

    def source(self, split: str) -> ParquetTable | ExampleRecords:
        """The rows of a split, in parts that an engine can work on.

        Raises:
            DataError: If a file cannot be read.
        """
        files = self.files(split)
        return open_parquet(files) if self.file_format == PARQUET else ExampleRecords(files)

    def batches(self, split: str, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """The rows of a split, in order, with the given columns (default: all)."""
        for shard in self.source(split).shards:
            yield from shard.batches(columns)

    def num_rows(self, split: str) -> int:
        """Rows of a split: as recorded, else counted."""
        if split in self.rows:
            return self.rows[split]
        return sum(batch.num_rows for batch in self.batches(split))

    @contextmanager
    def writer(self, split: str, schema: pa.Schema) -> Iterator[BatchWriter]:
        """Writes the rows of a split in the artifact's file format, and records their number.

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

    def _format_by_name(self) -> FileFormat:
        is_parquet = any(self.path.glob("Split-*/*.parquet")) or any(self.path.glob("Split-*/*_parquet-*"))
        return PARQUET if is_parquet else TFRECORD_GZIP
