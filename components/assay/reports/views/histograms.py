"""Histograms as paths in a box of 1000 by 100, several datasets over each other on one scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.default_slice import DEFAULT_SLICE
from assay.kernels.feature_path import path_of

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import (
        DatasetFeatureStatistics,
        DatasetFeatureStatisticsList,
        FeatureNameStatistics,
        Histogram,
    )

MAX_CATEGORIES = 20
_LONGEST_VALUE = 160


class HistogramBars(NamedTuple):
    """A path for each dataset, and the numbers at both ends of the axis; None for categories."""

    paths: list[str]
    low: float | None
    high: float | None


def histogram_of(features: Sequence[FeatureNameStatistics | None]) -> HistogramBars | None:
    """Return the bars of one feature in several datasets; None if it has no values to draw."""
    standard = [standard_histogram(feature) for feature in features]
    if any(standard):
        return _of_numbers(standard)
    ranked = [_shares(feature) for feature in features]
    return _of_categories(ranked) if any(ranked) else None


def top_values(features: Sequence[FeatureNameStatistics | None], most: int = MAX_CATEGORIES) -> list[list[Any]]:
    """Return the most frequent values: each with (count, share) per dataset, or None if the dataset lacks it."""
    tables = [_shares(feature) for feature in features]
    return [
        [_shown(value), *([table[value][0], rounded(table[value][1])] if value in table else None for table in tables)]
        for value in _most_frequent(tables)[:most]
    ]


def rounded(value: float) -> float:
    """Six significant digits: what is shown, in fewer bytes."""
    return float(f"{value:.6g}")


def _shown(value: str) -> str:
    return value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "…"


def standard_histogram(feature: FeatureNameStatistics | None) -> Histogram | None:
    """Return the histogram of equal widths; None where the feature has none."""
    if feature is None or not feature.HasField("num_stats"):
        return None
    wanted = statistics_pb2.Histogram.STANDARD
    return next((found for found in feature.num_stats.histograms if found.type == wanted and found.buckets), None)


def _of_numbers(histograms: Sequence[Histogram | None]) -> HistogramBars | None:
    cut = [
        [(b.low_value, b.high_value, b.sample_count) for b in found.buckets if _finite(b.low_value, b.high_value)]
        if found
        else []
        for found in histograms
    ]
    edges = [edge for buckets in cut for low, high, _ in buckets for edge in (low, high)]
    if not edges:
        return None
    low, high = min(edges), max(edges)
    span = (high - low) or 1.0
    densities = []
    for buckets in cut:
        total = sum(count for *_, count in buckets) or 1.0
        densities.append([(a, b, count / total / max((b - a) / span, 1e-3)) for a, b, count in buckets])
    tallest = max((density for series in densities for *_, density in series), default=0.0) or 1.0
    paths = [
        "".join(_bar((a - low) / span, (b - low) / span if b > a else 1.0, density / tallest) for a, b, density in one)
        for one in densities
    ]
    return HistogramBars(paths, rounded(low), rounded(high))


def _finite(*values: float) -> bool:
    return all(map(math.isfinite, values))


def _of_categories(tables: Sequence[dict[str, tuple[int, float]]]) -> HistogramBars:
    values = _most_frequent(tables)[:MAX_CATEGORIES]
    tallest = max((table[value][1] for table in tables for value in values if value in table), default=0.0) or 1.0
    slots = max(len(values), 4)
    paths = [
        "".join(
            _bar((at + 0.08) / slots, (at + 0.92) / slots, table[value][1] / tallest)
            for at, value in enumerate(values)
            if value in table
        )
        for table in tables
    ]
    return HistogramBars(paths, None, None)


def _most_frequent(tables: Sequence[dict[str, tuple[int, float]]]) -> list[str]:
    together: dict[str, float] = {}
    for table in tables:
        for value, (_, share) in table.items():
            together[value] = together.get(value, 0.0) + share
    return sorted(together, key=lambda value: (-together[value], value))


def _shares(feature: FeatureNameStatistics | None) -> dict[str, tuple[int, float]]:
    """Count and share of each value that the statistics list."""
    if feature is None or not feature.HasField("string_stats"):
        return {}
    strings = feature.string_stats
    counts = {bucket.label: bucket.sample_count for bucket in strings.rank_histogram.buckets}
    counts = counts or {each.value: each.frequency for each in strings.top_values}
    total = strings.common_stats.tot_num_values or sum(counts.values()) or 1
    return {value: (int(count), count / total) for value, count in counts.items()}


def _bar(left: float, right: float, height: float) -> str:
    if height <= 0:
        return ""
    x, width = round(1000 * left), max(2, round(1000 * (right - left)) - 3)
    return f"M{x} 100v{-max(1, round(100 * height))}h{width}V100z"


@dataclass(frozen=True)
class DataSet:
    """One of the datasets that stand side by side."""

    name: str
    statistics: DatasetFeatureStatistics

    @cached_property
    def features(self) -> Mapping[str, FeatureNameStatistics]:
        """Statistics by the feature's name."""
        return {path_of(each): each for each in self.statistics.features}


def data_sets(name: str, proto: DatasetFeatureStatisticsList) -> tuple[DataSet, list[DataSet]]:
    """Return the dataset of all examples, and those of the slices."""
    whole = next((each for each in proto.datasets if each.name == DEFAULT_SLICE), None)
    whole = whole or next(iter(proto.datasets), statistics_pb2.DatasetFeatureStatistics())
    return DataSet(name, whole), [DataSet(each.name, each) for each in proto.datasets if each is not whole]
