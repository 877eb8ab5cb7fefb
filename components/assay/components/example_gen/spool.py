"""Decodes records of `tf.Example` once, to Arrow files, and gives them one schema.

Batches of records hold what features their records happen to have, so the columns, their types, and whether any row
has a list of several values are known only after the last record.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.components.example_gen.ingest import InputRows
from assay.data.example_records import ExampleRecords
from assay.data.tf_example import flatten_columns, single_valued_columns
from assay.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from assay.spec import ExecutionContext


@dataclass(frozen=True, slots=True)
class SpoolShard:
    """A batch that was decoded, in an Arrow file."""

    path: Path
    schema: pa.Schema

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the batch with the schema of all batches."""
        with pa.memory_map(str(self.path)) as file, pa.ipc.open_file(file) as reader:
            yield _conform(reader.get_batch(0), self.schema, columns)


@dataclass(frozen=True, slots=True)
class SpooledRows:
    """The decoded rows of one input split."""

    shards: tuple[SpoolShard, ...]

    @property
    def bounded(self) -> bool:
        """A shard is one batch."""
        return True


@dataclass(slots=True)
class _Features:
    types: dict[str, pa.DataType]
    lists: set[str]

    def add(self, batch: pa.RecordBatch, files: Sequence[Path]) -> None:
        for name, kind in zip(batch.schema.names, batch.schema.types, strict=True):
            known = self.types.setdefault(name, kind)
            if pa.types.is_null(known):
                self.types[name] = kind
            elif not pa.types.is_null(kind) and kind != known:
                raise DataError(
                    "tf_example.mixed_kinds",
                    f"The feature '{name}' holds {known.value_type} in some records and {kind.value_type} in others, "
                    f"in {files[0]}" + (f" or the {len(files) - 1} files with it." if files[1:] else "."),
                    "Use one of int64, float and bytes for a feature throughout.",
                )
        self.lists |= set(batch.schema.names) - single_valued_columns(batch)

    def schema(self) -> pa.Schema:
        flat = {
            name: kind if name in self.lists or pa.types.is_null(kind) else kind.value_type
            for name, kind in self.types.items()
        }
        return pa.schema(sorted(flat.items()))


def spool(context: ExecutionContext, splits: Mapping[str, Sequence[Path]]) -> list[InputRows]:
    """Decode the files of each input split.

    A feature of which no record in any split has more than one value becomes a flat column; an empty list in it
    becomes null, as an empty CSV cell is.

    Args:
        context: Its temporary folder takes the decoded rows, uncompressed.
        splits: TFRecord files of `tf.Example` by split.

    Raises:
        DataError: A file is damaged, a record is not a `tf.Example`, a feature changes its kind, or there is no record.
    """
    features = _Features({}, set())
    decoded: dict[str, list[tuple[Path, int]]] = {}
    for name, files in splits.items():
        folder = context.temp_dir / f"decoded-{name}"
        folder.mkdir()
        decoded[name] = []
        for number, batch in enumerate(context.engine.map(ExampleRecords(files), lambda batch: batch)):
            features.add(batch, files)
            path = folder / f"{number:06}.arrow"
            with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
                writer.write_batch(batch)
            decoded[name].append((path, batch.num_rows))
        if not decoded[name]:
            raise DataError(
                "tfrecord.no_records",
                f"The files of split '{name}' contain no records; the first is {files[0]}.",
                "Check the export; an empty dataset cannot be split or validated.",
            )
    schema = features.schema()
    return [
        InputRows(
            name,
            SpooledRows(tuple(SpoolShard(path, schema) for path, _ in parts)),
            sum(rows for _, rows in parts),
            schema,
        )
        for name, parts in decoded.items()
    ]


def _conform(batch: pa.RecordBatch, schema: pa.Schema, columns: Sequence[str] | None) -> pa.RecordBatch:
    flat = flatten_columns(batch, [field.name for field in schema if not pa.types.is_large_list(field.type)])
    wanted = [field for field in schema if columns is None or field.name in set(columns)]
    arrays = []
    for field in wanted:
        at = flat.schema.get_field_index(field.name)
        column = pa.nulls(batch.num_rows, field.type) if at < 0 else flat.column(at)
        arrays.append(pa.nulls(batch.num_rows, field.type) if pa.types.is_null(column.type) else column)
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(wanted))
