"""Histograms of numeric features from quantiles, by the rules of TFDV's `quantiles_util`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.statistics.summaries.quantiles import Quantiles

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram

    Floats = NDArray[np.float64]

QUANTILES_PER_BUCKET = 100
"""Numeric histograms are made from this many times as many quantiles as they have buckets, as in TFDV."""


def quantiles_histogram(quantiles: Quantiles) -> Histogram:
    """Return the histogram whose buckets are between consecutive quantiles."""
    weights = _bucket_weights(quantiles)
    histogram = statistics_pb2.Histogram(type=statistics_pb2.Histogram.QUANTILES)
    _add_buckets(histogram, quantiles.boundaries[:-1], quantiles.boundaries[1:], weights)
    return histogram


def standard_histogram(
    quantiles: Quantiles, finite_min: float, finite_max: float, num_buckets: int, positive_infinity: float
) -> Histogram:
    """Return the histogram of equally wide buckets, taking values as evenly spread between quantiles.

    Args:
        quantiles: Many more than `num_buckets`.
        finite_min: The least finite value; infinite if there is none.
        finite_max: The greatest finite value; infinite if there is none.
        num_buckets: Without the buckets for the infinities, which are added where they hold something.
        positive_infinity: The weight of the values that are infinite and positive.
    """
    histogram = statistics_pb2.Histogram(type=statistics_pb2.Histogram.STANDARD)
    if not np.isfinite(finite_min) and not np.isfinite(finite_max):
        histogram.buckets.add(low_value=finite_min, high_value=finite_max, sample_count=quantiles.cumulative[-1])
        return histogram
    finite, negative_infinity = _without_infinities(quantiles, finite_max, positive_infinity)
    edges = np.array([finite_min, finite_max])
    if finite_min != finite_max:
        with np.errstate(over="ignore", invalid="ignore"):
            edges = np.linspace(finite_min, finite_max, num_buckets + 1)
        if not np.isfinite(edges).all():
            # The range overflows a double: TFDV gives a histogram without buckets.
            return histogram
    if negative_infinity:
        histogram.buckets.add(low_value=-np.inf, high_value=-np.inf, sample_count=negative_infinity)
    _add_buckets(histogram, edges[:-1], edges[1:], _spread(finite, edges))
    if positive_infinity:
        histogram.buckets.add(low_value=np.inf, high_value=np.inf, sample_count=positive_infinity)
    return histogram


def _add_buckets(histogram: Histogram, lows: Floats, highs: Floats, weights: Floats) -> None:
    for low, high, weight in zip(lows.tolist(), highs.tolist(), weights.tolist(), strict=True):
        histogram.buckets.add(low_value=low, high_value=high, sample_count=weight)


def _bucket_weights(quantiles: Quantiles) -> Floats:
    """Return the weight in each bucket; buckets with the same upper bound share theirs evenly."""
    lows, highs = quantiles.boundaries[:-1], quantiles.boundaries[1:]
    if not len(lows):
        return np.zeros(0)
    run = np.concatenate([[0], np.cumsum(highs[1:] != highs[:-1])])
    share = np.bincount(run, weights=np.diff(quantiles.cumulative)) / np.bincount(run)
    weights: Floats = share[run]
    # The least value's own weight lies before the first difference; it belongs to all buckets equal to the first.
    like_first = (lows == lows[0]) & (highs == highs[0])
    num_first = len(lows) if like_first.all() else int(np.argmin(like_first))
    weights[:num_first] += quantiles.cumulative[0] / num_first
    return weights


def _without_infinities(quantiles: Quantiles, finite_max: float, positive_infinity: float) -> tuple[Quantiles, float]:
    """Return the quantiles of the finite values, and the weight of negative infinity."""
    boundaries, cumulative = quantiles.boundaries, quantiles.cumulative
    negative_infinity = 0.0
    num_negative = int(np.searchsorted(boundaries, -np.inf, side="right"))
    if num_negative:
        negative_infinity = float(cumulative[num_negative - 1])
        boundaries, cumulative = boundaries[num_negative:], cumulative[num_negative:] - negative_infinity
    if positive_infinity:
        # A bucket that ends in infinity may hold finite values too, so the finite weight is identified by its sum.
        finite_weight = cumulative[-1] - positive_infinity
        end = int(np.searchsorted(boundaries, np.inf, side="left"))
        boundaries = np.append(boundaries[:end], finite_max)
        cumulative = np.append(cumulative[:end], finite_weight)
    return Quantiles(boundaries, cumulative), negative_infinity


def _spread(quantiles: Quantiles, edges: Floats) -> Floats:
    """Return the weight between consecutive edges, where a bucket that is a point belongs to the interval it closes."""
    lows, highs = quantiles.boundaries[:-1], quantiles.boundaries[1:]
    weights = _bucket_weights(quantiles)
    is_point = lows == highs
    result = np.zeros(len(edges) - 1)
    points, point_weights = lows[is_point], weights[is_point]
    interval = np.searchsorted(edges, points, side="left") - 1
    interval[points == edges[0]] = 0
    inside = (interval >= 0) & (interval < len(result))
    np.add.at(result, interval[inside], point_weights[inside])
    lows, highs, weights = lows[~is_point], highs[~is_point], weights[~is_point]
    with np.errstate(over="ignore", invalid="ignore"):
        overlap = np.minimum(highs, edges[1:, None]) - np.maximum(lows, edges[:-1, None])
        share = np.where(overlap > 0, overlap / (highs - lows), 0.0)
        return np.asarray(result + (share * weights).sum(axis=1), dtype=np.float64)
