"""The population stability index over bins that a reader can see.

Other distances use bins that both sides know. A table knows how many values are at or below any number. A quantiles
histogram knows it at its edges only; between two edges it knows bounds. A rank histogram knows the counts of the values
that it lists, which are the most frequent by chance too. Distances between what is interpolated, or picked for its
frequency, are mostly about that.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from assay.kernels.distances.distribution import EXACT, Categories, Numbers
from assay.kernels.statistics.categories import NON_UTF8_PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from assay.kernels.distances.distribution import Doubles
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
Pair: TypeAlias = tuple[Numbers, Numbers]

_PROJECTIONS: Final = 30

_MOST: Final = sys.float_info.max / 4

_SAFE_DEVIATIONS: Final = 5.0
"""A value is compared by its count if it would be listed even this many deviations below its expected count."""


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
    """Return the sum of (p - q) ln(p / q) over the bins: Jeffreys' divergence in nats, from 0 to infinity."""
    return math.fsum(contributions(bins))


def contributions(bins: Sequence[Bin]) -> list[float]:
    """Return what each bin adds to the index."""
    counts = np.array([(each.treatment, each.control) for each in bins]).reshape(-1, 2).T
    n, m = counts.sum(axis=1)
    found: list[float] = psi_contribution(n, m, len(bins))(*counts).tolist()
    return found


def psi_contribution(n: float, m: float, num_bins: int) -> Contribution:
    """Return what a bin adds to the index, by its counts on both sides."""

    def contribution(treatment: Doubles, control: Doubles) -> Doubles:
        p = (treatment + _SMOOTHING) / (n + _SMOOTHING * num_bins)
        q = (control + _SMOOTHING) / (m + _SMOOTHING * num_bins)
        return np.asarray((p - q) * np.log(p / q))

    return contribution


def bins_of_categories(treatment: Categories, control: Categories) -> tuple[Bin, ...]:
    """Return a bin for each frequent category, the most frequent first, and one for all others."""
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


def shared_numbers(one: Numbers, other: Numbers) -> tuple[Pair, Pair]:
    """Return both distributions over the same cells, with the nearest distribution functions or shares.

    Tables stay as they are. Else cells lie between the edges of the histograms. Where a side is not known, it is taken
    to be as near to the other as its histogram allows, so that a distance is at least what comes out, and is not made
    of where edges happen to lie. The first pair is for distances between distribution functions (Kolmogorov-Smirnov,
    Wasserstein), the second for those that add up over bins (PSI, Jensen-Shannon).
    """
    sides = _with_finite_ends(one, other)
    if all(side.basis == EXACT for side in sides):
        return sides, sides
    places, above = _places(sides)
    bands = [[bound / side.size for bound in _band(side, places, above)] for side in sides]
    (low, high), (other_low, other_high) = bands
    known = [(band[1] - band[0]) * side.size < 0.5 for band, side in zip(bands, sides, strict=True)]
    # The middle of what both allow; where they exclude each other, the ends that are nearest.
    middle = (np.maximum(low, other_low) + np.minimum(high, other_high)) / 2
    heights = [np.maximum.accumulate(np.clip(middle, *band)) for band in bands]
    if any(side.basis == EXACT for side in sides):
        basis = "every value of one side, between the edges of the other's quantiles histogram"
    elif np.all(known):
        basis = "the quantiles histograms of both, which have the same edges"
    else:
        basis = "the quantiles histograms of both, whose edges differ: the distance is at least this"
    groups = [_Groups.of(band[1], height, at) for band, height, at in zip(bands, heights, known, strict=True)]
    mean = np.add(*map(np.diff, heights)) / 2 + 1e-3 / len(places)
    shares = [mean, mean]
    for _ in range(_PROJECTIONS):
        shares[0] = groups[0].nearest(shares[1])
        shares[1] = groups[1].nearest(shares[0])
    pairs = (tuple(map(np.diff, heights)), tuple(shares))
    return tuple(  # type: ignore[return-value]  # mypy knows no lengths of generators
        tuple(_cells(side, places, share * side.size, basis) for side, share in zip(sides, pair, strict=True))
        for pair in pairs
    )


