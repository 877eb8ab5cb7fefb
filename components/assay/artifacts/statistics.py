"""ExampleStatistics: a statistics proto for each split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.artifacts.base import Artifact
from assay.errors import ArtifactError
from assay.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "FeatureStats.pb"


class ExampleStatistics(Artifact):
    """Statistics of each split, as `tfdv.load_stats_binary` reads them."""

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of the splits, in order."""
        return tuple(self.properties.get("split_names") or (split for split, _ in self.split_folders()))

    def describe(self) -> Mapping[str, Any]:
        """Infer the split names from the folder."""
        return {"split_names": [split for split, _ in self.split_folders()], "span": 0}

    def read(self, split: str) -> statistics_pb2.DatasetFeatureStatisticsList:
        """Read the statistics of a split.

        Raises:
            ArtifactError: If the split is missing or its file is not a statistics proto.
        """
        path = self.require(f"Split-{split}/{FILE_NAME}")
        statistics = statistics_pb2.DatasetFeatureStatisticsList()
        try:
            statistics.ParseFromString(path.read_bytes())
        except DecodeError:
            raise ArtifactError(
                "artifact.bad_statistics",
                f"{path} is not a binary DatasetFeatureStatisticsList.",
                "Run StatisticsGen again with --force.",
            ) from None
        return statistics

    def write(self, split: str, statistics: statistics_pb2.DatasetFeatureStatisticsList) -> None:
        """Write the statistics of a split, deterministically."""
        folder = self.path / f"Split-{split}"
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / FILE_NAME, statistics.SerializeToString(deterministic=True))
