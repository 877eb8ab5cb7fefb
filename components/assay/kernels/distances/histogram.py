"""The Jensen-Shannon divergence of two histograms, as TFDV measures it (anomalies/metrics.cc)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.distances.distribution import bucket_arrays

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram

    from assay.kernels.distances.distribution import Doubles


def histogram_jensen_shannon(treatment: Histogram, control: Histogram) -> float | None:
    """The divergence in bits, from 0 to 1, over the buckets of both histograms laid over each other.

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
        """The mass between neighbouring edges, which include all of this side's own."""
        spread = np.zeros(max(len(edges) - 1, 0))
        for low, high, mass in zip(self.lows, self.highs, self.masses, strict=True):
            first, last = np.searchsorted(edges, [low, high])
            spread[first:last] += np.diff(edges[first : last + 1]) / (high - low) * mass
        return spread


def _divergence(p: Doubles, q: Doubles) -> float:
    both = (p > 0) & (q > 0)
    return float((p[both] * np.log2(p[both] / q[both])).sum())
