from __future__ import annotations

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.statistics.summaries.histograms import quantiles_histogram, standard_histogram
from assay.kernels.statistics.summaries.quantiles import Quantiles, exact_quantiles

Bucket = tuple[float, float, float]


def _buckets(histogram: statistics_pb2.Histogram) -> list[Bucket]:
    return [(bucket.low_value, bucket.high_value, round(bucket.sample_count, 6)) for bucket in histogram.buckets]


def test_buckets_with_one_upper_bound_share_their_weight() -> None:
    # 100 values: the first bound has 10 of them, and the bound 8 ends three buckets.
    quantiles = Quantiles(np.array([1.0, 5.0, 8.0, 8.0, 8.0]), np.array([10.0, 40.0, 100.0, 100.0, 100.0]))
    assert _buckets(quantiles_histogram(quantiles)) == [(1, 5, 40), (5, 8, 20), (8, 8, 20), (8, 8, 20)]


def test_the_least_values_weight_belongs_to_all_buckets_equal_to_the_first() -> None:
    quantiles = Quantiles(np.array([1.0, 1.0, 1.0, 2.0]), np.array([6.0, 6.0, 6.0, 8.0]))
    assert _buckets(quantiles_histogram(quantiles)) == [(1, 1, 3), (1, 1, 3), (1, 2, 2)]


def _standard(values: np.ndarray, num_buckets: int) -> list[Bucket]:  # type: ignore[type-arg]
    distinct, counts = np.unique(values, return_counts=True)
    finite = distinct[np.isfinite(distinct)]
    low, high = (finite.min(), finite.max()) if len(finite) else (np.inf, -np.inf)
    quantiles = exact_quantiles(distinct, counts.astype(np.float64), 1000)
    return _buckets(standard_histogram(quantiles, low, high, num_buckets, float(np.isposinf(values).sum())))


def test_equal_widths_hold_what_lies_in_them() -> None:
    buckets = _standard(np.arange(1000.0), 4)
    assert [(low, high) for low, high, _ in buckets] == [(0, 249.75), (249.75, 499.5), (499.5, 749.25), (749.25, 999)]
    assert all(abs(count - 250) < 1 for _, _, count in buckets)
    assert round(sum(count for _, _, count in buckets), 3) == 1000


def test_one_value_is_one_bucket() -> None:
    assert _standard(np.full(5, 3.0), 10) == [(3, 3, 5)]


def test_infinities_have_buckets_of_their_own() -> None:
    values = np.array([-np.inf, 0.0, 1.0, 1.0, np.inf, np.inf])
    buckets = _standard(values, 2)
    assert (buckets[0], buckets[-1]) == ((-np.inf, -np.inf, 1), (np.inf, np.inf, 2))
    assert round(sum(count for _, _, count in buckets), 6) == len(values)


def test_infinities_alone_are_one_bucket_as_in_tfdv() -> None:
    assert _standard(np.full(3, np.inf), 10) == [(np.inf, -np.inf, 3)]


def test_a_range_beyond_a_double_has_no_buckets_as_in_tfdv() -> None:
    assert _standard(np.array([-1.7e308, 1.7e308]), 10) == []
