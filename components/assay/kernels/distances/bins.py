"""The population stability index over bins that a reader can see."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.kernels.distances.distribution import Categories, Doubles, Numbers
    from assay.kernels.distances.limits import Contribution

NUM_BINS: Final = 10
"""Bins of a numeric feature, as many as the index is commonly computed over (Siddiqi 2006)."""

MIN_EXPECTED: Final = 5.0
"""Categories of which fewer are expected on either side share one bin: below it, counts are far from normal and the
index is mostly noise (Cochran 1954)."""

_SMOOTHING: Final = 0.5
"""Added to each bin's count, so that an empty one does not make the index infinite (the Jeffreys prior)."""

OTHERS: Final = "(others)"
NAN: Final = "(NaN)"


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
    return math.fsum(contributions(bins))


def contributions(bins: Sequence[Bin]) -> list[float]:
    """What each bin adds to the index."""
    counts = np.array([(each.treatment, each.control) for each in bins]).reshape(-1, 2).T
    n, m = counts.sum(axis=1)
    found: list[float] = psi_contribution(n, m, len(bins))(*counts).tolist()
    return found


def psi_contribution(n: float, m: float, num_bins: int) -> Contribution:
    """What a bin adds to the index, by its counts on both sides."""

    def contribution(treatment: Doubles, control: Doubles) -> Doubles:
        p = (treatment + _SMOOTHING) / (n + _SMOOTHING * num_bins)
        q = (control + _SMOOTHING) / (m + _SMOOTHING * num_bins)
        return np.asarray((p - q) * np.log(p / q))

    return contribution


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
    """Bins that hold a tenth of both samples together, as near as their values allow; open at both ends.

    The edges follow from both samples, not from the control alone: a control of one value has no tenths, and where the
    values that it lacks begin would not be seen. They do not depend on which side a value is of, so that a permutation
    test over them is exact. A value that a tenth of both have is a bin of its own. Small samples have fewer bins.
    """
    knots = np.union1d(treatment.knots, control.knots)
    n, m = treatment.size, control.size
    heights = [np.stack(side.below(knots)) * side.size for side in (treatment, control)]  # left and right, by knot
    left, right = (heights[0] + heights[1]) / (n + m)
    num_bins = int(np.clip(min(n, m) // MIN_EXPECTED, 1, NUM_BINS))
    chosen = np.searchsorted(right, np.arange(1, num_bins) / num_bins - 1e-12)
    # An edge is a knot and a side: (i, 0) parts what is below the knot from it, (i, 1) the knot from what is above.
    edges = {(int(i), 1) for i in chosen if right[i] < 1 - 1e-12}
    edges |= {(int(i), 0) for i in chosen if left[i] > 1e-12 and right[i] - left[i] >= 1 / NUM_BINS}
    smallest = MIN_EXPECTED * (n + m) / min(n, m)
    shown = {place: number_name(float(knots[place]), treatment.ends) for place, _ in edges}
    bins: list[Bin] = []
    low: tuple[int, int] | None = None
    done = np.zeros(2)
    for high in (*sorted(edges), None):
        upto = np.array([n, m]) if high is None else np.array([side[high[1], high[0]] for side in heights])
        if high is not None and (min((upto - done).sum(), (n + m) - upto.sum()) < smallest):
            continue  # too few: they belong to the next bin
        bins.append(Bin(_interval(shown, low, high), *map(float, np.maximum(upto - done, 0.0))))
        low, done = high, upto
    if treatment.num_nan or control.num_nan:
        bins.append(Bin(NAN, treatment.num_nan, control.num_nan))
    return tuple(bins)


def number_name(number: float, ends: tuple[float, float]) -> str:
    """Return a number as text; the ends are the infinities."""
    return "-inf" if number <= ends[0] else "inf" if number >= ends[1] else f"{number:.6g}"


def _interval(shown: Mapping[int, str], low: tuple[int, int] | None, high: tuple[int, int] | None) -> str:
    first, last = ("" if edge is None else shown[edge[0]] for edge in (low, high))
    if low is None or high is None:
        if high is not None:
            return f"{'≤' if high[1] else '<'} {last}"
        return "all" if low is None else f"{'>' if low[1] else '≥'} {first}"
    if low[0] == high[0]:
        return first
    return f"{'(' if low[1] else '['}{first}, {last}{']' if high[1] else ')'}"
