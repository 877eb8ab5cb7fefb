"""How far two data sets lie apart, feature by feature, read off their statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.kernels.distances import DEFAULT_LIMITS, FeatureDrift, Side, compare_feature
from assay.reports.figures import number
from assay.reports.views.histograms import rounded

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

    from assay.reports.views.statistics import DataSet


@dataclass(frozen=True, slots=True)
class _IndexedSide(Side):
    """A side that finds a feature without going through all of them: a page may have 5,000."""

    index: Mapping[str, FeatureNameStatistics]

    def feature(self, name: str) -> FeatureNameStatistics | None:
        return self.index.get(name)


def drifts(first: DataSet, second: DataSet) -> tuple[FeatureDrift, ...]:
    """The distances of every feature of either data set, with the default limits."""
    sides = [_IndexedSide(each.statistics, {}, each.features) for each in (first, second)]
    names = dict.fromkeys([*first.features, *second.features])
    return tuple(compare_feature(name, sides[0], sides[1], DEFAULT_LIMITS) for name in names)


def divergence(drift: FeatureDrift) -> float | None:
    """The Jensen-Shannon divergence, which numbers and categories share; 1 where only one side has the feature."""
    found = next((each.value for each in drift.distances if each.measure == "jensen_shannon"), None)
    missing = next((each.value for each in drift.distances if each.measure == "missing"), None)
    if found is None:
        return 1.0 if drift.problem else missing
    return rounded(found)


def feature_differences(first: DataSet, second: DataSet) -> dict[str, tuple[float | None, list[list[Any]]]]:
    """For each feature its divergence, and a row of text for each distance."""
    return {each.feature: (divergence(each), distance_rows(each)) for each in drifts(first, second)}


def distance_rows(drift: FeatureDrift) -> list[list[Any]]:
    """Measure, distance, limit, whether it exceeds, and where; or why there is none."""
    rows: list[list[Any]] = [
        [
            each.measure.replace("_", " "),
            rounded(each.value),
            number(each.limit),
            "above" if each.exceeded else "",
            each.where[:80],
        ]
        for each in drift.distances
    ]
    return rows + ([[drift.problem, None, "", "", ""]] if drift.problem else [])
