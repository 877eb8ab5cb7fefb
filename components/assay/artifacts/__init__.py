"""Typed artifacts: their layouts, readers, writers and atomic publication."""

from __future__ import annotations

from assay.artifacts.anomalies import ExampleAnomalies
from assay.artifacts.base import Artifact
from assay.artifacts.blessing import InfraBlessing, ModelBlessing
from assay.artifacts.evaluation import ModelEvaluation
from assay.artifacts.examples import Examples
from assay.artifacts.inference_result import InferenceResult
from assay.artifacts.model import HyperParameters, Model, ModelRun
from assay.artifacts.pushed_model import PushedModel
from assay.artifacts.quarantine import Quarantine
from assay.artifacts.schema import Schema
from assay.artifacts.statistics import ExampleStatistics
from assay.artifacts.transform_graph import TransformCache, TransformGraph
from assay.artifacts.types import ArtifactType, PropertyDeclaration

__all__ = [
    "Artifact",
    "ArtifactType",
    "ExampleAnomalies",
    "ExampleStatistics",
    "Examples",
    "HyperParameters",
    "InferenceResult",
    "InfraBlessing",
    "Model",
    "ModelBlessing",
    "ModelEvaluation",
    "ModelRun",
    "PropertyDeclaration",
    "PushedModel",
    "Quarantine",
    "Schema",
    "TransformCache",
    "TransformGraph",
]
