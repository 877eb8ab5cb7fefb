"""Which dataset of a sliced statistics list stands for all examples."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import ArtifactError

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import statistics_pb2

DEFAULT_SLICE = "All Examples"
"""The name that TFDV gives the dataset of all examples when it also computes slices."""


def default_dataset(
    statistics: statistics_pb2.DatasetFeatureStatisticsList,
) -> statistics_pb2.DatasetFeatureStatistics:
    """Return the only dataset, or among several the one named `All Examples`.

    Raises:
        ArtifactError: There is no dataset, or there are several and none holds all examples.
    """
    for dataset in statistics.datasets:
        if len(statistics.datasets) == 1 or dataset.name == DEFAULT_SLICE:
            _check_feature_ids(dataset)
            return dataset
    names = ", ".join(repr(dataset.name) for dataset in statistics.datasets) or "none"
    raise ArtifactError(
        "statistics.no_default_slice",
        f"Statistics of several slices need one named '{DEFAULT_SLICE}'; found: {names}.",
        "Compute the statistics without slices, or keep the overall slice.",
    )


def _check_feature_ids(dataset: statistics_pb2.DatasetFeatureStatistics) -> None:
    """Raise for statistics that mix both ways to name a feature; TFDV's core aborts its process on them."""
    ids = {feature.WhichOneof("field_id") for feature in dataset.features}
    if "path" in ids and len(ids) > 1:
        raise ArtifactError(
            "statistics.mixed_feature_ids",
            "Features in statistics must all have paths or all have names; found some of each.",
            "Compute the statistics again with one version of one tool.",
        )
