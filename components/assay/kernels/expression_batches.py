"""Evaluates expressions on batches: by Arrow's kernels where they compute what `expression` defines, else by values.

The operations of `expression` are the definition. A kernel stands in for one of them on the common types; where it has
none for its operands, or fails (such as a sum beyond 64 bits), the operation itself is applied to each distinct
operand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import DataError
from assay.kernels.arrow_types import is_binary_like
from assay.kernels.expression import (
    OPERATIONS,
    OTHER_VALUE,
    Apply,
    Column,
    Condition,
    Constant,
    Junction,
    Kind,
    Node,
    Presence,
    instant,
    kind_of,
    text_bytes,
    unreadable,
)
from assay.kernels.python_values import python_values
from assay.kernels.rows.record import as_double, decoded
from assay.kernels.shortest_decimal import as_decimals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from assay.kernels.rows.batch_columns import BatchColumns

    Mask = NDArray[np.bool_]
    Operand = Any
    """A `pa.Array` with a value for each row, or a constant: Python's."""

_TEXT: Final = pa.large_binary()
_TICKS_PER_SECOND: Final = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True, slots=True)
class RowTruth:
    """What a condition comes to in each row of a batch; missing where none of the three holds.

    Attributes:
        true: Rows for which it is true.
        false: Rows for which it is false.
        unreadable: Rows that it cannot read.
        error: Why, for the first of them.
    """

    true: Mask
    false: Mask
    unreadable: Mask
    error: DataError | None

    @property
    def broken(self) -> Mask:
        """Rows that break the condition as a rule."""
        return self.false | self.unreadable

    @property
    def selected(self) -> Mask:
        """Rows that are in the slice of the condition.

        Raises:
            DataError: It cannot read all rows.
        """
        if self.error is not None:
            raise self.error
        return self.true


def evaluate(condition: Condition, batch: BatchColumns) -> RowTruth:
    """Evaluate a condition on every row of a batch; a column that the batch lacks is missing in every row."""
    rows = _Rows(batch)
    truth = rows.value(condition.root)
    false = ~rows.unreadable & np.asarray(pc.fill_null(pc.invert(truth), False))
    true = ~rows.unreadable & np.asarray(pc.fill_null(truth, False))
    error = rows.error
    if error is not None:
        types = ", ".join(f"{name}: {batch[name].leaf.type}" for name in condition.columns if name in batch.names)
        error = DataError(
            error.code, f"{condition.text!r} cannot read the data ({types}): {error.message}.", error.hint
        )
    return RowTruth(true, false, rows.unreadable, error)


