"""Statistics of data sets as TFDV gives them: mergeable accumulators over Arrow record batches."""

from __future__ import annotations

from assay.kernels.statistics.dataset import DatasetState, DatasetStatistics
from assay.kernels.statistics.options import StatisticsOptions

__all__ = ["DatasetState", "DatasetStatistics", "StatisticsOptions"]
