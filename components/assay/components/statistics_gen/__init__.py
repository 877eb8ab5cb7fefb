"""StatisticsGen: statistics of each split."""

from __future__ import annotations

from assay.components.statistics_gen.component import StatisticsGen

__all__ = ["StatisticsGen"]