class _Rows:
    """The rows of a batch, and what could not be read in them so far."""

    def __init__(self, batch: BatchColumns) -> None:
        self.batch = batch
        self.unreadable: Mask = np.zeros(batch.num_rows, np.bool_)
        self.error: DataError | None = None

    def value(self, node: Node) -> Operand:
        """Evaluate to an array, or a constant to itself."""
        match node:
            case Constant():
                return node.value
            case Column():
                return self.column(node.name)
            case Presence():
                operand = self.value(node.operand)
                return pc.is_valid(operand) if node.wanted else pc.is_null(operand)
            case Junction():
                truths = [self.value(part) for part in node.parts]
                arrays = [each if isinstance(each, pa.Array) else pa.scalar(each, pa.bool_()) for each in truths]
                return reduce(pc.or_kleene if node.decisive else pc.and_kleene, arrays)
        return self.apply(node, [self.value(operand) for operand in node.operands])

    def column(self, name: str) -> pa.Array:
        column = self.batch[name]
        if not column.flat and (column.leaves_per_row > 1).any():
            reason = f"Column '{name}' has several values in one row"
            hint = "Slice by the column itself: a row then belongs to the slice of each of its values."
            self.refuse(column.leaves_per_row > 1, unreadable(reason, hint))
        return _normalised(column.first_leaves)

    def apply(self, node: Apply, operands: Sequence[Operand]) -> pa.Array:
        if any(each is None or (isinstance(each, pa.Array) and pa.types.is_null(each.type)) for each in operands):
            return pa.nulls(self.batch.num_rows, pa.bool_())
        kernel = _KERNELS.get(node.name)
        try:
            result = None if kernel is None else kernel(*operands)
        except (pa.ArrowException, ValueError, OverflowError, DataError):
            result = None
        return self.by_values(OPERATIONS[node.name], operands) if result is None else result

    def by_values(self, operation: Callable[..., Any], operands: Sequence[Operand]) -> pa.Array:
        """Apply an operation to the operands of each row, or to the distinct ones where only one operand varies."""
        arrays = [operand for operand in operands if isinstance(operand, pa.Array)]
        codes = None
        if len(arrays) == 1 and _kind(arrays[0]) != kind_of(OTHER_VALUE):
            encoded = arrays[0].dictionary_encode()
            codes = encoded.indices
            arrays = [encoded.dictionary]
        varying = iter(arrays)
        columns: list[Any] = [_python(next(varying)) if isinstance(each, pa.Array) else each for each in operands]
        results: list[Any] = []
        errors: dict[int, DataError] = {}
        for nth in range(len(arrays[0])):
            values = [column[nth] if isinstance(column, list) else column for column in columns]
            try:
                result = None if None in values else operation(*values)
            except DataError as error:
                errors[nth], result = error, None
            results.append(text_bytes(result) if isinstance(result, str) else result)
        type_ = next((type(result) for result in results if result is not None), bool)
        array = pa.array(results, {bool: pa.bool_(), bytes: _TEXT}.get(type_))
        failed = np.zeros(len(results), np.bool_)
        failed[list(errors)] = True
        if codes is not None:
            array, failed = array.take(codes), np.asarray(pc.fill_null(pa.array(failed).take(codes), False))
        if errors:
            self.refuse(failed, next(iter(errors.values())))
        return array

    def refuse(self, rows: Mask, error: DataError) -> None:
        self.unreadable |= rows
        self.error = self.error or error


def _normalised(array: pa.Array) -> pa.Array:
    """Return values of each kind in one type of Arrow: numbers in 64 bits, texts as bytes, dates as times."""
    kind = array.type
    try:
        if pa.types.is_integer(kind):
            return array.cast(pa.int64())
        if pa.types.is_float16(kind):
            return as_decimals(array)
        if is_binary_like(kind):
            return array.cast(_TEXT)
        if pa.types.is_date(kind):
            return array.cast(pa.timestamp("s" if pa.types.is_date32(kind) else "ms"))
    except pa.ArrowInvalid:  # a whole number of 64 bits without a sign
        pass
    return array


def _kind(operand: Operand) -> Kind:
    if not isinstance(operand, pa.Array):
        return kind_of(operand)
    kind = operand.type
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        return "a number"
    if kind == _TEXT:
        return "a text"
    return "a time" if pa.types.is_timestamp(kind) else kind_of(OTHER_VALUE)


def _python(array: pa.Array) -> list[Any]:
    kind = _kind(array)
    if kind == "a number":
        return as_decimals(array).to_pylist()  # type: ignore[no-any-return]
    if kind == "a text":
        return [None if value is None else decoded(value) for value in array.to_pylist()]
    if kind == "a time":  # what Python cannot represent is its text
        return [OTHER_VALUE if isinstance(value, str) else value for value in python_values(array)]
    return [OTHER_VALUE if valid else None for valid in array.is_valid().to_pylist()]


def _comparison(kernel: Callable[[Any, Any], pa.Array]) -> Callable[[Operand, Operand], pa.Array | None]:
    def compare(one: Operand, other: Operand) -> pa.Array | None:
        kinds = {_kind(one), _kind(other)}
        if kinds == {"a number"}:
            return kernel(*(_singles(one, other) or _numbers(one, other)))
        if kinds == {"a text"}:
            return kernel(
                *(pa.scalar(text_bytes(each), _TEXT) if isinstance(each, str) else each for each in (one, other))
            )
        if kinds == {"a time", "a text"} and not (isinstance(one, pa.Array) and isinstance(other, pa.Array)):
            one, other = (each if isinstance(each, pa.Array) else instant(each) for each in (one, other))
            kinds = {_kind(one), _kind(other)}  # a column of texts remains one
        return kernel(*_ticks(one, other)) if kinds == {"a time"} else None

    return compare


