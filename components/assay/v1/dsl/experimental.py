"""The names of `tfx.v1.dsl.experimental`, and the names that resolvers' strategies had in older TFX."""

from __future__ import annotations

from assay.spec import LatestArtifactStrategy, LatestBlessedModelStrategy, RuntimeParameter, SpanRangeStrategy
from assay.spec import LatestArtifactStrategy as LatestArtifactsResolver
from assay.spec import LatestBlessedModelStrategy as LatestBlessedModelResolver

__all__ = [
    "LatestArtifactStrategy",
    "LatestArtifactsResolver",
    "LatestBlessedModelResolver",
    "LatestBlessedModelStrategy",
    "RuntimeParameter",
    "SpanRangeStrategy",
]
