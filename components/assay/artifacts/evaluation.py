"""ModelEvaluation: metrics and validations in TFMA's files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.artifacts.base import Artifact

if TYPE_CHECKING:
    from pathlib import Path


class ModelEvaluation(Artifact):
    """The folder that `tfma.load_eval_result` and `tfma.load_validation_result` read."""

    @property
    def metrics_table(self) -> Path:
        """The Parquet table with a row for each model, slice and metric."""
        return self.path / "metrics.parquet"
