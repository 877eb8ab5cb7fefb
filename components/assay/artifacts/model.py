"""Model, ModelRun and HyperParameters: what training reads and writes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assay.artifacts.base import Artifact

if TYPE_CHECKING:
    from pathlib import Path

SERVING_FOLDER = "Format-Serving"
EVALUATION_FOLDER = "Format-TFMA"


class Model(Artifact):
    """A trained model in TFX's layout."""

    @property
    def serving_path(self) -> Path:
        """The folder of the served model, which contains `saved_model.pb`."""
        return self.path / SERVING_FOLDER

    @property
    def evaluation_path(self) -> Path:
        """The folder of a model exported for evaluation only; need not exist."""
        return self.path / EVALUATION_FOLDER


class ModelRun(Artifact):
    """TensorBoard logs and checkpoints of a training run."""


class HyperParameters(Artifact):
    """Hyperparameters, as KerasTuner's `get_config()` gives them."""

    def read(self) -> dict[str, Any]:
        """Read the hyperparameters' configuration."""
        config: dict[str, Any] = json.loads(self.require("best_hyperparameters.txt").read_text(encoding="utf-8"))
        return config
