"""Conditions on rows, written as in Python: `fare > 10 and company == 'Blue'`.

The text is parsed by Python's own parser, and only what is listed here is understood; nothing of it is executed.
A comparison with a missing value is neither true nor false, as in SQL: such rows do not meet the condition.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import reduce
from itertools import pairwise
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import DataError, UsageError
from assay.kernels.arrow_types import is_binary_like, is_list, plain
from assay.kernels.condition_text import parse_condition
from assay.kernels.shortest_decimal import as_decimals

if TYPE_CHECKING:
    from numpy.typing import NDArray

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: pc.equal,
    ast.NotEq: pc.not_equal,
    ast.Lt: pc.less,
    ast.LtE: pc.less_equal,
    ast.Gt: pc.greater,
    ast.GtE: pc.greater_equal,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: pc.add_checked,
    ast.Sub: pc.subtract_checked,
    ast.Mult: pc.multiply_checked,
    ast.Div: lambda left, right: pc.divide(pc.cast(left, pa.float64()), right),
}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "abs": pc.abs_checked,
    "contains": lambda text, part: pc.match_substring(text, pattern=part),
    "day": pc.day,
    "ends_with": lambda text, part: pc.ends_with(text, pattern=part),
    "hour": pc.hour,
    "is_nan": lambda number: pc.is_nan(pc.cast(number, pa.float64())),
    "length": lambda text: pc.utf8_length(text) if _is_text(text.type) else pc.binary_length(text),
    "lower": pc.utf8_lower,
    "matches": lambda text, pattern: pc.match_substring_regex(text, pattern=pattern),
    "minute": pc.minute,
    "month": pc.month,
    "starts_with": lambda text, part: pc.starts_with(text, pattern=part),
    "upper": pc.utf8_upper,
    "weekday": pc.day_of_week,
    "year": pc.year,
}

_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition that was understood.

    Attributes:
        text: As it was written.
        columns: The columns that it needs.
        _tree: What it says.
    """

    text: str
    columns: frozenset[str]
    _tree: ast.expr

    def mask(self, batch: pa.RecordBatch) -> NDArray[np.bool_]:
        """Tells for each row whether it meets the condition; a column that the batch lacks is missing in every row.

        Raises:
            DataError: The condition does not fit the types of the columns, or a row has several values of a feature.
        """
        try:
            result = _value(self._tree, batch)
            if not isinstance(result, pa.Array) or not pa.types.is_boolean(result.type):
                raise DataError("statistics.condition", f"The condition {self.text!r} is neither true nor false.")
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            types = ", ".join(f"{name}: {batch.schema.field(name).type}" for name in sorted(self._present(batch)))
            raise DataError(
                "statistics.condition", f"The condition {self.text!r} does not fit the data ({types}): {error}"
            ) from error
        mask: NDArray[np.bool_] = pc.fill_null(result, False).to_numpy(zero_copy_only=False)
        return mask

    def _present(self, batch: pa.RecordBatch) -> frozenset[str]:
        return self.columns & set(batch.schema.names)


def condition(text: str) -> Condition:
    """Reads a condition.

    Columns stand by their names, or as `col('any name')`. There are comparisons (also chained, `in (…)`, `is None`),
    `and`, `or`, `not`, `+ - * /`, and the functions abs, contains, day, ends_with, hour, is_nan, length, lower,
    matches (a regular expression), minute, month, starts_with, upper, weekday (Monday is 0) and year.

    Raises:
        UsageError: The text is anything else.
    """
    try:
        tree = parse_condition(text)
    except ValueError as error:
        shown = shorten(repr(text), 200, placeholder=" …")
        raise UsageError("statistics.condition", f"The condition {shown} cannot be read: {error}.") from error
    columns: set[str] = set()
    functions: set[int] = set()
    for node in ast.walk(tree):  # parents before children
        _check_known(node, text)
        if isinstance(node, ast.Call):
            functions.add(id(node.func))
            if _is_column(node):
                columns.add(node.args[0].value)  # type: ignore[attr-defined]  # checked: a constant
        elif isinstance(node, ast.Name) and id(node) not in functions:
            columns.add(node.id)
    if not columns:
        raise UsageError("statistics.condition", f"The condition {text!r} names no column.")
    return Condition(text, frozenset(columns), tree)


_KNOWN = (
    *(ast.Name, ast.Load, ast.Call, ast.Compare, ast.In, ast.NotIn, ast.Is, ast.IsNot, *_COMPARISONS),
    *(ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.USub, ast.BinOp, *_ARITHMETIC),
)


def _check_known(node: ast.AST, text: str) -> None:
    if isinstance(node, ast.Constant):
        known = node.value is None or isinstance(node.value, bool | int | float | str)
    elif isinstance(node, ast.Tuple | ast.List):
        known = all(isinstance(element, ast.Constant) for element in node.elts)
    elif isinstance(node, ast.Call):
        known = isinstance(node.func, ast.Name) and not node.keywords
        if isinstance(node.func, ast.Name) and node.func.id not in _FUNCTIONS and not _is_column(node):
            raise UsageError(
                "statistics.condition",
                f"The condition {text!r} uses {node.func.id}(), which does not exist.",
                f"There is: {', '.join(get_close_matches(node.func.id, _FUNCTIONS) or sorted(_FUNCTIONS))}.",
            )
    else:
        known = isinstance(node, _KNOWN)
    if not known:
        part = (ast.get_source_segment(text.strip(), node) if isinstance(node, ast.expr) else None) or text
        raise UsageError("statistics.condition", f"The condition {text!r} holds {part!r}, which is not understood.")


def _is_column(node: ast.Call) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="col"), args=[ast.Constant(value=str())], keywords=[]):
            return True
    return False


