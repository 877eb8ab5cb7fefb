"""Conditions on rows: `fare > 10 and company in ("Blue", "Flash")`, the one expression language of assay.

Row rules (`tips <= fare`) and slices (`--by "fare > 10"`) are written in it. The grammar is a part of Python's, read by
Python's own parser; nothing is executed. An expression is compiled once, into a tree. Its operations are defined here,
on Python values, and so are single records evaluated; `expression_batches` evaluates the same tree on Arrow arrays.

- A value is a number, a text, a time, or of another type (a struct, a duration), and then only missing or not. Bytes
  are text. A date is its midnight; a time without a zone is in UTC; a text that is compared with a time is ISO 8601.
- A truth is the number 1 or 0, and a number is true unless it is 0.
- Operations on whole numbers are exact, within 64 bits; with a double, and in a division, all numbers are doubles.
  A number of single precision is its shortest decimal: a column of 0.1 equals 0.1.
- Missing values follow SQL's three-valued logic; a division by zero is missing.
- A row cannot be read if an operation has operands of other kinds than it takes (a number compared with a text), or if
  a column that the expression names has several values in it, whatever the other parts of the expression are. Both
  callers refuse such rows. A row rule is broken (`Condition.is_broken_by`, `RowTruth.broken`), as it is where the
  expression is false, and not where it is missing. A slice, which has the rows where the expression is true, is not
  made: `RowTruth.selected` raises `DataError`.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timezone
from difflib import get_close_matches
from functools import cache
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from assay.errors import DataError, UsageError
from assay.kernels.rows.record import as_double

if TYPE_CHECKING:
    from collections.abc import Sequence

    Read: TypeAlias = Callable[[str], Any]
    """Returns the value that a record has in a column: of the types in `_KINDS`, None, or `OTHER_VALUE`."""

Kind: TypeAlias = Literal["a number", "a text", "a time", "a value of another type"]

OTHER_VALUE: Final = object()
"""A value that is neither a number nor a text nor a time."""

_MAX_CHARACTERS: Final = 100_000
_MAX_DEPTH: Final = 100
_INT64: Final = range(-(2**63), 2**63)
_KINDS: Final[dict[type, Kind]] = {
    bool: "a number",
    int: "a number",
    float: "a number",
    str: "a text",
    datetime: "a time",
}


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that is written in the expression.

    Attributes:
        value: None where an operation on constants has no result, such as `1 / 0`.
    """

    value: Any

    def of_record(self, _read: Read) -> Any:
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True)
class Column:
    """The value of a column.

    Attributes:
        name: The column.
    """

    name: str

    def of_record(self, read: Read) -> Any:
        """Return the record's value."""
        return read(self.name)


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation or function, whose result is missing where an operand is.

    Attributes:
        name: One of `OPERATIONS`.
        operands: At least one of them is not a constant.
    """

    name: str
    operands: tuple[Node, ...]

    def of_record(self, read: Read) -> Any:
        """Return the result.

        Raises:
            DataError: The operation does not take operands of these kinds.
        """
        values = [operand.of_record(read) for operand in self.operands]
        return None if None in values else OPERATIONS[self.name](*values)


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether there is a value.

    Attributes:
        operand: What may have one.
        wanted: Whether a value makes this true, or none does.
    """

    operand: Node
    wanted: bool

    def of_record(self, read: Read) -> Any:
        """Return the truth."""
        return (self.operand.of_record(read) is not None) == self.wanted


@dataclass(frozen=True, slots=True)
class Junction:
    """`and` or `or`.

    Attributes:
        parts: Truths.
        decisive: The truth that decides alone: False for `and`, True for `or`.
    """

    parts: tuple[Node, ...]
    decisive: bool

    def of_record(self, read: Read) -> Any:
        """Return the truth; all parts are evaluated, so that none hides what cannot be read."""
        truths = [part.of_record(read) for part in self.parts]
        if self.decisive in truths:
            return self.decisive
        return None if None in truths else not self.decisive


