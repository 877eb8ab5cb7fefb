"""The names of `tfx.v1.dsl.experimental`, and the names that resolvers' strategies had in older TFX."""

from __future__ import annotations

from assay.spec import LatestArtifactStrategy, LatestBlessedModelStrategy, RuntimeParameter, SpanRangeStrategy
from assay.spec import LatestArtifactStrategy as LatestArtifactsResolver
from assay.spec import LatestBlessedModelStrategy as LatestBlessedModelResolver
from assay.v1.lazy import refused_names

__all__ = [
    "LatestArtifactStrategy",
    "LatestArtifactsResolver",
    "LatestBlessedModelResolver",
    "LatestBlessedModelStrategy",
    "RuntimeParameter",
    "SpanRangeStrategy",
]

__getattr__ = refused_names(__name__)
