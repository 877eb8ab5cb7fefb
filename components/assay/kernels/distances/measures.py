"""The measures of distance: their names, their thresholds, what comes of them, and how each is computed.

Distances between counts of categories are TFDV's three, each by its own normalisation. Those between two distributions
of numbers are exact for tables of values, and piecewise linear for histograms. The Jensen-Shannon divergence of two
histograms is as TFDV measures it (anomalies/metrics.cc).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from assay.errors import UsageError
from assay.kernels.distances.distribution import bucket_arrays

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram

    from assay.kernels.distances.bins import Bin
    from assay.kernels.distances.distribution import Categories, Doubles, Numbers
    from assay.kernels.distances.limits import Contribution

MeasureName = Literal[
    "l_infinity",
    "normalized_absolute_difference",
    "jensen_shannon",
    "psi",
    "kolmogorov_smirnov",
    "wasserstein",
    "missing",
]

ALL_FEATURES: Final = "*"
"""Stands for every feature whose limits are not named."""

OF_CATEGORIES: Final[tuple[MeasureName, ...]] = (
    "l_infinity",
    "normalized_absolute_difference",
    "jensen_shannon",
    "psi",
    "missing",
)
OF_NUMBERS: Final[tuple[MeasureName, ...]] = ("jensen_shannon", "psi", "kolmogorov_smirnov", "wasserstein", "missing")
BY_CHANCE: Final[frozenset[MeasureName]] = frozenset({*OF_CATEGORIES, *OF_NUMBERS} - {"normalized_absolute_difference"})
"""Measures for which it is known what equal distributions reach by chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftThresholds:
    """Which distances matter, if more than chance; None leaves a measure out of the judgement.

    Attributes:
        l_infinity: Greatest difference of a category's shares.
        normalized_absolute_difference: Greatest difference of a category's counts over all counts.
        jensen_shannon: In bits, from 0 to 1.
        psi: Population stability index; 0.1 to 0.25 is commonly called a moderate shift (Siddiqi 2006).
        kolmogorov_smirnov: Greatest difference of the distribution functions, from 0 to 1.
        wasserstein: In standard deviations of both datasets together.
        missing: Difference of the shares of examples without the feature.
        alpha: How often chance alone may exceed the limits of a feature, over all of its measures together. Each
            measure with a threshold gets an equal part of it.
    """

    l_infinity: float | None = None
    normalized_absolute_difference: float | None = None
    jensen_shannon: float | None = None
    psi: float | None = None
    kolmogorov_smirnov: float | None = None
    wasserstein: float | None = None
    missing: float | None = None
    alpha: float = 0.001

    def __post_init__(self) -> None:
        """Refuses thresholds that no distance can be compared with.

        Raises:
            UsageError: A limit is negative or no number, or alpha is not between 0 and 1.
        """
        if not 0 < self.alpha < 1:
            raise UsageError("drift.alpha", f"alpha must be between 0 and 1, not {self.alpha}.")
        for name in {*OF_CATEGORIES, *OF_NUMBERS}:
            limit = self.threshold(name)
            if limit is not None and not limit >= 0:
                raise UsageError("drift.threshold", f"The threshold of {name} must not be negative: {limit}.")

    def threshold(self, measure: MeasureName) -> float | None:
        """Return the limit of a measure, by its name."""
        value: float | None = getattr(self, measure)
        return value


