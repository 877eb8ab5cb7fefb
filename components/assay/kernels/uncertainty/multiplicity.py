"""Corrections for many comparisons, such as one a slice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from assay.kernels.metrics.rows import Floats


def holm(p_values: Sequence[float]) -> Floats:
    """Return adjusted p-values that keep the chance of any false rejection (Holm 1979).

    Reject where the adjusted p-value is at most the level. Comparisons may depend on each other in any way. NaN (a
    comparison that could not be made) stays NaN and does not count.
    """
    return _adjusted(p_values, lambda ranks, count: count - ranks, np.maximum.accumulate)


def benjamini_hochberg(p_values: Sequence[float]) -> Floats:
    """Return adjusted p-values that keep the expected share of false among all rejections (1995).

    For comparisons that are independent or depend positively, as those of slices that share rows do. NaN as in
    [`holm`][...holm].
    """
    return _adjusted(
        p_values,
        lambda ranks, count: count / (ranks + 1),
        lambda values: np.minimum.accumulate(values[::-1])[::-1],
    )


def _adjusted(
    p_values: Sequence[float],
    factor: Callable[[Floats, int], Floats],
    monotone: Callable[[Floats], Floats],
) -> Floats:
    values = np.asarray(p_values, dtype=np.float64)
    known = np.flatnonzero(~np.isnan(values))
    order = known[np.argsort(values[known], kind="stable")]
    adjusted = np.full(len(values), np.nan)
    ranks = np.arange(len(order), dtype=np.float64)
    adjusted[order] = np.minimum(monotone(values[order] * factor(ranks, len(order))), 1.0)
    return adjusted
