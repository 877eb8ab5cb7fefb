"""Labels and predictions whose classes have names, as class numbers and lists of predictions.

Predictions are a struct, a map, one column per class, or lists beside TFMA's `all_classes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.data.sources import TableShard
from assay.errors import DataError, did_you_mean
from assay.evaluation.labels import ClassNames, Order, is_list, is_text, listed, numbers_of, place_of, texts_of
from assay.kernels.metrics.rows import numbers
from assay.models.predictor import ALL_CLASSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from assay.engines.base import Shard, Source
    from assay.evaluation.labels import Way
    from assay.kernels.metrics.rows import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPrediction:
    """A prediction a class, and how the data names the classes.

    Attributes:
        column: The name of the predictions.
        form: `struct` or `map` where the column is one, `columns` where each class has its own, `list` for lists
            beside `all_classes`.
        names: The classes as the data has them.
        order: The classes in the order in which their predictions are handed on.
    """

    column: str
    form: Literal["struct", "map", "columns", "list"]
    names: tuple[str, ...]
    order: tuple[str, ...]

    @property
    def classes(self) -> ClassNames:
        """The names, and where their order comes from."""
        orders: dict[str, Order] = {"list": "vocabulary", "map": "none"}
        return ClassNames(names=self.order, order=orders.get(self.form, "written"))

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns that it is made of."""
        if self.form == "columns":
            return tuple(f"{self.column}.{name}" for name in self.names)
        return (self.column, ALL_CLASSES) if self.form == "list" else (self.column,)

    def lists(self, batch: pa.RecordBatch, start: int | None) -> pa.Array:
        """Return a list of predictions a row, one a class.

        Args:
            batch: Rows with the columns of `reads`.
            start: The number of the first row; None where it is not known.

        Raises:
            DataError: A class of a row is missing, strange or twice there, or a prediction is not a number.
        """
        if self.form == "map":
            table = self._of_map(_column(batch, self.column), start)
        elif self.form == "list":
            self._check_vocabulary(batch, start)
            table = self._of_lists(batch)
        else:
            table = self._of_columns(batch)
        if self.names != self.order:
            table = table[:, [self.names.index(name) for name in self.order]]
        return lists_of(table)

    def _of_columns(self, batch: pa.RecordBatch) -> Floats:
        if self.form == "struct":
            members = _column(batch, self.column).flatten()
            batch = pa.RecordBatch.from_arrays(members, [f"{self.column}.{name}" for name in self.names])
        found = []
        for name in batch.schema.names if self.form == "struct" else self.reads:
            try:
                values = numbers(batch, name)
            except DataError as error:
                raise DataError(
                    error.code,
                    error.message,
                    f"Rename columns that begin with '{self.column}.' unless they are predictions of a class.",
                ) from error
            if values.ndim > 1:
                raise DataError(
                    "evaluator.class_prediction",
                    f"'{name}' should contain one number per row, the prediction of a class, but contains "
                    f"{values.shape[1]}.",
                )
            found.append(values)
        return np.stack(found, axis=1)

    def _of_map(self, column: pa.Array, start: int | None) -> Floats:
        offsets = np.asarray(column.offsets)
        lengths = np.where(column.is_valid().to_numpy(zero_copy_only=False), np.diff(offsets), 0)
        rows = np.repeat(np.arange(len(column)), lengths)
        # Keys and items are those of the whole column, also where it is a slice, or a null row hides some of them.
        within = np.arange(len(rows)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        places = pa.array(np.repeat(offsets[:-1], lengths) + within)
        keys, items = texts_of(column.keys.take(places), self.column), column.items.take(places)
        classes = pc.index_in(keys, value_set=pa.array(self.names, pa.string()))
        counts = np.zeros((len(column), len(self.names)), dtype=np.int64)
        known = np.asarray(pc.fill_null(classes, -1))
        np.add.at(counts, (rows[known >= 0], known[known >= 0]), 1)
        wrong = ((counts != 1).any(axis=1) & (lengths > 0)) | (np.bincount(rows[known < 0], minlength=len(column)) > 0)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise self._other(column[row].as_py(), row, start)
        table = np.full((len(column), len(self.names)), np.nan)
        table[rows, known] = numbers(pa.RecordBatch.from_arrays([items], [self.column]), self.column)
        return table

    def _other(self, found: Iterable[tuple[str, float]], row: int, start: int | None) -> DataError:
        return DataError(
            "evaluator.other_classes",
            f"'{self.column}' names the classes {listed(self.names)} in the first row, and "
            f"{listed([str(name) for name, _ in found])} in {place_of(row, start)}.",
            "Write a prediction for every class in every row, 0 if there is none.",
        )

    def _of_lists(self, batch: pa.RecordBatch) -> Floats:
        table = numbers(batch, self.column)
        if table.ndim == 1 and np.isnan(table).all():
            return np.full((len(table), len(self.names)), np.nan)
        if table.ndim == 1 or table.shape[1] != len(self.names):
            width = 1 if table.ndim == 1 else table.shape[1]
            raise DataError(
                "evaluator.other_classes",
                f"'{ALL_CLASSES}' names {len(self.names)} classes ({listed(self.names)}), and '{self.column}' has "
                f"lists of {width}.",
                "Write one value per class in both, in the same order.",
            )
        return table

    def _check_vocabulary(self, batch: pa.RecordBatch, start: int | None) -> None:
        column = _column(batch, ALL_CLASSES)
        rows = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
        lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False))[rows]
        wrong = lengths != len(self.names)
        if not wrong.any():
            texts = texts_of(column.drop_null().flatten(), ALL_CLASSES)
            wanted = pa.array(list(self.names) * len(rows), pa.string())
            same = pc.fill_null(pc.equal(texts, wanted), False).to_numpy(zero_copy_only=False)
            wrong = ~same.reshape(len(rows), len(self.names)).all(axis=1)
        if wrong.any():
            row = int(rows[np.argmax(wrong)])
            raise DataError(
                "evaluator.other_classes",
                f"'{ALL_CLASSES}' names the classes of '{self.column}': {listed(self.names)} in the first row, and "
                f"{listed([str(_text(name)) for name in column[row].as_py()])} in {place_of(row, start)}.",
                "Use one order in all rows, or write columns named after their classes.",
            )


