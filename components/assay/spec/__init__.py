"""What a component and a pipeline are: typed signatures, channels, conditions, order, fingerprints."""

from __future__ import annotations

from assay.spec.annotations import FilePath, Input, Inputs, Output, ParsedBy, UserFunction, UserModule
from assay.spec.channel import Channel
from assay.spec.component import Component, component
from assay.spec.condition import Cond
from assay.spec.context import ExecutionContext
from assay.spec.importer import Importer
from assay.spec.pipeline import Pipeline
from assay.spec.resolver import (
    LatestArtifactStrategy,
    LatestBlessedModelStrategy,
    RangeConfig,
    Resolver,
    RollingRange,
    SpanRangeStrategy,
    StaticRange,
    latest_blessed_model,
)
from assay.spec.values import RuntimeParameter

__all__ = [
    "Channel",
    "Component",
    "Cond",
    "ExecutionContext",
    "FilePath",
    "Importer",
    "Input",
    "Inputs",
    "LatestArtifactStrategy",
    "LatestBlessedModelStrategy",
    "Output",
    "ParsedBy",
    "Pipeline",
    "RangeConfig",
    "Resolver",
    "RollingRange",
    "RuntimeParameter",
    "SpanRangeStrategy",
    "StaticRange",
    "UserFunction",
    "UserModule",
    "component",
    "latest_blessed_model",
]
