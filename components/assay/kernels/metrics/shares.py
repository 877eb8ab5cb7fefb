"""Metrics that are shares of rows: of how many, and on how many of those two models differ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from assay.kernels.metrics import terms
from assay.kernels.metrics.metric import BINARY, SumsMetric, Term
from assay.kernels.metrics.ranking import RankingMetric
from assay.kernels.metrics.rates import PROPORTIONS
from assay.kernels.metrics.view import View

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Floats

_HITS: Final = frozenset(
    f"{sparse}{name}" for sparse in ("", "sparse_") for name in ("categorical_accuracy", "top_k_categorical_accuracy")
)
# The rows that a rate is a share of, where they are the same for all models: all, the positives or the negatives.
_AMONG: Final[dict[tuple[str, ...], str]] = {
    ("tp", "tn", "fp", "fn"): "all",
    ("tp", "fn"): "positives",
    ("tn", "fp"): "negatives",
}


def trials_of(rate: str, metric: Any) -> SumsMetric | None:
    """Return the kernel of the number of rows that a metric is a share of; None if it is not a share of rows.

    Args:
        rate: The metric's name as TFMA has it.
        metric: Its kernel, over rows of equal weight.
    """
    if _is_hit(rate, metric):
        return SumsMetric(name=f"{metric.name} trials", terms=metric.terms[1:], formula=_total, view=metric.view)
    if not _is_rate(rate, metric):
        return None
    counts = dict(zip(("tp", "tn", "fp", "fn"), metric.terms, strict=True))
    of = tuple(counts[name] for name in PROPORTIONS[rate][1])
    return SumsMetric(name=f"{metric.name} trials", terms=of, formula=_total, view=metric.view)


def left_out_of(metric: Any) -> SumsMetric | RankingMetric | None:
    """Return the kernel of how much a metric leaves out of its mean: rows without a percentage, queries without gain.

    None where the metric counts all rows.
    """
    if isinstance(metric, RankingMetric) and metric.kind in {"ndcg", "min_label_position"}:
        return replace(metric, name=f"{metric.name} left out", left_out=True)
    if isinstance(metric, SumsMetric) and Term(terms.has_percentage) in metric.terms:
        left_out = (Term(terms.has_no_percentage),)
        return replace(metric, name=f"{metric.name} left out", terms=left_out, formula=np.asarray)
    return None


def differing_of(rate: str, metric: Any) -> SumsMetric | None:
    """Return the kernel of two numbers: of those rows that count for one model only, and of rows predicted differently.

    None where the metric is not a share of rows, or one of rows that the models themselves choose (as precision is).
    """
    if _is_hit(rate, metric):
        differ = Term(_hits_differ, (metric.terms[0].function, metric.terms[0].params))
    elif _is_rate(rate, metric) and PROPORTIONS[rate][1] in _AMONG and rate != "prevalence":
        differ = Term(_sides_differ, (metric.terms[0].params[0], _AMONG[PROPORTIONS[rate][1]]))
    else:
        return None
    pair = (differ, Term(_predictions_differ))
    return SumsMetric(name=f"{metric.name} differing", terms=pair, formula=_both, view=metric.view, paired=True)


def _is_hit(rate: str, metric: Any) -> bool:
    return rate in _HITS and isinstance(metric, SumsMetric) and len(metric.terms) == 2


def _is_rate(rate: str, metric: Any) -> bool:
    if rate not in PROPORTIONS or not isinstance(metric, SumsMetric) or len(metric.terms) != 4:
        return False
    return metric.view in {BINARY, View(class_id=metric.view.class_id)}  # others make several pairs of a row


def _sides_differ(labels: Floats, ours: Floats, theirs: Floats, threshold: float, among: str) -> Floats:
    of = terms.probability(labels) if among == "positives" else 1 - terms.probability(labels)
    differ = (ours > threshold) != (theirs > threshold)
    return _known(ours, theirs, differ if among == "all" else differ * of)


def _hits_differ(labels: Floats, ours: Floats, theirs: Floats, hit: Any, params: tuple[Any, ...]) -> Floats:
    return np.asarray(np.abs(hit(labels, ours, *params) - hit(labels, theirs, *params)))


def _predictions_differ(labels: Floats, ours: Floats, theirs: Floats) -> Floats:  # noqa: ARG001 - all terms take three
    differ = ours != theirs
    return _known(ours, theirs, differ if differ.ndim == 1 else differ.any(axis=1))


def _known(ours: Floats, theirs: Floats, values: Any) -> Floats:
    missing = np.isnan(ours) | np.isnan(theirs)
    return np.where(missing if missing.ndim == 1 else missing.any(axis=1), np.nan, values)


def _total(*sums: Any) -> Any:
    return sum(sums)


def _both(first: Floats, second: Floats) -> Floats:
    return np.stack([first, second])
