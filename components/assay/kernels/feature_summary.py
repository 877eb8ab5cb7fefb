"""A feature's statistics as a row of a table."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.feature_path import path_of
from assay.kernels.shown import shortened

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, FeatureNameStatistics

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
        mean: The mean of the values of a number, as are the five figures that follow.
        std_dev: Their standard deviation, of the population (divided by their number).
        min: The smallest.
        median: The middle one, within the error of the quantiles.
        max: The greatest.
        zeros: The share of values that are 0, from 0 to 1.
        unique: Distinct values of a text feature.
        top: The most frequent value of a text feature.
        top_count: How often it occurs.
        earliest: The least of times, dates or durations, as ISO 8601 text.
        latest: The greatest.
    """

    feature: str
    type: str
    present: int
    missing: float
    mean: float | None = None
    std_dev: float | None = None
    min: float | None = None
    median: float | None = None
    max: float | None = None
    zeros: float | None = None
    unique: int | None = None
    top: str | None = None
    top_count: int | None = None
    earliest: str | None = None
    latest: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The figures by name."""
        return asdict(self)

    def __str__(self) -> str:
        parts = [f"{self.feature}: {self.type}, missing {self.missing:.1%}"]
        if self.earliest is not None:
            parts.append(f"from {self.earliest} to {self.latest}")
        elif self.mean is not None:
            parts.append(f"mean {self.mean:.6g}, min {self.min:.6g}, median {self.median:.6g}, max {self.max:.6g}")
        if self.unique is not None:
            parts.append(f"{self.unique:,} distinct")
        if self.top_count is not None:
            parts.append(f"most frequent {quoted_top(self)} ({self.top_count:,})")
        return ", ".join(parts)


def quoted_top(feature: FeatureSummary) -> str:
    """Gives the most frequent value in quotes; of a long one its beginning."""
    return repr(shortened(feature.top or "", _LONGEST))


def summarise(dataset: DatasetFeatureStatistics) -> tuple[FeatureSummary, ...]:
    """A summary of each feature, in the data's order."""
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
        figures |= {name: getattr(numbers, name) for name in ("mean", "std_dev", "min", "median", "max")}
        figures["zeros"] = numbers.num_zeros / common.tot_num_values
        said = {each.name: each.str for each in feature.custom_stats}
        if said.get("arrow_type") and said.get("min") and said.get("max"):
            figures |= {"earliest": _FRACTION.sub("", said["min"]), "latest": _FRACTION.sub("", said["max"])}
    if kind == "string_stats":
        strings = feature.string_stats
        figures["unique"] = int(strings.unique)
        if strings.top_values:
            figures["top"] = strings.top_values[0].value
            figures["top_count"] = int(strings.top_values[0].frequency)
    return FeatureSummary(**figures)
