"""How many rows a comparison needs."""

from __future__ import annotations

import math

from assay.kernels.uncertainty.normal import quantile


def rows_needed(spread: float, margin: float, *, level: float = 0.05, checks: int = 1) -> int:
    """Gives the rows at which both errors of a one-sided comparison are at most `level`.

    The errors are to hold a model that is worse by the margin for not worse, and to hold an equal one for worse; with
    many checks (slices), to do so in any of them. `((z(level / checks) + z(level)) * spread / margin)²`.

    Args:
        spread: The standard error of the difference times the square root of the number of rows.
        margin: The difference that matters.
        level: Of each error.
        checks: How many comparisons must all come out right.
    """
    z = -quantile(level / checks) - quantile(level)
    return math.ceil((z * spread / margin) ** 2)
