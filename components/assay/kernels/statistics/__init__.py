"""Statistics of data sets as TFDV gives them: mergeable accumulators over Arrow record batches.

From the top down, as imports go: `mergeable` (statistics that are merged later), `dataset` (all rows and each slice),
`slice_statistics` (the features of one slice), then the packages `language` and `generators` (what goes beyond single
features), `features` (one feature), `slices` (which rows belong where), `reading` (a column as a feature) and
`summaries` (counts, moments and quantiles of values).
"""

from __future__ import annotations

from assay.kernels.statistics.dataset import DatasetState, DatasetStatistics
from assay.kernels.statistics.generators.custom import CustomAccumulator
from assay.kernels.statistics.options import StatisticsOptions
from assay.kernels.statistics.slices.specs import SlicingSpec

__all__ = ["CustomAccumulator", "DatasetState", "DatasetStatistics", "SlicingSpec", "StatisticsOptions"]
