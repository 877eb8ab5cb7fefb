"""Two distributions over bins that both sides know: what lies between the edges of one side's histogram is not guessed.

A table knows how many values lie at or below any number. A quantiles histogram knows it at its edges only; between
two edges it knows bounds. A rank histogram knows the counts of the values that it lists, which are the most frequent by
chance too. Distances between what is interpolated, or picked for its frequency, are mostly about that.
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
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from assay.kernels.distances.distribution import Doubles

Pair: TypeAlias = tuple[Numbers, Numbers]

_PROJECTIONS: Final = 30

_MOST: Final = sys.float_info.max / 4

_SAFE_DEVIATIONS: Final = 5.0
"""A value is compared by its count if it would be listed even this many deviations below its expected count."""


def shared_numbers(one: Numbers, other: Numbers) -> tuple[Pair, Pair]:
    """Both distributions over the same cells: with the nearest distribution functions, and with the nearest shares.

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
        """The groups between the places at which a distribution function is known."""
        ends = np.flatnonzero(known)
        of_cells = np.cumsum(known[:-1]) - 1
        starts, last = heights[ends[:-1]], ends[1:] - 1
        return cls(of_cells, np.diff(heights[ends]), upper[last] - starts, last)

    def nearest(self, shares: Doubles) -> Doubles:
        """The shares that these groups allow and that have the least Kullback-Leibler divergence from `shares`.

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
    """Both distributions over the values whose counts both sides know; the others make up the rest.

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
    """Where to compare, ascending: numbers, and whether the number itself lies at or below the place."""
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
    """How many values lie below each place: at least, and at most."""
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
    most = upto.copy()
    if upto[0] == 0:  # how often the least value occurs is not known apart from the rest of its bucket
        most[0] = below[1]
    upto, most, below = np.append(0.0, upto), np.append(0.0, most), np.append(below, side.size)
    last = np.searchsorted(edges, places, side="right")  # edges at or below the place
    at_edge = np.isin(places, edges)
    lower = np.where(at_edge & ~above, upto[np.maximum(last - 1, 0)], upto[last])
    upper = np.where(at_edge & above, most[last], below[np.where(at_edge, last - 1, last)])
    return lower, upper


def _cells(side: Numbers, places: Doubles, masses: Doubles, basis: str) -> Numbers:
    kept = masses > 1e-9 * side.size
    return Numbers(places[:-1][kept], places[1:][kept], masses[kept], side.num_nan, basis, side.ends)
