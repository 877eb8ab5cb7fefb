"""Writes the rows of input splits to the splits of an Examples artifact, and accounts for each of them."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from assay.components.example_gen.compute import assign_splits, take_split
from assay.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.artifacts.examples import Examples
    from assay.components.example_gen.config import SplitConfig
    from assay.engines.base import Source
    from assay.spec import ExecutionContext


@dataclass(frozen=True, slots=True)
class InputRows:
    """The rows of one input split.

    Attributes:
        name: The split's name.
        source: The rows; floats as they were written, because they decide the split.
        num_rows: How many rows the files hold.
        schema: The columns and types that are written.
    """

    name: str
    source: Source
    num_rows: int
    schema: pa.Schema


def write_examples(
    context: ExecutionContext, examples: Examples, inputs: Sequence[InputRows], config: SplitConfig | None
) -> None:
    """Fill an artifact's splits: the config's, or one for each input split where there is no config.

    Raises:
        EngineError: If a row was lost or made.
    """
    if config is None:
        _remark_narrowed(context, [_keep(context, examples, rows) for rows in inputs])
        names = [rows.name for rows in inputs]
    else:
        _remark_narrowed(context, _divide(context, examples, inputs[0], config))
        names = [split.name for split in config.splits]
    examples.properties["split_names"] = names
    for name in names:
        if not examples.rows[name]:
            context.remark(f"Split '{name}' has no rows.")


def _keep(context: ExecutionContext, examples: Examples, rows: InputRows) -> object:
    schema = rows.schema
    with examples.writer(rows.name, schema) as writer:
        for batch in context.engine.map(rows.source, lambda batch: conform(batch, schema)):
            writer.write(batch)
    context.count_rows(rows.name, read=rows.num_rows, written=examples.rows[rows.name])
    return writer


def _divide(context: ExecutionContext, examples: Examples, rows: InputRows, config: SplitConfig) -> Sequence[object]:
    def divided(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
        kept = _select(batch, rows.schema.names)  # what is not written does not decide either
        assigned = assign_splits(kept, config)
        written = conform(kept, rows.schema)
        return [take_split(written, assigned, split) for split in range(len(config.splits))]

    read = np.zeros(len(config.splits), np.int64)
    with ExitStack() as stack:
        writers = [stack.enter_context(examples.writer(split.name, rows.schema)) for split in config.splits]
        for parts in context.engine.map(rows.source, divided):
            read += [part.num_rows for part in parts]
            for writer, part in zip(writers, parts, strict=True):
                writer.write(part)
    if read.sum() != rows.num_rows:
        raise EngineError(
            "rows.do_not_add_up",
            f"The input holds {rows.num_rows} rows, and {read.sum()} were assigned to splits.",
            "Report this as a bug of the engine or the component; nothing was published.",
        )
    for split, count in zip(config.splits, read.tolist(), strict=True):
        context.count_rows(split.name, read=count, written=examples.rows[split.name])
        if not count:
            context.log(f"Split '{split.name}' is empty: none of {rows.num_rows} rows is assigned to it.")
    return writers


def _remark_narrowed(context: ExecutionContext, writers: Sequence[object]) -> None:
    """Say which columns lost digits to the float32 of tf.Example that tell their values apart."""
    narrowed: dict[str, tuple[float, float]] = {}
    for writer in writers:
        narrowed = getattr(writer, "narrowed", {}) | narrowed
    for name, (number, written) in narrowed.items():
        context.remark(
            f"tf.Example holds float32, in which column '{name}' loses digits: {number!r} is written as {written!r}. "
            "Parquet keeps doubles: file_format='parquet'."
        )


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Return the schema's columns with its types; floats may lose digits, nothing else may change."""
    columns = []
    for field in schema:
        column = batch.column(batch.schema.get_field_index(field.name))
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        is_narrower = pa.types.is_floating(column.type) and pa.types.is_floating(field.type)
        columns.append(column if column.type == field.type else column.cast(field.type, safe=not is_narrower))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _select(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([batch.column(batch.schema.get_field_index(name)) for name in names], names)
