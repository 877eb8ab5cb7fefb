"""InferenceResult: a model's predictions by split."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.artifacts.base import Artifact
from assay.errors import ArtifactError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

FILE_NAME = "predictions-00000-of-00001.parquet"


class InferenceResult(Artifact):
    """A Parquet table a split, with a row for each example, in the examples' order."""

    @property
    def split_names(self) -> tuple[str, ...]:
        """Names of the splits, in order."""
        return tuple(self.properties.get("split_names") or (split for split, _ in self.split_folders()))

    def file(self, split: str) -> Path:
        """Return the table of a split.

        Raises:
            ArtifactError: If there is no such split.
        """
        if split not in self.split_names:
            raise ArtifactError(
                "inference_result.unknown_split",
                f"{self.path} has no split '{split}'.",
                did_you_mean(split, self.split_names),
            )
        return self.require(f"Split-{split}/{FILE_NAME}")

    def read(self, split: str) -> pa.Table:
        """Read the table of a split."""
        import pyarrow.parquet as pq  # noqa: PLC0415 (reading a table is the rare use of this class)

        return pq.read_table(self.file(split))