Node: TypeAlias = Constant | Column | Apply | Presence | Junction


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled expression.

    Attributes:
        text: As it was written.
        columns: The columns that it names, sorted.
        root: Its truth: True, False or missing.
    """

    text: str
    columns: tuple[str, ...]
    root: Node

    def __reduce__(self) -> tuple[Callable[[str], Condition], tuple[str]]:
        """Pickle the text."""
        return compile_expression, (self.text,)

    def is_broken_by(self, read: Read) -> bool:
        """Return whether the expression is false for a record, or cannot read it."""
        try:
            return self.root.of_record(read) is False
        except DataError:
            return True


def unreadable(reason: str, hint: str = "") -> DataError:
    """Return the error of a row that an expression cannot read."""
    return DataError("expression.unreadable", reason, hint)


def kind_of(value: Any) -> Kind:
    """Return the kind of a value."""
    kind = _KINDS.get(type(value))
    if kind is None:  # pandas' timestamps are a subclass
        kind = "a time" if isinstance(value, datetime) else "a value of another type"
    return kind


def instant(value: Any) -> datetime:
    """Return a time, or a text in ISO 8601, as an instant in UTC.

    Raises:
        DataError: The text is not a time.
    """
    if isinstance(value, str):
        try:  # Python 3.10 does not read a Z
            value = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", value))
        except ValueError:
            raise unreadable(
                f"{shorten(repr(value), 60)} is not a time in ISO 8601, such as '2024-03-01T12:30'"
            ) from None
    return value.replace(tzinfo=timezone.utc) if value.tzinfo is None else value  # type: ignore[no-any-return]


def midnight(day: date) -> datetime:
    """Return a date as a time."""
    return datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a time without a zone is in UTC


def text_bytes(text: str) -> bytes:
    """Return a text in UTF-8; bytes that were not UTF-8 are themselves again."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON may have
        return text.encode("utf-8", "surrogatepass")


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, Any], bool]:
    def apply(one: Any, other: Any) -> bool:
        if type(one) is not type(other) or type(one) not in {int, float}:
            one, other = _comparable(one, other)
        return bool(compare(one, other))

    return apply


def _comparable(one: Any, other: Any) -> tuple[Any, Any]:
    kinds = {kind_of(one), kind_of(other)}
    if kinds == {"a number"}:
        return (as_double(one), as_double(other)) if float in {type(one), type(other)} else (one, other)
    if kinds == {"a text"}:  # in the order of their bytes, which for valid text is that of its characters
        return (one, other) if one.isascii() and other.isascii() else (text_bytes(one), text_bytes(other))
    if "a time" in kinds and kinds <= {"a time", "a text"}:
        return instant(one), instant(other)
    raise unreadable(f"{kind_of(one)} cannot be compared with {kind_of(other)}")


def _arithmetic(operate: Callable[..., Any]) -> Callable[..., float]:
    def apply(*numbers: Any) -> float:
        types = set(map(type, numbers))
        if types == {float}:
            return operate(*numbers)  # type: ignore[no-any-return]
        for number in numbers:
            _check("arithmetic", ("a number",), (number,))
        if float in types:
            return operate(*map(as_double, numbers))  # type: ignore[no-any-return]
        result: int = operate(*map(int, numbers))
        if result not in _INT64:
            raise unreadable(f"{result} is beyond 64 bits")
        return result

    return apply


def _divide(one: Any, other: Any) -> float | None:
    _check("a division", ("a number", "a number"), (one, other))
    divisor = as_double(other)
    return as_double(one) / divisor if divisor else None


def truth(value: Any) -> bool:
    """Return whether a number is not 0."""
    _check("a condition", ("a number",), (value,))
    return bool(value != 0)


def _matches(text: str, pattern: str) -> bool:
    try:
        return re.search(pattern, text) is not None
    except re.error as error:
        raise unreadable(f"{pattern!r} is not a regular expression: {error}") from None


def _check(name: str, kinds: Sequence[Kind], values: Sequence[Any]) -> None:
    for kind, value in zip(kinds, values, strict=True):
        if kind_of(value) != kind:
            raise unreadable(f"{name} needs {kind}, and not {kind_of(value)}")


def _function(name: str, kinds: Sequence[Kind], function: Callable[..., Any]) -> Callable[..., Any]:
    def apply(*values: Any) -> Any:
        _check(f"{name}()", kinds, values)
        return function(*values)

    return apply


