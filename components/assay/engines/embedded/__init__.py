"""The engine of one machine: all cores, no server."""

from __future__ import annotations

from assay.engines.embedded.engine import EmbeddedEngine

__all__ = ["EmbeddedEngine"]
