"""Presence and valency: how many examples have a feature, and how many values each has."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.errors import DataError
from assay.kernels.feature_path import join_path
from assay.kernels.statistics.summaries.histograms import quantiles_histogram, standard_histogram
from assay.kernels.statistics.summaries.quantiles import Quantiles, exact_quantiles

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.statistics_pb2 import BytesStatistics, CommonStatistics, CustomStatistic

    from assay.kernels.statistics.columns import FeatureColumn, NestLevel
    from assay.kernels.statistics.options import StatisticsOptions


@dataclass(slots=True)
class LevelState:
    """One nest level so far.

    Attributes:
        num_present: Elements that are not null.
        lengths: How many present elements have each number of values. There are never many distinct lengths: a total
            of n values leaves room for at most the square root of 2n.
        present_weight: Sum of the weights of the present elements.
        value_weight: Sum of weight times number of values.
    """

    num_present: int = 0
    lengths: Counter[int] = field(default_factory=Counter)
    present_weight: float = 0.0
    value_weight: float = 0.0

    @property
    def num_values(self) -> int:
        """All values at this level."""
        return sum(length * count for length, count in self.lengths.items())

    def merge(self, other: LevelState) -> None:
        """Add the content of `other`."""
        self.num_present += other.num_present
        self.lengths.update(other.lengths)
        self.present_weight += other.present_weight
        self.value_weight += other.value_weight


@dataclass(slots=True)
class PresenceState:
    """All nest levels so far, the outermost first; none while every example lacks the feature.

    Attributes:
        levels: One for each list around the values; a flat column has one.
        leaf_lengths: For lists of lists, how many examples have each number of innermost values.
    """

    levels: list[LevelState] = field(default_factory=list)
    leaf_lengths: Counter[int] = field(default_factory=Counter)


def add_presence(state: PresenceState, column: FeatureColumn) -> None:
    """Add the presence and valency of one batch."""
    if len(column.levels) == len(state.levels) == 1 and column.type is not None:
        _add_level(state.levels[0], column.levels[0])  # nearly every column: not worth a state of its own
        return
    batch = PresenceState()
    if column.type is not None or len(column.levels) > 1:
        for level in column.levels:
            lengths = _counter(level.lengths, level.length_counts)
            batch.levels.append(LevelState(level.num_present, lengths, level.present_weight, level.value_weight))
    if column.leaf_lengths is not None:
        batch.leaf_lengths = _counter(*column.leaf_lengths)
    merge_presence(state, batch, join_path(column.path))


def _add_level(state: LevelState, level: NestLevel) -> None:
    state.num_present += level.num_present
    state.present_weight += level.present_weight
    state.value_weight += level.value_weight
    for length, count in zip(level.lengths.tolist(), level.length_counts.tolist(), strict=True):
        state.lengths[length] += count


def merge_presence(state: PresenceState, other: PresenceState, name: str) -> None:
    """Add the content of `other`.

    Raises:
        DataError: Both are nested, but to different depths.
    """
    if not other.levels:
        return
    if not state.levels:
        state.levels = [LevelState() for _ in other.levels]
    if len(state.levels) != len(other.levels):
        raise DataError(
            "statistics.mixed_nesting",
            f"Column '{name}' is nested to {len(state.levels)} levels in one part of the data and to "
            f"{len(other.levels)} in another.",
        )
    for level, other_level in zip(state.levels, other.levels, strict=True):
        level.merge(other_level)
    state.leaf_lengths.update(other.leaf_lengths)


def common_statistics(
    state: PresenceState, num_parents: int, weighted_num_parents: float, options: StatisticsOptions
) -> CommonStatistics:
    """Return the proto of presence and valency.

    Args:
        state: The feature's.
        num_parents: Where the feature could be: examples, or for the field of a struct the structs.
        weighted_num_parents: What those weigh.
        options: Of the dataset.
    """
    levels = state.levels or [LevelState()]
    result = statistics_pb2.CommonStatistics()
    outer_values: float = num_parents
    for level in levels:
        lengths = sorted(level.lengths)
        proto = result.presence_and_valency_stats.add(num_missing=outer_values - level.num_present)
        proto.num_non_missing = level.num_present
        if level.num_present:
            proto.min_num_values, proto.max_num_values = lengths[0], lengths[-1]
            proto.tot_num_values = level.num_values
        outer_values = level.num_values
    top, leaf = result.presence_and_valency_stats[0], result.presence_and_valency_stats[-1]
    result.num_non_missing, result.num_missing = top.num_non_missing, top.num_missing
    result.tot_num_values = leaf.tot_num_values
    if result.num_non_missing:
        counts = state.leaf_lengths if len(levels) > 1 else levels[0].lengths
        result.min_num_values, result.max_num_values = min(counts), max(counts)
        result.avg_num_values = result.tot_num_values / result.num_non_missing
        quantiles = _length_quantiles(counts, options)
        result.num_values_histogram.CopyFrom(quantiles_histogram(quantiles))
    if len(levels) == 1:
        # The one level of a feature that is not nested is what the fields above say already.
        del result.presence_and_valency_stats[:]
    if options.weight_feature is not None:
        _add_weighted(result, levels, weighted_num_parents)
    return result


def length_statistics(state: PresenceState, options: StatisticsOptions) -> list[CustomStatistic]:
    """Return histograms of the number of values at each nest level but the outermost."""
    result: list[CustomStatistic] = []
    for number, level in enumerate(state.levels[1:], start=2):
        if not level.lengths:
            continue
        quantiles = _length_quantiles(level.lengths, options)
        standard = standard_histogram(
            quantiles, min(level.lengths), max(level.lengths), options.num_values_histogram_buckets, 0
        )
        name = f"level_{number}_value_list_length"
        result.append(
            statistics_pb2.CustomStatistic(name=f"{name}_quantiles", histogram=quantiles_histogram(quantiles))
        )
        result.append(statistics_pb2.CustomStatistic(name=f"{name}_standard", histogram=standard))
    return result


def _counter(lengths: NDArray[np.int64], counts: NDArray[np.int64]) -> Counter[int]:
    return Counter(dict(zip(lengths.tolist(), counts.tolist(), strict=True)))


def _length_quantiles(counts: Counter[int], options: StatisticsOptions) -> Quantiles:
    lengths = sorted(counts)
    return exact_quantiles(
        np.array(lengths, dtype=np.float64),
        np.array([counts[length] for length in lengths], dtype=np.float64),
        options.num_values_histogram_buckets,
    )


def _add_weighted(result: CommonStatistics, levels: list[LevelState], weighted_num_parents: float) -> None:
    outer_weight = weighted_num_parents
    protos = []
    for level in levels:
        proto = statistics_pb2.WeightedCommonStatistics(
            num_missing=outer_weight - level.present_weight,
            num_non_missing=level.present_weight,
            tot_num_values=level.value_weight,
        )
        if level.present_weight > 0:
            proto.avg_num_values = level.value_weight / level.present_weight
        outer_weight = level.value_weight
        protos.append(proto)
    if len(protos) > 1:
        result.weighted_presence_and_valency_stats.extend(protos)
    twin, leaf = result.weighted_common_stats, protos[-1]
    twin.num_non_missing, twin.num_missing = protos[0].num_non_missing, protos[0].num_missing
    twin.tot_num_values = leaf.tot_num_values
    twin.avg_num_values = leaf.tot_num_values / twin.num_non_missing if twin.num_non_missing else 0.0


@dataclass(slots=True)
class ByteSizeState:
    """The sizes of the values so far, in bytes; `min` and `max` are `None` before the first."""

    total: int = 0
    min: int | None = None
    max: int | None = None


def add_sizes(state: ByteSizeState, column: FeatureColumn) -> None:
    """Add the values of one batch."""
    if column.leaf is None or column.leaf.null_count == len(column.leaf):
        return
    sizes = pc.binary_length(column.leaf)
    extremes = pc.min_max(sizes).as_py()
    merge_sizes(state, ByteSizeState(pc.sum(sizes).as_py(), extremes["min"], extremes["max"]))


def merge_sizes(state: ByteSizeState, other: ByteSizeState) -> None:
    """Add the content of `other`."""
    state.total += other.total
    state.min = min((size for size in (state.min, other.min) if size is not None), default=None)
    state.max = max((size for size in (state.max, other.max) if size is not None), default=None)


def bytes_statistics(state: ByteSizeState, num_values: int) -> BytesStatistics:
    """Return the proto, without the common statistics."""
    result = statistics_pb2.BytesStatistics()
    if num_values and state.min is not None and state.max is not None:
        result.avg_num_bytes = state.total / num_values
        result.min_num_bytes = state.min
        result.max_num_bytes = result.max_num_bytes_int = state.max
    return result
