"""Merges statistics: of other rows by their states, of other features or slices of the same rows by their protos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.api.statistics import Statistics
from assay.errors import DataError, UsageError
from assay.kernels.feature_path import join_path
from assay.kernels.statistics.merging import merge_statistics as merge_states

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, DatasetFeatureStatisticsList

_COMPUTE_STATES = "Write a state for each part, which can be merged: assay stats DATA -o PART.state."


def merge_statistics(parts: Sequence[Statistics]) -> Statistics:
    """Return the statistics of all rows, or of all features.

    Parts that were computed with `mergeable=True` are of other rows: the result is that of all the rows together, to
    the byte, unless a feature has more distinct values than `max_exact_bytes` holds (see `estimated_features`).
    Finished protos are joined feature by feature, as TFDV's `MergeDatasetFeatureStatisticsList` does: they must be of
    the same rows, as nothing tells which distinct values two protos have in common.

    Args:
        parts: One or more, either all with a state or all without.

    Raises:
        UsageError: There are no parts, some have a state and some have not, or they were computed with other options.
        DataError: Two protos have statistics of the same feature, or of different numbers of examples; or states hold
            different types of one column.
    """
    if not parts:
        raise UsageError("stats.merge", "There are no statistics to merge.", "Give those of two or more parts.")
    states = [part.state for part in parts if part.state is not None]
    if not states:
        return Statistics(_joined([part.proto for part in parts]))
    if len(states) < len(parts):
        raise UsageError(
            "stats.merge_kinds",
            f"{len(states)} of {len(parts)} statistics have a state that can be merged, the others do not.",
            _COMPUTE_STATES,
        )
    merged = merge_states(states)
    return Statistics(merged.proto, merged.state)


def _joined(parts: Sequence[DatasetFeatureStatisticsList]) -> DatasetFeatureStatisticsList:
    merged = statistics_pb2.DatasetFeatureStatisticsList()
    by_name: dict[str, DatasetFeatureStatistics] = {}
    for part in parts:
        for dataset in part.datasets:
            if dataset.name in by_name:
                _join(by_name[dataset.name], dataset)
            else:
                by_name[dataset.name] = merged.datasets.add()
                by_name[dataset.name].CopyFrom(dataset)
    return merged


def _join(dataset: DatasetFeatureStatistics, other: DatasetFeatureStatistics) -> None:
    if dataset.num_examples != other.num_examples:
        raise DataError(
            "stats.merge_rows",
            f"The parts are of {dataset.num_examples:,} and {other.num_examples:,} examples: other rows, not other "
            "features of the same rows.",
            _COMPUTE_STATES,
        )
    known = {_key(feature) for feature in dataset.features}
    for feature in other.features:
        if _key(feature) in known:
            name = join_path(_key(feature))
            raise DataError("stats.merge_feature", f"Two parts have statistics of '{name}'.", _COMPUTE_STATES)
        dataset.features.add().CopyFrom(feature)
    for cross in other.cross_features:
        dataset.cross_features.add().CopyFrom(cross)


def _key(feature: statistics_pb2.FeatureNameStatistics) -> tuple[str, ...]:
    return tuple(feature.path.step) or (feature.name,)
