"""Metrics of binary classifiers, by TFMA's names, parameters and defaults."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assay.errors import UsageError, did_you_mean
from assay.kernels.metrics import curves, rates, terms
from assay.kernels.metrics.matrices import ratio, safe_ratio
from assay.kernels.metrics.metric import BINARY, Aggregation, CurveMetric, SumsMetric, Term
from assay.kernels.metrics.rates import RATES, Rate
from assay.kernels.metrics.rows import Floats
from assay.kernels.metrics.view import View

WEIGHT = Term(terms.one)
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


@dataclass(frozen=True, slots=True)
class AtThresholds:
    """A rate at each threshold: one array, or several stacked on a new first axis."""

    rate: Rate

    def __call__(self, *sums: Floats) -> Floats:
        """Compute the metric from true and false positives and negatives at each threshold in turn."""
        values = [self.rate(*sums[start : start + 4]) for start in range(0, len(sums), 4)]
        return values[0] if len(values) == 1 else np.stack(values)


def confusion_terms(thresholds: Sequence[float]) -> tuple[Term, ...]:
    """Return the four counts at each threshold."""
    counts = (terms.true_positive, terms.true_negative, terms.false_positive, terms.false_negative)
    return tuple(Term(count, (float(threshold),)) for threshold in thresholds for count in counts)


def rate(
    kind: str,
    *,
    thresholds: Sequence[float] | None = None,
    name: str | None = None,
    view: View = BINARY,
    aggregation: Aggregation = "",
) -> SumsMetric:
    """Return a metric of the confusion matrix, exactly counted: a prediction above the threshold is positive.

    Args:
        kind: A name in [`RATES`][...rates.RATES], such as `precision`.
        thresholds: One or more; by default 0.5, or below every prediction where `view` keeps the top k.
        name: Where it should differ from `kind`.
        view: How several classes are looked at.
        aggregation: How they were brought together.

    Raises:
        UsageError: There is no such rate.
    """
    if kind not in RATES:
        raise UsageError("metrics.unknown_rate", f"Unknown rate '{kind}'.", did_you_mean(kind, RATES))
    if thresholds is None:
        thresholds = (0.5,) if view.top_k is None else (-np.inf,)
    return SumsMetric(
        name=name or kind,
        terms=confusion_terms(thresholds),
        formula=AtThresholds(RATES[kind]),
        view=view,
        aggregation=aggregation,
    )


def auc(
    *,
    curve: str = "ROC",
    summation_method: str = "interpolation",
    num_thresholds: int | None = None,
    name: str | None = None,
    view: View = BINARY,
    aggregation: Aggregation = "",
) -> CurveMetric:
    """Return the area under the ROC or precision-recall curve.

    Args:
        curve: `ROC` or `PR`.
        summation_method: `interpolation`, `minoring` or `majoring`.
        num_thresholds: None for the exact area, from every distinct score; TFMA's default is 10,000.
        name: By default `auc` or `auc_precision_recall`.
        view: How several classes are looked at.
        aggregation: How they were brought together.
    """
    roc = curve.upper() == "ROC"
    return CurveMetric(
        name=name or ("auc" if roc else "auc_precision_recall"),
        formula=curves.roc_area if roc else curves.precision_recall_area,
        params=(summation_method.lower(),),
        num_thresholds=num_thresholds,
        view=view,
        aggregation=aggregation,
    )


def average_precision(*, name: str = "average_precision", view: View = BINARY) -> CurveMetric:
    """Return scikit-learn's average precision, which steps where `auc_precision_recall` interpolates."""
    return CurveMetric(name=name, formula=curves.average_precision, view=view)


_CONSTRAINED = {
    "sensitivity_at_specificity": (curves.recall, curves.specificity, False),
    "specificity_at_sensitivity": (curves.specificity, curves.recall, False),
    "precision_at_recall": (curves.precision, curves.recall, False),
    "recall_at_precision": (curves.recall, curves.precision, False),
    "recall_at_false_positive_rate": (curves.recall, curves.false_positive_rate, True),
    "threshold_at_recall": (curves.threshold, curves.recall, False),
}


