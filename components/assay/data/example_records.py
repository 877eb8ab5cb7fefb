"""TFRecord files of tf.Example, as rows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from typing_extensions import Self

from assay.data.tf_example import decode, encode, is_list
from assay.data.tfrecord import TFRecordWriter, read_records
from assay.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

_EXACT_IN_SINGLE = 2.0**24
_BATCH_RECORDS = 4096


@dataclass(frozen=True, slots=True)
class ExampleRecordShard:
    """One file, read as a stream."""

    path: Path

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows as list columns; a feature that no record of a batch holds is absent from that batch."""
        records = iter(read_records(self.path))
        first = 1
        while chunk := list(islice(records, _BATCH_RECORDS)):
            batch = decode(chunk, source=str(self.path), first_record=first)
            first += len(chunk)
            yield batch if columns is None else _selected(batch, columns)


@dataclass(frozen=True, slots=True)
class ExampleRecords:
    """TFRecord files of tf.Example.

    Attributes:
        paths: The files, in order.
    """

    paths: Sequence[Path]

    @property
    def shards(self) -> Sequence[ExampleRecordShard]:
        """A shard for each file."""
        return [ExampleRecordShard(path) for path in self.paths]

    @property
    def bounded(self) -> bool:
        """A compressed file is a stream of any length."""
        return False


def _selected(batch: pa.RecordBatch, columns: Sequence[str]) -> pa.RecordBatch:
    names = [name for name in columns if name in batch.schema.names]
    arrays = [batch.column(batch.schema.get_field_index(name)) for name in names]
    if not arrays:  # the rows count even where no column is asked for
        return pa.RecordBatch.from_arrays([pa.nulls(batch.num_rows)], [""])
    return pa.RecordBatch.from_arrays(arrays, names)


class ExampleRecordWriter:
    """Writes rows as a compressed TFRecord file of tf.Example; a context manager.

    Attributes:
        narrowed: Columns of large numbers that lost more than a fraction of them, since tf.Example holds float32: a
            number of each, and what is written in its place.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._records = TFRecordWriter(path)
        self.narrowed: dict[str, tuple[float, float]] = {}

    @property
    def num_rows(self) -> int:
        """Rows written so far."""
        return self._records.num_records

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *details: object) -> None:
        self._records.__exit__(kind, *details)

    def write(self, batch: pa.RecordBatch) -> None:
        """Add rows.

        Raises:
            DataError: If a column has no place in a tf.Example, or a number is too large for a float32.
            ArtifactError: If the file system refuses the write.
        """
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            values = column.flatten() if is_list(column.type) else column
            if pa.types.is_float64(values.type) or pa.types.is_decimal(values.type):
                self._check_narrowing(name, values.drop_null().cast(pa.float64()).to_numpy(zero_copy_only=False))
        self._records.write(*encode(batch))

    def _check_narrowing(self, name: str, numbers: NDArray[np.float64]) -> None:
        with np.errstate(over="ignore"):
            written = numbers.astype(np.float32).astype(np.float64)
        too_large = np.flatnonzero(np.isinf(written) & np.isfinite(numbers))
        if len(too_large):
            raise DataError(
                "tf_example.out_of_range",
                f"Column '{name}' has the number {float(numbers[too_large[0]])!r}, which is too large for the float32 "
                f"of a tf.Example, in {self._path.name}.",
                "Write Parquet, whose numbers are doubles: file_format='parquet'.",
            )
        # Below 2^24 a float32 is within half of the number; above it, whole numbers (ids, seconds) become others.
        changed = np.flatnonzero((written != numbers) & (np.abs(numbers) >= _EXACT_IN_SINGLE))
        if len(changed) and name not in self.narrowed:
            self.narrowed[name] = float(numbers[changed[0]]), float(written[changed[0]])
