"""How far two datasets lie apart, feature by feature, read off their statistics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from assay.kernels.distances import DEFAULT_THRESHOLDS, Categories, FeatureDrift, Numbers, Side, compare_feature
from assay.kernels.distances.bins import bins_of_numbers, shared_categories, shared_numbers
from assay.kernels.distances.distribution import distribution_of
from assay.kernels.distances.measures import jensen_shannon, jensen_shannon_contribution
from assay.reports.figures import number
from assay.reports.views.histograms import rounded

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

    from assay.reports.views.histograms import DataSet


_MANY = 300
_MEASURED_OF_MANY = 100


def drifts(first: DataSet, second: DataSet) -> tuple[FeatureDrift, ...]:
    """Return the distances of every feature of either dataset, with the default limits."""
    sides = [Side(each.statistics, {}) for each in (first, second)]
    names = dict.fromkeys([*first.features, *second.features])
    return tuple(compare_feature(name, sides[0], sides[1], DEFAULT_THRESHOLDS) for name in names)


def divergence(drift: FeatureDrift) -> float | None:
    """Return the Jensen-Shannon divergence, which numbers and categories share.

    1 where only one side has the feature or values of it; None where neither has values that could be compared.
    """
    found = next((each.value for each in drift.distances if each.measure == "jensen_shannon"), None)
    if found is None:
        return 1.0 if drift.problem else None
    return rounded(found)


def feature_differences(first: DataSet, second: DataSet) -> dict[str, tuple[float | None, list[list[Any]]]]:
    """Return each feature's divergence, and a row of text for each distance.

    Of very many features, only those that diverge most are measured in every way: what chance would make of a distance
    costs milliseconds a feature.
    """
    names = dict.fromkeys([*first.features, *second.features])
    if len(names) <= _MANY:
        return {each.feature: (divergence(each), distance_rows(each)) for each in drifts(first, second)}
    found: dict[str, tuple[float | None, list[list[Any]]]] = {
        name: (_quick_divergence(first.features.get(name), second.features.get(name)), []) for name in names
    }
    sides = [Side(each.statistics, {}) for each in (first, second)]
    for name in sorted(found, key=lambda name: -(found[name][0] or 0.0))[:_MEASURED_OF_MANY]:
        drift = compare_feature(name, sides[0], sides[1], DEFAULT_THRESHOLDS)
        found[name] = (divergence(drift), distance_rows(drift))
    return found


def _quick_divergence(ours: FeatureNameStatistics | None, theirs: FeatureNameStatistics | None) -> float | None:
    """Return only the divergence that `drifts` computes."""
    if ours is None or theirs is None:
        return 1.0
    first, second = distribution_of(ours), distribution_of(theirs)
    if first is None and second is None:
        return None
    if isinstance(first, Numbers) and isinstance(second, Numbers):
        bins = bins_of_numbers(*shared_numbers(first, second)[1])
        counts = np.array([(each.treatment, each.control) for each in bins]).T
        return rounded(float(jensen_shannon_contribution(*counts.sum(axis=1))(*counts).sum()))
    if isinstance(first, Categories) and isinstance(second, Categories):
        return rounded(jensen_shannon(*shared_categories(first, second)))
    return 1.0  # of different types, or with values on one side only


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
    why = drift.problem or drift.remark
    return rows + ([[why, None, "", "", ""]] if why else [])
