"""When two values, and two rows, are the same: for leakage, feature skew, unique keys, quarantine and joins.

Values are the same where what they mean is: 5 is 5.0 and the decimal 5.00, 0.1 is the float32 nearest to it, an instant
is the same in any unit and time zone, and text the same in any encoding of Arrow. The page
`docs/concepts/identity.md` says what that means for missing values, for the cells of a CSV and for types that differ.

Columns of one type on all sides are compared as they are (`PLAIN`). Where types differ, `identity_of` chooses a form
that all of them have, in which equal values are equal bytes, or refuses them. Hashes of 64 bits find candidates; values
decide, so that no two different rows are ever taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import DataError
from assay.kernels.arrow_types import is_list, plain
from assay.kernels.python_values import python_values
from assay.kernels.shortest_decimal import as_decimals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Key = tuple[Any, ...]

Form: TypeAlias = "str | tuple[tuple[str, Form], ...]"  # of structs, the form of each field

PLAIN: Final = "plain"  # as it is
TEXT: Final = "text"  # the bytes of the text
CELLS: Final = "cells"  # of a CSV: the number that a cell is written as, else its text
NUMBER: Final = "number"
BOOLEAN: Final = "boolean"
INSTANT: Final = "instant"

NO_VALUES: Final = -1
"""The number of rows that have no value in any of the columns."""

_FEW: Final = 8
_BESIDE: Final = "\0cells of "
_LETTERS: Final = re.compile("[a-zA-Z]")
_DIGITS: Final = re.compile("[0-9]")
_MARK: Final = b"assay.cells"
# A cell is a number if software writes numbers so. 0010, +5, 1_23, 1E3 and 1e3 are codes,
# although Python reads numbers; exponents without a sign are written from 1e16 on.
_INTEGER: Final = r"^-?(0|[1-9][0-9]*)$"
_DECIMAL: Final = r"^-?((0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_EXPONENT: Final = r"^-?[1-9][0-9]*(e(1[6-9]|[2-9][0-9]|[1-3][0-9][0-9])|[eE][-+][0-9]+)$"
_NOT_FINITE: Final = r"^[-+]?(?i:inf|infinity|nan)$"
_DIGITS_FIRST: Final = r"^[-+]?[0-9][0-9_.]*([eE][-+]?[0-9]+)?$"
_NAN: Final = r"^[-+]?(?i:nan)$"
_INT64_END: Final = float(2**63)
_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
_POINT, _CLOCK, _DURATION = "time", "time of day", "duration"


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """What a column holds, as far as it decides with what it can be compared.

    Attributes:
        type: Its type.
        cells: Whether it is the text of a CSV's cells, in a column of numbers.
        spelling: Of text each value of which spells a boolean or a time: which, and how they are written.
    """

    type: pa.DataType
    cells: bool = False
    spelling: tuple[str, str] | None = None

    def __str__(self) -> str:
        return "cells of a CSV" if self.cells else str(self.type)


def kinds_of(batch: pa.RecordBatch) -> dict[str, set[ColumnKind]]:
    """Return the kind of each column; none for a column without values."""
    kinds: dict[str, set[ColumnKind]] = {}
    for each, column in zip(batch.schema, batch.columns, strict=True):
        cells = _MARK in (each.metadata or {})
        has_values = column.null_count < len(column)
        spelling = None if cells or not has_values else _spelling(column)
        kinds[each.name] = {ColumnKind(each.type, cells, spelling)} if has_values else set()
    return kinds


def _spelling(column: pa.Array) -> tuple[str, str] | None:
    """Return what text spells, and how its first value is written; None for text that is only text."""
    column = plain(column)
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return None
    first = column[:_FEW].drop_null()
    for form, notation in ((BOOLEAN, _LETTERS), (INSTANT, _DIGITS)):
        try:
            for part in (first, column) if len(first) else (column,):  # most text is recognised by its first values
                _LEAVES[form](part)
        except _ForeignValueError:
            continue
        sample = (first if len(first) else column.drop_null())[0].as_py()
        return form, notation.sub(
            lambda found: "a" if found[0].islower() else "A" if found[0].isalpha() else "0", sample
        )
    return None


@dataclass(frozen=True, slots=True)
class Identity:
    """How the values of columns are compared.

    Attributes:
        forms: The form of each column that is not compared as it is.
        words: For each of these, what holds it as which type.
    """

    forms: Mapping[str, Form] = field(default_factory=dict)
    words: Mapping[str, str] = field(default_factory=dict)

    def of(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return a batch whose columns are in their forms.

        Raises:
            DataError: A value cannot be compared with those of the other side.
        """
        columns = [self.column(name, column) for name, column in zip(batch.schema.names, batch.columns, strict=True)]
        return pa.RecordBatch.from_arrays(columns, batch.schema.names)

    def column(self, name: str, column: pa.Array) -> pa.Array:
        """Return a column in its form."""
        form, column = self.forms.get(name, PLAIN), plain(column)
        if form == PLAIN or pa.types.is_null(column.type):
            return column
        try:
            return _bytes_of(column, form)
        except _ForeignValueError as error:
            raise DataError(
                "identity.value",
                f"Column '{name}' has the value {error.value!r}, which is not {error.expected} as they are written, "
                f"and it is compared with other types: {self.words.get(name, '')}.",
                f"Write the column as text on both sides, for example with --type {name}=text where it is read.",
            ) from None


