"""Statistics of a numeric feature: moments, extremes, quantiles and histograms."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.statistics.summaries.histograms import QUANTILES_PER_BUCKET, quantiles_histogram, standard_histogram
from assay.kernels.statistics.summaries.moments import NumericMoments, moments_of
from assay.kernels.statistics.summaries.quantiles import Quantiles, QuantilesSketch, exact_quantiles
from assay.kernels.statistics.summaries.value_counts import Counted, ValueCounts, count_numbers, joined, numbers_array

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.statistics_pb2 import Histogram, NumericStatistics

    from assay.kernels.statistics.columns import FeatureColumn
    from assay.kernels.statistics.options import StatisticsOptions
    from assay.kernels.statistics.summaries.moments import Extremes

    Floats = NDArray[np.float64]


_AT_ONCE = 8192
"""Each addition to a sketch costs as much as sorting some thousand values."""


class NumericSketch:
    """What is kept of the values of a feature that has too many distinct ones to keep them all."""

    def __init__(self, first: Counted, epsilon: float) -> None:
        self._moments = _moments(first)
        self._quantiles = QuantilesSketch(epsilon)
        self._weighted_quantiles = None if first.weights is None else QuantilesSketch(epsilon)
        self._waiting: list[Counted] = []
        self._num_waiting = 0
        self._add_to_sketches(first)

    @property
    def moments(self) -> NumericMoments:
        """Of all values."""
        self._settle()
        return self._moments

    @property
    def quantiles(self) -> QuantilesSketch:
        """Of all values."""
        self._settle()
        return self._quantiles

    @property
    def weighted_quantiles(self) -> QuantilesSketch | None:
        """Of all values, where there are weights."""
        self._settle()
        return self._weighted_quantiles

    def add(self, part: Counted) -> None:
        """Add values, not necessarily distinct; a few may wait for more."""
        self._waiting.append(part)
        self._num_waiting += len(part.values)
        if self._num_waiting >= _AT_ONCE:
            self._settle()

    def merge(self, other: NumericSketch) -> None:
        """Add the content of `other`."""
        self._moments = self.moments.merge(other.moments)
        self._quantiles.merge(other.quantiles)
        if self._weighted_quantiles is not None and other.weighted_quantiles is not None:
            self._weighted_quantiles.merge(other.weighted_quantiles)

    def _settle(self) -> None:
        if self._waiting:
            part, self._waiting, self._num_waiting = joined(self._waiting), [], 0
            self._moments = self._moments.merge(_moments(part))
            self._add_to_sketches(part)

    def _add_to_sketches(self, part: Counted) -> None:
        values = part.values.to_numpy()
        self._quantiles.add(values, part.counts.astype(np.float64))
        if self._weighted_quantiles is not None and part.weights is not None:
            self._weighted_quantiles.add(values, part.weights)


@dataclass(slots=True)
class NumericState:
    """The values of a numeric feature so far.

    Attributes:
        num_nan: NaN is counted and otherwise left out; so is a null inside a list.
        exact: Every distinct value, while there is memory for it.
        sketch: What takes the place of `exact` when there is not.
    """

    num_nan: int = 0
    exact: ValueCounts = field(default_factory=ValueCounts)
    sketch: NumericSketch | None = None


def add_numbers(state: NumericState, column: FeatureColumn, epsilon: float, max_bytes: int) -> None:
    """Add the values of one batch; more than `max_bytes` of distinct values are sketched."""
    if column.leaf is None:
        return
    counted = count_numbers(column.leaf, column.leaf_weights)
    # Arrow hashes the two zeros apart: adding 0 makes one of them.
    values: Floats = counted.values.to_numpy(zero_copy_only=False).astype(np.float64) + 0.0
    is_nan = np.isnan(values)
    num_nan = int(counted.counts[is_nan].sum()) if is_nan.any() else 0
    part = counted.with_values(numbers_array(values))
    if num_nan:
        part = part.select(~is_nan)
    state.num_nan += num_nan + (column.leaf.null_count if column.nulls_are_values else 0)
    if state.sketch is not None:
        state.sketch.add(part)
    else:
        state.exact.add(part)
        _sketch_above(state, epsilon, max_bytes)


def merge_numbers(state: NumericState, other: NumericState, epsilon: float, max_bytes: int) -> None:
    """Add the content of `other`, which must not be used afterwards."""
    state.num_nan += other.num_nan
    if state.sketch is None and other.sketch is None:
        state.exact.merge(other.exact)
        _sketch_above(state, epsilon, max_bytes)
        return
    _sketch_above(state, epsilon, 0)
    if state.sketch is None:
        state.sketch = other.sketch
    elif other.sketch is not None:
        state.sketch.merge(other.sketch)
    else:
        for part in other.exact.pending:
            state.sketch.add(part)


def numeric_statistics(state: NumericState, options: StatisticsOptions) -> NumericStatistics:
    """Return the proto, without the common statistics."""
    result = statistics_pb2.NumericStatistics()
    described = _describe(state, QUANTILES_PER_BUCKET * options.num_quantiles_histogram_buckets)
    if described is None:
        if state.num_nan:
            result.histograms.add(type=statistics_pb2.Histogram.STANDARD, num_nan=state.num_nan)
            result.histograms.add(type=statistics_pb2.Histogram.QUANTILES, num_nan=state.num_nan)
        return result
    moments, quantiles, weighted_quantiles = described
    result.mean, result.std_dev = moments.mean.mean, moments.mean.std_dev
    result.num_zeros = moments.num_zeros
    result.min, result.max, result.median = moments.extremes.min, moments.extremes.max, quantiles.median
    result.histograms.extend(
        _histograms(quantiles, moments.extremes, moments.positive_infinity, state.num_nan, options)
    )
    if options.weight_feature is not None:
        twin = result.weighted_numeric_stats
        twin.mean, twin.std_dev = moments.weighted_mean.mean, moments.weighted_mean.std_dev
        if weighted_quantiles is not None:
            infinity = moments.weighted_positive_infinity
            twin.median = weighted_quantiles.median
            twin.histograms.extend(_histograms(weighted_quantiles, moments.extremes, infinity, state.num_nan, options))
    return result


def _moments(part: Counted) -> NumericMoments:
    return moments_of(part.values.to_numpy(), part.counts, part.weights)


def _sketch_above(state: NumericState, epsilon: float, max_bytes: int) -> None:
    if state.sketch is None and state.exact.exceeds(max_bytes):
        table = state.exact.table()
        assert table is not None
        state.sketch, state.exact = NumericSketch(_sorted(table), epsilon), ValueCounts()


def _sorted(table: Counted) -> Counted:
    """Sorts, so that what is summed up or sketched does not depend on the order in which values came."""
    values = table.values.to_numpy()
    if (values[1:] > values[:-1]).all():
        return table
    order = np.argsort(values)
    weights = None if table.weights is None else table.weights[order]
    return Counted(numbers_array(values[order]), table.counts[order], weights)


def _describe(state: NumericState, num_buckets: int) -> tuple[NumericMoments, Quantiles, Quantiles | None] | None:
    """Return moments, quantiles and weighted quantiles; `None` where there are no values."""
    if state.sketch is not None:
        moments, weighted = state.sketch.moments, None
        quantiles = state.sketch.quantiles.quantiles(num_buckets)
        assert quantiles is not None
        if state.sketch.weighted_quantiles is not None:
            weighted = state.sketch.weighted_quantiles.quantiles(num_buckets)
        return moments, quantiles.between(moments.extremes.min, moments.extremes.max), weighted
    table = state.exact.table()
    if table is None:
        return None
    table = _sorted(table)
    values, weighted = table.values.to_numpy(), None
    if table.weights is not None and (table.weights > 0).any():
        weighing = table.weights > 0
        weighted = exact_quantiles(values[weighing], table.weights[weighing], num_buckets)
    return _moments(table), exact_quantiles(values, table.counts.astype(np.float64), num_buckets), weighted


def _histograms(
    quantiles: Quantiles, extremes: Extremes, positive_infinity: float, num_nan: int, options: StatisticsOptions
) -> tuple[Histogram, Histogram]:
    standard = standard_histogram(
        quantiles, extremes.finite_min, extremes.finite_max, options.num_histogram_buckets, positive_infinity
    )
    by_quantiles = quantiles_histogram(quantiles.rebin(QUANTILES_PER_BUCKET))
    standard.num_nan = by_quantiles.num_nan = num_nan
    return standard, by_quantiles