_PARAMETERS: Final[dict[str, tuple[Kind, ...]]] = {
    "abs": ("a number",),
    "contains": ("a text", "a text"),
    "day": ("a time",),
    "ends_with": ("a text", "a text"),
    "hour": ("a time",),
    "is_nan": ("a number",),
    "length": ("a text",),
    "lower": ("a text",),
    "matches": ("a text", "a text"),
    "minute": ("a time",),
    "month": ("a time",),
    "starts_with": ("a text", "a text"),
    "upper": ("a text",),
    "weekday": ("a time",),
    "year": ("a time",),
}
_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "abs": _arithmetic(abs),
    "contains": lambda text, part: part in text,
    "ends_with": str.endswith,
    "is_nan": lambda number: number != number,  # noqa: PLR0124 - only NaN is not itself
    "length": len,
    "lower": str.lower,
    "matches": _matches,
    "starts_with": str.startswith,
    "upper": str.upper,
    "weekday": lambda time: time.weekday(),
    **{part: operator.attrgetter(part) for part in ("year", "month", "day", "hour", "minute")},
}
OPERATIONS: Final[dict[str, Callable[..., Any]]] = {
    "==": _comparison(operator.eq),
    "!=": _comparison(operator.ne),
    "<": _comparison(operator.lt),
    "<=": _comparison(operator.le),
    ">": _comparison(operator.gt),
    ">=": _comparison(operator.ge),
    "+": _arithmetic(operator.add),
    "-": _arithmetic(operator.sub),
    "*": _arithmetic(operator.mul),
    "/": _divide,
    "negative": _arithmetic(operator.neg),
    "truth": truth,
    "not": operator.not_,
    **{name: _function(name, kinds, _FUNCTIONS[name]) for name, kinds in _PARAMETERS.items()},
}
"""Operations on values that are not missing, by name; each raises `DataError` for operands that it does not take."""

_SYMBOLS: Final[dict[type[ast.AST], str]] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
}
_TRUTHS: Final = {"==", "!=", "<", "<=", ">", ">=", "truth", "not"}
_GRAMMAR: Final = (
    "An expression has column names, or col('a name'), numbers, texts, + - * /, comparisons, in (…), is None, and, or, "
    f"not, and the functions {', '.join(_PARAMETERS)}."
)


@cache
def compile_expression(text: str) -> Condition:
    """Compile an expression.

    Raises:
        UsageError: The text is not an expression of the grammar, or does not name a column.
    """
    try:
        tree = _parse(text)
    except ValueError as error:
        shown = shorten(repr(text), 200, placeholder=" …")
        raise UsageError("expression.invalid", f"{shown} is not a valid expression: {error}.", _GRAMMAR) from error
    compiler = _Compiler(text.strip(), set())
    root = compiler.truth(tree)
    if not compiler.columns:
        raise UsageError("expression.invalid", f"{text!r} does not name a column.", _GRAMMAR)
    return Condition(text, tuple(sorted(compiler.columns)), root)


