"""Rows whose labels are names of classes, as rows of class numbers and of lists of predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.artifacts.sources import TableShard
from assay.components.evaluator.kernel_engine.class_names import is_list

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from assay.components.evaluator.kernel_engine.class_names import ClassNames, Way
    from assay.components.evaluator.kernel_engine.named_predictions import NamedPrediction
    from assay.engines.base import Shard, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What is named in the rows, and how it is handed on.

    Attributes:
        classes: The classes, in the order in which they are numbered.
        label: The data's own label; None where it is left as it is.
        numbered: The column that gets the labels' class numbers: the label itself, or another where slices are cut by
            the label's names.
        way: What the data's labels are.
        predictions: Those that become lists.
        models_agree: Whether each model gives its predictions in this order.
    """

    classes: ClassNames
    label: str | None
    numbered: str = ""
    way: Way = "numbers"
    predictions: tuple[NamedPrediction, ...] = ()
    models_agree: bool = True

    @property
    def is_tfmas(self) -> bool:
        """Whether TFMA, which reads the data itself, gives each class the same number."""
        return self.models_agree and all(one.form == "list" and one.names == one.order for one in self.predictions)

    def __call__(self, batch: pa.RecordBatch, start: int | None) -> pa.RecordBatch:
        """Gives a batch with labels that are class numbers and predictions that are lists."""
        columns = {name: batch.column(at) for at, name in enumerate(batch.schema.names)}
        made = {one.column: one.lists(batch, start) for one in self.predictions if set(one.reads) <= set(columns)}
        if self.label is not None and self.label in columns:
            made[self.numbered] = self.classes.numbered(batch, self.label, start)
        return _batch(columns | made)

    def reads(self, columns: Sequence[str]) -> list[str]:
        """Gives the columns of the data that some columns are made of."""
        made = {one.column: one.reads for one in self.predictions}
        if self.label is not None:
            made[self.numbered] = (self.label,)
        return list(dict.fromkeys(name for column in columns for name in made.get(column, (column,))))

    def own(self, table: pa.Table, predictions: Sequence[str]) -> pa.Table:
        """Gives rows for people: labels as the data has them, and the predictions of named columns by name.

        Args:
            table: Rows as they were handed on.
            predictions: The columns of predictions.
        """
        by_column = {one.column for one in self.predictions if one.form == "columns"}
        for at, name in reversed(list(enumerate(table.column_names))):
            column = table.column(at)
            if self.label is not None and name == self.numbered:
                own = self.classes.own(column.to_pylist(), self.way) if not is_list(column.type) else column
                table = table.set_column(at, name, own) if name == self.label else table.remove_column(at)
            elif name in by_column:
                table = table.remove_column(at)
            elif name in predictions and is_list(column.type):
                named = [None if row is None else self.by_name(row) for row in column.to_pylist()]
                kind = pa.struct([(one, pa.float64()) for one in self.classes.names])
                table = table.set_column(at, name, pa.array(named, kind))
        return table

    def by_name(self, row: Sequence[float]) -> dict[str, float]:
        """Gives a row's predictions by class."""
        return dict(zip(self.classes.names, row, strict=False))  # a plain list of the other model may be of any length


@dataclass(frozen=True, slots=True)
class NamedShard:
    """A shard of rows that name their classes.

    Attributes:
        shard: The rows.
        naming: What is named.
        start: The number of the first row; None where it is not known.
    """

    shard: Shard
    naming: Naming
    start: int | None = None

    @property
    def num_rows(self) -> int | None:
        """As the rows say."""
        return getattr(self.shard, "num_rows", None)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Reads rows, and gives names their numbers."""
        start = self.start
        for batch in self.shard.batches(None if columns is None else self.naming.reads(columns)):
            made = self.naming(batch, start) if batch.num_columns else batch
            start = None if start is None else start + batch.num_rows
            yield made if not columns else _batch({name: _of(made, name) for name in columns})


@dataclass(frozen=True, slots=True)
class NamedRows:
    """Rows that name their classes, numbered: a Source, which any engine can read.

    Attributes:
        source: The rows.
        naming: What is named.
    """

    source: Source
    naming: Naming

    @property
    def shards(self) -> Sequence[NamedShard]:
        """The parts, in order."""
        found: list[NamedShard] = []
        start: int | None = 0
        for shard in self.source.shards:
            found.append(NamedShard(shard, self.naming, start))
            rows = shard.rows.num_rows if isinstance(shard, TableShard) else getattr(shard, "num_rows", None)
            start = None if start is None or rows is None else start + rows
        return found

    @property
    def bounded(self) -> bool:
        """As the rows."""
        return self.source.bounded


def _batch(columns: dict[str, pa.Array]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _of(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(batch.schema.get_field_index(name))
