"""Rates of a binary confusion matrix: TFMA's names and formulas.

Each takes the weights of true positives, true negatives, false positives and false negatives, and is NaN where it is
undefined.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from assay.kernels.metrics.matrices import ratio
from assay.kernels.metrics.rows import Floats

Rate: TypeAlias = Callable[[Floats, Floats, Floats, Floats], Floats]


def true_positives(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001 - all rates take all four
    """Weight of true positives."""
    return tp


def true_negatives(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Weight of true negatives."""
    return tn


def false_positives(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Weight of false positives."""
    return fp


def false_negatives(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Weight of false negatives."""
    return fn


def accuracy(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the share of right predictions."""
    return ratio(tp + tn, tp + fp + tn + fn)


def precision(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Return the share of positives among those predicted so."""
    return ratio(tp, tp + fp)


def recall(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Return the share of positives that are predicted so (sensitivity)."""
    return ratio(tp, tp + fn)


def specificity(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Return the share of negatives that are predicted so."""
    return ratio(tn, tn + fp)


def fall_out(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Return the false positive rate."""
    return ratio(fp, fp + tn)


def miss_rate(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Return the false negative rate."""
    return ratio(fn, fn + tp)


def negative_predictive_value(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Return the share of negatives among those predicted so."""
    return ratio(tn, tn + fn)


def false_discovery_rate(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Return the share of negatives among those predicted positive."""
    return ratio(fp, fp + tp)


def false_omission_rate(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Return the share of positives among those predicted negative."""
    return ratio(fn, fn + tn)


def prevalence(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the share of positives."""
    return ratio(tp + fn, tp + tn + fp + fn)


def predicted_positive_rate(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the share that is predicted positive."""
    return ratio(tp + fp, tp + tn + fp + fn)


def negative_rate(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the share that is predicted negative."""
    return ratio(tn + fn, tp + tn + fp + fn)


def prevalence_threshold(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the prevalence below which the positive predictive value falls off."""
    tpr, tnr = recall(tp, tn, fp, fn), specificity(tp, tn, fp, fn)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.divide(np.sqrt(tpr * (1 - tnr)) + tnr - 1, tpr + tnr - 1)


def threat_score(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Return the share of true positives among all that are or are predicted positive."""
    return ratio(tp, tp + fn + fp)


def balanced_accuracy(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the mean of sensitivity and specificity."""
    return (recall(tp, tn, fp, fn) + specificity(tp, tn, fp, fn)) / 2


def f1_score(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:  # noqa: ARG001
    """Return the harmonic mean of precision and recall."""
    return ratio(2 * tp, 2 * tp + fp + fn)


def matthews_correlation_coefficient(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the correlation of labels and predictions."""
    # The root of each factor, because the product of four counts overflows the exact integers.
    scale = np.sqrt(tp + fp) * np.sqrt(tp + fn) * np.sqrt(tn + fp) * np.sqrt(tn + fn)
    return np.clip(ratio(tp * tn - fp * fn, scale), -1.0, 1.0)  # rounding can lead just beyond


def fowlkes_mallows_index(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the geometric mean of precision and recall."""
    return np.asarray(np.sqrt(precision(tp, tn, fp, fn) * recall(tp, tn, fp, fn)))


def informedness(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Sensitivity plus specificity less 1 (Youden's J)."""
    return recall(tp, tn, fp, fn) + specificity(tp, tn, fp, fn) - 1


def markedness(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Positive plus negative predictive value less 1."""
    return precision(tp, tn, fp, fn) + negative_predictive_value(tp, tn, fp, fn) - 1


def positive_likelihood_ratio(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Sensitivity over the false positive rate."""
    return ratio(recall(tp, tn, fp, fn), fall_out(tp, tn, fp, fn))


def negative_likelihood_ratio(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the false negative rate over specificity."""
    return ratio(miss_rate(tp, tn, fp, fn), specificity(tp, tn, fp, fn))


def diagnostic_odds_ratio(tp: Floats, tn: Floats, fp: Floats, fn: Floats) -> Floats:
    """Return the odds of a positive prediction for positives over those for negatives."""
    return ratio(ratio(tp, fn), ratio(fp, tn))


_BY_NAME: dict[str, Rate] = {
    "true_positives": true_positives,
    "tp": true_positives,
    "true_negatives": true_negatives,
    "tn": true_negatives,
    "false_positives": false_positives,
    "fp": false_positives,
    "false_negatives": false_negatives,
    "fn": false_negatives,
    "binary_accuracy": accuracy,
    "precision": precision,
    "ppv": precision,
    "recall": recall,
    "tpr": recall,
    "specificity": specificity,
    "tnr": specificity,
    "fall_out": fall_out,
    "fpr": fall_out,
    "miss_rate": miss_rate,
    "fnr": miss_rate,
    "negative_predictive_value": negative_predictive_value,
    "npv": negative_predictive_value,
    "false_discovery_rate": false_discovery_rate,
    "false_omission_rate": false_omission_rate,
    "prevalence": prevalence,
    "prevalence_threshold": prevalence_threshold,
    "threat_score": threat_score,
    "balanced_accuracy": balanced_accuracy,
    "f1_score": f1_score,
    "matthews_correlation_coefficient": matthews_correlation_coefficient,
    "fowlkes_mallows_index": fowlkes_mallows_index,
    "informedness": informedness,
    "markedness": markedness,
    "positive_likelihood_ratio": positive_likelihood_ratio,
    "negative_likelihood_ratio": negative_likelihood_ratio,
    "diagnostic_odds_ratio": diagnostic_odds_ratio,
    "predicted_positive_rate": predicted_positive_rate,
}
_CORRECT = ("tp", "tn")
_ALL = ("tp", "tn", "fp", "fn")
PROPORTIONS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = MappingProxyType(
    {
        "binary_accuracy": (_CORRECT, _ALL),
        "precision": (("tp",), ("tp", "fp")),
        "ppv": (("tp",), ("tp", "fp")),
        "recall": (("tp",), ("tp", "fn")),
        "tpr": (("tp",), ("tp", "fn")),
        "specificity": (("tn",), ("tn", "fp")),
        "tnr": (("tn",), ("tn", "fp")),
        "fall_out": (("fp",), ("tn", "fp")),
        "fpr": (("fp",), ("tn", "fp")),
        "miss_rate": (("fn",), ("tp", "fn")),
        "fnr": (("fn",), ("tp", "fn")),
        "negative_predictive_value": (("tn",), ("tn", "fn")),
        "npv": (("tn",), ("tn", "fn")),
        "false_discovery_rate": (("fp",), ("tp", "fp")),
        "false_omission_rate": (("fn",), ("tn", "fn")),
        "prevalence": (("tp", "fn"), _ALL),
        "predicted_positive_rate": (("tp", "fp"), _ALL),
    }
)
"""The rates that are shares of rows, for which Wilson's interval holds: what is counted, and out of what."""

RATES: Mapping[str, Rate] = MappingProxyType(_BY_NAME)
"""TFMA's names of the metrics of one confusion matrix."""