def own_identity(kinds: Mapping[str, set[ColumnKind]], *, keys: bool) -> Identity:
    """Return how columns are compared with others of the same kinds."""
    forms = {
        name: _form_of({replace(each, spelling=None) for each in found}, keys=keys) for name, found in kinds.items()
    }
    return Identity({name: form for name, form in forms.items() if form is not None and form != PLAIN})


def identity_of(
    sides: Mapping[str, Mapping[str, set[ColumnKind]]], names: Collection[str], *, keys: bool, code: str
) -> Identity:
    """Return how columns of several sides are compared.

    Args:
        sides: The kinds of each side's columns, by what the side is called.
        names: The columns to compare.
        keys: Whether the columns name rows, by which the cells of CSVs are compared as text.
        code: Of the error.

    Raises:
        DataError: The values of a column cannot be the same on two sides, whatever they are.
    """
    forms: dict[str, Form] = {}
    words: dict[str, str] = {}
    for name in names:
        found = {side: kinds.get(name, set()) for side, kinds in sides.items()}
        form = _form_of(set[ColumnKind]().union(*found.values()), keys=keys)
        words[name] = " and ".join(
            f"{', '.join(sorted(map(str, own)))} in {side}" for side, own in found.items() if own
        )
        if form is None:
            raise DataError(
                code,
                f"Column '{name}' is {words[name]}: values of these types are never equal.",
                "Write the column with one type, or name the columns to compare.",
            )
        if form != PLAIN:
            forms[name] = form
    return Identity(forms, words)


def form_between(one: Collection[ColumnKind], other: Collection[ColumnKind]) -> Form | None:
    """Return the form in which values of a feature are compared; None where its types never have the same value."""
    return _form_of({*one, *other}, keys=False)


class MarkedCells:
    """A source whose columns of CSV cells are marked as such; what only wraps values is taken off all columns.

    Args:
        source: The rows.
        columns: The columns that are the text of cells, which are read as numbers elsewhere.
        only: Whether the other columns are left out.
    """

    def __init__(self, source: Any, columns: Collection[str], *, only: bool = False) -> None:
        self._source = source
        self._columns = frozenset(columns)
        self._only = only

    @property
    def shards(self) -> list[_MarkedShard]:
        """The parts, in order."""
        return [_MarkedShard(shard, self._columns, self._only) for shard in self._source.shards]

    @property
    def bounded(self) -> bool:
        """Whether each part fits in memory."""
        return bool(self._source.bounded)


@dataclass(frozen=True, slots=True)
class _MarkedShard:
    shard: Any
    columns: frozenset[str]
    only: bool

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        wanted = sorted(self.columns) if columns is None and self.only else columns
        for batch in self.shard.batches(wanted):
            names = batch.schema.names
            arrays = [
                _without_nan(column) if name in self.columns else plain(column)
                for name, column in zip(names, batch.columns, strict=True)
            ]
            fields = [
                pa.field(name, column.type, metadata={_MARK: b""} if name in self.columns else None)
                for name, column in zip(names, arrays, strict=True)
            ]
            yield pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _without_nan(cells: pa.Array) -> pa.Array:
    """Return the cells of a column of numbers, of which NaN is missing."""
    return pc.if_else(pc.match_substring_regex(cells, _NAN), pa.scalar(None, cells.type), cells)


