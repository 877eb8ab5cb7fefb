"""The values of a feature as a distribution: categories with counts, or numbers with a distribution function."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics, Histogram

    Doubles = NDArray[np.float64]

EXACT: Final = "every value"


@dataclass(frozen=True, slots=True)
class Categories:
    """A categorical feature.

    Attributes:
        counts: Occurrences by value.
        rest: Occurrences of values that are not listed.
        basis: What the counts come from, for a reader who asks how exact a distance is.
        not_text: The values that are not UTF-8; statistics count them as one.
    """

    counts: Mapping[str, float]
    rest: float = 0.0
    basis: str = EXACT
    not_text: frozenset[str] = frozenset()

    @property
    def size(self) -> float:
        """Occurrences of all values."""
        return float(sum(self.counts.values())) + self.rest


@dataclass(frozen=True, slots=True)
class Numbers:
    """A numeric feature: masses that are at a point or are spread evenly between two, in ascending order.

    Attributes:
        lows: Where each mass starts.
        highs: Where it ends; the same number for a point.
        masses: Occurrences.
        num_nan: Occurrences of NaN, which has no place on the line.
        basis: What the masses come from, for a reader who asks how exact a distance is.
        ends: The finite numbers that represent minus and plus infinity, where there are such values.
    """

    lows: Doubles
    highs: Doubles
    masses: Doubles
    num_nan: float = 0.0
    basis: str = EXACT
    ends: tuple[float, float] = (-math.inf, math.inf)

    @property
    def size(self) -> float:
        """Occurrences of numbers."""
        return float(self.masses.sum())

    @property
    def knots(self) -> Doubles:
        """The points between which the distribution function is a straight line, ascending, without repeats."""
        knots: Doubles = np.unique(np.concatenate([self.lows, self.highs]))
        return knots

    def below(self, points: Doubles) -> tuple[Doubles, Doubles]:
        """Return the distribution function's limits from the left and from the right at ascending `points`."""
        ends = np.cumsum(self.masses)
        if np.array_equal(self.lows, self.highs):  # a table of values: steps, without lines in between
            steps = np.append(0.0, ends) / self.size
            return steps[np.searchsorted(self.lows, points)], steps[np.searchsorted(self.lows, points, side="right")]
        places = np.stack([self.lows, self.highs], axis=1).ravel()
        heights = np.stack([ends - self.masses, ends], axis=1).ravel() / self.size
        return tuple(_interpolated(places, heights, points, side) for side in ("left", "right"))  # type: ignore[return-value]  # mypy knows no lengths of generators

    def quantiles(self, shares: Doubles) -> Doubles:
        """Return the smallest numbers at or below which at least these shares of all numbers are."""
        ends = np.cumsum(self.masses) / self.size
        index = np.minimum(np.searchsorted(ends, shares - 1e-12), len(ends) - 1)
        starts = ends[index] - self.masses[index] / self.size
        inside = np.clip((shares - starts) / np.maximum(ends[index] - starts, 1e-300), 0.0, 1.0)
        return np.asarray(self.lows[index] + inside * (self.highs[index] - self.lows[index]))


def exact_numbers(values: Doubles, counts: Doubles) -> Numbers:
    """Return the numbers of a table of distinct values, in any order."""
    known = ~np.isnan(values)
    order = np.argsort(values[known], kind="stable")
    points = values[known][order]
    return Numbers(points, points, counts[known][order].astype(np.float64), float(counts[~known].sum()))


def distribution_of(feature: FeatureNameStatistics) -> Categories | Numbers | None:
    """Read a distribution from a feature's statistics; None if they have none (structs, opaque bytes, no values).

    Strings come from the rank histogram, which lists the most frequent values; numbers from the quantiles histogram,
    whose buckets hold equal shares, spread evenly in between.
    """
    kind = feature.WhichOneof("stats")
    if kind == "string_stats":
        return _categories(feature.string_stats)
    if kind == "num_stats":
        return _numbers(feature.num_stats)
    return None


