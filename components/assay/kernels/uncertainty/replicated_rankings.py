"""Replicates of metrics of rankings: queries are drawn, not rows, since the rows of a query depend on each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.metrics.ranking import values_of_queries, weights_of_queries
from assay.kernels.uncertainty.resampling import STRIPE, replicate_weights

if TYPE_CHECKING:
    from assay.kernels.metrics.ranking import QueryRows, RankingMetric
    from assay.kernels.metrics.rows import Floats


def replicated_ranking(metric: RankingMetric, rows: QueryRows, num_replicates: int, seed: int) -> Floats:
    """Gives what each replicate adds to the mean over a slice's queries; NaN where there is no mean.

    Two models on the same rows are drawn alike, so that their difference can be taken replicate by replicate.

    Args:
        metric: One that is a mean over queries.
        rows: The rows of one slice.
        num_replicates: How many.
        seed: Not negative.
    """
    if not len(rows.codes):
        return np.full(num_replicates, np.nan)
    values, counted = values_of_queries(metric, rows, weights_of_queries(rows))
    total = (values * counted).sum() / counted.sum() if counted.sum() else np.nan
    parts: list[Floats] = []
    for stripe in range(-(-num_replicates // STRIPE)):
        drawn = replicate_weights(seed, [stripe], len(values))[: len(values)]
        sums = np.stack([values * counted, counted]) @ drawn.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append(sums[0] / sums[1] - total)
    changes: Floats = np.concatenate(parts)[:num_replicates]
    return changes