def best_at(
    kind: str,
    limits: Sequence[float],
    *,
    num_thresholds: int | None = None,
    name: str | None = None,
    view: View = BINARY,
    aggregation: Aggregation = "",
) -> CurveMetric:
    """Return the best of one rate where another is at least (a false positive rate: at most) a bound.

    Args:
        kind: `precision_at_recall`, `recall_at_precision`, `sensitivity_at_specificity`, `specificity_at_sensitivity`,
            `recall_at_false_positive_rate` or `threshold_at_recall`.
        limits: What the other rate must reach; several make an array.
        num_thresholds: None to look at every distinct score; TFMA's default is 10,000.
        name: Where it should differ from `kind`.
        view: How several classes are looked at.
        aggregation: How they were brought together.

    Raises:
        UsageError: There is no such metric.
    """
    if kind not in _CONSTRAINED:
        raise UsageError("metrics.unknown_rate", f"Unknown metric '{kind}'.", did_you_mean(kind, _CONSTRAINED))
    wanted, constrained, at_most = _CONSTRAINED[kind]
    return CurveMetric(
        name=name or kind,
        formula=curves.best_under_constraint,
        params=(wanted, constrained, tuple(map(float, limits)), at_most),
        num_thresholds=num_thresholds,
        view=view,
        aggregation=aggregation,
    )


def binary_crossentropy(
    *,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    clip: float = 0.0,
    name: str = "binary_crossentropy",
    view: View = BINARY,
) -> SumsMetric:
    """Return the log loss in nats; `clip=1e-7` is Keras's, `EPSILON` scikit-learn's and 0 TFMA's."""
    if from_logits:
        loss = Term(terms.log_loss_of_logits, (label_smoothing,))
    else:
        loss = Term(terms.log_loss, (clip, label_smoothing))
    return SumsMetric(name=name, terms=(loss, WEIGHT), formula=ratio, view=view)


def brier_score(*, name: str = "brier_score", view: View = BINARY) -> SumsMetric:
    """Return the mean squared difference of probability and label."""
    return SumsMetric(name=name, terms=(Term(terms.squared_error), WEIGHT), formula=ratio, view=view)


def mean_label(*, name: str = "mean_label", view: View = BINARY) -> SumsMetric:
    """Return the mean label."""
    return SumsMetric(name=name, terms=(Term(terms.label), WEIGHT), formula=safe_ratio, view=view)


def mean_prediction(*, name: str = "mean_prediction", view: View = BINARY) -> SumsMetric:
    """Return the mean prediction."""
    return SumsMetric(name=name, terms=(Term(terms.prediction), WEIGHT), formula=safe_ratio, view=view)


def calibration(*, name: str = "calibration", view: View = BINARY) -> SumsMetric:
    """Return the sum of predictions over the sum of labels; 1 is calibrated."""
    return SumsMetric(name=name, terms=(Term(terms.prediction), Term(terms.label)), formula=safe_ratio, view=view)


def coefficient_of_discrimination(*, relative: bool = False, name: str | None = None) -> SumsMetric:
    """Return the mean prediction of positives less (relative: over) that of negatives (Tjur 2009)."""
    default = "relative_coefficient_of_discrimination" if relative else "coefficient_of_discrimination"
    needed = (Term(terms.positive_prediction), Term(terms.label), Term(terms.negative_prediction), WEIGHT)
    return SumsMetric(name=name or default, terms=needed, formula=_tjur_ratio if relative else _tjur_difference)


def example_count(*, weighted: bool = False, name: str | None = None) -> SumsMetric:
    """Return the number of examples, or the sum of their weights (TFMA calls either `example_count`)."""
    default = "weighted_example_count" if weighted else "example_count"
    return SumsMetric(
        name=name or default, terms=(Term(terms.one, weighted=weighted),), formula=np.asarray, view=View(whole=True)
    )


def _tjur_difference(positive: Floats, labels: Floats, negative: Floats, weight: Floats) -> Floats:
    return ratio(positive, labels) - ratio(negative, weight - labels)


def _tjur_ratio(positive: Floats, labels: Floats, negative: Floats, weight: Floats) -> Floats:
    return safe_ratio(ratio(positive, labels), ratio(negative, weight - labels))


def fairness_indicators(thresholds: Sequence[float] = DEFAULT_THRESHOLDS) -> tuple[SumsMetric, ...]:
    """Return one metric per rate and threshold, named as in the Fairness Indicators package.

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