def find_named(source: Source, first: pa.Schema, key: str, others: Iterable[str]) -> NamedPrediction | None:
    """Return how the predictions of a key name their classes; None where they do not.

    Args:
        source: The rows; they are read where only values tell.
        first: The schema of the first of them.
        key: The `prediction_key`.
        others: Other columns that the configuration names, which are no predictions of a class.

    Raises:
        DataError: Two classes have the same name, or there is only one.
    """
    index = first.get_field_index(key)
    if index < 0:
        names = class_columns(key, first.names, others)
        return _named(key, "columns", names) if len(names) > 1 else None
    kind = first.field(index).type
    if pa.types.is_struct(kind):
        return _named(key, "struct", [kind[at].name for at in range(kind.num_fields)])
    if pa.types.is_map(kind):
        return next((_named(key, "map", sorted(names)) for names in _of_rows(source, key)), None)
    vocabulary = first.get_field_index(ALL_CLASSES)
    if not is_list(kind) or vocabulary < 0 or not is_list(first.field(vocabulary).type):
        return None
    if not is_text(first.field(vocabulary).type.value_type):
        return None
    return next((_named(key, "list", names) for names in _of_rows(source, ALL_CLASSES)), None)


def class_columns(key: str, columns: Sequence[str], others: Iterable[str] = ()) -> list[str]:
    """Return the names of classes in columns called `<key>.<class>`, where there is no column of the key itself."""
    if key in columns:
        return []
    others = [other for other in others if other != key]
    return [
        name.removeprefix(f"{key}.")
        for name in columns
        if name.startswith(f"{key}.")
        and len(name) > len(key) + 1
        and name not in others
        and not any(name.startswith(f"{other}.") and other.startswith(f"{key}.") for other in others)
    ]