def _with_finite_ends(one: Numbers, other: Numbers) -> Pair:
    """Represent the infinities by the next numbers beyond all finite ones: they keep their order, and get a place.

    Finite numbers of more than `_MOST` are moved there: no difference of two overflows.
    """
    numbers = np.concatenate([one.lows, one.highs, other.lows, other.highs])
    finite = np.isfinite(numbers)
    if finite.all() and np.abs(numbers).max() <= _MOST:
        return one, other
    least, greatest = numbers[finite].min(initial=np.inf), numbers[finite].max(initial=-np.inf)
    low = max(math.nextafter(least, -math.inf), -_MOST) if finite.any() else -1.0
    high = min(math.nextafter(greatest, math.inf), _MOST) if finite.any() else 1.0
    ends = (-math.inf, math.inf) if finite.all() else (low, high)
    return tuple(  # type: ignore[return-value]  # mypy knows no lengths of generators
        replace(side, lows=np.clip(side.lows, low, high), highs=np.clip(side.highs, low, high), ends=ends)
        for side in (one, other)
    )


@dataclass(frozen=True, slots=True)
class _Groups:
    """Cells whose common share a side knows, but not the share of each.

    Attributes:
        of_cells: The group of each cell.
        totals: The share of each group.
        most: What the cells before the group's last one share at most: a value that several buckets consist of has the
            rest.
        last: The last cell of each group.
    """

    of_cells: NDArray[np.int64]
    totals: Doubles
    most: Doubles
    last: NDArray[np.int64]

    @classmethod
    def of(cls, upper: Doubles, heights: Doubles, known: NDArray[np.bool_]) -> _Groups:
        """Return the groups between the places at which a distribution function is known."""
        ends = np.flatnonzero(known)
        of_cells = np.cumsum(known[:-1]) - 1
        starts, last = heights[ends[:-1]], ends[1:] - 1
        return cls(of_cells, np.diff(heights[ends]), upper[last] - starts, last)

    def nearest(self, shares: Doubles) -> Doubles:
        """Return the shares within these groups with the minimum Kullback-Leibler divergence from `shares`.

        Scaled within each group. Doing so in turn for two sides converges to the nearest pair (Csiszár and Tusnády
        1984).
        """
        shares = np.maximum(shares, 1e-12)  # a group must have somewhere to be, if the other side is nowhere in it
        sums = np.bincount(self.of_cells, shares, len(self.totals))
        result: Doubles = shares * (self.totals / sums)[self.of_cells]
        before = np.bincount(self.of_cells, result, len(self.totals)) - result[self.last]
        excess = (before > self.most) & (np.bincount(self.of_cells) > 1)
        factors = np.where(excess, np.maximum(self.most, 0.0) / np.where(before > 0, before, 1.0), 1.0)
        result = result * factors[self.of_cells]
        result[self.last] = np.where(excess, self.totals - np.maximum(self.most, 0.0), result[self.last])
        return result


