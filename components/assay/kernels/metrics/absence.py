"""Why a metric has no value in a slice: which rows it would need, read from what the value is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from assay.kernels.metrics import rates, terms
from assay.kernels.metrics.binary import AtThresholds
from assay.kernels.metrics.metric import CurveMetric, SumsMetric
from assay.kernels.metrics.ranking import RankingMetric
from assay.kernels.metrics.ratio import NEGLIGIBLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from assay.kernels.metrics.matrices import Matrices
    from assay.kernels.metrics.ranking import QueryRows
    from assay.kernels.metrics.rates import Rate
    from assay.kernels.metrics.view import View

_UNKNOWN: Final = "some rows have no number, or one that the metric has no value for"
_WEIGHTLESS: Final = "no row weighs anything"

# What the denominator of a rate counts; rates that are not here divide by several of these.
_DENOMINATORS: Final[Mapping[Rate, str]] = {
    rates.precision: "predicted positives",
    rates.false_discovery_rate: "predicted positives",
    rates.negative_predictive_value: "predicted negatives",
    rates.false_omission_rate: "predicted negatives",
    rates.recall: "positives",
    rates.miss_rate: "positives",
    rates.specificity: "negatives",
    rates.fall_out: "negatives",
}


def why_of_sums(metric: SumsMetric, sums: Sequence[float]) -> str:
    """Return why the formula of these sums has no value, as in `no row is labelled 1`; empty where that is not known.

    Args:
        metric: The metric.
        sums: The sum of each of its terms.
    """
    if any(np.isnan(sums)):
        return _UNKNOWN
    of_terms = dict(zip((term.function for term in metric.terms), sums, strict=True))
    if isinstance(metric.formula, AtThresholds):
        return _of_confusion(metric.formula.rate, metric, *sums[:4])
    return _WEIGHTLESS if of_terms.get(terms.one) == 0 else _of_means(of_terms, metric.view)


def _of_means(of_terms: Mapping[Any, float], view: View) -> str:
    if of_terms.get(terms.has_percentage) == 0:
        return "every label is 0"
    if terms.label_squared in of_terms:
        return _of_spread(of_terms.get(terms.label_squared), of_terms.get(terms.prediction_squared))
    labels = of_terms.get(terms.label)
    if labels is not None and abs(labels) <= NEGLIGIBLE:
        return "the labels add up to 0" if view.class_id is None else _no("positives", view)
    if labels is not None and labels == of_terms.get(terms.one):
        return _no("negatives", view)
    if abs(of_terms.get(terms.negative_prediction, 1.0)) <= NEGLIGIBLE:
        return "the predictions of rows labelled 0 add up to 0"
    return ""


def why_of_matrices(metric: CurveMetric, matrices: Matrices) -> str:
    """Return why a curve of these confusion matrices has no value; empty where that is not known."""
    positives, negatives = float(matrices.positives), float(matrices.negatives)
    if np.isnan(positives + negatives):
        return _UNKNOWN
    lacking = [name for name, count in (("positives", positives), ("negatives", negatives)) if not count]
    return _WEIGHTLESS if len(lacking) > 1 else _no(lacking[0], metric.view) if lacking else ""


def why_of_queries(metric: RankingMetric, rows: QueryRows) -> str:
    """Return why a mean over these queries has no value; empty where that is not known."""
    of = rows.gains if metric.kind == "ndcg" else rows.labels
    if np.isnan(of).any() or np.isnan(rows.predictions).any() or np.isnan(rows.weights).any():
        return _UNKNOWN
    if not len(of):
        return _WEIGHTLESS
    if not (of > 0).any():
        return f"no row has a positive {'relevance' if metric.kind == 'ndcg' else 'label'}"
    return "the rows of a query have different weights"


def _of_confusion(rate: Rate, metric: SumsMetric, tp: float, tn: float, fp: float, fn: float) -> str:
    counts = {
        "positives": tp + fn,
        "negatives": tn + fp,
        "predicted positives": tp + fp,
        "predicted negatives": tn + fn,
    }
    if not any(counts.values()):
        return _WEIGHTLESS
    only = _DENOMINATORS.get(rate)
    lacking = [name for name, count in counts.items() if not count and only in {None, name}]
    if not lacking:
        return "a rate that it divides by is 0"
    threshold = metric.terms[0].params[0]
    return " and ".join(_no(name, metric.view, threshold) for name in lacking)


def _of_spread(labels: float | None, predictions: float | None) -> str:
    alike = [name for name, spread in (("labels", labels), ("predictions", predictions)) if spread == 0]
    return f"all {' and all '.join(alike)} are equal" if alike else ""


def _no(what: str, view: View, threshold: float = 0.5) -> str:
    """Return that there is no row of a kind, as `no row is labelled 1` or `no row is of class 2`."""
    class_id = view.class_id
    if what == "positives":
        return "no row is labelled 1" if class_id is None else f"no row is of class {class_id}"
    if what == "negatives":
        return "no row is labelled 0" if class_id is None else f"every row is of class {class_id}"
    side = "above" if what == "predicted positives" else "at or below"
    return f"no prediction is {side} {threshold:g}"