class CellsBeside:
    """A source with the text of some columns' cells beside their values; `key_column` returns the text.

    Args:
        source: The rows.
        texts: The same rows, in which the columns are the text of their cells.
        columns: The columns.
    """

    def __init__(self, source: Any, texts: Any, columns: Sequence[str]) -> None:
        self._source = source
        self._texts = texts
        self._columns = tuple(columns)

    @property
    def shards(self) -> list[_ShardBeside]:
        """The parts, in order."""
        pairs = zip(self._source.shards, self._texts.shards, strict=True)
        return [_ShardBeside(shard, text, self._columns) for shard, text in pairs]

    @property
    def bounded(self) -> bool:
        """Whether each part fits in memory."""
        return bool(self._source.bounded)


@dataclass(frozen=True, slots=True)
class _ShardBeside:
    shard: Any
    text: Any
    names: tuple[str, ...]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        values, texts = self.shard.batches(columns), self.text.batches(self.names)
        value, text = next(values, None), next(texts, None)
        while value is not None and text is not None:  # the two need not be cut at the same rows
            length = min(value.num_rows, text.num_rows)
            cells = (text.column(text.schema.get_field_index(name)).slice(0, length) for name in self.names)
            beside = list(map(_without_nan, cells))
            arrays = [*(column.slice(0, length) for column in value.columns), *beside]
            yield pa.RecordBatch.from_arrays(arrays, [*value.schema.names, *map(_beside, self.names)])
            value = value.slice(length) if length < value.num_rows else next(values, None)
            text = text.slice(length) if length < text.num_rows else next(texts, None)


def _beside(name: str) -> str:
    return _BESIDE + name


def is_beside(name: str) -> bool:
    """Tell whether a column is the text of another's cells, and not a column of the data."""
    return name.startswith(_BESIDE)


def written_columns(schema: pa.Schema, texts: Collection[str]) -> list[tuple[str, str]]:
    """Return the data's columns, each with the one that holds it: of those in `texts` the text of its cells."""
    names = [name for name in schema.names if not is_beside(name)]
    return [(name, _beside(name) if name in texts and _beside(name) in schema.names else name) for name in names]


class CodeColumns:
    """An accumulator that finds the columns of text in which some cell is a code and not a number, such as 0010."""

    def create(self) -> set[str]:
        """Return the state of no rows."""
        return set()

    def add_batch(self, state: set[str], batch: pa.RecordBatch) -> set[str]:
        """Add a batch to `state`, in place."""
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            if name not in state and pa.types.is_string(column.type):
                rest = column.filter(pc.invert(pc.match_substring_regex(column, _INTEGER)))
                if len(rest) and not pc.all(_written_as_number(rest)).as_py():
                    state.add(name)
        return state

    def merge(self, states: Sequence[set[str]]) -> set[str]:
        """Return the columns of all states."""
        return set().union(*states)

    def extract(self, state: set[str]) -> frozenset[str]:
        """Return the columns."""
        return frozenset(state)


def row_numbers(batches: Sequence[pa.RecordBatch], columns: Sequence[str]) -> Codes:
    """Assign numbers to the rows of all batches, one after another, by their values in some columns.

    Args:
        batches: Rows; their columns may be of different types, and some may lack a column.
        columns: The columns that count.

    Returns:
        A number for each row, from 0 and without gaps; `NO_VALUES` where it has no value.
    """
    length = sum(batch.num_rows for batch in batches)
    numbers: Codes = np.zeros(length, np.int64)
    present = np.zeros(length, np.bool_)
    for name in columns:
        codes = value_codes([key_column(batch, name) for batch in batches])
        present |= codes >= 0
        # Both factors are below the number of rows plus one, so the product fits for all that memory can hold.
        numbers = _dense(numbers * (int(codes.max(initial=-1)) + 2) + codes + 1)
    numbers[~present] = NO_VALUES
    return numbers