def _value(node: ast.expr, batch: pa.RecordBatch) -> Any:
    """Evaluates to an array with an element for each row, or to a constant."""
    return _EVALUATE[type(node)](node, batch)


def _call(node: ast.Call, batch: pa.RecordBatch) -> Any:
    if _is_column(node):
        return _column(_value(node.args[0], batch), batch)
    assert isinstance(node.func, ast.Name)
    values = [_value(each, batch) for each in node.args]
    return _missing_or(_FUNCTIONS[node.func.id], values)


def _comparison(node: ast.Compare, batch: pa.RecordBatch) -> Any:
    values = [_value(each, batch) for each in (node.left, *node.comparators)]
    results = [_compare(op, one, two) for op, (one, two) in zip(node.ops, pairwise(values), strict=True)]
    return reduce(pc.and_kleene, results)


def _junction(node: ast.BoolOp, batch: pa.RecordBatch) -> Any:
    join = pc.and_kleene if isinstance(node.op, ast.And) else pc.or_kleene
    return reduce(join, (_value(each, batch) for each in node.values))


def _unary(node: ast.UnaryOp, batch: pa.RecordBatch) -> Any:
    value = _value(node.operand, batch)
    if isinstance(node.op, ast.Not):
        return pc.invert(value)
    return pc.negate_checked(value) if isinstance(value, pa.Array) else -value


def _arithmetic(node: ast.BinOp, batch: pa.RecordBatch) -> Any:
    result = _missing_or(_ARITHMETIC[type(node.op)], [_value(node.left, batch), _value(node.right, batch)])
    return result.as_py() if isinstance(result, pa.Scalar) else result


_EVALUATE: dict[type[ast.expr], Callable[[Any, pa.RecordBatch], Any]] = {
    ast.Name: lambda node, batch: _column(node.id, batch),
    ast.Constant: lambda node, _: node.value,
    ast.Call: _call,
    ast.Compare: _comparison,
    ast.BoolOp: _junction,
    ast.UnaryOp: _unary,
    ast.BinOp: _arithmetic,
    ast.Tuple: lambda node, _: [element.value for element in node.elts],
    ast.List: lambda node, _: [element.value for element in node.elts],
}


def _column(name: str, batch: pa.RecordBatch) -> pa.Array:
    index = batch.schema.get_field_index(name)
    if index < 0:
        return pa.nulls(batch.num_rows)
    array = plain(batch.column(index))
    if is_list(array.type):
        lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
        if len(lengths) and lengths.max() > 1:
            raise DataError(
                "statistics.condition",
                f"Column '{name}' has several values in one row, so that no condition can be put on it.",
                "Slice by feature_keys or feature_values: a row then belongs to the slice of each of its values.",
            )
        indices = pa.array(np.cumsum(lengths) - 1, mask=lengths == 0)
        array = plain(array.flatten()).take(indices)
    return array.cast(pa.int8()) if pa.types.is_boolean(array.type) else as_decimals(array)


def _compare(op: ast.cmpop, left: Any, right: Any) -> pa.Array:
    if right is None and isinstance(left, pa.Array):
        return pc.is_valid(left) if isinstance(op, ast.IsNot | ast.NotEq) else pc.is_null(left)
    if _is_missing(left) or _is_missing(right):
        return pa.nulls(len(left if isinstance(left, pa.Array) else right), pa.bool_())
    if isinstance(op, ast.In | ast.NotIn):
        found = pc.is_in(left, value_set=pa.array([_constant(each, left.type).as_py() for each in right], left.type))
        return pc.and_(pc.invert(found), pc.is_valid(left)) if isinstance(op, ast.NotIn) else found
    if isinstance(op, ast.Is | ast.IsNot):
        raise TypeError("'is' is for None only")
    if isinstance(left, pa.Array) and not isinstance(right, pa.Array):
        left, right = _comparable(left, right)
    elif isinstance(right, pa.Array) and not isinstance(left, pa.Array):
        right, left = _comparable(right, left)
    return _COMPARISONS[type(op)](left, right)


def _is_missing(value: Any) -> bool:
    """Tells whether a value is missing in every row, so that its type is not known."""
    return isinstance(value, pa.Array) and bool(pa.types.is_null(value.type))


def _missing_or(function: Callable[..., Any], values: list[Any]) -> Any:
    missing = next(filter(_is_missing, values), None)
    return function(*values) if missing is None else missing


def _constant(value: Any, type_: pa.DataType) -> pa.Scalar:
    """Gives a constant in a type that compares with `type_`: text stands for bytes and for times, too."""
    if isinstance(value, str) and is_binary_like(type_):
        return pa.scalar(value if _is_text(type_) else value.encode(), type_)
    if isinstance(value, str) and pa.types.is_temporal(type_):
        return pa.scalar(datetime.fromisoformat(value)).cast(type_)
    if isinstance(value, int) and pa.types.is_integer(type_):
        return pa.scalar(int(value), type_)
    if isinstance(value, int) and value not in _INT64:
        return pa.scalar(float(value))
    return pa.scalar(int(value) if isinstance(value, bool) else value)


def _comparable(array: pa.Array, value: Any) -> tuple[pa.Array, pa.Scalar]:
    """Return a column and a constant that Arrow compares without a cast that could fail."""
    if isinstance(value, int) and pa.types.is_integer(array.type) and not _fits(value, array.type):
        # Every value of the column is on the same side of the constant.
        return pc.if_else(pc.is_valid(array), 0.0, pa.scalar(None, pa.float64())), pa.scalar(math.copysign(1.0, value))
    return array, _constant(value, array.type)


def _fits(value: int, type_: pa.DataType) -> bool:
    signed = pa.types.is_signed_integer(type_)
    bits = type_.bit_width - signed
    return bool((-(2**bits) if signed else 0) <= value < 2**bits)


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))
