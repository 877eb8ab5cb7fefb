"""One record of Python values, seen as the rules see a row: missing or present, nested how deep, with which values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

INT: Final = "INT"
FLOAT: Final = "FLOAT"
BYTES: Final = "BYTES"
STRUCT: Final = "STRUCT"
OTHER: Final = "OTHER"
"""Families of values: the types of tensorflow-metadata, and OTHER for what it has no type for (times, decimals)."""

_FAMILIES: Final[dict[type, str]] = {
    bool: INT,
    int: INT,
    float: FLOAT,
    str: BYTES,
    bytes: BYTES,
    bytearray: BYTES,
    dict: STRUCT,
}


class RecordColumn:
    """The value of one column in one record.

    A flat value is a list of that one value, as in `tf.Example`.

    Attributes:
        missing: Whether there is no value: the key is absent, or its value is None.
        flat: Whether the value is not a list.
        leaves: The innermost values that are not None, with their families; text is decoded, a byte that is not UTF-8
            as a lone surrogate.
        lengths: For each nest level, the lengths of the lists there.
        leaf_depths: The nest levels at which values that are not None stand.
        real_fields: Of structs, the fields whose whole numbers are read as numbers with decimals.
    """

    __slots__ = ("_structs", "flat", "leaf_depths", "leaves", "lengths", "missing", "real_fields")

    def __init__(self, value: Any, real_fields: frozenset[str] = frozenset()) -> None:
        self._structs: list[Record] | None = None
        self.real_fields = real_fields
        self.leaves: list[tuple[str, Any]] = []
        self.lengths: list[list[int]] = []
        self.leaf_depths: set[int] = set()
        self.missing = value is None
        self.flat = True
        if self.missing:
            return
        family = _FAMILIES.get(type(value))
        if family is not None:  # the common case, kept short
            self.leaves.append((family, value if family != BYTES else decoded(value)))
            self.lengths.append([1])
            self.leaf_depths.add(1)
            return
        value = _plain(value)
        self.flat = not isinstance(value, list)
        self._add_list([value] if self.flat else value, 0)

    @property
    def structs(self) -> list[Record]:
        """The structs among the values, as records."""
        if self._structs is None:
            self._structs = [Record(value, self.real_fields) for family, value in self.leaves if family == STRUCT]
        return self._structs

    def read_as_real(self) -> None:
        """Turn whole numbers, but not booleans, into numbers with decimals."""
        self.leaves = [
            (FLOAT, as_double(value)) if family == INT and value is not True and value is not False else (family, value)
            for family, value in self.leaves
        ]

    def _add_list(self, values: list[Any], level: int) -> None:
        if len(self.lengths) <= level:
            self.lengths.append([])
        self.lengths[level].append(len(values))
        for each in values:
            value = _plain(each)
            if isinstance(value, list):
                self._add_list(value, level + 1)
            elif value is not None:
                family = _FAMILIES.get(type(value), OTHER)
                self.leaves.append((family, value if family != BYTES else decoded(value)))
                self.leaf_depths.add(level + 1)


class Record:
    """A record's columns, each taken apart when a rule first asks for it.

    Attributes:
        values: The record as it was given.

    Args:
        values: Python values by column.
        real: Columns whose whole numbers are read as numbers with decimals, which JSON writes alike; fields of structs
            with the struct's name before a dot.
    """

    __slots__ = ("_columns", "_real", "values")

    def __init__(self, values: Mapping[str, Any], real: frozenset[str] = frozenset()) -> None:
        self.values = values
        self._real = real
        self._columns: dict[str, RecordColumn] = {}

    def __getitem__(self, name: str) -> RecordColumn:
        """Return a column; one that the record lacks is missing."""
        column = self._columns.get(name)
        if column is None:
            column = self._columns[name] = RecordColumn(self.values.get(name), self._real_fields(name))
            if name in self._real:
                column.read_as_real()
        return column

    def _real_fields(self, name: str) -> frozenset[str]:
        if not self._real:
            return self._real
        before = f"{name}."
        return frozenset(each.removeprefix(before) for each in self._real if each.startswith(before))


def feature_type(value: Any) -> str:
    """Return what statistics call a value of no family: a time is INT, what they cannot summarise is BYTES."""
    return INT if isinstance(value, (dt.date, dt.time, dt.timedelta)) else BYTES


def decoded(value: str | bytes | bytearray) -> str:
    """Return bytes as text; each byte that is not UTF-8 becomes a lone surrogate."""
    return value if isinstance(value, str) else bytes(value).decode("utf-8", "surrogateescape")


def as_double(value: float) -> float:
    """Return a number as a double, infinity for a whole number beyond every double."""
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _plain(value: Any) -> Any:
    """Return tuples and numpy's arrays as lists and numpy's numbers as Python's."""
    if type(value) in _FAMILIES or value is None or isinstance(value, list):
        return value
    if isinstance(value, tuple):
        return list(value)
    for kind in (float, int, str, bytes):  # subclasses: numpy.float64, enum.IntEnum
        if isinstance(value, kind):
            return kind(value)  # type: ignore[arg-type]  # mypy joins the four types before it calls one
    if isinstance(value, Decimal):  # as a column of decimals is read: whole numbers where it has no decimals
        return int(value) if value.is_finite() and value == int(value) and "." not in str(value) else float(value)
    if str(getattr(value, "dtype", "")) in {"float32", "float16"}:  # as their shortest decimals
        value = value.astype(str).astype(float)
    tolist = getattr(value, "tolist", None)  # numpy's scalars and arrays, without importing it
    return tolist() if callable(tolist) else value