def value_codes(parts: Sequence[pa.Array]) -> Codes:
    """Return a number for each distinct value; -1 where it is missing.

    Columns of one simple type are encoded by Arrow, all rows at once; anything else value by value.
    """
    parts = list(map(plain, parts))
    types = {part.type for part in parts if not pa.types.is_null(part.type)}
    if not types:
        return np.full(sum(map(len, parts)), -1, np.int64)
    wide = {_widest(kind) for kind in types}
    kind = wide.pop()
    if kind is None or wide:
        return _codes_of_values(parts)
    column = pa.concat_arrays([part.cast(kind) for part in parts])
    if pa.types.is_floating(kind):
        column = pa.array(column.to_numpy(zero_copy_only=False) + 0.0, from_pandas=True)  # -0 is 0, NaN is missing
    indices = column.dictionary_encode().indices
    return np.asarray(indices.fill_null(-1).to_numpy(zero_copy_only=False), np.int64)


def exact_keys(batch: pa.RecordBatch, columns: Sequence[str], rows: NDArray[np.intp]) -> list[Key]:
    """Return the values of `columns` in each of `rows` as Python tuples that are equal where `row_hash` is."""
    return list(zip(*(_values(key_column(batch, name).take(pa.array(rows))) for name in columns), strict=True))


