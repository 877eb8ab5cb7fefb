"""The names of `tfx.v1.proto`: configuration classes with the fields of TFX's protos."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.v1.lazy import lazy_names

if TYPE_CHECKING:
    from assay.components.bulk_inferrer import (
        ClassifyOutput,
        DataSpec,
        ModelSpec,
        OutputColumnsSpec,
        OutputExampleSpec,
        PredictOutput,
        PredictOutputCol,
        RegressOutput,
    )
    from assay.components.example_gen import Input, Output, PayloadFormat, SplitConfig
    from assay.components.infra_validator import (
        LocalDockerConfig,
        RequestSpec,
        ServingSpec,
        TensorFlowServing,
        TensorFlowServingRequestSpec,
        ValidationSpec,
    )
    from assay.components.pusher import PushDestination
    from assay.components.pusher.config import Versioning
    from assay.components.trainer import EvalArgs, TrainArgs
    from assay.components.transform import SplitsConfig
    from assay.spec import RangeConfig, RollingRange, StaticRange

_HOMES = {
    "ClassifyOutput": "assay.components.bulk_inferrer.config",
    "DataSpec": "assay.components.bulk_inferrer.config",
    "EvalArgs": "assay.components.trainer.config",
    "Input": "assay.components.example_gen.config",
    "LocalDockerConfig": "assay.components.infra_validator.config",
    "ModelSpec": "assay.components.bulk_inferrer.config",
    "Output": "assay.components.example_gen.config",
    "OutputColumnsSpec": "assay.components.bulk_inferrer.config",
    "OutputExampleSpec": "assay.components.bulk_inferrer.config",
    "PayloadFormat": "assay.components.example_gen.config",
    "PredictOutput": "assay.components.bulk_inferrer.config",
    "PredictOutputCol": "assay.components.bulk_inferrer.config",
    "PushDestination": "assay.components.pusher.config",
    "RangeConfig": "assay.spec",
    "RegressOutput": "assay.components.bulk_inferrer.config",
    "RequestSpec": "assay.components.infra_validator.config",
    "RollingRange": "assay.spec",
    "ServingSpec": "assay.components.infra_validator.config",
    "SplitConfig": "assay.components.example_gen.config",
    "SplitsConfig": "assay.components.transform.config",
    "StaticRange": "assay.spec",
    "TensorFlowServing": "assay.components.infra_validator.config",
    "TensorFlowServingRequestSpec": "assay.components.infra_validator.config",
    "TrainArgs": "assay.components.trainer.config",
    "ValidationSpec": "assay.components.infra_validator.config",
    "Versioning": "assay.components.pusher.config",
}

__all__ = [
    "ClassifyOutput",
    "DataSpec",
    "EvalArgs",
    "Input",
    "LocalDockerConfig",
    "ModelSpec",
    "Output",
    "OutputColumnsSpec",
    "OutputExampleSpec",
    "PayloadFormat",
    "PredictOutput",
    "PredictOutputCol",
    "PushDestination",
    "RangeConfig",
    "RegressOutput",
    "RequestSpec",
    "RollingRange",
    "ServingSpec",
    "SplitConfig",
    "SplitsConfig",
    "StaticRange",
    "TensorFlowServing",
    "TensorFlowServingRequestSpec",
    "TrainArgs",
    "ValidationSpec",
    "Versioning",
]

__getattr__ = lazy_names(__name__, _HOMES)


def __dir__() -> list[str]:
    """Return the public names, loaded or not."""
    return __all__
