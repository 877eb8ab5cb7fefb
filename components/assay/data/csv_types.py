"""Types of CSV cells: int64, then double, then text, over every cell of a column, or the types that were named.

The rule is `tfx_bsl.coders.csv_decoder`'s: a cell is an integer if Python's `int` reads its bytes and it fits in 64
bits, text if it is a longer integer, a float if Python's `float` reads it, else text; an empty cell says nothing. But
1_000 is text, where Python reads a number.
Arrow's parser decides whole blocks at once where it provably agrees with that rule; Python decides the rest.

A number is the double that its text names, where TFX keeps a float32 (docs/decisions/0110-numbers-in-csv-files.md).
Every CSV cell in the package becomes a number here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Final, TypedDict

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from assay.data.csv_blocks import BOM, MAX_RECORD_BYTES
from assay.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

_INT64 = range(-(2**63), 2**63)
_BIG = float(2**63)
_EXACT = float(2**53)  # every whole number below it is a double


class Kind(IntEnum):
    """What a column holds; a greater kind can hold every lesser one's cells.

    WHOLE is a column of floats without fractions, such as 1.0, that is to be read as integers. DATE and TIME are only
    read where they are named.
    """

    NULL = 0
    INT = 1
    WHOLE = 2
    FLOAT = 3
    DATE = 4
    TIME = 5
    TEXT = 6


ARROW_TYPES: Mapping[Kind, pa.DataType] = {
    Kind.NULL: pa.null(),
    Kind.INT: pa.int64(),
    Kind.WHOLE: pa.float64(),
    Kind.FLOAT: pa.float64(),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.timestamp("us"),
    Kind.TEXT: pa.string(),
}

TYPES: Final = {
    "int": Kind.INT,
    "float": Kind.FLOAT,
    "text": Kind.TEXT,
    "amount": Kind.FLOAT,
    "date": Kind.DATE,
    "time": Kind.TIME,
}
"""The types that a column can be read as, by the names that people write."""

ALL_COLUMNS: Final = "*"
CODE: Final = r"^\s*[+-]?0[0-9]"
"""Cells that are integers to Python, and codes to people: their leading zeros belong to them."""

_SPACES: Final = " \u00a0\u202f"  # a group of digits may end in any of these where a space is named
_UNIT: Final = r"[^\d\s.,'+\-][^\d\s]{0,7}"
_AMOUNT: Final = re.compile(rf"\s*[+-]?\s*(?:({_UNIT})\s*[+-]?\s*[.,]?\d\S*|[.,]?\d[\d.,' {_SPACES}]*?\s*({_UNIT}))\s*")


class CsvKeywords(TypedDict, total=False):
    """The options of reading a CSV as keyword arguments; see `CsvOptions`."""

    delimiter: str | None
    missing_values: Iterable[str] | Mapping[str, Iterable[str]]
    decimal: str
    thousands: str | None
    types: Mapping[str, str]
    max_record_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvOptions:
    """How the cells of a CSV are read.

    Attributes:
        delimiter: The character between cells; found in the header where None.
        missing_values: Cells that are missing values, as an empty cell is: for all columns, or by column, where `*`
            stands for the columns that are not named.
        decimal: The decimal mark of numbers, `.` or `,`.
        thousands: The character between groups of three digits, such as the comma in 1,234.50.
        types: The columns to read as `int`, `float`, `text` (the characters of the cell: 0010 stays 0010), `amount` (a
            number beside a unit, as $5 or 5 kg, the same in all cells; the unit is dropped), `date` or `time` (ISO 8601
            without a time zone). A cell that does not fit is an error.
        units: The units of the columns that hold amounts; found in their first cells.
        expected: The types that a schema expects, by column. Where a cell does not fit, the cells decide, as they do
            without a schema.
        max_record_bytes: The maximum size of a record, which is parsed whole. A longer one is an error.
        optional: Whether data may be of another format, or lack columns that are named: data to compare with.
    """

    delimiter: str | None = None
    missing_values: Iterable[str] | Mapping[str, Iterable[str]] = ()
    decimal: str = "."
    thousands: str | None = None
    types: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    expected: Mapping[str, Kind] = field(default_factory=dict)
    max_record_bytes: int = MAX_RECORD_BYTES
    optional: bool = False

    def __post_init__(self) -> None:
        given = self.missing_values
        given = {ALL_COLUMNS: [given] if isinstance(given, str) else given} if not isinstance(given, Mapping) else given
        tokens = {name: ((each,) if isinstance(each, str) else tuple(each)) for name, each in given.items()}
        object.__setattr__(self, "missing_values", {name: each for name, each in tokens.items() if each})
        object.__setattr__(self, "types", dict(self.types))
        for name, type_ in self.types.items():
            if type_ not in TYPES:
                raise UsageError(
                    "csv.type",
                    f"Column '{name}' cannot be read as the type '{type_}'.",
                    did_you_mean(str(type_), TYPES),
                )
        if self.max_record_bytes < 1:
            raise UsageError("csv.max_record_bytes", f"Expected a positive size and found {self.max_record_bytes}.")
        if self.decimal not in {".", ","}:
            raise UsageError("csv.decimal", f"Expected '.' or ',' as the decimal mark, found {self.decimal!r}.")
        if self.thousands is not None and (
            len(self.thousands) != 1 or self.thousands.isalnum() or self.thousands in {self.decimal, "+", "-", '"'}
        ):
            raise UsageError(
                "csv.thousands",
                f"Expected one character that is neither a letter, a digit, a sign nor the decimal mark "
                f"{self.decimal!r} as the thousands separator, found {self.thousands!r}.",
            )

    @property
    def is_given(self) -> bool:
        """Whether anything was asked for that only a CSV can have."""
        return replace(self, expected={}, optional=False, units={}) != CsvOptions()

    @property
    def named_columns(self) -> tuple[str, ...]:
        """The columns that the options name one by one; the data must have them."""
        return tuple(dict.fromkeys([*self.types, *(name for name in self._tokens if name != ALL_COLUMNS)]))

    @property
    def _tokens(self) -> Mapping[str, tuple[str, ...]]:
        return self.missing_values  # type: ignore[return-value]  # normalised above

    def tokens_of(self, column: str) -> tuple[str, ...]:
        """Return the cells of a column that are missing values, the empty one first."""
        return ("", *self._tokens.get(column, self._tokens.get(ALL_COLUMNS, ())))

    def wanted(self, column: str) -> Kind | None:
        """Return what a column is to be read as; None where its cells decide."""
        return TYPES[self.types[column]] if column in self.types else self.expected.get(column)

    def settled(self, column: str, found: Kind) -> Kind:
        """Return what a column is read as, given what its cells can be read as."""
        wanted = self.wanted(column)
        if wanted is Kind.TEXT or (found is Kind.NULL and column in self.types):
            return wanted or found
        fits = {Kind.INT: Kind.WHOLE, Kind.FLOAT: Kind.FLOAT, Kind.DATE: Kind.DATE, Kind.TIME: Kind.TIME}
        if wanted is not None and Kind.NULL < found <= fits[wanted]:
            return wanted
        return Kind.FLOAT if found is Kind.WHOLE else found

    def misfits(self, column: str, found: Kind) -> bool:
        """Say whether some cell of a column is not of the type that was named for it."""
        return column in self.types and self.settled(column, found) is not self.wanted(column)


def cell_kind(cell: bytes) -> Kind:
    """Return the least kind that holds one cell."""
    if not cell:
        return Kind.NULL
    if b"_" in cell:  # Python reads 1_000 as a number; in a CSV it is a code
        return Kind.TEXT
    try:
        return Kind.INT if int(cell) in _INT64 else Kind.TEXT
    except ValueError:
        pass
    try:
        float(cell)
    except ValueError:
        return Kind.TEXT
    return Kind.FLOAT


def infer_kinds(
    data: bytes, names: Sequence[str], known: Sequence[Kind], options: CsvOptions
) -> tuple[int, list[Kind]]:
    """Widens the kinds known so far by one block of records.

    Args:
        data: Whole records, valid UTF-8.
        names: The columns' names, in the file's order.
        known: A kind for each column, from earlier blocks; NULL where nothing was seen.
        options: How cells are read, with a delimiter.

    Returns:
        The number of records, and a kind for each column that is at least the known one.

    Raises:
        pa.ArrowInvalid: A record has too few or too many cells.
    """
    open_names = [name for name, kind in zip(names, known, strict=True) if kind is not Kind.TEXT] or [names[0]]
    kinds = dict(zip(names, known, strict=True))
    try:
        table = parse(data, names, {name: ARROW_TYPES[kinds[name]] for name in open_names}, options)
        misreadable = _misreadable(data)
        doubtful = [
            name
            for name in open_names
            if kinds[name] in misreadable
            or (kinds[name] in {Kind.WHOLE, Kind.FLOAT} and _is_huge(table[name]))
            or (kinds[name] is Kind.WHOLE and not _are_whole(table[name]))
        ]
    except pa.ArrowInvalid:
        doubtful = [name for name in open_names if kinds[name] is not Kind.TEXT]
        if not doubtful:  # text is never misread: the records themselves are ragged
            raise
    if doubtful:
        table = parse(data, names, {name: pa.string() for name in doubtful}, options)
        for name in doubtful:
            kinds[name] = max(kinds[name], column_kind(table[name], name, options))
    return table.num_rows, list(kinds.values())


def convert(data: bytes, names: Sequence[str], kinds: Mapping[str, Kind], options: CsvOptions) -> pa.Table:
    """Read the columns of `kinds` from one block.

    The kinds must hold every cell of the block (see `infer_kinds`).
    """
    try:
        return parse(data, names, {name: ARROW_TYPES[kind] for name, kind in kinds.items()}, options)
    except pa.ArrowInvalid:
        # Numbers that Arrow does not read ("+5", "1,234", integers written as 1.0).
        text = parse(data, names, dict.fromkeys(kinds, pa.string()), options)
        return pa.table({name: _exact_values(text[name], name, kind, options) for name, kind in kinds.items()})


def parse(data: bytes, names: Sequence[str], types: Mapping[str, pa.DataType], options: CsvOptions) -> pa.Table:
    """Read the columns of `types` from one block of records, on the calling thread.

    Raises:
        pa.ArrowInvalid: A record has too few or too many cells, or a cell does not convert.
    """
    if data.startswith(BOM):  # Arrow drops one at the start of every block; behind a blank line it is text
        data = b"\n" + data
    alike: dict[tuple[str, ...], list[str]] = {}  # Arrow takes one list of missing values for all columns
    for name in types:
        alike.setdefault(options.tokens_of(name), []).append(name)
    tables = [
        _parse(data, names, {name: types[name] for name in some}, tokens, options) for tokens, some in alike.items()
    ]
    if len(tables) == 1:
        return tables[0]
    columns = {name: table[name] for table in tables for name in table.column_names}
    return pa.table({name: columns[name] for name in types})


def _parse(
    data: bytes,
    names: Sequence[str],
    types: Mapping[str, pa.DataType],
    missing_values: Sequence[str],
    options: CsvOptions,
) -> pa.Table:
    return arrow_csv.read_csv(
        pa.BufferReader(data),
        read_options=arrow_csv.ReadOptions(
            column_names=list(names), use_threads=False, block_size=min(len(data) + 1, 2**31 - 1)
        ),
        parse_options=arrow_csv.ParseOptions(delimiter=options.delimiter, newlines_in_values=True),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict(types),
            include_columns=list(types),
            null_values=list(missing_values),
            decimal_point=options.decimal,
            strings_can_be_null=True,
            check_utf8=False,  # the scan has checked the whole block
        ),
    )


def unit_of(cells: Iterable[str]) -> str:
    """Return the unit of the first cell that has one; an empty text where none has."""
    return next((found[1] or found[2] for found in map(_AMOUNT.fullmatch, cells) if found), "")


def plain_numbers(cells: pa.ChunkedArray, name: str, options: CsvOptions) -> pa.ChunkedArray:
    """Return cells with numbers written as Python writes them: no units, no thousands separators, a decimal point."""
    if unit := options.units.get(name, ""):
        around = rf"^\s*([+-]?)\s*{re.escape(unit)}[{_SPACES}]*|[{_SPACES}]*{re.escape(unit)}\s*$"
        cells = pc.replace_substring_regex(cells, around, r"\1")
    if options.thousands is not None:
        separator = f"[{_SPACES}]" if options.thousands in _SPACES else re.escape(options.thousands)
        mark = re.escape(options.decimal)
        # Groups of other than three digits (1,23) are not thousands: such a cell stays as it is, and is text.
        number = rf"^\s*[+-]?[0-9]{{1,3}}(?:{separator}[0-9]{{3}})+(?:{mark}[0-9]*)?\s*$"
        ungrouped = pc.replace_substring_regex(cells, separator, "")
        cells = pc.if_else(pc.match_substring_regex(cells, number), ungrouped, cells)
    if options.decimal == ",":  # the marks change places, so that 1.5 is not a number
        for old, new in (".", "\0"), (",", "."), ("\0", ","):
            cells = pc.replace_substring(cells, old, new)
    return cells


def _misreadable(data: bytes) -> frozenset[Kind]:
    """Return the kinds as which Arrow may read text that Python does not: hexadecimal integers and "nan(...)"."""
    not_a_number = _has_pair(data, b"nN", b"(")
    misread = {Kind.INT: _has_pair(data, b"0", b"xX"), Kind.WHOLE: not_a_number, Kind.FLOAT: not_a_number}
    return frozenset(kind for kind, may_be in misread.items() if may_be)


def _has_pair(data: bytes, first: bytes, second: bytes) -> bool:
    """Return whether any of the first characters precedes any of the second, ten times as fast as `in`."""
    text = np.frombuffer(data, np.uint8)
    return any(
        bool(np.isin(text[positions[positions > 0] - 1], np.frombuffer(first, np.uint8)).any())
        for character in second
        if len(positions := np.flatnonzero(text == character))
    )


def _is_huge(column: pa.ChunkedArray) -> bool:
    """Return whether a float may come from an integer of over 64 bits, which is text."""
    bounds = pc.min_max(column).as_py()
    return bounds["min"] is not None and max(-bounds["min"], bounds["max"]) >= _BIG


def _are_whole(values: pa.ChunkedArray) -> bool:
    """Say whether doubles have no fractions and are exact as integers."""
    small = pc.less_equal(pc.abs(values), _EXACT)  # false for NaN
    return bool(pc.all(pc.and_(small, pc.equal(values, pc.floor(values)))).as_py() in {True, None})


def column_kind(cells: pa.ChunkedArray, name: str, options: CsvOptions) -> Kind:
    """Return the least kind that holds all cells of a column, which are given as text."""
    if options.wanted(name) in {Kind.DATE, Kind.TIME}:
        return _time_kind(cells, options.wanted(name) or Kind.TEXT)
    column = plain_numbers(cells, name, options)
    may_be_whole = options.wanted(name) is Kind.INT
    for kind in (Kind.INT, Kind.FLOAT):
        try:
            values = column.cast(ARROW_TYPES[kind])
        except pa.ArrowInvalid:
            continue
        if values.null_count == len(values):
            return Kind.NULL
        if not _may_be_misread(column, kind, values):
            return Kind.WHOLE if kind is Kind.FLOAT and may_be_whole and _are_whole(values) else kind
    return _greatest(pc.unique(column.cast(pa.binary())), may_be_whole=may_be_whole)


def _time_kind(cells: pa.ChunkedArray, wanted: Kind) -> Kind:
    if cells.null_count == len(cells):
        return Kind.NULL
    try:
        times_of(cells, wanted)
    except pa.ArrowInvalid:
        return Kind.TEXT
    return wanted


def times_of(cells: pa.ChunkedArray | pa.Array, kind: Kind) -> pa.ChunkedArray | pa.Array:
    """Return dates or times of cells in ISO 8601.

    Raises:
        pa.ArrowInvalid: A cell is something else.
    """
    if kind is Kind.TIME:
        return cells.cast(ARROW_TYPES[kind])
    if not pc.all(pc.equal(pc.utf8_length(cells), len("2024-01-31"))).as_py():
        raise pa.ArrowInvalid("not a date")
    return cells.cast(pa.timestamp("s")).cast(ARROW_TYPES[kind])  # Arrow 10 does not cast text to dates


def _may_be_misread(column: pa.ChunkedArray, kind: Kind, values: pa.ChunkedArray) -> bool:
    if kind is Kind.INT:
        return bool(pc.any(pc.match_substring(column, "x", ignore_case=True)).as_py())
    # Some versions of Arrow read "+5" as a float only: where all are whole, each may be an integer to Python.
    all_whole = bool(pc.all(pc.equal(values, pc.floor(values))).as_py())
    return all_whole or _is_huge(values) or bool(pc.any(pc.match_substring(column, "n(", ignore_case=True)).as_py())


def _greatest(cells: Iterable[pa.Scalar], *, may_be_whole: bool) -> Kind:
    greatest = Kind.NULL
    for cell in cells:
        text = cell.as_py() or b""
        kind = cell_kind(text)
        if kind is Kind.FLOAT and may_be_whole and abs(float(text)) <= _EXACT and float(text).is_integer():
            kind = Kind.WHOLE
        greatest = max(greatest, kind)
        if greatest is Kind.TEXT:
            break
    return greatest


def _exact_values(cells: pa.ChunkedArray, name: str, kind: Kind, options: CsvOptions) -> pa.ChunkedArray:
    if kind is Kind.TEXT:
        return cells
    if kind is Kind.NULL:
        return pa.chunked_array([pa.nulls(len(cells))])
    if kind in {Kind.DATE, Kind.TIME}:
        return times_of(cells, kind)
    cells = plain_numbers(cells, name, options)
    try:
        return cells.cast(ARROW_TYPES[kind])
    except pa.ArrowInvalid:
        pass
    read = _whole if kind is Kind.INT else float
    values = [None if cell is None else read(cell) for cell in cells.cast(pa.binary()).to_pylist()]
    return pa.chunked_array([pa.array(values, ARROW_TYPES[kind])])


def _whole(cell: bytes) -> int:
    try:
        return int(cell)
    except ValueError:
        return int(float(cell))  # a column of integers that has cells such as 1.0