def _singles(*numbers: Operand) -> list[Any] | None:
    """Return numbers of single precision that compare as their decimals do; None if there are others among them."""
    if not all(each.type == pa.float32() if isinstance(each, pa.Array) else _is_single(each) for each in numbers):
        return None
    return [each if isinstance(each, pa.Array) else pa.scalar(as_double(each), pa.float32()) for each in numbers]


def _is_single(number: float) -> bool:
    """Return whether a constant is the shortest decimal of a number of single precision."""
    with np.errstate(over="ignore"):
        return float(str(np.float32(as_double(number)))) == number


def _numbers(*numbers: Operand) -> list[Any]:
    """Return operands as doubles if one of them is a double, else as whole numbers of 64 bits."""
    types = {each.type if isinstance(each, pa.Array) else type(each) for each in numbers}
    if types & {pa.float64(), pa.float32(), float}:
        return [
            as_decimals(each).cast(pa.float64(), safe=False)
            if isinstance(each, pa.Array)
            else pa.scalar(as_double(each))
            for each in numbers
        ]
    kind = pa.uint64() if pa.uint64() in types else pa.int64()
    return [each.cast(kind) if isinstance(each, pa.Array) else pa.scalar(int(each), kind) for each in numbers]


def _ticks(*times: Operand) -> list[Any]:
    """Return times as whole numbers of one unit, since 1970 in UTC."""
    units = [each.type.unit for each in times if isinstance(each, pa.Array)]
    unit = max([*units, "us"], key=_TICKS_PER_SECOND.__getitem__)
    return [
        pc.multiply_checked(each.cast(pa.int64()), _TICKS_PER_SECOND[unit] // _TICKS_PER_SECOND[each.type.unit])
        if isinstance(each, pa.Array)
        else pa.scalar(_microseconds(each) * (_TICKS_PER_SECOND[unit] // 10**6), pa.int64())
        for each in times
    ]


def _microseconds(time: Any) -> int:
    return pa.scalar(instant(time), pa.timestamp("us", "UTC")).cast(pa.int64()).as_py()  # type: ignore[no-any-return]


def _arithmetic(real: Callable[..., pa.Array], whole: Callable[..., pa.Array]) -> Callable[..., pa.Array | None]:
    def compute(*operands: Operand) -> pa.Array | None:
        if any(_kind(operand) != "a number" for operand in operands):
            return None
        numbers = _numbers(*operands)
        if numbers[0].type == pa.float64():
            return real(*numbers)
        return whole(*numbers) if numbers[0].type == pa.int64() else None

    return compute


def _quotient(one: Operand, other: Operand) -> pa.Array | None:
    if {_kind(one), _kind(other)} != {"a number"}:
        return None
    one, other = _numbers(one, other, 0.0)[:2]
    return pc.divide(one, pc.if_else(pc.equal(other, 0.0), pa.scalar(None, pa.float64()), other))


def _truth(operand: pa.Array) -> pa.Array | None:
    if pa.types.is_boolean(operand.type):
        return operand
    return _KERNELS["!="](operand, 0)


def _part(kernel: Callable[[pa.Array], pa.Array]) -> Callable[[pa.Array], pa.Array | None]:
    return lambda time: kernel(time) if _kind(time) == "a time" else None


_KERNELS: Final[dict[str, Callable[..., pa.Array | None]]] = {
    "==": _comparison(pc.equal),
    "!=": _comparison(pc.not_equal),
    "<": _comparison(pc.less),
    "<=": _comparison(pc.less_equal),
    ">": _comparison(pc.greater),
    ">=": _comparison(pc.greater_equal),
    "+": _arithmetic(pc.add, pc.add_checked),
    "-": _arithmetic(pc.subtract, pc.subtract_checked),
    "*": _arithmetic(pc.multiply, pc.multiply_checked),
    "/": _quotient,
    "negative": _arithmetic(pc.negate, pc.negate_checked),
    "abs": _arithmetic(pc.abs, pc.abs_checked),
    "is_nan": lambda number: pc.is_nan(_numbers(number, 0.0)[0]) if _kind(number) == "a number" else None,
    "truth": _truth,
    "not": pc.invert,
    "year": _part(pc.year),
    "month": _part(pc.month),
    "day": _part(pc.day),
    "hour": _part(pc.hour),
    "minute": _part(pc.minute),
    "weekday": _part(pc.day_of_week),
}