def _categories(strings: statistics_pb2.StringStatistics) -> Categories | None:
    counts = {bucket.label: float(bucket.sample_count) for bucket in strings.rank_histogram.buckets}
    if not counts:
        return None
    rest = max(float(strings.common_stats.tot_num_values) - sum(counts.values()), 0.0)
    basis = f"the {len(counts):,} most frequent values; the others as one" if rest else EXACT
    return Categories(counts, rest, basis)


def _numbers(numbers: statistics_pb2.NumericStatistics) -> Numbers | None:
    wanted = statistics_pb2.Histogram.QUANTILES
    histogram = next((found for found in numbers.histograms if found.type == wanted), None)
    if histogram is None or not histogram.buckets:
        return None
    standard = next((found for found in numbers.histograms if found.type == statistics_pb2.Histogram.STANDARD), None)
    lows, highs, masses = _without_mixed_buckets(bucket_arrays(histogram), standard)
    kept = masses > 0
    if not kept.any():
        return None
    basis = f"{int(kept.sum())} buckets of the quantiles histogram; a distance may be off by a bucket's share"
    return Numbers(lows[kept], highs[kept], masses[kept], float(histogram.num_nan), basis)


def _without_mixed_buckets(
    buckets: tuple[Doubles, Doubles, Doubles], standard: Histogram | None
) -> tuple[Doubles, Doubles, Doubles]:
    """Separate the infinities in quantile buckets from the finite numbers beside them.

    How many there are, and where the finite numbers end, is read off the standard histogram, which counts infinities
    in buckets of their own.
    """
    lows, highs, masses = buckets
    if standard is None or np.isfinite([lows, highs]).all():
        return buckets
    starts, ends, counts = bucket_arrays(standard)
    within = np.isfinite(starts) & np.isfinite(ends)
    if not within.any():
        return buckets
    least, greatest = starts[within][0], ends[within][-1]
    infinite = [float(counts[(starts == end) & (ends == end)].sum()) for end in (-np.inf, np.inf)]
    above = highs == np.inf
    below = (lows == -np.inf) & ~above
    left = float(masses[below].sum()) - infinite[0]
    right = float(masses[above].sum()) - infinite[1] + min(left, 0.0)  # one bucket may reach from end to end
    left_end = next((float(high) for high in highs[below][::-1] if np.isfinite(high)), least)
    right_start = next((float(low) for low in lows[above] if np.isfinite(low)), least)
    finite = ~below & ~above
    return (
        np.concatenate([[-np.inf, least], lows[finite], [right_start, np.inf]]),
        np.concatenate([[-np.inf, left_end], highs[finite], [max(greatest, right_start), np.inf]]),
        np.concatenate([[infinite[0], left], masses[finite], [right, infinite[1]]]),
    )


def bucket_arrays(histogram: Histogram) -> tuple[Doubles, Doubles, Doubles]:
    """Return a histogram's buckets: low values, high values, sample counts."""
    rows = [(bucket.low_value, bucket.high_value, bucket.sample_count) for bucket in histogram.buckets]
    columns = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _interpolated(places: Doubles, heights: Doubles, points: Doubles, side: str) -> Doubles:
    """Return a broken line with jumps at `points`; at a jump, its height on that side."""
    # From the left, the line's next corner is the first one at or after the point; from the right, the first after it.
    after = np.searchsorted(places, points, side="left" if side == "left" else "right")
    before = np.clip(after - 1, 0, len(places) - 1)
    clipped = np.clip(after, 0, len(places) - 1)
    width = places[clipped] - places[before]
    share = np.where(width > 0, (points - places[before]) / np.where(width > 0, width, 1.0), 0.0)
    line = heights[before] + share * (heights[clipped] - heights[before])
    return np.where(after == 0, 0.0, np.where(after == len(places), 1.0, line))
