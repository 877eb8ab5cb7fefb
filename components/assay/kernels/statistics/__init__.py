"""Statistics of data sets as TFDV gives them: mergeable accumulators over Arrow record batches."""

from __future__ import annotations

from assay.kernels.statistics.custom import CustomAccumulator
from assay.kernels.statistics.dataset import DatasetState, DatasetStatistics
from assay.kernels.statistics.options import StatisticsOptions
from assay.kernels.statistics.slicing import SlicingSpec

__all__ = ["CustomAccumulator", "DatasetState", "DatasetStatistics", "SlicingSpec", "StatisticsOptions"]
