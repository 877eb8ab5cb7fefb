"""Merges statistics files: of other features or other slices of the same rows, as TFDV's shards are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.api.statistics import Statistics
from assay.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics


def merge_statistics(parts: Sequence[Statistics]) -> Statistics:
    """Gives one list of datasets, those of one name joined feature by feature: `MergeDatasetFeatureStatisticsList`.

    Statistics of different rows cannot be merged from their files without a loss (distinct values, quantiles): those
    are refused, rather than made up. Compute them from all the files together: `assay stats part1.csv part2.csv`.

    Raises:
        UsageError: There are no parts.
        DataError: Two parts have statistics of the same feature, or different numbers of examples.
    """
    if not parts:
        raise UsageError("stats.merge", "There are no statistics to merge.")
    merged = statistics_pb2.DatasetFeatureStatisticsList()
    by_name: dict[str, DatasetFeatureStatistics] = {}
    for part in parts:
        for dataset in part.proto.datasets:
            if dataset.name in by_name:
                _join(by_name[dataset.name], dataset)
            else:
                by_name[dataset.name] = merged.datasets.add()
                by_name[dataset.name].CopyFrom(dataset)
    return Statistics(merged)


def _join(dataset: DatasetFeatureStatistics, other: DatasetFeatureStatistics) -> None:
    hint = "Compute the statistics of all the data together: assay stats DATA DATA …"
    if dataset.num_examples != other.num_examples:
        raise DataError(
            "stats.merge_rows",
            f"The parts are of {dataset.num_examples:,} and {other.num_examples:,} examples: other rows, not other "
            "features of the same rows.",
            hint,
        )
    known = {_key(feature) for feature in dataset.features}
    for feature in other.features:
        if _key(feature) in known:
            name = ".".join(_key(feature))
            raise DataError("stats.merge_feature", f"Two parts have statistics of '{name}'.", hint)
        dataset.features.add().CopyFrom(feature)
    for cross in other.cross_features:
        dataset.cross_features.add().CopyFrom(cross)


def _key(feature: statistics_pb2.FeatureNameStatistics) -> tuple[str, ...]:
    return tuple(feature.path.step) or (feature.name,)
