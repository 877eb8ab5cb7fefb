"""BulkInferrer: a blessed model's predictions on many examples."""

from __future__ import annotations

from assay.components.bulk_inferrer.component import BulkInferrer
from assay.components.bulk_inferrer.config import (
    ClassifyOutput,
    DataSpec,
    ModelSpec,
    OutputColumnsSpec,
    OutputExampleSpec,
    PredictOutput,
    PredictOutputCol,
    RegressOutput,
)

__all__ = [
    "BulkInferrer",
    "ClassifyOutput",
    "DataSpec",
    "ModelSpec",
    "OutputColumnsSpec",
    "OutputExampleSpec",
    "PredictOutput",
    "PredictOutputCol",
    "RegressOutput",
]
