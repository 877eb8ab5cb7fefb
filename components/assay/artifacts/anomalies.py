"""ExampleAnomalies: an anomalies proto for each split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay.artifacts.base import Artifact
from assay.errors import ArtifactError
from assay.files import write_durably

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_NAME = "SchemaDiff.pb"


class ExampleAnomalies(Artifact):
    """Anomalies of each split, as `tfdv.load_anomalies_binary` reads them, and `verdict.json` over all of them."""

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of the splits, in order."""
        return tuple(self.properties.get("split_names") or (split for split, _ in self.split_folders()))

    def describe(self) -> Mapping[str, Any]:
        """Infer the split names from the folder."""
        return {"split_names": [split for split, _ in self.split_folders()], "span": 0}

    def read(self, split: str) -> anomalies_pb2.Anomalies:
        """Read the anomalies of a split.

        Raises:
            ArtifactError: If the split is missing or its file is not an anomalies proto.
        """
        path = self.require(f"Split-{split}/{FILE_NAME}")
        anomalies = anomalies_pb2.Anomalies()
        try:
            anomalies.ParseFromString(path.read_bytes())
        except DecodeError:
            raise ArtifactError(
                "artifact.bad_anomalies",
                f"{path} is not a binary Anomalies proto.",
                "Run ExampleValidator again with --force.",
            ) from None
        return anomalies

    def write(self, split: str, anomalies: anomalies_pb2.Anomalies) -> None:
        """Write the anomalies of a split, deterministically."""
        folder = self.path / f"Split-{split}"
        folder.mkdir(parents=True, exist_ok=True)
        write_durably(folder / FILE_NAME, anomalies.SerializeToString(deterministic=True))
