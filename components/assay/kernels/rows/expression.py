"""Expressions over columns, in a small part of Python's grammar: `tips <= fare and payment in ("Cash", "Card")`.

An expression is compiled once and reads a batch and a record by the same operators: each node gives a value and whether
it is known, as a numpy array and a mask for a batch and as a number, text or bool and a bool for a record. Missing
values are unknown, and `and`, `or` and `not` follow SQL's three-valued logic. Numbers are doubles.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from textwrap import shorten
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from assay.errors import UsageError
from assay.kernels.condition_text import parse_condition

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind: TypeAlias = Literal["number", "text", "condition", "missing", "mixed"]


@dataclass(frozen=True, slots=True)
class Term:
    """What a node comes to.

    Attributes:
        kind: `missing` where a column has no values that would tell, `mixed` for several values in one row or a type
            that expressions do not read.
        value: Anything where it is not known.
        known: Whether, or in which rows, there is a value.
    """

    kind: Kind
    value: Any
    known: Any


Columns: TypeAlias = Callable[[str], Term]
Node: TypeAlias = Callable[[Columns], Term]

_ARITHMETIC: Final[dict[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_COMPARISONS: Final[dict[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_GRAMMAR: Final = (
    "An expression is made of column names (or column('a name')), numbers, texts, + - * /, comparisons, "
    "in (…), is None, and, or, not and abs()."
)


@cache
def compile_expression(text: str) -> tuple[Node, tuple[str, ...]]:
    """Compiles an expression, and names the columns that it reads, sorted.

    Raises:
        UsageError: The text is no expression of the grammar, or reads no column.
    """
    try:
        tree = parse_condition(text)
    except ValueError as error:
        shown = shorten(repr(text), 200, placeholder=" …")
        raise UsageError("rows.bad_expression", f"{shown} is not an expression: {error}.", _GRAMMAR) from error
    columns: set[str] = set()
    node = _compile(tree, text, columns)
    if not columns:
        raise UsageError("rows.bad_expression", f"{text!r} reads no column.", _GRAMMAR)
    return node, tuple(sorted(columns))


def condition(term: Term) -> tuple[Any, Any]:
    """Reads a term as a condition: whether it holds, and whether that is known; a number holds unless it is 0.

    Text and rows with several values hold never: an expression that cannot read its data is broken, not silent.
    """
    if term.kind == "number":
        return term.value != 0, term.known
    if term.kind == "condition":
        return term.value, term.known
    return term.known & False, term.known


def _compile(node: ast.expr, text: str, columns: set[str]) -> Node:
    def inner(each: ast.expr) -> Node:
        return _compile(each, text, columns)

    if isinstance(node, ast.Constant):
        return _constant(node.value, text)
    if isinstance(node, ast.Name):
        columns.add(node.id)
        return lambda read: read(node.id)
    if isinstance(node, ast.Compare):
        return _comparison_chain(node, text, inner)
    if isinstance(node, ast.Call):
        return _call(node, text, columns)
    return _operation(node, text, inner)


def _operation(node: ast.expr, text: str, inner: Callable[[ast.expr], Node]) -> Node:
    if isinstance(node, ast.BoolOp):
        return _junction([inner(each) for each in node.values], all_hold=isinstance(node.op, ast.And))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _negation(inner(node.operand))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _arithmetic(operator.sub, _constant(0.0, text), inner(node.operand))
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return _arithmetic(_ARITHMETIC[type(node.op)], inner(node.left), inner(node.right))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        return _division(inner(node.left), inner(node.right))
    raise _unknown(node, text)


def _constant(value: Any, text: str) -> Node:
    if isinstance(value, bool | int | float):
        term = Term("number", float(value), True)
    elif isinstance(value, str):
        term = Term("text", value, True)
    else:
        raise UsageError("rows.bad_expression", f"{value!r} has no place in {text!r}.", _GRAMMAR)
    return lambda _read: term


def _call(node: ast.Call, text: str, columns: set[str]) -> Node:
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if len(node.args) != 1 or node.keywords or name not in {"column", "abs"}:
        raise _unknown(node, text)
    argument = node.args[0]
    if name == "column":
        if not isinstance(argument, ast.Constant) or not isinstance(argument.value, str):
            raise _unknown(node, text)
        column: str = argument.value
        columns.add(column)
        return lambda read: read(column)
    operand = _compile(argument, text, columns)
    return _absolute(operand)


def _comparison_chain(node: ast.Compare, text: str, inner: Callable[[ast.expr], Node]) -> Node:
    left, links = node.left, []
    for symbol, right in zip(node.ops, node.comparators, strict=True):
        links.append(_link(symbol, left, right, text, inner))
        left = right
    return links[0] if len(links) == 1 else _junction(links, all_hold=True)


def _link(symbol: ast.cmpop, left: ast.expr, right: ast.expr, text: str, inner: Callable[[ast.expr], Node]) -> Node:
    if isinstance(symbol, ast.Is | ast.IsNot):
        if not isinstance(right, ast.Constant) or right.value is not None:
            raise _unknown(right, text)
        return _presence(inner(left), wanted=isinstance(symbol, ast.IsNot))
    if isinstance(symbol, ast.In | ast.NotIn):
        if not isinstance(right, ast.Tuple | ast.List | ast.Set) or not right.elts:
            raise _unknown(right, text)
        one_of = _junction([_comparison(operator.eq, inner(left), inner(each)) for each in right.elts], all_hold=False)
        return one_of if isinstance(symbol, ast.In) else _negation(one_of)
    return _comparison(_COMPARISONS[type(symbol)], inner(left), inner(right))


def _comparison(compare: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
    def evaluate(read: Columns) -> Term:
        one, other = left(read), right(read)
        known = one.known & other.known
        if one.kind == other.kind and one.kind in {"number", "text"}:
            return Term("condition", compare(one.value, other.value), known)
        return Term("condition", known & False, known)  # a number never stands in any order to a text

    return evaluate


def _presence(operand: Node, *, wanted: bool) -> Node:
    def evaluate(read: Columns) -> Term:
        known = operand(read).known
        return Term("condition", known if wanted else known ^ True, known | True)

    return evaluate


def _junction(parts: Sequence[Node], *, all_hold: bool) -> Node:
    """`and` (`all_hold`) or `or`: known where all parts are, or where one part decides alone."""

    def evaluate(read: Columns) -> Term:
        value, known = condition(parts[0](read))
        for part in parts[1:]:
            other, other_known = condition(part(read))
            both = (value & other) if all_hold else (value | other)
            decides = (known & (value ^ all_hold)) | (other_known & (other ^ all_hold))
            value = both & (decides ^ True) | decides & (not all_hold)
            known = decides | (known & other_known)
        return Term("condition", value, known)

    return evaluate


def _negation(operand: Node) -> Node:
    def evaluate(read: Columns) -> Term:
        value, known = condition(operand(read))
        return Term("condition", value ^ True, known)

    return evaluate


def _arithmetic(operate: Callable[[Any, Any], Any], left: Node, right: Node) -> Node:
    def evaluate(read: Columns) -> Term:
        one, other = left(read), right(read)
        known = one.known & other.known
        if one.kind == other.kind == "number":
            return Term("number", operate(one.value, other.value), known)
        return Term(_unreadable(one, other), 0.0, known)

    return evaluate


def _division(left: Node, right: Node) -> Node:
    def evaluate(read: Columns) -> Term:
        one, other = left(read), right(read)
        known = one.known & other.known
        if one.kind == other.kind == "number":
            zero = other.value == 0  # what is divided by 0 is unknown
            return Term("number", one.value / (other.value + zero), known & (zero ^ True))
        return Term(_unreadable(one, other), 0.0, known)

    return evaluate


def _absolute(operand: Node) -> Node:
    def evaluate(read: Columns) -> Term:
        term = operand(read)
        return Term("number", abs(term.value), term.known) if term.kind == "number" else _mixed(term)

    return evaluate


def _mixed(term: Term) -> Term:
    return term if term.kind == "missing" else Term("mixed", term.value, term.known)


def _unreadable(one: Term, other: Term) -> Kind:
    return "missing" if {one.kind, other.kind} <= {"missing", "number"} else "mixed"


def _unknown(node: ast.expr, text: str) -> UsageError:
    part = ast.unparse(node)
    return UsageError("rows.bad_expression", f"{part!r} in {text!r} is not understood.", _GRAMMAR)
