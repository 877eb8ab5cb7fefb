"""The names of classes: which number each has downstream, and labels that are names as those numbers."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import DataError, did_you_mean
from assay.kernels.metrics.rows import booleans_of, numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Order: TypeAlias = Literal["written", "vocabulary", "none"]
"""Where the order of classes is from: columns or fields as they are written, a list of TFMA's, or nowhere (a map)."""

Way: TypeAlias = Literal["names", "values", "numbers"]
"""What labels are: names of classes, numbers that are names themselves, or the classes' numbers."""

_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?")
_WORDS = {"true", "false"}
_MOST = 20  # names in a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassNames:
    """The classes of predictions.

    Attributes:
        names: By class number.
        order: Where this order comes from.
    """

    names: tuple[str, ...]
    order: Order = "written"

    @property
    def values(self) -> tuple[float, ...]:
        """The names as numbers; empty if one is not a number."""
        return numbers_of(self.names)

    @property
    def are_numbers(self) -> bool:
        """Whether the classes are called 0, 1 and so on, each by its own number."""
        return self.values == tuple(range(len(self.names)))

    @property
    def are_booleans(self) -> bool:
        """Whether the classes are called true and false."""
        return {name.lower() for name in self.names} == _WORDS and len(self.names) == len(_WORDS)

    @property
    def are_numbered(self) -> bool:
        """Whether data that gives a class by its number, as a plain list does, can mean one class only."""
        return self.are_numbers or (not self.values and self.order != "none")

    def way_of(self, kind: pa.DataType, label: str) -> Way:
        """Describe labels of a type.

        Raises:
            DataError: They may be numbers or names, or are no labels of these classes.
        """
        kind = _single(kind)
        if is_text(kind) or pa.types.is_null(kind):
            return "names"
        if pa.types.is_boolean(kind):
            if self.are_booleans:
                return "names"
            if not self.values and self.order != "vocabulary":
                raise self._ambiguous(label, "booleans")
        if self.order != "vocabulary" and self.values:
            return "values"
        if not self.are_numbered:
            raise self._ambiguous(label, "numbers")
        return "numbers"

    def numbered(self, batch: pa.RecordBatch, label: str, start: int | None) -> pa.Array:
        """Return a batch's labels as class numbers, null where there is none.

        Args:
            batch: Rows with labels.
            label: The column that has them.
            start: The number of the batch's first row; None where it is not known.

        Raises:
            DataError: A label is not a class.
        """
        column = batch.column(batch.schema.get_field_index(label))
        way = self.way_of(column.type, label)
        if way == "numbers":
            return column
        if way == "values" or not is_text(_single(column.type)):
            return self._of_numbers(column, label, start)
        texts = texts_of(column, label)
        found = pc.index_in(texts, value_set=pa.array(self.names, pa.string()))
        strange = np.flatnonzero(pc.and_(pc.is_null(found), pc.is_valid(texts)).to_numpy(zero_copy_only=False))
        if not len(strange):
            return found.cast(pa.float64())
        words = booleans_of(texts)  # a CSV's and pandas' words for what is boolean elsewhere
        if pa.types.is_boolean(words.type) and (found.null_count == len(found) or self.are_booleans):
            return words if self.way_of(words.type, label) == "numbers" else self._of_numbers(words, label, start)
        raise self._unknown(label, texts[int(strange[0])].as_py(), int(strange[0]), start)

    def own(self, numbered: Sequence[float | None], way: Way) -> pa.Array:
        """Return the labels that class numbers stand for, as the data has them."""
        if way == "numbers":
            return pa.array(numbered, pa.float64())
        known = [None if one is None or np.isnan(one) else int(one) for one in numbered]
        if way == "names":
            return pa.array([None if one is None else self.names[one] for one in known], pa.string())
        values = self.values
        whole = all(value.is_integer() for value in values)
        kind = pa.int64() if whole else pa.float64()
        return pa.array([None if one is None else values[one] for one in known], pa.float64()).cast(kind)

    def told(self) -> str:
        """Return the classes with their numbers, as in `0 setosa, 1 versicolor`; not more than a sentence bears."""
        return listed([f"{number} {name}" for number, name in enumerate(self.names)])

    def _of_numbers(self, column: pa.Array, label: str, start: int | None) -> pa.Array:
        """Find the class that each number, or each 1 and 0 for true and false, stands for."""
        labels = numbers(pa.RecordBatch.from_arrays([column], [label]), label)
        if labels.ndim > 1:
            if self.are_numbers:
                return column
            raise self._ambiguous(label, "lists of numbers")
        values = np.array(self.values or [float(name.lower() == "true") for name in self.names])
        order = np.argsort(values)
        places = order[np.searchsorted(values, labels, sorter=order).clip(max=len(values) - 1)]
        strange = np.flatnonzero((values[places] != labels) & ~np.isnan(labels))
        if len(strange):
            raise self._unknown(label, f"{labels[strange[0]]:g}", int(strange[0]), start)
        return pa.array(np.where(np.isnan(labels), np.nan, places), pa.float64(), from_pandas=True)

    def _unknown(self, label: str, value: str, row: int, start: int | None) -> DataError:
        close = did_you_mean(value, self.names)
        return DataError(
            "evaluator.unknown_class",
            f"The label '{label}' of {place_of(row, start)} is '{value}', which is not a class of the "
            "predictions: they "
            f"have {listed(self.names)}.",
            close
            if close.startswith("Did")
            else "Name the predictions' classes as the labels do; a class that the model does not know needs "
            "predictions, too (0 in each row).",
        )

    def _ambiguous(self, label: str, what: str) -> DataError:
        return DataError(
            "evaluator.class_numbers",
            f"The labels '{label}' are {what}, and the predictions' classes have the names {listed(self.names)}: which "
            "of them each label means is not said.",
            "Write the labels as names of classes (as text).",
        )


