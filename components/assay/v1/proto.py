"""The names of `tfx.v1.proto`: configuration classes with the fields of TFX's protos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.v1.lazy import lazy_names

if TYPE_CHECKING:
    from assay.components.example_gen import Input, Output, PayloadFormat, SplitConfig
    from assay.components.pusher import PushDestination
    from assay.components.pusher.config import Versioning
    from assay.components.trainer import EvalArgs, TrainArgs
    from assay.components.transform import SplitsConfig
    from assay.spec import RangeConfig, RollingRange, StaticRange

_HOMES = {
    "EvalArgs": "assay.components.trainer.config",
    "Input": "assay.components.example_gen.config",
    "Output": "assay.components.example_gen.config",
    "PayloadFormat": "assay.components.example_gen.config",
    "PushDestination": "assay.components.pusher.config",
    "RangeConfig": "assay.spec",
    "RollingRange": "assay.spec",
    "SplitConfig": "assay.components.example_gen.config",
    "SplitsConfig": "assay.components.transform.config",
    "StaticRange": "assay.spec",
    "TrainArgs": "assay.components.trainer.config",
    "Versioning": "assay.components.pusher.config",
}

__all__ = [
    "EvalArgs",
    "Input",
    "Output",
    "PayloadFormat",
    "PushDestination",
    "RangeConfig",
    "RollingRange",
    "SplitConfig",
    "SplitsConfig",
    "StaticRange",
    "TrainArgs",
    "Versioning",
]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return __all__
