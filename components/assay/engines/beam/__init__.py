"""The engine of many machines: the same accumulators on any Beam runner."""

from __future__ import annotations

from assay.engines.beam.engine import BeamEngine

__all__ = ["BeamEngine"]
