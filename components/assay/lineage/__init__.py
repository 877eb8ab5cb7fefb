"""What happened: the store of artifacts, executions and events, and its queries."""

from __future__ import annotations

from assay.lineage.records import (
    ArtifactRecord,
    EventRecord,
    ExecutionRecord,
    LineageGraph,
    NewArtifact,
    RunRecord,
)
from assay.lineage.store import LineageStore

__all__ = [
    "ArtifactRecord",
    "EventRecord",
    "ExecutionRecord",
    "LineageGraph",
    "LineageStore",
    "NewArtifact",
    "RunRecord",
]
