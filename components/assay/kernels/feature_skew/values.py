"""Compares the values of two columns row by row, as serialised `tf.Example` features compare: type, length and bits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.kernels.python_values import python_values
from assay.kernels.rows.batch_columns import BatchColumn
from assay.kernels.rows.record import BYTES, FLOAT, INT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Mask = NDArray[np.bool_]


def has_values(column: BatchColumn) -> Mask:
    """Tells which rows hold at least one value."""
    lists = column.levels[0]
    filled = column.no_rows()
    filled[lists.rows[lists.lengths > 0]] = True
    return filled


def equal_rows(base: pa.Array, test: pa.Array, ndigits: int | None) -> Mask:
    """Tells which rows hold the same values, in the same order; rows without any are equal.

    Args:
        base: One column.
        test: The other, of the same length.
        ndigits: Digits to which numbers that differ are rounded; None for no rounding.
    """
    one, other = BatchColumn(len(base), base), BatchColumn(len(test), test)
    empty = ~has_values(one) & ~has_values(other)
    # Rules read decimals as doubles, which have fewer digits: here they are compared as they are, with each other only.
    decimals = {"decimal" in str(each.type) for each in (base, test)}
    if decimals == {True, False} or (decimals == {False} and one.family != other.family):
        return empty
    if True in decimals or len(one.levels) > 1 or len(other.levels) > 1 or one.family not in {INT, FLOAT, BYTES}:
        pairs = zip(python_values(base), python_values(test), strict=True)
        same: Mask = empty | np.fromiter((left == right for left, right in pairs), np.bool_, len(base))
        return same
    equal: Mask = _lengths(one) == _lengths(other)
    left, right = _leaves_of(one, equal), _leaves_of(other, equal)
    differs = _differs(one, left, other, right, ndigits)
    equal[one.rows[left[differs]]] = False
    return equal


def _lengths(column: BatchColumn) -> NDArray[np.int64]:
    lengths = np.zeros(column.num_rows, np.int64)
    lengths[column.levels[0].rows] = column.levels[0].lengths
    return lengths


def _leaves_of(column: BatchColumn, rows: Mask) -> NDArray[np.intp]:
    """Gives the positions of the innermost values of some rows; a flat column has a place for a missing value too."""
    chosen = rows[column.rows]
    return np.flatnonzero(chosen & column.present_leaves if column.flat else chosen)


def _differs(
    one: BatchColumn, left: NDArray[np.intp], other: BatchColumn, right: NDArray[np.intp], ndigits: int | None
) -> Mask:
    differs: Mask = one.present_leaves[left] != other.present_leaves[right]
    if one.family == BYTES:
        differs |= _texts_differ(one, left, other, right)
    elif one.family == INT:
        differs |= one.numbers[left] != other.numbers[right]
    else:
        single = one.is_single or other.is_single
        differs |= _numbers_differ(one.numbers[left], other.numbers[right], ndigits, single=single)
    return differs


def _numbers_differ(numbers: NDArray[Any], others: NDArray[Any], ndigits: int | None, *, single: bool) -> Mask:
    differs = _bits_differ(numbers, others, single=single)
    if ndigits is not None:
        at = np.flatnonzero(differs)
        differs[at] = _bits_differ(rounded(numbers[at], ndigits), rounded(others[at], ndigits), single=single)
    return differs


def _texts_differ(one: BatchColumn, left: NDArray[np.intp], other: BatchColumn, right: NDArray[np.intp]) -> Mask:
    texts, codes = one.texts
    other_texts, other_codes = other.texts
    places = {text: place for place, text in enumerate(texts)}
    translation = np.array([*(places.get(text, -2) for text in other_texts), -1], np.int64)
    differs: Mask = codes[left] != translation[other_codes[right]]
    return differs


def _bits_differ(numbers: NDArray[Any], others: NDArray[Any], *, single: bool) -> Mask:
    """Compares bits, by which 0.0 is not -0.0 and every NaN is NaN."""
    kind, word = (np.float32, np.int32) if single else (np.float64, np.int64)
    with np.errstate(over="ignore"):
        one, other = numbers.astype(kind), others.astype(kind)
    differs: Mask = (one.view(word) != other.view(word)) & ~(np.isnan(one) & np.isnan(other))
    return differs


def rounded(numbers: NDArray[Any], ndigits: int) -> NDArray[np.float64]:
    """Rounds as Python does, by the exact decimal; numpy scales first, and errs in the last bit."""
    return np.array([round(number, ndigits) for number in numbers.tolist()], np.float64)


def round_column(column: pa.Array, ndigits: int | None) -> pa.Array:
    """Gives a column with its numbers with decimals rounded, flat or in lists."""
    if ndigits is None or BatchColumn(len(column), column).family != FLOAT:
        return column
    return pa.array([_round(value, ndigits) for value in column.to_pylist()], column.type)


def _round(value: Any, ndigits: int) -> Any:
    if isinstance(value, list):
        return [_round(each, ndigits) for each in value]
    return value if value is None else round(value, ndigits)
