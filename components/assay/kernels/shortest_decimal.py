"""The shortest decimal that reads back as the same float32, as a double, for whole arrays."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIGITS = range(6, 10)  # any decimal of 6 digits survives float32; 9 digits tell all float32 apart
_EXACT_POWER = 22  # 10^22 is the largest power of ten that a double holds exactly
_POWERS_OF_TEN = np.array([float(10**power) for power in range(_EXACT_POWER + 1)])


def as_decimals(array: pa.Array) -> pa.Array:
    """Return numbers of single or half precision as the doubles of their shortest decimals; other arrays as they are.

    A column of 0.1 is then one slice, in one bin and equal to 0.1, whichever precision a file keeps it in.
    """
    if not (pa.types.is_float32(array.type) or pa.types.is_float16(array.type)):
        return array
    missing = np.asarray(array.is_null())
    return pa.array(shortest_decimals(array.to_numpy(zero_copy_only=False)), mask=missing)


def shortest_decimals(numbers: NDArray[Any]) -> NDArray[np.float64]:
    """Return the double that is nearest to each number's shortest decimal: float32 0.1 gives the double 0.1.

    With at most 9 digits and a power of ten that doubles hold exactly, one division or multiplication rounds
    correctly; numbers beyond that (below about 1e-14 and above 1e27) are formatted one by one.

    Args:
        numbers: float32 or float16, of any shape `(n,)`.
    """
    if numbers.dtype == np.float16:
        return _half_decimals()[np.asarray(numbers).view(np.uint16)]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        single = numbers.astype(np.float32)
        wide = single.astype(np.float64)
        result = wide.copy()
        # Whole numbers of up to 24 bits are their own shortest decimal.
        left = np.flatnonzero(np.isfinite(wide) & ~((wide == np.floor(wide)) & (np.abs(wide) < 2**24)))
        exponents = np.floor(np.log10(np.abs(wide[left]))).astype(np.int64)
    exact = (_DIGITS[-1] - 1 - exponents <= _EXACT_POWER) & (exponents - _DIGITS[0] + 1 <= _EXACT_POWER)
    one_by_one = left[~exact]
    left, exponents = left[exact], exponents[exact]
    for digits in _DIGITS:
        powers = digits - 1 - exponents
        scale = _POWERS_OF_TEN[np.abs(powers)]
        up = powers >= 0
        scaled = np.where(up, wide[left] * scale, wide[left] / scale)
        rounded = np.rint(scaled)
        decimals = np.where(up, rounded / scale, rounded * scale)
        with np.errstate(over="ignore"):
            found = decimals.astype(np.float32) == single[left]
        result[left[found]] = decimals[found]
        left, exponents = left[~found], exponents[~found]
    left = np.concatenate([left, one_by_one])
    result[left] = [float(text) for text in single[left].astype(str)]
    return result


@cache
def _half_decimals() -> NDArray[np.float64]:
    """Return the shortest decimal of each of the 65,536 numbers of half precision, by its bits."""
    return np.array([float(text) for text in np.arange(2**16, dtype=np.uint16).view(np.float16).astype(str)])