def aligned(named: NamedPrediction, order: Sequence[str], whose: str, than: str) -> NamedPrediction:
    """Return the prediction with its classes in another's order.

    Raises:
        DataError: The classes are not the same.
    """
    check_same_classes(named.names, order, whose, than)
    return NamedPrediction(column=named.column, form=named.form, names=named.names, order=tuple(order))


def check_same_classes(names: Sequence[str], others: Sequence[str], whose: str, than: str) -> None:
    """Refuses models of different classes.

    Raises:
        DataError: They differ.
    """
    surplus, lacking = sorted({*names} - {*others}), sorted({*others} - {*names})
    if surplus or lacking:
        differences = [f"have {listed(surplus)}"] if surplus else []
        differences += [f"lack {listed(lacking)}"] if lacking else []
        raise DataError(
            "evaluator.other_classes",
            f"The classes of {whose} are not those of {than}, {listed(others)}: they {' and '.join(differences)}.",
            did_you_mean(surplus[0], lacking)
            if len(surplus) == len(lacking) == 1
            else "Compare models of the same classes; one that a model does not know may be 0 in each row.",
        )


def lists_of(table: Floats) -> pa.Array:
    """Return the rows of a table as lists."""
    rows, width = table.shape
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    values = pa.array(np.ascontiguousarray(table).reshape(-1))
    if offsets[-1] <= np.iinfo(np.int32).max:
        return pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), values)
    return pa.LargeListArray.from_arrays(pa.array(offsets), values)


def ordered(names: Sequence[str]) -> tuple[str, ...]:
    """Return names that are numbers by size, so that class 10 does not come before class 2; others as they are."""
    values = numbers_of(names)
    return tuple(names[at] for at in np.argsort(values)) if values else tuple(names)


def _named(key: str, form: Literal["struct", "map", "columns", "list"], names: Sequence[str]) -> NamedPrediction:
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled or len(names) < 2:
        what = f"names the class '{doubled[0]}' twice" if doubled else f"names {len(names) or 'no'} class"
        raise DataError(
            "evaluator.class_names",
            f"'{ALL_CLASSES if form == 'list' else key}' {what}; expected names for two or more classes.",
        )
    order = tuple(names) if form == "list" else ordered(names)
    return NamedPrediction(column=key, form=form, names=tuple(names), order=order)


def _of_rows(source: Source, key: str) -> Iterator[list[str]]:
    """Return the names of classes in a column of maps or lists of names, row by row."""
    for shard in source.shards:
        for batch in shard.batches([key]):
            for row in _column(batch, key).drop_null():
                yield [_text(item[0] if isinstance(item, tuple) else item) for item in row.as_py()]


def _column(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(batch.schema.get_field_index(name))


def _text(name: object) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)


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
        """Return a batch with labels that are class numbers and predictions that are lists."""
        columns = {name: batch.column(at) for at, name in enumerate(batch.schema.names)}
        made = {one.column: one.lists(batch, start) for one in self.predictions if set(one.reads) <= set(columns)}
        if self.label is not None and self.label in columns:
            made[self.numbered] = self.classes.numbered(batch, self.label, start)
        return _batch(columns | made)

    def reads(self, columns: Sequence[str]) -> list[str]:
        """Return the columns of the data that some columns are made of."""
        made = {one.column: one.reads for one in self.predictions}
        if self.label is not None:
            made[self.numbered] = (self.label,)
        return list(dict.fromkeys(name for column in columns for name in made.get(column, (column,))))

    def own(self, table: pa.Table, predictions: Sequence[str]) -> pa.Table:
        """Return rows for people: labels as in the data, and predictions by the names of their classes.

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
        """Return a row's predictions by class."""
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
        """Number of rows, if known."""
        return getattr(self.shard, "num_rows", None)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read rows, and convert names of classes to their numbers."""
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
        """Whether the rows are bounded."""
        return self.source.bounded


def _batch(columns: dict[str, pa.Array]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))


def _of(batch: pa.RecordBatch, name: str) -> pa.Array:
    return batch.column(batch.schema.get_field_index(name))
