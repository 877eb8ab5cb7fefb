"""Quarantine: the rows of each split that were rejected, with their reasons, and counts that add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import pyarrow as pa

from assay.artifacts.base import Artifact
from assay.data.parquet import ParquetTable, ParquetWriter, open_parquet
from assay.errors import ArtifactError, EngineError
from assay.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from assay.artifacts.examples import BatchWriter

COUNTS_FILE = "counts.json"
ROWS_FILE = "data-00000-of-00001.parquet"
_REASON_PREFIX = "assay_"
_ROW = "assay_row"


class SeparatedRows(Protocol):
    """A batch in two parts, as row rules separate it."""

    @property
    def num_rows(self) -> int:
        """Rows of the batch."""
        ...

    @property
    def clean(self) -> pa.RecordBatch:
        """Rows to go on with."""
        ...

    @property
    def rejected(self) -> pa.RecordBatch:
        """Rows to keep back; `assay_row` counts from the first row of the batch."""
        ...

    @property
    def broken(self) -> dict[str, int]:
        """Return the number of rows that break each broken rule."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineCounts:
    """What became of a split's rows; `read` is `clean` and `rejected`, exactly.

    Attributes:
        read: Rows that were read.
        clean: Rows that went on.
        rejected: Rows that were kept back.
        broken: For each rule that some row breaks, how many do. A row may break several, and rows that break only
            warnings are clean.
    """

    read: int
    clean: int
    rejected: int
    broken: dict[str, int] = field(default_factory=dict)


class Quarantine(Artifact):
    """Rejected rows of each split, as Parquet, with the columns that say why."""

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of the splits, in order."""
        return tuple(self.properties.get("split_names") or (split for split, _ in self.split_folders()))

    def describe(self) -> Mapping[str, Any]:
        """Infer the split names from the folder."""
        return {"split_names": [split for split, _ in self.split_folders()], "span": 0}

    def rejected(self, split: str) -> ParquetTable:
        """Return the rejected rows of a split.

        Raises:
            ArtifactError: If there is no such split.
        """
        return open_parquet([self.require(f"Split-{split}/{ROWS_FILE}")])

    def counts(self, split: str) -> QuarantineCounts:
        """Return what became of a split's rows.

        Raises:
            ArtifactError: If there is no such split, or its counts cannot be read.
        """
        path = self.require(f"Split-{split}/{COUNTS_FILE}")
        try:
            return msgspec.json.decode(path.read_bytes(), type=QuarantineCounts)
        except msgspec.MsgspecError as error:
            raise ArtifactError(
                "quarantine.bad_counts",
                f"{path} does not contain valid counts: {error}.",
                "Restore the file, or rerun the step that writes it with --force.",
            ) from error

    def write(
        self,
        split: str,
        parts: Iterable[SeparatedRows],
        rejected_schema: pa.Schema,
        clean: BatchWriter,
    ) -> QuarantineCounts:
        """Write a split's rows: the clean ones where they go on, the rejected ones here, with the counts.

        Holds one part at a time: `engine.map(source, Separation(rules, duplicates))` gives them in order.

        Args:
            split: The split's name.
            parts: The separated batches, in the order of the rows.
            rejected_schema: The columns of rejected rows.
            clean: Writer of the clean rows, such as `examples.writer(split, schema)`.

        Raises:
            EngineError: Rows were lost or made on the way.
        """
        folder = self.path / f"Split-{split}"
        folder.mkdir(parents=True, exist_ok=True)
        counts = write_separated(parts, folder / ROWS_FILE, rejected_schema, clean)
        write_durably(folder / COUNTS_FILE, msgspec.json.format(msgspec.json.encode(counts), indent=2) + b"\n")
        self.rows[split] = counts.rejected
        return counts


def write_separated(
    parts: Iterable[SeparatedRows],
    rejected_path: Path,
    rejected_schema: pa.Schema,
    clean: BatchWriter,
) -> QuarantineCounts:
    """Write clean rows to one writer and rejected rows to a Parquet file, numbered in the whole data.

    Raises:
        EngineError: Rows were lost or made on the way.
    """
    read, broken = 0, Counter[str]()
    before = clean.num_rows
    clean_schema = pa.schema([field for field in rejected_schema if not field.name.startswith(_REASON_PREFIX)])
    with ParquetWriter(rejected_path, rejected_schema) as rejected:
        for part in parts:
            if part.clean.num_rows:
                clean.write(_aligned(part.clean, clean_schema))
            if part.rejected.num_rows:
                rejected.write(_numbered_from(read, _aligned(part.rejected, rejected_schema)))
            read += part.num_rows
            broken.update(part.broken)
    written = clean.num_rows - before
    if written + rejected.num_rows != read:
        raise EngineError(
            "quarantine.rows_lost",
            f"Read {read} rows, and wrote {written} clean and {rejected.num_rows} rejected ones.",
        )
    return QuarantineCounts(read=read, clean=written, rejected=rejected.num_rows, broken=dict(sorted(broken.items())))


def _aligned(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Add the columns that a batch lacks; batches of TFRecord files lack those that none of their rows has."""
    if batch.schema == schema:
        return batch
    extra = set(batch.schema.names) - set(schema.names)
    if extra:
        raise EngineError("quarantine.unknown_column", f"Rows have a column '{min(extra)}' that was not announced.")
    columns = {name: batch.column(position) for position, name in enumerate(batch.schema.names)}
    return pa.RecordBatch.from_arrays(
        [
            columns[field.name].cast(field.type) if field.name in columns else pa.nulls(batch.num_rows, field.type)
            for field in schema
        ],
        schema=schema,
    )


def _numbered_from(first: int, batch: pa.RecordBatch) -> pa.RecordBatch:
    position = batch.schema.get_field_index(_ROW)
    columns = list(batch.columns)
    columns[position] = pa.array(columns[position].to_numpy(zero_copy_only=False) + first, pa.int64())
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
