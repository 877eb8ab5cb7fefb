"""Distances of numbers against SciPy, and the limits against simulated samples of one distribution."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.distances import limits
from assay.kernels.distances.bins import (
    Bin,
    bins_of_numbers,
    contributions,
    population_stability_index,
    psi_contribution,
    shared_numbers,
)
from assay.kernels.distances.distribution import Numbers, distribution_of, exact_numbers
from assay.kernels.distances.measures import (
    jensen_shannon_contribution,
    kolmogorov_smirnov,
    mean_and_deviation,
    pooled,
    wasserstein,
)

values = st.lists(st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3, width=32)), min_size=1, max_size=30)


def table(sample: np.ndarray) -> Numbers:
    distinct, counts = np.unique(sample, return_counts=True)
    return exact_numbers(distinct[::-1], counts[::-1].astype(np.float64))


@settings(max_examples=50)
@given(values, values)
def test_distances_are_those_of_scipy(one: list[float], other: list[float]) -> None:
    a, b = np.array(one), np.array(other)
    assert kolmogorov_smirnov(table(a), table(b))[0] == pytest.approx(stats.ks_2samp(a, b, method="asymp").statistic)
    assert wasserstein(table(a), table(b)) == pytest.approx(stats.wasserstein_distance(a, b), abs=1e-9)


@settings(max_examples=30)
@given(values, values)
def test_pooling_is_concatenation(one: list[float], other: list[float]) -> None:
    both = pooled(table(np.array(one)), table(np.array(other)))
    together = np.array([*one, *other])
    mean, deviation = mean_and_deviation(both)
    assert both.size == pytest.approx(len(together))
    assert mean == pytest.approx(together.mean(), abs=1e-9)
    assert deviation == pytest.approx(together.std(), abs=1e-6)


def test_the_distance_of_two_shifted_uniform_distributions_is_the_shift() -> None:
    one = Numbers(np.array([0.0]), np.array([1.0]), np.array([10.0]))
    other = Numbers(np.array([0.25]), np.array([1.25]), np.array([50.0]))
    assert wasserstein(one, other) == pytest.approx(0.25)
    assert kolmogorov_smirnov(one, other)[0] == pytest.approx(0.25)


def test_infinities_keep_their_order_and_nan_is_a_bin_of_its_own() -> None:
    numbers = exact_numbers(np.array([1.0, np.inf, np.nan, -np.inf]), np.array([5.0, 11.0, 2.0, 13.0]))
    assert numbers.size == 29
    assert numbers.num_nan == 2
    sides, _ = shared_numbers(numbers, exact_numbers(np.array([1.0, 2.0]), np.array([25.0, 5.0])))
    bins = [(each.name, each.treatment, each.control) for each in bins_of_numbers(*sides)]
    assert bins == [("≤ -inf", 13, 0), ("(-inf, 1]", 5, 25), ("> 1", 11, 5), ("(NaN)", 2, 0)]
    assert kolmogorov_smirnov(*sides)[0] == pytest.approx(13 / 29)


def test_bins_are_tenths_of_both_samples() -> None:
    control, treatment = table(np.arange(1.0, 101.0)), table(np.arange(51.0, 151.0))
    bins = bins_of_numbers(treatment, control)
    assert [each.control for each in bins] == pytest.approx([20, 20, 15, 10, 10, 10, 10, 5, 0, 0])
    assert [each.treatment for each in bins] == pytest.approx([0, 0, 5, 10, 10, 10, 10, 15, 20, 20])
    assert bins[0].name == "≤ 20"
    assert bins[-1].name == "> 130"
    assert sum(contributions(bins)) == pytest.approx(population_stability_index(bins))
    assert population_stability_index(bins) > 1


def test_a_value_that_many_have_is_a_bin_of_its_own() -> None:
    control = table(np.concatenate([np.arange(-100.0, 0), np.zeros(300), np.arange(1.0, 101)]))
    treatment = table(np.concatenate([np.arange(-100.0, 0), np.full(300, 0.5), np.arange(1.0, 101)]))
    for bins in (bins_of_numbers(treatment, control), bins_of_numbers(control, treatment)):
        assert {"0", "0.5"} <= {each.name.strip("([])").split(", ")[-1] for each in bins}
        assert population_stability_index(bins) > 5


def test_equal_samples_have_no_distance() -> None:
    numbers = table(np.random.default_rng(1).normal(size=500))
    assert population_stability_index(bins_of_numbers(numbers, numbers)) == 0
    assert wasserstein(numbers, numbers) == kolmogorov_smirnov(numbers, numbers)[0] == 0


def test_a_quantiles_histogram_comes_within_a_bucket_of_the_values() -> None:
    rng = np.random.default_rng(2)
    samples = rng.exponential(size=2000), rng.exponential(size=2000) + 0.5
    read = []
    for sample in samples:
        feature = statistics_pb2.FeatureNameStatistics(name="x")
        histogram = feature.num_stats.histograms.add(type=statistics_pb2.Histogram.QUANTILES)
        edges = np.quantile(sample, np.linspace(0, 1, 11))
        for low, high in pairwise(edges):
            histogram.buckets.add(low_value=low, high_value=high, sample_count=200)
        numbers = distribution_of(feature)
        assert isinstance(numbers, Numbers)
        assert numbers.basis.startswith("10 buckets of the quantiles histogram")
        read.append(numbers)
    exact = [table(sample) for sample in samples]
    assert kolmogorov_smirnov(*read)[0] == pytest.approx(kolmogorov_smirnov(*exact)[0], abs=0.1)
    assert wasserstein(*read) == pytest.approx(wasserstein(*exact), rel=0.2)


@pytest.mark.parametrize(("probability", "shape"), [(0.95, 0.2), (0.999, 0.5), (0.99, 10), (0.5, 3.5), (0.9999, 500)])
def test_gamma_quantiles(probability: float, shape: float) -> None:
    assert limits.gamma_quantile(probability, shape) == pytest.approx(stats.gamma.ppf(probability, shape))


def test_the_quantile_of_a_tiny_shape_underflows_to_nothing() -> None:
    assert limits.gamma_quantile(0.9, 1e-5) == pytest.approx(0, abs=1e-299)


def test_the_kolmogorov_smirnov_limit_is_not_below_the_tabled_one() -> None:
    # Smirnov's table: 1.36 sqrt((n + m) / (n m)) at 5 %.
    tabled = 1.358 * math.sqrt(2 / 100)
    assert tabled <= limits.kolmogorov_smirnov_limit(100, 100, 0.05) <= 1.02 * tabled


def psi_limit(bins: Sequence[Bin], alpha: float) -> float:
    n, m = sum(each.treatment for each in bins), sum(each.control for each in bins)
    counts = [each.treatment + each.control for each in bins]
    return limits.summed_limit(n, m, counts, psi_contribution(n, m, len(bins)), alpha)


def test_samples_of_one_distribution_seldom_exceed_their_limits() -> None:
    rng, alpha, rounds = np.random.default_rng(3), 0.05, 300
    above = {"ks": 0, "wasserstein": 0, "psi": 0}
    for _ in range(rounds):
        one, other = (table(rng.gamma(2.0, size=size)) for size in (300, 500))
        bins = bins_of_numbers(one, other)
        above["ks"] += kolmogorov_smirnov(one, other)[0] > limits.kolmogorov_smirnov_limit(300, 500, alpha)
        above["psi"] += population_stability_index(bins) > psi_limit(bins, alpha)
        bound = limits.wasserstein_limit(300, 500, pooled(one, other), alpha)
        above["wasserstein"] += wasserstein(one, other) > bound
    # 5 % of 300 are 15; 30 lie four deviations above.
    assert all(count < 30 for count in above.values()), above


@pytest.mark.parametrize(("n", "m", "repeats"), [(300, 300, 3000), (200, 1000, 30), (1000, 200, 2)])
def test_limits_of_counts_are_those_of_permutations(n: int, m: int, repeats: int) -> None:
    """The share of 2,000 permutations above a limit of 10 % is 10 %, for a few frequent and for many rare values."""
    rng = np.random.default_rng(repeats)
    values = np.concatenate([rng.integers(0, repeats, n + m - 100), np.zeros(100, np.int64)])
    pooled_counts = np.bincount(values, minlength=repeats).astype(np.float64)
    draws = rng.multivariate_hypergeometric(pooled_counts.astype(np.int64), n, size=2000).astype(np.float64)
    contribution = jensen_shannon_contribution(n, m)
    divergences = contribution(draws, pooled_counts - draws).sum(axis=1)
    limit = limits.summed_limit(n, m, pooled_counts, contribution, 0.1)
    assert np.mean(divergences > limit) == pytest.approx(0.1, abs=0.03)
    largest = np.abs(draws / n - (pooled_counts - draws) / m).max(axis=1)
    assert np.mean(largest > limits.largest_difference_limit(n, m, pooled_counts, 0.1)) <= 0.12


def test_a_small_sample_does_not_make_drift_of_noise_and_a_large_one_finds_a_small_shift() -> None:
    rng = np.random.default_rng(4)
    for size, shift, found in ((20, 0.3, False), (20_000, 0.1, True)):
        one, other = table(rng.normal(size=size)), table(rng.normal(shift, size=size))
        limit = limits.wasserstein_limit(size, size, pooled(one, other), 0.001)
        assert (wasserstein(one, other) > limit) is found
