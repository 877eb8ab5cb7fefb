"""Count, mean, variance and extremes of numbers, plain and weighted, mergeable without losing precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean and variance of what weighs `weight`; the weight of unweighted values is their count.

    Attributes:
        weight: Sum of weights.
        mean: Weighted mean; 0 where nothing weighs anything.
        variance: Weighted mean of squared deviations from the mean (no correction for the sample).
    """

    weight: float = 0.0
    mean: float = 0.0
    variance: float = 0.0

    @property
    def std_dev(self) -> float:
        """The square root of the variance; 0 where infinite values leave none, as in TFDV."""
        return float(np.sqrt(self.variance)) if self.variance > 0 else 0.0

    def merge(self, other: Mean) -> Mean:
        """Return the mean and variance of both (Chan, Golub and LeVeque 1979)."""
        large, small = (self, other) if self.weight >= other.weight else (other, self)
        weight = large.weight + small.weight
        if weight == 0:
            return self
        # Infinite values make these infinite or NaN, as they should.
        with np.errstate(invalid="ignore", over="ignore"):
            share = np.float64(small.weight / weight)
            step = np.float64(small.mean) - large.mean
            mean = large.mean + share * step
            variance = large.variance + share * (small.variance - large.variance + (small.mean - mean) * step)
        return Mean(weight, float(mean), float(variance))


def mean_of(values: Floats, weights: Floats) -> Mean:
    """Return the mean and variance of values, each as often as its weight says."""
    weight = weights.sum()
    if weight == 0:
        return Mean()
    with np.errstate(invalid="ignore", over="ignore"):
        mean = (weights * values).sum() / weight
        variance = (weights * (values - mean) ** 2).sum() / weight
    return Mean(float(weight), float(mean), float(variance))


@dataclass(frozen=True, slots=True)
class Extremes:
    """The least and greatest values, with and without the infinities; infinite the wrong way round where none is."""

    min: float = np.inf
    max: float = -np.inf
    finite_min: float = np.inf
    finite_max: float = -np.inf

    def merge(self, other: Extremes) -> Extremes:
        """Return the extremes of both."""
        return Extremes(
            min(self.min, other.min),
            max(self.max, other.max),
            min(self.finite_min, other.finite_min),
            max(self.finite_max, other.finite_max),
        )


def extremes_of(values: Floats) -> Extremes:
    """Return the extremes of values without NaN."""
    if not len(values):
        return Extremes()
    finite = values[np.isfinite(values)]
    finite_min, finite_max = (finite.min(), finite.max()) if len(finite) else (np.inf, -np.inf)
    return Extremes(float(values.min()), float(values.max()), float(finite_min), float(finite_max))


@dataclass(frozen=True, slots=True)
class NumericMoments:
    """What a numeric feature's statistics contain in addition to its quantiles."""

    mean: Mean
    weighted_mean: Mean
    extremes: Extremes
    num_zeros: int
    positive_infinity: int
    weighted_positive_infinity: float

    def merge(self, other: NumericMoments) -> NumericMoments:
        """Return the moments of both."""
        return NumericMoments(
            self.mean.merge(other.mean),
            self.weighted_mean.merge(other.weighted_mean),
            self.extremes.merge(other.extremes),
            self.num_zeros + other.num_zeros,
            self.positive_infinity + other.positive_infinity,
            self.weighted_positive_infinity + other.weighted_positive_infinity,
        )


def moments_of(values: Floats, counts: NDArray[np.int64], weights: Floats | None) -> NumericMoments:
    """Return the moments of values without NaN.

    Args:
        values: Not necessarily distinct.
        counts: How often each occurs.
        weights: What all occurrences of each weigh together, if there are weights.
    """
    infinite = np.isposinf(values)
    return NumericMoments(
        mean=mean_of(values, counts.astype(np.float64)),
        weighted_mean=Mean() if weights is None else mean_of(values, weights),
        extremes=extremes_of(values),
        num_zeros=int(counts[values == 0].sum()),
        positive_infinity=int(counts[infinite].sum()),
        weighted_positive_infinity=0.0 if weights is None else float(weights[infinite].sum()),
    )