DEFAULT_THRESHOLDS: Final = DriftThresholds(
    l_infinity=0.1, jensen_shannon=0.1, psi=0.2, kolmogorov_smirnov=0.1, wasserstein=0.25, missing=0.05
)
"""What `assay drift` judges by when nothing else is said: rules of thumb, each shown beside what was observed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """One measure of one feature.

    Attributes:
        measure: Its name.
        value: The distance; the Wasserstein distance in standard deviations of both together.
        chance: What equal distributions stay below with samples of this size; None where there is no such bound.
        threshold: The limit that was asked for.
        where: The value or number at which the greatest difference is reached.
        basis: What it was computed from, and so how exact it is.
    """

    measure: MeasureName
    value: float
    chance: float | None
    threshold: float | None
    where: str = ""
    basis: str = ""

    @property
    def limit(self) -> float | None:
        """What the distance must not exceed: the threshold, or chance where that is more."""
        return None if self.threshold is None else max(self.threshold, self.chance or 0.0)

    @property
    def exceeded(self) -> bool:
        """Whether it counts as drift."""
        return self.limit is not None and self.value > self.limit


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureDrift:
    """One feature.

    Attributes:
        feature: Its name.
        kind: `numeric`, `categorical`, or `""` where the two cannot be compared.
        distances: Each measure that applies.
        bins: The bins of the PSI: intervals or categories with their counts.
        problem: Why the two cannot be compared; empty where they can.
        remark: Why values are not compared, which does not suggest drift, as for ids; empty if they are compared.
    """

    feature: str
    kind: str = ""
    distances: tuple[Distance, ...] = ()
    bins: tuple[Bin, ...] = ()
    problem: str = ""
    remark: str = ""

    @property
    def drifted(self) -> bool:
        """Whether a distance exceeds its limit, or the feature cannot be compared."""
        return bool(self.problem) or any(distance.exceeded for distance in self.distances)


def l_infinity(treatment: Categories, control: Categories) -> tuple[float, str]:
    """Return the maximum difference between a value's shares, and that value.

    TFDV's `LInftyDistance` (anomalies/metrics.cc): shares of the listed values; of several values with the greatest
    difference, the last in the order of their bytes.
    """
    return _greatest(treatment.counts, control.counts, _total(treatment.counts), _total(control.counts))


def normalized_absolute_difference(treatment: Categories, control: Categories) -> tuple[float, str]:
    """Return the maximum difference between a value's counts, relative to all counts of both, and that value.

    TFDV's `NormalizedAbsoluteDifference` (anomalies/metrics.cc). It compares counts, not shares: twice the rows of one
    distribution differ from it.
    """
    scale = _total(treatment.counts) + _total(control.counts)
    return _greatest(treatment.counts, control.counts, scale, scale)


def jensen_shannon(treatment: Categories, control: Categories) -> float:
    """Return the Jensen-Shannon divergence of the listed values in bits, from 0 to 1 (Lin 1991, as in TFDV).

    Half of the Kullback-Leibler divergences of both from their mean.
    """
    divergence = 0.0
    for p, q in shares(treatment.counts, control.counts):
        middle = (p + q) / 2
        divergence += p * math.log2(p / middle) if p else 0.0
        divergence += q * math.log2(q / middle) if q else 0.0
    return min(divergence / 2, 1.0)


def jensen_shannon_contribution(n: float, m: float) -> Contribution:
    """Return what a value adds to the divergence in bits, by its counts on both sides, of `n` and `m` values."""

    def contribution(treatment: Doubles, control: Doubles) -> Doubles:
        p, q = treatment / n, control / m
        middle = np.maximum((p + q) / 2, 1e-300)
        parts = [share * np.log2(np.where(share > 0, share / middle, 1.0)) for share in (p, q)]
        return np.asarray((parts[0] + parts[1]) / 2)

    return contribution


def shares(treatment: Mapping[str, float], control: Mapping[str, float]) -> Iterator[tuple[float, float]]:
    """Return each value's share on both sides, in the order of the values' bytes."""
    n, m = _total(treatment), _total(control)
    for value in _in_order({*treatment, *control}):
        yield treatment.get(value, 0.0) / n, control.get(value, 0.0) / m


def _total(counts: Mapping[str, float]) -> float:
    return float(sum(counts.values())) or 1.0


def _in_order(values: set[str]) -> list[str]:
    return sorted(values, key=lambda value: value.encode("utf-8", "surrogatepass"))


def _greatest(treatment: Mapping[str, float], control: Mapping[str, float], n: float, m: float) -> tuple[float, str]:
    greatest, where = 0.0, ""
    for value in _in_order({*treatment, *control}):
        difference = abs(treatment.get(value, 0.0) / n - control.get(value, 0.0) / m)
        if difference >= greatest:
            greatest, where = difference, value
    return greatest, where


def kolmogorov_smirnov(treatment: Numbers, control: Numbers) -> tuple[float, float]:
    """Return the maximum difference between the two distribution functions, and where it is reached."""
    knots, differences = _differences(treatment, control)
    worst = np.abs(differences).max(axis=0)
    at = int(worst.argmax())
    return float(worst[at]), float(knots[at])


def wasserstein(treatment: Numbers, control: Numbers) -> float:
    """Return the area between the two distribution functions, in the feature's own unit (the earth mover's distance).

    For numbers on a line this area is the least total way that mass must move (Vallender 1973).
    """
    knots, (left, right) = _differences(treatment, control)
    # Between two knots the difference is a straight line, from the first one's right limit to the second's left limit.
    return float((_absolute_area(right[:-1], left[1:]) * np.diff(knots)).sum())


def mean_and_deviation(numbers: Numbers) -> tuple[float, float]:
    """Return the mean and the standard deviation, each mass spread evenly over its width."""
    middles = (numbers.lows + numbers.highs) / 2
    mean = float((middles * numbers.masses).sum() / numbers.size)
    within = (numbers.highs - numbers.lows) ** 2 / 12  # the variance of a uniform distribution
    variance = float((((middles - mean) ** 2 + within) * numbers.masses).sum() / numbers.size)
    return mean, math.sqrt(max(variance, 0.0))


def pooled(treatment: Numbers, control: Numbers) -> Numbers:
    """Return both as one distribution, over the knots of both."""
    knots = np.unique(np.concatenate([treatment.knots, control.knots]))
    heights = np.zeros((2, len(knots)))
    for side in (treatment, control):
        heights += np.stack(side.below(knots)) * side.size
    left, right = heights
    lows = np.stack([knots[:-1], knots[1:]], axis=1).ravel()
    highs = np.stack([knots[1:], knots[1:]], axis=1).ravel()
    masses = np.stack([left[1:] - right[:-1], (right - left)[1:]], axis=1).ravel()
    lows, highs = np.concatenate([knots[:1], lows]), np.concatenate([knots[:1], highs])
    masses = np.concatenate([(right - left)[:1], masses])
    kept = masses > 0
    return type(treatment)(lows[kept], highs[kept], masses[kept])


def common_scale(treatment: Numbers, control: Numbers) -> float:
    """Return the power of two to divide numbers by before they are squared or subtracted: 1 but for extreme ones."""
    greatest = max(float(np.abs(ends).max()) for side in (treatment, control) for ends in (side.lows, side.highs))
    if greatest == 0 or 1e-150 < greatest < 1e150:
        return 1.0
    return math.ldexp(1.0, max(math.frexp(greatest)[1] - 1, -1022))


def _differences(treatment: Numbers, control: Numbers) -> tuple[Doubles, Doubles]:
    """Return the knots of both, and the difference of the distribution functions on both sides of each."""
    knots = np.unique(np.concatenate([treatment.knots, control.knots]))
    return knots, np.stack(treatment.below(knots)) - np.stack(control.below(knots))


def _absolute_area(starts: Doubles, ends: Doubles) -> Doubles:
    """Return the area under |line| over a width of 1, by where the line starts and ends."""
    same_sign = starts * ends >= 0
    total = np.abs(starts) + np.abs(ends)
    crossing = (starts**2 + ends**2) / np.where(total > 0, total, 1.0) / 2
    return np.where(same_sign, total / 2, crossing)


def histogram_jensen_shannon(treatment: Histogram, control: Histogram) -> float | None:
    """Return the divergence in bits, from 0 to 1, over the buckets of both histograms laid over each other.

    The values of a bucket are taken to be spread evenly over it. Buckets of one point, infinite buckets and NaN are
    bins of their own; infinities and NaN never match those of the other side. NaN counts only where both histograms
    have the same edges: TFDV loses it while it lays one over the other, and this figure is to equal TFDV's (the PSI
    has a bin for it always). None for empty histograms.
    """
    sides = [_Side(histogram) for histogram in (treatment, control)]
    edges = np.unique(np.concatenate([side.edges for side in sides]))
    same_edges = all(np.array_equal(np.unique(side.edges), edges) for side in sides)
    points = sorted({point for side in sides for point in side.points})
    columns = []
    for side in sides:
        spread = side.spread_over(edges)
        at_points = [side.points.get(point, 0.0) for point in points]
        own = [[side.infinite, side.num_nan * same_edges] if other is side else [0.0, 0.0] for other in sides]
        columns.append(np.concatenate([spread, at_points, *own]))
    if not all(column.sum() for column in columns):
        return None
    p, q = (column / column.sum() for column in columns)
    middle = (p + q) / 2
    return min((_divergence(p, middle) + _divergence(q, middle)) / 2, 1.0)


class _Side:
    """A histogram taken apart: buckets with a width, points, infinite mass, NaN."""

    def __init__(self, histogram: Histogram) -> None:
        lows, highs, masses = bucket_arrays(histogram)
        finite = np.isfinite(lows) & np.isfinite(highs)
        wide, point = finite & (lows != highs), finite & (lows == highs)
        self.lows, self.highs, self.masses = lows[wide], highs[wide], masses[wide]
        self.points: dict[float, float] = {}
        for place, mass in zip(lows[point].tolist(), masses[point].tolist(), strict=True):
            self.points[place] = self.points.get(place, 0.0) + mass
        self.infinite = float(masses[~finite].sum())
        self.num_nan = float(histogram.num_nan)
        self.edges = np.concatenate([self.lows, self.highs])

    def spread_over(self, edges: Doubles) -> Doubles:
        """Return the mass between neighbouring edges, which include all of this side's own."""
        spread = np.zeros(max(len(edges) - 1, 0))
        for low, high, mass in zip(self.lows, self.highs, self.masses, strict=True):
            first, last = np.searchsorted(edges, [low, high])
            spread[first:last] += np.diff(edges[first : last + 1]) / (high - low) * mass
        return spread


def _divergence(p: Doubles, q: Doubles) -> float:
    both = (p > 0) & (q > 0)
    return float((p[both] * np.log2(p[both] / q[both])).sum())
