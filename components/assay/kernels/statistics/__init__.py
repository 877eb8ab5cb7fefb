"""Statistics of datasets as TFDV gives them: mergeable accumulators over Arrow record batches.

From the top down, as imports go: `merging` (statistics merged later), `dataset` (all rows and each slice),
`generators` (beyond single features), `feature` (one feature: `numeric`, `categories` and `presence`), `slices`
(which rows belong where), `columns` (a column as a feature) and `summaries` (counts, moments and quantiles of values).
"""

from __future__ import annotations

from assay.kernels.statistics.dataset import DatasetState, DatasetStatistics
from assay.kernels.statistics.generators.custom import CustomAccumulator
from assay.kernels.statistics.options import StatisticsOptions
from assay.kernels.statistics.slices.specs import SlicingSpec

__all__ = ["CustomAccumulator", "DatasetState", "DatasetStatistics", "SlicingSpec", "StatisticsOptions"]
