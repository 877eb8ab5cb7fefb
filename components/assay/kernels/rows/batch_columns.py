"""The columns of a record batch, seen as the rules see them; each is taken apart once, however many rules read it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.arrow_types import from_fixed_size, plain, reading
from assay.kernels.expression_batches import RowTruth, evaluate
from assay.kernels.identity import is_beside
from assay.kernels.rows.record import BYTES, FLOAT, INT, OTHER, STRUCT, decoded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from assay.kernels.expression import Condition

    Mask: TypeAlias = NDArray[np.bool_]


class ValueTest(Protocol):
    """A test of single values, by family; False stands for "does not apply"."""

    def integer(self, value: Any) -> Any:
        """Return whether a whole number, or which of an array of them, breaks the rule."""
        ...

    def real(self, value: Any) -> Any:
        """Return whether a number with decimals, or which of an array of them, breaks the rule."""
        ...

    def text(self, value: str) -> bool:
        """Return whether a text breaks the rule."""
        ...


@dataclass(frozen=True, slots=True)
class NestedLists:
    """The lists at one nest level: how long each is, and which row it belongs to."""

    lengths: NDArray[np.int64]
    rows: NDArray[np.intp]


class BatchColumn:
    """One column of a batch.

    Attributes:
        num_rows: Rows of the batch.
        missing: Which rows have no value.
        levels: From the outermost nest level inwards; a flat column has one, with a length of 1 in each present row.
        flat: Whether the column is not a list.
        rows: The row of each innermost value.
        leaf: The innermost values, decimals as numbers.
        family: Of the innermost values, as in `record`.
        feature_type: The type that statistics and an inferred schema give to them: of times, that is INT.
    """

    def __init__(self, num_rows: int, array: pa.Array | None) -> None:
        array = pa.nulls(num_rows) if array is None else _unwrapped(array)
        self.num_rows = num_rows
        self.missing: Mask = _nulls(array)
        self.flat = not _is_list(array.type)
        self.levels: list[NestedLists] = []
        present = np.flatnonzero(~self.missing)
        self.rows: NDArray[np.intp] = np.arange(num_rows)
        if self.flat:
            self.levels.append(NestedLists(np.ones(len(present), np.int64), present))
        while _is_list(array.type):
            array, self.rows = self._unnest(array)
            array = _unwrapped(array)
        self.leaf = _numbers_of_decimals(array)
        self.family = _family(self.leaf.type)
        self.feature_type = self.family if self.family != OTHER else _feature_type(array.type)

    @cached_property
    def present_leaves(self) -> Mask:
        """Which of the innermost values are not null."""
        return ~_nulls(self.leaf)

    @cached_property
    def numbers(self) -> NDArray[Any]:
        """The innermost values of a numeric column, 0 where null: int64 (or Python's integers) or float64."""
        leaf = self.leaf
        if pa.types.is_floating(leaf.type):
            wide = _widened(leaf) if pa.types.is_float16(leaf.type) else leaf.cast(pa.float64())
            return np.asarray(wide.fill_null(0.0).to_numpy(zero_copy_only=False))
        if pa.types.is_boolean(leaf.type):
            return np.asarray(leaf.fill_null(False).to_numpy(zero_copy_only=False)).astype(np.int64)
        numbers = np.asarray(leaf.fill_null(0).to_numpy(zero_copy_only=False))
        if numbers.dtype == np.uint64 and len(numbers) and numbers.max() > np.uint64(2**63 - 1):
            return numbers.astype(object)
        return numbers.astype(np.int64)

    @property
    def is_single(self) -> bool:
        """Whether the innermost values are numbers of single precision or less."""
        return bool(pa.types.is_float32(self.leaf.type) or pa.types.is_float16(self.leaf.type))

    @cached_property
    def texts(self) -> tuple[list[str], NDArray[np.int64]]:
        """The distinct innermost texts, and for each innermost value which of them it is; -1 for null."""
        encoded = self.leaf.dictionary_encode()
        try:
            values = encoded.dictionary.to_pylist()
        except UnicodeDecodeError:  # a file may say that it holds text and hold any bytes
            is_large = pa.types.is_large_string(encoded.dictionary.type)
            values = encoded.dictionary.cast(pa.large_binary() if is_large else pa.binary()).to_pylist()
        distinct = [decoded(value) for value in values]
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        return distinct, np.asarray(codes).astype(np.int64)

    @cached_property
    def leaves_per_row(self) -> NDArray[np.int64]:
        """How many innermost values that are not null each row has."""
        return self.count_by_row(self.present_leaves)

    @cached_property
    def has_leaf(self) -> Mask:
        """Which rows have an innermost value that is not null."""
        return self.rows_with(self.present_leaves)

    def broken_leaves(self, test: ValueTest) -> Mask | None:
        """Return which of the innermost values fail a test; None if the test does not apply to their family."""
        broken: Any
        if self.family == BYTES:
            broken = self.broken_texts(test.text)
        elif self.family in {INT, FLOAT}:
            broken = (test.integer if self.family == INT else test.real)(self.numbers)
        else:
            return None
        return None if broken is False else np.asarray(broken, np.bool_) & self.present_leaves

    def broken_texts(self, is_broken: Callable[[str], bool]) -> Mask:
        """Return which texts fail a test that is asked once for each distinct text."""
        distinct, codes = self.texts
        broken = np.zeros(len(distinct) + 1, np.bool_)  # the last one is null's, which code -1 finds
        broken[:-1] = np.fromiter(map(is_broken, distinct), np.bool_, len(distinct))
        return broken[codes]

    @property
    def outer_lengths(self) -> NDArray[np.int64]:
        """How many values or lists stand at the outermost nest level of each row; 0 where it is missing."""
        lengths = np.zeros(self.num_rows, np.int64)
        lengths[self.levels[0].rows] = self.levels[0].lengths
        return lengths

    @cached_property
    def structs(self) -> tuple[BatchColumns, NDArray[np.intp]]:
        """The structs of a column of structs, their fields as columns, and the row of each."""
        present = self.present_leaves
        structs = self.leaf if present.all() else self.leaf.filter(pa.array(present))
        names = [structs.type[at].name for at in range(structs.type.num_fields)]
        if not names:  # a batch without columns has no rows either
            return BatchColumns(pa.RecordBatch.from_arrays([pa.nulls(len(structs))], [""])), self.rows[present]
        return BatchColumns(pa.RecordBatch.from_arrays(structs.flatten(), names)), self.rows[present]

    @cached_property
    def first_leaves(self) -> pa.Array:
        """The first innermost value of each row that is not null, or null."""
        if self.flat:
            return self.leaf
        first = np.full(self.num_rows, -1, np.intp)
        leaves = np.flatnonzero(self.present_leaves)[::-1]  # backwards, so that the first of a row is written last
        first[self.rows[leaves]] = leaves
        return self.leaf.take(pa.array(first, mask=first < 0))

    def no_rows(self) -> Mask:
        """Return a new mask that chooses no row."""
        return np.zeros(self.num_rows, np.bool_)

    def distinct_leaves(self) -> pa.Array:
        """Return the distinct innermost values, without null and NaN."""
        distinct = self.leaf.drop_null().unique()
        return distinct.filter(pc.invert(pc.is_nan(distinct))) if self.family == FLOAT else distinct

    def rows_with(self, leaves: Mask) -> Mask:
        """Return which rows contain one of the chosen innermost values."""
        if self.flat:
            return leaves
        rows = self.no_rows()
        rows[self.rows[leaves]] = True
        return rows

    def count_by_row(self, leaves: Mask) -> NDArray[np.int64]:
        """Return how many of the chosen innermost values each row contains."""
        return np.bincount(self.rows[leaves], minlength=self.num_rows).astype(np.int64)

    def _unnest(self, array: pa.Array) -> tuple[pa.Array, NDArray[np.intp]]:
        valid = ~_nulls(array)
        if pa.types.is_fixed_size_list(array.type):
            # Its flatten() keeps the slots of null lists in some versions of Arrow; as a variable list it never does.
            lengths = np.full(int(valid.sum()), array.type.list_size, np.int64)
            array = array.filter(pa.array(valid))
        else:
            lengths = np.asarray(pc.list_value_length(array).drop_null().to_numpy(zero_copy_only=False), np.int64)
        rows = self.rows[valid]
        self.levels.append(NestedLists(lengths, rows))
        return _unwrapped(array.flatten()), np.repeat(rows, lengths)


class BatchColumns:
    """A batch's columns by name; one that the batch lacks is missing in every row.

    Attributes:
        batch: The batch itself.
        num_rows: Its rows.
    """

    def __init__(self, batch: pa.RecordBatch) -> None:
        self.batch = batch
        self.num_rows: int = batch.num_rows
        self._positions = {name: position for position, name in enumerate(batch.schema.names) if not is_beside(name)}
        self._columns: dict[str, BatchColumn] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that the batch has."""
        return tuple(self._positions)

    def __getitem__(self, name: str) -> BatchColumn:
        """Return a column."""
        if name not in self._columns:
            self._columns[name] = BatchColumn(self.num_rows, self.array(name))
        return self._columns[name]

    def truth(self, condition: Condition) -> RowTruth:
        """Evaluate a condition in every row."""
        return evaluate(condition, self)

    def no_rows(self) -> Mask:
        """Return a new mask that chooses no row."""
        return np.zeros(self.num_rows, np.bool_)

    def missing(self, name: str) -> Mask:
        """Return the rows without a value in a column."""
        array = self.array(name)
        return _nulls(pa.nulls(self.num_rows) if array is None else _unwrapped(array))

    def forget(self, names: Iterable[str]) -> None:
        """Frees what was made of columns; asked for again, they are taken apart again."""
        for name in names:
            self._columns.pop(name, None)

    def array(self, name: str) -> pa.Array | None:
        """Return a column as an Arrow array; None if the batch lacks it."""
        return self.batch.column(self._positions[name]) if name in self._positions else None


def _family(kind: pa.DataType) -> str:
    of = pa.types
    if of.is_integer(kind) or of.is_boolean(kind):
        return INT
    if of.is_floating(kind):
        return FLOAT
    if of.is_string(kind) or of.is_large_string(kind) or of.is_binary(kind) or of.is_large_binary(kind):
        return BYTES
    if of.is_fixed_size_binary(kind):
        return BYTES
    return STRUCT if of.is_struct(kind) else OTHER


def _feature_type(kind: pa.DataType) -> str:
    """Return what statistics call values of no family: times are INT, what they cannot summarise is BYTES."""
    return INT if reading(kind).type == statistics_pb2.FeatureNameStatistics.INT else BYTES


def _unwrapped(array: pa.Array) -> pa.Array:
    """Undoes what Arrow wraps values in, as statistics do."""
    array = plain(array)
    return from_fixed_size(array) if pa.types.is_fixed_size_binary(array.type) else array


def _numbers_of_decimals(array: pa.Array) -> pa.Array:
    """Return decimals as the numbers that statistics summarise; other values as they are."""
    convert = reading(array.type).convert if pa.types.is_decimal(array.type) else None
    return array if convert is None else convert(array)


def _widened(halves: pa.Array) -> pa.Array:
    """Casts float16, for which Arrow has no kernel."""
    return pa.array(halves.to_numpy(zero_copy_only=False).astype(np.float64), mask=_nulls(halves))


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _nulls(array: pa.Array) -> Mask:
    if not array.null_count:
        return np.zeros(len(array), np.bool_)
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False), np.bool_)
