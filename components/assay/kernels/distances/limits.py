"""How far two samples of one distribution may lie apart by chance: no distance below that is a finding.

`n` and `m` are the numbers of values on both sides. Values are taken to be drawn independently; for list-valued
features and repeated measurements the limits are therefore too low. `alpha` is the probability with which a
distance exceeds its limit although nothing changed.

Distances between counts are judged by their permutation distribution: if both samples come from one distribution,
then, given how often each category occurs in both together, every way to deal the values out to the two sides is
equally likely (Fisher 1935; Good 2005). The number of a category's values on one side is then hypergeometric, whatever
the distribution is. No normal or chi-square approximation of the single counts is made, so that categories with one or
two occurrences each count for what they are. Nothing is drawn at random: tails and moments are summed in closed form.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from assay.kernels.distances.measures import mean_and_deviation

if TYPE_CHECKING:
    from assay.kernels.distances.distribution import Numbers

Doubles: TypeAlias = NDArray[np.float64]
Contribution: TypeAlias = Callable[[Doubles, Doubles], Doubles]
"""What a category adds to a distance, by its counts on both sides."""

_MAX_POINTS: Final = 400
"""Points of one hypergeometric distribution over which moments are summed; wider ones are smooth, and are sampled."""

_HALVINGS: Final = 24
"""Of the interval from 0 to 1, for a limit that is at most 6e-8 too high."""


def kolmogorov_smirnov_limit(n: float, m: float, alpha: float) -> float:
    """Return the two-sample critical value sqrt(-ln(a / 2.17) / 2) * sqrt(1 / n + 1 / m) (Smirnov 1948).

    With 2.17 in place of the asymptotic 2 it holds for samples of any size (Wei and Dudley 2012, "Two-sample
    Dvoretzky-Kiefer-Wolfowitz inequalities"), and is conservative where values repeat.
    """
    return min(math.sqrt(-math.log(alpha / 2.17) / 2) * _spread(n, m), 1.0)


def largest_difference_limit(n: float, m: float, pooled_counts: Iterable[float], alpha: float) -> float:
    """Return the limit of the greatest difference between a category's shares on both sides, over all categories.

    The least distance that the hypergeometric tails of all categories, added up (Bonferroni), exceed with at most
    `alpha`.

    Args:
        n: Values on one side.
        m: Values on the other.
        pooled_counts: Occurrences of each category on both sides together.
        alpha: The probability, over all categories.
    """
    counts, repeats = _grouped(pooled_counts)
    if not len(counts):
        return 0.0
    tails = _Tails.of(counts, float(round(n)), float(round(m)))
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if float((repeats * tails.above(middle)).sum()) > alpha:
            low = middle
        else:
            high = middle
    return min(high * (1 + 1e-9), 1.0)  # differences are fractions: a distance equal to the limit must not exceed it


def summed_limit(n: float, m: float, pooled_counts: Iterable[float], contribution: Contribution, alpha: float) -> float:
    """Return the limit of a distance that adds up what each category contributes, such as the PSI.

    The distance's mean under all ways to deal out the values is exact. Its variance and third cumulant are exact for
    what each category adds, and take the dependence between categories from the linear and quadratic part of their
    contributions (their projections on the first two orthogonal polynomials of the hypergeometric distribution). The
    limit is the quantile of the gamma distribution with these three moments. That is the chi-square distribution where
    all counts are large, and nearly normal for many rare categories (Holst 1979; Koehler and Larntz 1980).

    Args:
        n: Values on the first side.
        m: Values on the second.
        pooled_counts: Occurrences of each category on both sides together.
        contribution: What a category adds, by its counts on the first and the second side.
        alpha: The probability.
    """
    counts, repeats = _grouped(pooled_counts)
    total = float((counts * repeats).sum())
    if len(counts) == 0 or total < 2:
        return 0.0
    sample = float(n / (n + m)) * total
    points = _points(counts, sample, total)
    added = contribution(points.places, points.pooled - points.places)
    mean = points.mean(added)
    centre = points.mean(points.places)
    variance = np.maximum(points.mean(np.square(points.places - points.spread(centre))), 0.0)
    deviation: Doubles = points.places - points.spread(centre)
    slope = _ratio(points.mean(added * deviation), variance)
    # All counts of one side add up to its size, so that what is linear in them with a common slope does not vary.
    common = float((repeats * slope * variance).sum() / max(float((repeats * variance).sum()), 1e-300))
    slope = slope - common
    rest = added - points.spread(mean) - common * deviation
    skew = _ratio(points.mean(deviation * deviation**2), variance)
    second = deviation**2 - points.spread(skew) * deviation - points.spread(variance)
    curve = _ratio(points.mean(rest * second), points.mean(second**2))
    # cov(X_i, X_j) = -unit * t_i * t_j / total
    share = sample / total
    unit = share * (1 - share) * total / (total - 1)
    linear, square = slope * counts, curve * counts**2
    between = -unit / total * (float((repeats * linear).sum()) ** 2 - float((repeats * linear**2).sum()))
    between += 2 * (unit / total) ** 2 * (float((repeats * square).sum()) ** 2 - float((repeats * square**2).sum()))
    spread = float((repeats * points.mean(np.square(rest))).sum()) + between
    # The third cumulant of a quadratic form is 8 tr(A^3), with A = diag(a) - sqrt(a p)(sqrt(a p))' here.
    a, p = curve * unit * counts, counts / total
    sums = [float((repeats * a**power * p).sum()) for power in (1, 2, 3)]
    cubed = float((repeats * a**3).sum()) - 3 * sums[2] + 3 * sums[1] * sums[0] - sums[0] ** 3
    cubed -= float((repeats * (a * (1 - p)) ** 3).sum())
    third = float((repeats * points.mean(rest * np.square(rest))).sum()) + 8 * cubed
    expected = float((repeats * mean).sum())
    if spread <= 1e-18 * max(expected, 1.0) ** 2:
        return expected * (1 + 1e-9)
    skewness = third / spread**1.5
    return (expected + math.sqrt(spread) * _standard_gamma_quantile(1 - alpha, skewness)) * (1 + 1e-9)


def wasserstein_limit(n: float, m: float, pooled: Numbers, alpha: float) -> float:
    """Return a bound on the area between two empirical distribution functions, without permutations.

    The area times sqrt(n m / (n + m)) tends to the integral of |B(H(x))| for a Brownian bridge B and the common
    distribution function H (del Barrio, Giné and Matrán 1999). Its mean is sqrt(2 / pi) times the integral of
    sqrt(H (1 - H)); as a norm of a Gaussian process whose weak variance is at most the variance of H (Hoeffding's
    identity), it exceeds its mean by s sqrt(2 ln(1 / a)) with a probability of at most a (Borell 1975, Tsirelson,
    Ibragimov and Sudakov 1976). Where single outliers make up the distance, the process is not Gaussian: the term
    range * ln(1 / a) / (3 min(n, m)) is Bernstein's for them (Bousquet 2002).
    """
    _, deviation = mean_and_deviation(pooled)
    knots = pooled.knots
    left, right = pooled.below(knots)
    starts, ends = right[:-1], left[1:]
    roots = [np.sqrt(np.clip(h * (1 - h), 0.0, None)) for h in (starts, (starts + ends) / 2, ends)]
    integral = float(((roots[0] + 4 * roots[1] + roots[2]) / 6 * np.diff(knots)).sum())  # Simpson's rule
    exponent = -math.log(alpha)
    excess = deviation * math.sqrt(2 * exponent)
    outliers = (float(knots[-1]) - float(knots[0])) * exponent / (3 * min(n, m))
    return _spread(n, m) * (math.sqrt(2 / math.pi) * integral + excess) + outliers


def gamma_quantile(probability: float, shape: float) -> float:
    """Return the quantile at `probability` of a gamma variable of this shape and scale 1, by bisection."""
    low, high = 0.0, shape + 1
    while _gamma_tail(high, shape) > 1 - probability:
        low, high = high, 2 * high
    # Of tiny shapes the quantile underflows to 0, which no relative precision reaches.
    while high - low > max(1e-12 * high, 1e-300):
        middle = (low + high) / 2
        low, high = (middle, high) if _gamma_tail(middle, shape) > 1 - probability else (low, middle)
    return (low + high) / 2


def _standard_gamma_quantile(probability: float, skewness: float) -> float:
    """Return the quantile of the gamma distribution with mean 0, variance 1 and this skewness (normal below 0.001)."""
    if skewness < 1e-3:
        return NormalDist().inv_cdf(probability)
    shape = 4 / skewness**2
    return (gamma_quantile(probability, shape) - shape) / math.sqrt(shape)


def _gamma_tail(value: float, shape: float) -> float:
    """Return the upper regularised incomplete gamma function, by series or continued fraction (DLMF 8.7.1, 8.9.2)."""
    if value <= 0:
        return 1.0
    front = math.exp(shape * math.log(value) - value - math.lgamma(shape))
    if value < shape + 1:
        term = total = 1 / shape
        step = shape
        while term > total * 1e-16:
            step += 1
            term *= value / step
            total += term
        return max(1 - front * total, 0.0)
    # Lentz's method for 1 / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ...)))
    b = value + 1 - shape
    c, d = 1e300, 1 / b
    fraction = d
    for i in range(1, 100_000):
        factor = -i * (i - shape)
        b += 2
        d = 1 / (factor * d + b)
        c = b + factor / c
        fraction *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return front * fraction


@dataclass(frozen=True, slots=True)
class _Points:
    """Hypergeometric distributions side by side: their points, and what each point weighs.

    Attributes:
        places: The numbers of values on the first side, of one distribution after the other.
        pooled: The pooled count of each point's distribution.
        weights: Probabilities, adding up to 1 in each distribution.
        starts: Where each distribution starts.
        lengths: Its number of points.
    """

    places: Doubles
    pooled: Doubles
    weights: Doubles
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]

    def mean(self, values: Doubles) -> Doubles:
        """Return the mean of values at the points, by distribution."""
        return np.asarray(np.add.reduceat(self.weights * values, self.starts))

    def spread(self, values: Doubles) -> Doubles:
        """Return a value of each distribution, at each of its points."""
        return np.asarray(np.repeat(values, self.lengths), dtype=np.float64)


def _points(counts: Doubles, sample: float, total: float) -> _Points:
    """Return the distributions of how many of `counts` values are among `sample` of `total`, within nine deviations."""
    share = sample / total
    centre = counts * share
    reach = 9 * np.sqrt(np.maximum(centre * (1 - share) * (1 - counts / total), 0.0)) + 12
    low = np.maximum(np.ceil(np.maximum(centre - reach, counts - (total - sample))), 0.0)
    high = np.maximum(np.floor(np.minimum(np.minimum(centre + reach, counts), sample)), low)
    step = np.ceil((high - low + 1) / _MAX_POINTS)
    lengths = ((high - low) // step).astype(np.int64) + 1
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    within = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
    places = np.repeat(low, lengths) + within * np.repeat(step, lengths)
    pooled = np.repeat(counts, lengths)
    logs = _log_probability(places, pooled, sample, total)
    weights = np.exp(logs - np.repeat(np.maximum.reduceat(logs, starts), lengths))
    weights /= np.repeat(np.add.reduceat(weights, starts), lengths)
    return _Points(places, pooled, weights, starts, lengths)


@dataclass(frozen=True, slots=True)
class _Tails:
    """Both tails of the difference between a category's shares of two samples, for many categories.

    The first row is about the first sample's share exceeding the second's, the second row about the reverse.

    Attributes:
        counts: Occurrences of each category in both samples.
        sample: The size of the sample whose share is the greater, by row.
        other: The size of the other one.
        constant: What does not depend on the difference in the logarithms of the hypergeometric probabilities.
    """

    counts: Doubles
    sample: Doubles
    other: Doubles
    constant: Doubles

    @classmethod
    def of(cls, counts: Doubles, n: float, m: float) -> _Tails:
        """Return the tails for samples of `n` and `m` values."""
        sizes = np.array([[n], [m]])
        return cls(counts, sizes, sizes[::-1], _log_ways(counts, n, n + m))

    def above(self, difference: float) -> Doubles:
        """Return a bound on the probability that a category's shares differ by more than this, for each category.

        Beyond its mode the ratio of successive probabilities falls, so that a tail is at most its first term divided
        by one less that ratio.
        """
        counts, sample, other = self.counts, self.sample, self.other
        first = np.floor((difference + counts / other) / (1 / sample + 1 / other) * (1 + 1e-12)) + 1
        most = np.minimum(counts, sample)
        at = np.clip(first, np.maximum(counts - other, 0.0), most)
        ratio = (counts - at) * (sample - at) / ((at + 1) * np.maximum(other - counts + at + 1, 1.0))
        logs = self.constant - _log_factorials(at, counts, sample, sample + other)
        with np.errstate(divide="ignore"):
            bound = np.where(ratio < 1, np.exp(logs) / (1 - ratio), 1.0)
        return np.asarray(np.where(first <= most, np.minimum(bound, 1.0), 0.0).sum(axis=0))


def _log_probability(places: Doubles, counts: Doubles, sample: float, total: float) -> Doubles:
    """Return the hypergeometric log-probability of `places` of `counts` values among `sample` of `total`."""
    return _log_ways(counts, sample, total) - _log_factorials(places, counts, sample, total)


def _log_ways(counts: Doubles, sample: float, total: float) -> Doubles:
    """Return the part of the log-probability that does not depend on how many values are among the sample."""
    of_all = _log_factorial(np.array([sample, total - sample, total]))
    of_counts = _log_factorial(counts) + _log_factorial(total - counts)
    return np.asarray(of_counts + of_all[0] + of_all[1] - of_all[2])


def _log_factorials(places: Doubles, counts: Doubles, sample: float | Doubles, total: float | Doubles) -> Doubles:
    """Return the part that depends on it: the factorials of the four cells of the two-by-two table, multiplied."""
    rest = counts - places
    return np.asarray(_log_factorial(np.stack([places, rest, sample - places, total - sample - rest])).sum(axis=0))


_SMALL_LOGS: Final = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1.0, 256.0)))])


def _log_factorial(values: Doubles) -> Doubles:
    """ln(x!): a table below 256, Stirling's series above (DLMF 5.11.1, to 1e-16 there)."""
    values = np.maximum(values, 0.0)
    large = np.maximum(values, 200.0) + 1
    series = (large - 0.5) * np.log(large) - large + math.log(2 * math.pi) / 2 + 1 / (12 * large) - 1 / (360 * large**3)
    whole = np.minimum(values, 255.0).astype(np.int64)
    return np.where(values < 256, _SMALL_LOGS[whole], series)


def _grouped(pooled_counts: Iterable[float]) -> tuple[Doubles, Doubles]:
    """Return the distinct pooled counts, and how many categories have each."""
    found = np.fromiter(pooled_counts, dtype=np.float64)
    counts, repeats = np.unique(np.rint(found[found > 0.5]), return_counts=True)
    return counts, repeats.astype(np.float64)


def _ratio(above: Doubles, below: Doubles) -> Doubles:
    usable = below > 1e-300
    return np.where(usable, above / np.where(usable, below, 1.0), 0.0)


def _spread(n: float, m: float) -> float:
    return math.sqrt(1 / n + 1 / m)
