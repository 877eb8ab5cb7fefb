"""How far two samples of one distribution may lie apart by chance: no distance below that is a finding.

`n` and `m` are the numbers of values on both sides. Values are taken to be drawn independently; for list-valued
features and repeated measurements the limits are therefore too low. `significance` is the probability with which a
distance exceeds its limit although nothing changed.
"""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.distances.numeric import mean_and_deviation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from assay.kernels.distances.distribution import Numbers


def kolmogorov_smirnov_limit(n: float, m: float, significance: float) -> float:
    """The two-sample critical value sqrt(-ln(a / 2) / 2) * sqrt(1 / n + 1 / m) (Smirnov 1948).

    Asymptotic, and conservative where values repeat.
    """
    return min(math.sqrt(-math.log(significance / 2) / 2) * _spread(n, m), 1.0)


def psi_limit(n: float, m: float, num_bins: int, significance: float) -> float:
    """(1 / n + 1 / m) times the chi-square quantile with one degree of freedom less than bins.

    Under equal distributions the index times n m / (n + m) tends to that chi-square distribution (Yurdakul and Naranjo
    2020, "Statistical properties of the population stability index").
    """
    return _spread(n, m) ** 2 * chi_square_quantile(1 - significance, num_bins - 1) if num_bins > 1 else 0.0


def jensen_shannon_limit(n: float, m: float, num_bins: int, significance: float) -> float:
    """An eighth of the limit of the PSI, in bits.

    Near equality every smooth divergence is the same quadratic form times half of its generator's second derivative
    (Menéndez et al. 1995): 1/4 for Jensen-Shannon in nats, 2 for Jeffreys' divergence, which the PSI is.
    """
    return min(psi_limit(n, m, num_bins, significance) / (8 * math.log(2)), 1.0)


def l_infinity_limit(n: float, m: float, pooled_shares: Iterable[float], significance: float) -> float:
    """The normal limit of the most variable category's difference of shares, at the significance over all (Bonferroni).

    The difference of a category with the pooled share p has the variance p (1 - p) (1 / n + 1 / m).
    """
    shares = list(pooled_shares)
    if not shares:
        return 0.0
    variable = max(share * (1 - share) for share in shares)
    return min(NormalDist().inv_cdf(1 - significance / (2 * len(shares))) * math.sqrt(variable) * _spread(n, m), 1.0)


def wasserstein_limit(n: float, m: float, pooled: Numbers, significance: float) -> float:
    """A bound on the area between two empirical distribution functions, without permutations, in the feature's unit.

    The area times sqrt(n m / (n + m)) tends to the integral of |B(H(x))| for a Brownian bridge B and the common
    distribution function H (del Barrio, Giné and Matrán 1999). Its mean is sqrt(2 / pi) times the integral of
    sqrt(H (1 - H)); as a norm of a Gaussian process whose weak variance is at most the variance of H (Hoeffding's
    identity), it exceeds its mean by s sqrt(2 ln(1 / a)) with a probability of at most a (Borell 1975, Tsirelson,
    Ibragimov and Sudakov 1976).
    """
    _, deviation = mean_and_deviation(pooled)
    knots = pooled.knots
    left, right = pooled.below(knots)
    starts, ends = right[:-1], left[1:]
    roots = [np.sqrt(np.clip(h * (1 - h), 0.0, None)) for h in (starts, (starts + ends) / 2, ends)]
    integral = float(((roots[0] + 4 * roots[1] + roots[2]) / 6 * np.diff(knots)).sum())  # Simpson's rule
    excess = deviation * math.sqrt(2 * math.log(1 / significance))
    return _spread(n, m) * (math.sqrt(2 / math.pi) * integral + excess)


def share_limit(n: float, m: float, pooled_share: float, significance: float) -> float:
    """The normal limit of the difference of one share, such as that of missing values."""
    return l_infinity_limit(n, m, [pooled_share], significance)


def chi_square_quantile(probability: float, degrees: int) -> float:
    """The number that a chi-square variable exceeds with 1 - `probability`, by bisection to 1e-12 relative."""
    low, high = 0.0, float(degrees) + 1
    while _chi_square_tail(high, degrees) > 1 - probability:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _chi_square_tail(middle, degrees) > 1 - probability else (low, middle)
    return (low + high) / 2


def _chi_square_tail(value: float, degrees: int) -> float:
    """The upper tail, by its finite sum (Abramowitz and Stegun 26.4.4 and 26.4.5)."""
    if value <= 0:
        return 1.0
    half = value / 2
    # The terms half^k / Gamma(k + 1) for k = start, start + 1, … below degrees / 2, in logarithms: they may overflow.
    start = 0.0 if degrees % 2 == 0 else 0.5
    steps = range(int(degrees / 2 - start))
    terms = math.fsum(math.exp((start + k) * math.log(half) - half - math.lgamma(start + k + 1)) for k in steps)
    return terms if degrees % 2 == 0 else math.erfc(math.sqrt(half)) + terms


def _spread(n: float, m: float) -> float:
    return math.sqrt(1 / n + 1 / m)
