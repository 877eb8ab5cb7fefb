"""Engines: where and how the kernels run."""

from __future__ import annotations

from assay.engines.base import Accumulator, Engine, Shard, Source

__all__ = ["Accumulator", "Engine", "Shard", "Source"]
