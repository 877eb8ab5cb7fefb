"""The population stability index over bins that a reader can see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.kernels.distances.distribution import Categories, Numbers

NUM_BINS: Final = 10
"""Bins of a numeric feature: tenths of the control, as the index is commonly computed (Siddiqi 2006)."""

MIN_EXPECTED: Final = 5.0
"""Categories of which fewer are expected on either side share one bin: below it, counts are far from normal and the
index is mostly noise (Cochran 1954)."""

_SMOOTHING: Final = 0.5
"""Added to each bin's count, so that an empty one does not make the index infinite (the Jeffreys prior)."""

OTHERS: Final = "(others)"
NOT_FINITE: Final = "(NaN, infinite)"


@dataclass(frozen=True, slots=True)
class Bin:
    """One bin.

    Attributes:
        name: A category, or an interval such as `(3.5, 7]`.
        treatment: Occurrences in the data that is judged.
        control: Occurrences in the data that it is compared with.
    """

    name: str
    treatment: float
    control: float


def population_stability_index(bins: Sequence[Bin]) -> float:
    """The sum of (p - q) ln(p / q) over the bins: Jeffreys' divergence, in nats; 0 for equal shares, no upper end."""
    return sum(contributions(bins))


def contributions(bins: Sequence[Bin]) -> list[float]:
    """What each bin adds to the index."""
    n = sum(each.treatment + _SMOOTHING for each in bins)
    m = sum(each.control + _SMOOTHING for each in bins)
    pairs = [((each.treatment + _SMOOTHING) / n, (each.control + _SMOOTHING) / m) for each in bins]
    return [(p - q) * math.log(p / q) for p, q in pairs]


def bins_of_categories(treatment: Categories, control: Categories) -> tuple[Bin, ...]:
    """A bin for each category that is frequent enough, the most frequent first, and one for all others."""
    n, m = treatment.size, control.size
    bins, rare = [], [treatment.rest, control.rest]
    for name in {**treatment.counts, **control.counts}:
        found = treatment.counts.get(name, 0.0), control.counts.get(name, 0.0)
        if sum(found) / (n + m) * min(n, m) >= MIN_EXPECTED:
            bins.append(Bin(name, *found))
        else:
            rare = [rare[0] + found[0], rare[1] + found[1]]
    bins.sort(key=lambda each: (-each.treatment - each.control, each.name))
    return (*bins, Bin(OTHERS, *rare)) if any(rare) else tuple(bins)


def bins_of_numbers(treatment: Numbers, control: Numbers) -> tuple[Bin, ...]:
    """Bins that hold a tenth of the control each, as near as its values allow; open at both ends."""
    inner = np.unique(control.quantiles(np.arange(1, NUM_BINS) / NUM_BINS))
    last = max(control.highs[-1], treatment.highs[-1])
    inner = inner[inner < last]
    columns = []
    for side in (treatment, control):
        heights = np.concatenate([[0.0], side.below(inner)[1], [1.0]])
        columns.append(np.diff(heights) * side.size)
    edges = [-math.inf, *inner.tolist(), math.inf]
    bins = [
        Bin(_interval(low, high), float(p), float(q))
        for low, high, p, q in zip(edges[:-1], edges[1:], *columns, strict=True)
    ]
    if treatment.not_finite or control.not_finite:
        bins.append(Bin(NOT_FINITE, treatment.not_finite, control.not_finite))
    return tuple(bins)


def _interval(low: float, high: float) -> str:
    if math.isinf(high):
        return f"> {low:.6g}" if math.isfinite(low) else "all"
    return f"≤ {high:.6g}" if math.isinf(low) else f"({low:.6g}, {high:.6g}]"