def key_column(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Return a column as what names a row; nulls where the batch lacks it, as batches of a TFRecord file may."""
    position = batch.schema.get_field_index(_beside(name))
    position = batch.schema.get_field_index(name) if position < 0 else position
    return pa.nulls(batch.num_rows) if position < 0 else batch.column(position)


def has_whole_key(batch: pa.RecordBatch, columns: Sequence[str]) -> NDArray[np.bool_]:
    """Tell which rows lack none of the columns; NaN is missing, as in `row_hash`."""
    whole = np.ones(batch.num_rows, np.bool_)
    for name in columns:
        column = key_column(batch, name)
        whole &= np.asarray(column.is_null(nan_is_null=True).to_numpy(zero_copy_only=False)) ^ True
    return whole


# ---- which form ----


def _form_of(kinds: Collection[ColumnKind], *, keys: bool) -> Form | None:
    """Return the form in which values of some kinds are compared; None where they cannot be."""
    typed = {kind.type for kind in kinds if not kind.cells}
    if all(not kind.cells for kind in kinds):
        form = _form_of_types(typed)
        spelled = {kind.spelling for kind in kinds}
        families = {None if each is None else each[0] for each in spelled}
        # Columns of text that spell booleans or times otherwise: True and true, a day with and without its midnight.
        alike = form != PLAIN or len(spelled) < 2 or len(families) > 1
        return form if alike else families.pop()
    if not typed:
        return TEXT if keys else CELLS
    families = {family_of(each) for each in typed}
    if families == {"text"}:
        return TEXT
    return NUMBER if families <= {"number", "bool"} else None


def _form_of_types(types: Collection[pa.DataType]) -> Form | None:
    types = {found for each in types if not pa.types.is_null(found := _plain_type(each))}
    if len(types) < 2:
        return PLAIN
    families = {family_of(each) for each in types}
    if families == {"struct"}:
        return _form_of_structs(types)
    if families == {"text"}:
        return PLAIN
    if families <= {"number", "bool"}:
        leaves = {_leaf_type(each) for each in types}
        alike = all(_widest(each) == pa.int64() for each in leaves) or leaves in ({pa.float64()}, {pa.bool_()})
        return PLAIN if alike else NUMBER
    if families == {"text", "bool"}:
        return BOOLEAN
    return INSTANT if families <= {_POINT, "text"} or families in ({_CLOCK}, {_DURATION}) else None


def _form_of_structs(types: Collection[pa.DataType]) -> Form | None:
    fields: dict[str, set[pa.DataType]] = {}
    for kind in map(_leaf_type, types):
        for at in range(kind.num_fields):
            fields.setdefault(kind[at].name, set()).add(kind[at].type)
    forms = {name: _form_of_types(found) for name, found in fields.items()}
    if None in forms.values():
        return None
    single = {name: _form_of_one(found) if forms[name] == PLAIN else forms[name] for name, found in fields.items()}
    return tuple(sorted((name, form) for name, form in single.items() if form is not None))


def _form_of_one(types: Collection[pa.DataType]) -> Form:
    """Return the form in bytes of values of one type, which stand inside others that need one."""
    kind = next(iter(types))
    family = family_of(kind)
    if family == "struct":
        return _form_of_structs([kind]) or ()
    return {"number": NUMBER, "bool": BOOLEAN, "text": TEXT}.get(family, INSTANT)


def family_of(kind: pa.DataType) -> str:
    """Return what values of a type, or of the lists of it, are: text, number, bool, struct or a kind of time."""
    of, kind = pa.types, _leaf_type(kind)
    for family, tests in _FAMILIES.items():
        if any(getattr(of, test)(kind) for test in tests):
            return family
    return str(kind)


_FAMILIES: Final = {
    "number": ("is_integer", "is_floating", "is_decimal"),
    "bool": ("is_boolean",),
    "text": ("is_string", "is_large_string", "is_binary", "is_large_binary", "is_fixed_size_binary"),
    _POINT: ("is_date", "is_timestamp"),
    _CLOCK: ("is_time",),
    _DURATION: ("is_duration",),
    "struct": ("is_struct",),
}


@cache
def _plain_type(kind: pa.DataType) -> pa.DataType:
    """Return the type of the same values, without what only wraps them."""
    return plain(pa.nulls(0, kind)).type


def _leaf_type(kind: pa.DataType) -> pa.DataType:
    kind = _plain_type(kind)
    return _leaf_type(kind.value_type) if is_list(kind) else kind


# ---- values in their form ----


class _ForeignValueError(Exception):
    """A value that is not of the family that it is compared with."""

    def __init__(self, value: Any, expected: str) -> None:
        super().__init__(value)
        self.value = value
        self.expected = expected


def _bytes_of(column: pa.Array, form: Form) -> pa.Array:
    """Return values as bytes that are equal where the values are the same; null where there is none."""
    column = plain(column)
    if pa.types.is_null(column.type):
        return pa.nulls(len(column), pa.large_binary())
    if is_list(column.type):
        return _bytes_of_lists(column, form)
    if isinstance(form, tuple):
        return _bytes_of_structs(column, dict(form))
    made = _LEAVES[form](column)
    return made.cast(pa.large_binary()) if made.type != pa.large_binary() else made


def _bytes_of_lists(column: pa.Array, form: Form) -> pa.Array:
    """Return lists as bytes: a list of one value as that value, an empty one as null."""
    if pa.types.is_fixed_size_list(column.type):  # its flatten() keeps the slots of null lists in some versions
        column = pa.array(column.to_pylist(), pa.list_(column.type.value_type))
    lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy(zero_copy_only=False), np.int64)
    values = _bytes_of(column.flatten(), form).to_pylist()
    ends = np.cumsum(lengths).tolist()
    rows = [values[end - length : end] for end, length in zip(ends, lengths.tolist(), strict=True)]
    return pa.array(
        [None if not row else row[0] if len(row) == 1 else repr(row).encode() for row in rows], pa.large_binary()
    )


def _bytes_of_structs(column: pa.Array, forms: Mapping[str, Form]) -> pa.Array:
    """Return structs as bytes; a field that is missing is as one that is not there."""
    names = [column.type[at].name for at in range(column.type.num_fields)]
    fields = [_bytes_of(child, forms[name]).to_pylist() for name, child in zip(names, column.flatten(), strict=True)]
    rows = [
        sorted((name, value) for name, value in zip(names, row, strict=True) if value is not None)
        for row in zip(*fields, strict=True)
    ]
    return pa.array([repr(row).encode() if row else None for row in rows], pa.large_binary())


def _text(column: pa.Array) -> pa.Array:
    if pa.types.is_fixed_size_binary(column.type):
        column = pa.concat_arrays([column]).cast(pa.binary())  # Arrow 10's cast reads beyond the memory of a slice
    return column if pa.types.is_large_binary(column.type) else column.cast(pa.large_binary())


def _cells(column: pa.Array) -> pa.Array:
    """Return the number that each cell is written as, else its text."""
    number = _written_as_number(column)
    numbers = _number(pc.if_else(number, column, pa.scalar(None, column.type)))
    return pc.if_else(number, numbers, column.cast(pa.string()))


def _number(column: pa.Array) -> pa.Array:
    of, kind = pa.types, column.type
    if of.is_boolean(kind):
        return column.cast(pa.int8()).cast(pa.string())
    if of.is_integer(kind):
        return column.cast(pa.string())
    if of.is_floating(kind):
        return _text_of_floats(np.asarray(as_decimals(column).to_numpy(zero_copy_only=False)))
    if of.is_decimal(kind):
        return pa.array([None if each is None else _text_of_decimal(each) for each in column.to_pylist()], pa.string())
    return _number_of_cells(column)


def _number_of_cells(column: pa.Array) -> pa.Array:
    integer = pc.match_substring_regex(column, _INTEGER)
    rest = pc.if_else(integer, pa.scalar(None, column.type), column)
    foreign = rest.filter(pc.invert(_written_as_number(rest)))
    if len(foreign):
        raise _ForeignValueError(foreign[0].as_py(), "a number")
    floats = _text_of_floats(np.asarray(rest.cast(pa.float64()).fill_null(np.nan).to_numpy(zero_copy_only=False)))
    integers = pc.if_else(pc.equal(column, "-0"), "0", column.cast(pa.string()))
    return pc.if_else(integer, integers, floats)


def _written_as_number(column: pa.Array) -> pa.Array:
    found = pc.match_substring_regex(column, _INTEGER)
    for pattern in (_DECIMAL, _EXPONENT, _NOT_FINITE):
        found = pc.or_(found, pc.match_substring_regex(column, pattern))
    return found


def looks_numeric(texts: pa.Array) -> bool:
    """Tell whether some text is a number or a code of digits."""
    return bool(pc.any(pc.match_substring_regex(_text(texts), _DIGITS_FIRST)).as_py())


def _text_of_floats(numbers: NDArray[np.float64]) -> pa.Array:
    """Return the shortest text of each double; whole ones as integers, null for NaN."""
    with np.errstate(invalid="ignore"):
        whole = (numbers == np.floor(numbers)) & (numbers >= -_INT64_END) & (numbers < _INT64_END)
    missing = np.isnan(numbers)
    integers = pa.array(np.where(whole, numbers, 0.0).astype(np.int64)).cast(pa.string())
    # Arrow writes 1e20 and larger whole numbers with an exponent, which no integer text has.
    texts = pc.if_else(pa.array(whole), integers, pa.array(numbers).cast(pa.string()))
    huge = np.flatnonzero(~whole & ~missing & np.isfinite(numbers) & (np.abs(numbers) >= _INT64_END))
    if len(huge):
        values = texts.to_pylist()
        for at in huge.tolist():
            values[at] = str(int(numbers[at]))
        texts = pa.array(values, pa.string())
    return pc.if_else(pa.array(missing), pa.scalar(None, pa.string()), texts)


def _text_of_decimal(number: Decimal) -> str:
    """Return the text of the double whose shortest decimal this is; its own digits where it is none."""
    if number == number.to_integral_value():
        return str(int(number))
    [text] = _text_of_floats(np.array([float(number)])).to_pylist()
    return text if text is not None and Decimal(text) == number else format(number.normalize(), "f")


def _boolean(column: pa.Array) -> pa.Array:
    if pa.types.is_boolean(column.type):
        return column.cast(pa.string())
    words = pc.ascii_lower(_unchecked_text(column))
    foreign = column.filter(pc.invert(pc.is_in(words, value_set=pa.array(["true", "false"], pa.large_string()))))
    foreign = foreign.filter(foreign.is_valid())
    if len(foreign):
        raise _foreign(foreign, "true or false")
    return words


def _unchecked_text(column: pa.Array) -> pa.Array:
    """Return text or bytes as text, which need not be valid UTF-8."""
    return _text(column).cast(pa.large_string(), safe=False)


def _foreign(values: pa.Array, expected: str) -> _ForeignValueError:
    """Return the error of the first of some texts that are not as expected."""
    [first] = _text(values[:1]).to_pylist()
    return _ForeignValueError(first.decode("utf-8", "backslashreplace"), expected)


def _instant(column: pa.Array) -> pa.Array:
    """Return times as seconds since 1970, since midnight or since zero, with a fraction where there is one."""
    of, kind = pa.types, column.type
    if family_of(kind) == "text":
        column = _parsed_times(column)
        kind = column.type
    valid = column.is_valid()
    if of.is_date32(kind):
        values, per_second = column.cast(pa.int32()).cast(pa.int64()), 1
    else:
        unit = "ms" if of.is_date64(kind) else kind.unit if hasattr(kind, "unit") else str(kind).split("[")[1][:2]
        values = column.cast(pa.int32()).cast(pa.int64()) if of.is_time32(kind) else column.cast(pa.int64())
        per_second = _PER_SECOND[unit.rstrip("]")]
    numbers = np.asarray(values.fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    seconds, fraction = numbers // per_second, numbers % per_second
    if of.is_date32(kind):
        seconds = seconds * 86_400
    texts = pa.array(seconds).cast(pa.string())
    if fraction.any():
        nanoseconds = fraction * (10**9 // per_second)
        texts = pa.array(
            [
                f"{second}.{part:09d}" if part else str(second)
                for second, part in zip(seconds.tolist(), nanoseconds.tolist(), strict=True)
            ]
        )
    return pc.if_else(valid, texts, pa.scalar(None, pa.string()))


def _parsed_times(column: pa.Array) -> pa.Array:
    column = _unchecked_text(column)
    for kind in (pa.timestamp("us"), pa.timestamp("us", "UTC"), pa.timestamp("ns"), pa.timestamp("ns", "UTC")):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            continue
    present = column.drop_null()
    for at in range(len(present)):
        try:
            present[at : at + 1].cast(pa.timestamp("us"))
        except pa.ArrowInvalid:
            raise _foreign(present[at : at + 1], "a time in ISO 8601") from None
    raise _foreign(present, "a time in ISO 8601")


_LEAVES: Final = {
    TEXT: _text,
    CELLS: _cells,
    NUMBER: _number,
    BOOLEAN: _boolean,
    INSTANT: _instant,
}


# ---- numbers of values ----


def _dense(numbers: Codes) -> Codes:
    """Return the same numbers without gaps: by a table where they are small, else sorted."""
    if not len(numbers):
        return numbers
    most = int(numbers.max()) + 1
    if most <= 8 * len(numbers):
        seen = np.zeros(most, np.bool_)
        seen[numbers] = True
        ranks = np.cumsum(seen) - 1
        return np.asarray(ranks[numbers], np.int64)
    _, dense = np.unique(numbers, return_inverse=True)
    return dense.astype(np.int64)


def _widest(kind: pa.DataType) -> pa.DataType | None:
    """Return the type that values of a type can be compared in; None where only their canonical form can be."""
    of = pa.types
    if of.is_signed_integer(kind) or of.is_uint8(kind) or of.is_uint16(kind) or of.is_uint32(kind):
        return pa.int64()
    if of.is_string(kind) or of.is_large_string(kind):
        return pa.large_string()
    if of.is_binary(kind) or of.is_large_binary(kind):
        return pa.large_binary()
    # A float32 is its shortest decimal, which no other float32 has; beside doubles it takes the canonical form.
    return kind if of.is_float64(kind) or of.is_float32(kind) or of.is_boolean(kind) else None


def _codes_of_values(parts: Sequence[pa.Array]) -> Codes:
    numbers: dict[Any, int] = {}
    values = (value for part in parts for value in _values(part))
    return np.fromiter((-1 if value is None else numbers.setdefault(value, len(numbers)) for value in values), np.int64)


def _values(column: pa.Array) -> list[Any]:
    return [_canonical(value) for value in python_values(as_decimals(column))]  # 0.1 as float32 is 0.1, as in row_hash


def _canonical(value: Any) -> Any:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, list):
        values = tuple(map(_canonical, value))
        return values[0] if len(values) == 1 else values or None
    if isinstance(value, dict):
        return tuple(sorted((name, each) for name, inner in value.items() if (each := _canonical(inner)) is not None))
    return value