@dataclass(frozen=True, slots=True)
class _Compiler:
    text: str
    columns: set[str]

    def node(self, tree: ast.expr) -> Node:  # noqa: PLR0911 - a case of the grammar each
        match tree:
            case ast.Constant(value=bool() | int() | float() | str()):
                return Constant(tree.value)
            case (
                ast.Name(id=name) | ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str(name))], keywords=[])
            ):
                self.columns.add(name)
                return Column(name)
            case ast.Call(func=ast.Name(id=name), keywords=[]):
                return self.call(name, tree)
            case ast.UnaryOp(op=ast.Not()):
                return self.apply(tree, "not", self.truth(tree.operand))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
                return Constant(-number)  # also of a number beyond 64 bits, which compares
            case ast.UnaryOp(op=ast.USub()):
                return self.apply(tree, "negative", self.node(tree.operand))
            case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div()):
                return self.apply(tree, _SYMBOLS[type(tree.op)], self.node(tree.left), self.node(tree.right))
            case ast.BoolOp():
                return _junction(map(self.truth, tree.values), decisive=isinstance(tree.op, ast.Or))
            case ast.Compare():
                lefts = [tree.left, *tree.comparators]
                return _junction(map(self.link, lefts, tree.ops, tree.comparators), decisive=False)
        raise self.refused(tree)

    def truth(self, tree: ast.expr) -> Node:
        node = self.node(tree)
        is_truth = isinstance(node, Junction | Presence) or (isinstance(node, Apply) and node.name in _TRUTHS)
        return node if is_truth else self.apply(tree, "truth", node)

    def link(self, left: ast.expr, symbol: ast.cmpop, right: ast.expr) -> Node:
        is_none = isinstance(right, ast.Constant) and right.value is None
        if is_none and isinstance(symbol, ast.Is | ast.IsNot | ast.Eq | ast.NotEq):
            operand, wanted = self.node(left), isinstance(symbol, ast.IsNot | ast.NotEq)
            node = Presence(operand, wanted)
            return Constant(node.of_record(lambda _: None)) if isinstance(operand, Constant) else node
        if isinstance(symbol, ast.In | ast.NotIn):
            if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
                raise self.refused(right)
            value = self.node(left)
            any_of = _junction((self.apply(each, "==", value, self.node(each)) for each in right.elts), decisive=True)
            return any_of if isinstance(symbol, ast.In) else self.apply(right, "not", any_of)
        if isinstance(symbol, ast.Is | ast.IsNot):
            raise self.refused(right)
        return self.apply(right, _SYMBOLS[type(symbol)], self.node(left), self.node(right))

    def call(self, name: str, tree: ast.Call) -> Node:
        if name not in _PARAMETERS:
            near = ", ".join(get_close_matches(name, _PARAMETERS))
            raise UsageError(
                "expression.invalid",
                f"{self.text!r} calls {name}(), which does not exist.",
                f"Did you mean {near}?" if near else _GRAMMAR,
            )
        if len(tree.args) != len(_PARAMETERS[name]):
            raise self.refused(tree)
        return self.apply(tree, name, *map(self.node, tree.args))

    def apply(self, tree: ast.expr, name: str, *operands: Node) -> Node:
        try:
            if all(isinstance(operand, Constant) for operand in operands):
                return Constant(Apply(name, operands).of_record(lambda _: None))
            if name == "matches" and isinstance(operands[1], Constant):
                OPERATIONS[name]("", operands[1].value)  # finds a wrong pattern before there are data
        except DataError as error:
            raise self.refused(tree, f": {error.message}") from None
        return Apply(name, operands)

    def refused(self, tree: ast.expr, why: str = "") -> UsageError:
        part = ast.get_source_segment(self.text, tree) or self.text
        return UsageError("expression.invalid", f"{part!r} in {self.text!r} is not supported{why}.", _GRAMMAR)


def _junction(parts: Any, *, decisive: bool) -> Node:
    truths: tuple[Node, ...] = tuple(parts)
    node = truths[0] if len(truths) == 1 else Junction(truths, decisive)
    if all(isinstance(each, Constant) for each in truths):
        return Constant(node.of_record(lambda _: None))
    return node


def _parse(text: str) -> ast.expr:
    """Return the syntax tree of an expression.

    Raises:
        ValueError: The text is not an expression, is too long or nested too deeply to be evaluated, or has a number
            that is too large for a double. The message says which.
    """
    if len(text) > _MAX_CHARACTERS:
        raise ValueError(f"it has {len(text):,} characters; at most {_MAX_CHARACTERS:,} are allowed")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        raise ValueError(str(error)) from error
    except (RecursionError, MemoryError):  # how CPython's parser reports nesting
        raise ValueError(f"it is nested more than {_MAX_DEPTH} levels deep") from None
    level: list[ast.AST] = [tree]
    for _ in range(_MAX_DEPTH):
        for node in level:
            if isinstance(node, ast.Constant) and isinstance(node.value, int):
                _check_size(node.value)
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    raise ValueError(f"it is nested more than {_MAX_DEPTH} levels deep")


def _check_size(number: int) -> None:
    try:
        float(number)
    except OverflowError:
        raise ValueError(f"a number of {len(str(number))} digits is too large for a double") from None
