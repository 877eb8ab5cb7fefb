"""The seam for statistics beyond those of single features: correlations, label statistics, domains, a user's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, FeatureNameStatistics

    from assay.kernels.statistics.columns import FeatureColumn, Path


@dataclass(frozen=True, slots=True)
class BatchRows:
    """The rows of one batch.

    Attributes:
        batch: As they came.
        weights: One for each row, if there are weights.
        features: The columns that statistics describe, taken apart.
    """

    batch: pa.RecordBatch
    weights: NDArray[np.float64] | None
    features: tuple[FeatureColumn, ...]


class Generator(Protocol):
    """Adds statistics to those of a dataset; its states are its own affair, but can be pickled."""

    def create(self) -> Any:
        """Return the state of no rows."""
        ...

    def add(self, state: Any, rows: BatchRows) -> Any:
        """Return the state after more rows; may change `state`."""
        ...

    def merge(self, state: Any, other: Any) -> Any:
        """Return the state of both; may change `state`, and `other` must not be used afterwards."""
        ...

    def contribute(self, state: Any, dataset: DatasetFeatureStatistics) -> None:
        """Add what follows from `state` to the statistics of the dataset."""
        ...


def feature_statistics(dataset: DatasetFeatureStatistics, path: Path) -> FeatureNameStatistics:
    """Return a feature's statistics in a dataset; untyped ones are added if it has none yet."""
    for feature in dataset.features:
        if tuple(feature.path.step) == path:
            return feature
    added = dataset.features.add()
    added.path.step.extend(path)
    return added
