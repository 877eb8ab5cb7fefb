"""Trainer: runs the user's `run_fn`."""

from __future__ import annotations

from assay.components.trainer.component import Trainer
from assay.components.trainer.config import EvalArgs, TrainArgs

__all__ = ["EvalArgs", "TrainArgs", "Trainer"]
