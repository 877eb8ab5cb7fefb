"""Transform: the graph that serving uses makes the rows that training sees."""

from __future__ import annotations

from assay.components.transform.component import Transform
from assay.components.transform.config import SplitsConfig, StatsType

__all__ = ["SplitsConfig", "StatsType", "Transform"]
