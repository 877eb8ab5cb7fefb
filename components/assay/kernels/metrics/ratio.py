"""Division as all metrics do it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from assay.kernels.metrics.rows import Floats


NEGLIGIBLE: Final = 1e-8
"""What TFMA takes for 0: the absolute tolerance of numpy's `isclose`."""


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    """Divides where the denominator is above 0, and gives NaN elsewhere: an undefined value is never a number."""
    numerator, denominator = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        quotient: Floats = np.divide(
            numerator, denominator, out=np.full(numerator.shape, np.nan), where=denominator > 0
        )
    return quotient


def safe_ratio(numerator: ArrayLike, denominator: ArrayLike) -> Floats:
    """Divides where the denominator is not (close to) 0, of either sign; NaN elsewhere."""
    numerator, denominator = np.broadcast_arrays(
        np.asarray(numerator, dtype=np.float64), np.asarray(denominator, dtype=np.float64)
    )
    with np.errstate(over="ignore", invalid="ignore"):
        quotient: Floats = np.divide(
            numerator, denominator, out=np.full(numerator.shape, np.nan), where=np.abs(denominator) > NEGLIGIBLE
        )
    return quotient
