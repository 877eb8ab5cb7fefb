"""Fairness indicators: the rates of a binary classifier at several thresholds, to be compared across slices."""

from __future__ import annotations

from collections.abc import Sequence

from assay.kernels.metrics import rates
from assay.kernels.metrics.binary import AtThresholds, confusion_terms
from assay.kernels.metrics.metric import SumsMetric

DEFAULT_THRESHOLDS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

_RATES = {
    "false_positive_rate": rates.fall_out,
    "false_negative_rate": rates.miss_rate,
    "true_positive_rate": rates.recall,
    "true_negative_rate": rates.specificity,
    "positive_rate": rates.predicted_positive_rate,
    "negative_rate": rates.negative_rate,
    "false_discovery_rate": rates.false_discovery_rate,
    "false_omission_rate": rates.false_omission_rate,
    "precision": rates.precision,
    "recall": rates.recall,
}


def fairness_indicators(thresholds: Sequence[float] = DEFAULT_THRESHOLDS) -> tuple[SumsMetric, ...]:
    """Gives one metric a rate and threshold, named as the Fairness Indicators package names them.

    Example:
        >>> fairness_indicators([0.25])[0].name
        'fairness_indicators_metrics/false_positive_rate@0.25'
    """
    return tuple(
        SumsMetric(
            name=f"fairness_indicators_metrics/{name}@{threshold:g}",
            terms=confusion_terms((threshold,)),
            formula=AtThresholds(rate),
        )
        for threshold in thresholds
        for name, rate in _RATES.items()
    )
