"""Distances between two datasets, feature by feature, with what chance alone would make of them."""

from __future__ import annotations

from assay.kernels.distances.bins import Bin
from assay.kernels.distances.distribution import Categories, Numbers
from assay.kernels.distances.drift import Side, check_limits_of_features, compare_feature, compare_features
from assay.kernels.distances.measures import (
    ALL_FEATURES,
    DEFAULT_THRESHOLDS,
    Distance,
    DriftThresholds,
    FeatureDrift,
    MeasureName,
)
from assay.kernels.distances.value_tables import ValueTables

__all__ = [
    "ALL_FEATURES",
    "DEFAULT_THRESHOLDS",
    "Bin",
    "Categories",
    "Distance",
    "DriftThresholds",
    "FeatureDrift",
    "MeasureName",
    "Numbers",
    "Side",
    "ValueTables",
    "check_limits_of_features",
    "compare_feature",
    "compare_features",
]
