"""Data sets that stand side by side on a page, by their statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.default_slice import DEFAULT_SLICE
from assay.kernels.feature_path import path_of

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import (
        DatasetFeatureStatistics,
        DatasetFeatureStatisticsList,
        FeatureNameStatistics,
    )


@dataclass(frozen=True)
class DataSet:
    """One of the data sets that stand side by side."""

    name: str
    statistics: DatasetFeatureStatistics

    @cached_property
    def features(self) -> Mapping[str, FeatureNameStatistics]:
        """Statistics by the feature's name."""
        return {path_of(each): each for each in self.statistics.features}


def data_sets(name: str, proto: DatasetFeatureStatisticsList) -> tuple[DataSet, list[DataSet]]:
    """Gives the data set of all examples, and those of the slices."""
    whole = next((each for each in proto.datasets if each.name == DEFAULT_SLICE), None)
    whole = whole or next(iter(proto.datasets), statistics_pb2.DatasetFeatureStatistics())
    return DataSet(name, whole), [DataSet(each.name, each) for each in proto.datasets if each is not whole]