def numbers_of(names: Iterable[str]) -> tuple[float, ...]:
    """Return names as numbers; None if one is not a number, or two are equal."""
    names = list(names)
    if not all(_NUMBER.fullmatch(name) for name in names):
        return ()
    values = tuple(map(float, names))
    return values if len(set(values)) == len(values) else ()


def listed(names: Sequence[str]) -> str:
    """Return names in a row, and how many others there are."""
    more = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more


def place_of(row: int, start: int | None) -> str:
    """Return the number of a batch's row in all the data, where that of the batch's first row is known."""
    return f"row {row} of a batch" if start is None else f"row {start + row} (counted from 0)"


def is_text(kind: pa.DataType) -> bool:
    """Tells a type of text, or of bytes that may be text, as those of a `tf.Example`."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    views = [getattr(pa.types, name, None) for name in ("is_string_view", "is_binary_view")]
    known = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(is_kind(kind) for is_kind in (*known, *filter(None, views)))


def is_list(kind: pa.DataType) -> bool:
    """Tells a type of lists."""
    return isinstance(kind, pa.ListType | pa.LargeListType | pa.FixedSizeListType)


def texts_of(column: pa.Array, what: str) -> pa.Array:
    """Return text as `string`, from any type of text, and from lists of one text per row; an empty list is null.

    Raises:
        DataError: A row has several texts, or bytes that are no text.
    """
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.string())
    if is_list(column.type):
        if column.null_count and isinstance(column.type, pa.FixedSizeListType):
            column = pa.array(column.to_pylist(), pa.list_(column.type.value_type))  # which knows what null lists hold
        lengths = pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False)
        if (lengths > 1).any():
            row = int(np.argmax(lengths > 1))
            raise DataError(
                "evaluator.several_labels",
                f"Column '{what}' has {int(lengths[row])} values in row {row} of a batch; expected one class per row.",
                "Write multi-label rows as lists of 0 and 1, one per class.",
            )
        places = np.where(lengths > 0, np.cumsum(lengths) - 1, 0)
        column = column.flatten().take(pa.array(places, mask=lengths == 0))
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    try:
        return column.cast(pa.string())
    except pa.ArrowInvalid as error:
        raise DataError(
            "evaluator.not_text",
            f"Column '{what}' should contain names, but contains bytes that are not text ({error}).",
        ) from error


def _single(kind: pa.DataType) -> pa.DataType:
    kind = kind.value_type if is_list(kind) else kind
    return kind.value_type if pa.types.is_dictionary(kind) else kind
