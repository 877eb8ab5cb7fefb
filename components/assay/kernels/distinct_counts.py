"""How statistics came by their number of distinct values, and whether they list all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

NAME: Final = "distinct_count"
"""The custom statistic that says how a large number of distinct values was obtained."""

EXACT: Final = "exact"
ESTIMATE: Final = "estimate by K minimum values, standard error 0.8 %"

SKETCH_SIZE: Final = 16384
"""TFDV's size of the sketch of K minimum values (`stats_impl.py`), which is exact below it."""

ESTIMATE_ERROR: Final = 0.03
"""The error that is allowed for an estimate: nearly four standard errors, 1 / sqrt(SKETCH_SIZE) each."""


def is_estimated(feature: FeatureNameStatistics) -> bool:
    """Return whether the number of distinct values is an estimate: TFDV's always is where it is large."""
    if feature.string_stats.unique < SKETCH_SIZE:
        return False
    return not any(each.name == NAME and each.str == EXACT for each in feature.custom_stats)


def lists_all_values(feature: FeatureNameStatistics) -> bool:
    """Return whether the rank histogram of a categorical feature has each of its values."""
    strings = feature.string_stats
    return not is_estimated(feature) and len(strings.rank_histogram.buckets) >= strings.unique
