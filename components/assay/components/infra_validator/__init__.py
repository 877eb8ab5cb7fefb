"""InfraValidator: does the model load and answer, within limits, before it is pushed?"""

from __future__ import annotations

from assay.components.infra_validator.component import InfraValidator
from assay.components.infra_validator.config import (
    LocalDockerConfig,
    RequestSpec,
    ServingSpec,
    TensorFlowServing,
    TensorFlowServingRequestSpec,
    ValidationSpec,
)

__all__ = [
    "InfraValidator",
    "LocalDockerConfig",
    "RequestSpec",
    "ServingSpec",
    "TensorFlowServing",
    "TensorFlowServingRequestSpec",
    "ValidationSpec",
]
