"""A feature's statistics as a row of a table."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.display import shortened
from assay.kernels.distinct_counts import is_estimated
from assay.kernels.feature_path import path_of

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import (
        DatasetFeatureStatistics,
        FeatureNameStatistics,
        NumericStatistics,
    )

_LONGEST = 60
_FRACTION = re.compile(r"\.0+(?=Z?$)")  # of a second, where it is none


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSummary:
    """One feature in figures; those that its type does not have are None.

    Attributes:
        feature: Its name; the steps of a nested one joined with dots.
        type: INT, FLOAT, STRING, BYTES or STRUCT.
        present: Examples that have it.
        missing: Share of examples that lack it, from 0 to 1.
        nan: Share of the values of a number that are NaN, from 0 to 1. NaN has no part in the figures that follow.
        mean: The mean of the values of a number, as are the five figures that follow; None where all are NaN.
        std_dev: Their standard deviation, of the population (divided by their number).
        min: The smallest.
        median: The middle one, within the error of the quantiles.
        max: The greatest.
        zeros: The share of values that are 0, from 0 to 1.
        unique: Distinct values of a text feature.
        estimated: Whether `unique` and `top_count` are estimates, which they are of very many distinct values.
        top: The most frequent value of a text feature.
        top_count: How often it occurs.
        earliest: The least of times, dates or durations, as ISO 8601 text.
        latest: The greatest.
    """

    feature: str
    type: str
    present: int
    missing: float
    nan: float | None = None
    mean: float | None = None
    std_dev: float | None = None
    min: float | None = None
    median: float | None = None
    max: float | None = None
    zeros: float | None = None
    unique: int | None = None
    estimated: bool = False
    top: str | None = None
    top_count: int | None = None
    earliest: str | None = None
    latest: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return asdict(self)

    def __str__(self) -> str:
        parts = [f"{self.feature}: {self.type}, missing {self.missing:.1%}"]
        if self.nan:
            parts.append(f"NaN {self.nan:.1%}")
        if self.earliest is not None:
            parts.append(f"from {self.earliest} to {self.latest}")
        elif self.mean is not None:
            parts.append(f"mean {self.mean:.6g}, min {self.min:.6g}, median {self.median:.6g}, max {self.max:.6g}")
        if self.unique is not None:
            parts.append(f"{about(self)}{self.unique:,} distinct")
        if self.top_count is not None:
            parts.append(f"most frequent {quoted_top(self)} ({about(self)}{self.top_count:,})")
        return ", ".join(parts)


def about(feature: FeatureSummary) -> str:
    """Return the word before counts that are estimates; nothing before others."""
    return "about " if feature.estimated else ""


def num_nan(numbers: NumericStatistics) -> int:
    """Return how many values of a numeric feature are NaN, which the histograms count."""
    return max((int(histogram.num_nan) for histogram in numbers.histograms), default=0)


def has_numbers(numbers: NumericStatistics) -> bool:
    """Return whether a numeric feature has a value other than NaN; else its mean is 0 in the proto."""
    return int(numbers.common_stats.tot_num_values) > num_nan(numbers)


def quoted_top(feature: FeatureSummary) -> str:
    """Return the most frequent value in quotes; of a long one its beginning."""
    return repr(shortened(feature.top or "", _LONGEST))


def summarise(dataset: DatasetFeatureStatistics) -> tuple[FeatureSummary, ...]:
    """Return a summary of each feature, in the data's order."""
    return tuple(_summary(feature, int(dataset.num_examples)) for feature in dataset.features)


def _summary(feature: FeatureNameStatistics, examples: int) -> FeatureSummary:
    kind = feature.WhichOneof("stats")
    common = getattr(feature, kind).common_stats if kind else statistics_pb2.CommonStatistics()
    figures: dict[str, Any] = {
        "feature": path_of(feature),
        "type": statistics_pb2.FeatureNameStatistics.Type.Name(feature.type),
        "present": int(common.num_non_missing),
        "missing": common.num_missing / examples if examples else 0.0,
    }
    if kind == "num_stats" and common.tot_num_values:
        numbers = feature.num_stats
        figures["nan"] = num_nan(numbers) / common.tot_num_values
    if kind == "num_stats" and has_numbers(feature.num_stats):
        numbers = feature.num_stats
        figures |= {name: getattr(numbers, name) for name in ("mean", "std_dev", "min", "median", "max")}
        figures["zeros"] = numbers.num_zeros / common.tot_num_values
        said = {each.name: each.str for each in feature.custom_stats}
        if said.get("arrow_type") and said.get("min") and said.get("max"):
            figures |= {"earliest": _FRACTION.sub("", said["min"]), "latest": _FRACTION.sub("", said["max"])}
    if kind == "string_stats":
        strings = feature.string_stats
        figures["unique"] = int(strings.unique)
        figures["estimated"] = is_estimated(feature)
        if strings.top_values:
            figures["top"] = strings.top_values[0].value
            figures["top_count"] = int(strings.top_values[0].frequency)
    return FeatureSummary(**figures)
