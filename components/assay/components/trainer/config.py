"""Options of Trainer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainArgs:
    """What to train on, and for how long; `trainer_pb2.TrainArgs` in TFX.

    Attributes:
        num_steps: Training steps; left to the module where 0, as in TFX.
        splits: Splits to train on; `train` where empty.
    """

    num_steps: int = 0
    splits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvalArgs:
    """What to evaluate on while training, and for how long; `trainer_pb2.EvalArgs` in TFX.

    Attributes:
        num_steps: Evaluation steps; left to the module where 0, as in TFX.
        splits: Splits to evaluate on; `eval` where empty.
    """

    num_steps: int = 0
    splits: tuple[str, ...] = ()