def shared_categories(one: Categories, other: Categories) -> tuple[Categories, Categories]:
    """Return both distributions over the values whose counts both sides know; the others make up the rest.

    Which values are listed of many is a matter of chance: the count of one that just made the list is too high on
    average. A value keeps its count only if it would be listed whichever side its occurrences fell to.
    """
    one, other = _with_placeholder(one, other), _with_placeholder(other, one)
    if not one.rest and not other.rest:
        return one, other
    sides = (one, other)
    total = sum(side.size for side in sides)
    names = list(dict.fromkeys([*one.counts, *other.counts]))
    least = [min(side.counts.values(), default=math.inf) if side.rest else 0.0 for side in sides]
    counts = np.array([[side.counts.get(name, -1.0) for name in names] for side in sides]).reshape(2, -1)
    for place, side in enumerate(sides):
        # What is not listed occurs at most as often as the last that is.
        likely = np.minimum(counts[1 - place] * side.size / sides[1 - place].size, least[place])
        counts[place] = np.where(counts[place] < 0, np.maximum(likely, 0.0), counts[place])
    safe = np.ones(len(names), dtype=np.bool_)
    for place, side in enumerate(sides):
        if side.rest:
            share = side.size / total
            expected = counts.sum(axis=0) * share
            safe &= expected - _SAFE_DEVIATIONS * np.sqrt(expected * (1 - share)) - 3 > least[place]
    kept = [name for name, is_safe in zip(names, safe, strict=True) if is_safe]
    return tuple(  # type: ignore[return-value]  # mypy knows no lengths of generators
        replace(
            side,
            counts=(known := dict(zip(kept, column[safe].tolist(), strict=True))),
            rest=max(side.size - sum(known.values()), 0.0),
            basis=f"{len(kept):,} values that are frequent enough to be listed on both sides; the others as one",
        )
        for side, column in zip(sides, counts, strict=True)
    )


def _with_placeholder(side: Categories, other: Categories) -> Categories:
    """Count values that are not UTF-8 as one where the other side's statistics do."""
    if not side.not_text or NON_UTF8_PLACEHOLDER not in other.counts or other.not_text:
        return side
    counts = {name: count for name, count in side.counts.items() if name not in side.not_text}
    counts[NON_UTF8_PLACEHOLDER] = sum(side.counts[name] for name in side.not_text)
    return replace(side, counts=counts, not_text=frozenset())


def _places(sides: Sequence[Numbers]) -> tuple[Doubles, NDArray[np.bool_]]:
    """Return where to compare, ascending: numbers, and whether the number itself counts as at or below the place."""
    places: set[tuple[float, bool]] = set()
    for side in sides:
        if side.basis == EXACT:
            places |= {(float(side.lows[0]), False), (float(side.highs[-1]), True)}
            continue
        knots = side.knots
        points = np.unique(side.lows[side.lows == side.highs])
        places |= {(float(knot), True) for knot in knots} | {(float(knot), False) for knot in (knots[0], *points)}
    ordered = sorted(places)
    return np.array([place for place, _ in ordered]), np.array([above for _, above in ordered])


def _band(side: Numbers, places: Doubles, above: NDArray[np.bool_]) -> tuple[Doubles, Doubles]:
    """Return how many values are below each place: at least, and at most."""
    if side.basis == EXACT:
        left, right = side.below(places)
        exact = np.where(above, right, left) * side.size
        return exact, exact
    edges = side.knots
    sums = np.concatenate([[0.0], np.cumsum(side.masses)])
    # A bucket holds what lies above its lower edge, up to its upper edge; the first one its lower edge, too.
    upto = sums[np.searchsorted(side.highs, edges, side="right")]
    # A value that several buckets consist of begins in the bucket that ends with it.
    begins = np.minimum(sums[np.searchsorted(side.highs, edges, side="left") + 1] + 1, upto)
    below = np.where(np.isin(edges, side.lows[side.lows == side.highs]), begins, upto)
    below[0] = 0.0
    # How often a value occurs that only begins a bucket is not known apart from the rest of that bucket: the minimum,
    # and the finite minimum where the first bucket was parted from -inf.
    most = np.where(np.isin(edges, side.highs), upto, np.append(below[1:], side.size))
    upto, most, below = np.append(0.0, upto), np.append(0.0, most), np.append(below, side.size)
    last = np.searchsorted(edges, places, side="right")  # edges at or below the place
    at_edge = np.isin(places, edges)
    lower = np.where(at_edge & ~above, upto[np.maximum(last - 1, 0)], upto[last])
    upper = np.where(at_edge & above, most[last], below[np.where(at_edge, last - 1, last)])
    return lower, upper


def _cells(side: Numbers, places: Doubles, masses: Doubles, basis: str) -> Numbers:
    kept = masses > 1e-9 * side.size
    return Numbers(places[:-1][kept], places[1:][kept], masses[kept], side.num_nan, basis, side.ends)
