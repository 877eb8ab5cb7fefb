"""Finished statistics of other features of the same rows join as TFDV's `MergeDatasetFeatureStatisticsList` does."""

from __future__ import annotations

import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

import assay
from assay.api.merging import merge_statistics
from assay.kernels.statistics import SlicingSpec, StatisticsOptions

pytestmark = pytest.mark.tensorflow


def _partitions(whole: DatasetFeatureStatisticsList) -> list[DatasetFeatureStatisticsList]:
    """The whole, one feature in each part, the cross-feature statistics in the first."""
    parts = []
    for number in range(len(whole.datasets[0].features)):
        part = DatasetFeatureStatisticsList()
        part.CopyFrom(whole)
        for dataset in part.datasets:
            kept = dataset.features[number]
            del dataset.features[:]
            dataset.features.append(kept)
            if number:
                del dataset.cross_features[:]
        parts.append(part)
    return parts


def test_partitions_by_feature() -> None:
    from tfx_bsl.statistics.merge_util import merge_dataset_feature_statistics_list

    table = pa.table({"x": [1.0, 2.5, 0.0], "y": [3, 4, 9], "word": ["a", "b", "a"]})
    options = StatisticsOptions(slices=(SlicingSpec(feature_keys=("word",)),), feature_crosses="all")
    whole = assay.statistics(table, options=options).proto
    parts = _partitions(whole)
    theirs = merge_dataset_feature_statistics_list(parts)
    ours = merge_statistics([assay.Statistics(part) for part in parts]).proto
    assert {dataset.name for dataset in theirs.datasets} == {"All Examples", "word_a", "word_b"}
    for dataset in theirs.datasets:
        (same,) = [each for each in ours.datasets if each.name == dataset.name]
        assert same == dataset
    assert ours == whole
