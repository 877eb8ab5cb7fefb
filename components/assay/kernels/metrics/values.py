"""What one pass over the rows adds up, the value of each metric in each slice from it, and why a value is missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np

from assay.kernels.metrics import rates, terms
from assay.kernels.metrics.binary import AtThresholds
from assay.kernels.metrics.matrices import NEGLIGIBLE, Matrices, exact_matrices, interpolated_thresholds, matrices_at
from assay.kernels.metrics.metric import AverageMetric, CurveMetric, CustomMetric, SumsMetric, Term
from assay.kernels.metrics.moments import GroupMoments
from assay.kernels.metrics.multiclass import ClassMatrix, ClassMatrixMetric
from assay.kernels.metrics.ranking import Queries, QueryRows, RankingMetric, ranking_value
from assay.kernels.metrics.scores import EMPTY, ScoreTable, ScoreWeights, of_slices
from assay.kernels.metrics.slices import CellIndex
from assay.kernels.metrics.view import View

if TYPE_CHECKING:
    from assay.kernels.metrics.rates import Rate
    from assay.kernels.metrics.rows import Floats, Ints
    from assay.kernels.metrics.slices import SliceKey

AnyMetric: TypeAlias = SumsMetric | CurveMetric | AverageMetric | ClassMatrixMetric | RankingMetric | CustomMetric[Any]
SumKey: TypeAlias = tuple[str, View, Term]
ScoreKey: TypeAlias = tuple[str, View, bool]
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


@dataclass(slots=True)
class MetricsState:
    """What was added up so far; it can be pickled.

    Attributes:
        cells: The cells met; all arrays are by their numbers.
        examples: The number of rows in each cell.
        sums: By model, view and term, the sum in each cell.
        moments: By model and view, what centred terms are read from.
        scores: By model, view and exactness, the weights by score.
        matrices: By model and metric, the confusion matrices of classes.
        queries: The rows of rankings, by model.
        custom: The states of users' own metrics, by position among the metrics, model and slice.
    """

    cells: CellIndex = field(default_factory=CellIndex)
    examples: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    sums: dict[SumKey, Floats] = field(default_factory=dict)
    moments: dict[tuple[str, View], GroupMoments] = field(default_factory=dict)
    scores: dict[ScoreKey, ScoreTable] = field(default_factory=dict)
    matrices: dict[tuple[str, ClassMatrixMetric], ClassMatrix] = field(default_factory=dict)
    queries: dict[str, Queries] = field(default_factory=dict)
    custom: dict[tuple[int, str, SliceKey], Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SlicedValues:
    """The values of metrics.

    Attributes:
        slices: The slices that occur, the whole data first.
        examples: The number of rows in each slice.
        values: By model and metric (its position among those asked for), the value in each slice: an array with a
            number a slice, or more axes for several thresholds; a list where a slice's value is not a number.
        why: By model, metric and slice (its position), why a single number is NaN, where that is known.
    """

    slices: tuple[SliceKey, ...]
    examples: Ints
    values: Mapping[tuple[str, int], Any]
    why: Mapping[tuple[str, int, int], str] = field(default_factory=dict)

    def value(self, model: str, metric: int, slice_key: SliceKey = ()) -> Any:
        """Return one value; a slice without rows has none (KeyError)."""
        return self.values[model, metric][dict(zip(self.slices, range(len(self.slices)), strict=True))[slice_key]]


def sliced_values(metrics: Sequence[AnyMetric], models: Sequence[str], state: MetricsState) -> SlicedValues:
    """Compute the value of each metric, for each model, in each slice."""
    slices = state.cells.slices()
    reader = _Reader(state, slices)
    values = {
        (model, position): reader.values(metric, model, position)
        for model in models
        for position, metric in enumerate(metrics)
        if not (isinstance(metric, SumsMetric) and metric.paired and not reader.has_pairs(metric, model))
    }
    why = {
        (model, position, place): reason
        for (model, position), of_slices in values.items()
        if isinstance(of_slices, np.ndarray) and of_slices.ndim == 1
        for place in np.flatnonzero(np.isnan(of_slices.astype(np.float64))).tolist()
        if (reason := reader.why(metrics[position], model, place))
    }
    return SlicedValues(tuple(slices), reader.gather(state.examples), values, why)


class _Reader:
    """Reads slices out of cells, each once for all metrics."""

    def __init__(self, state: MetricsState, slices: Mapping[SliceKey, Ints]) -> None:
        self._state = state
        self._slices = slices
        self._members = list(slices.values())
        self._scores: dict[tuple[Any, ...], list[ScoreWeights]] = {}
        self._matrices: dict[tuple[Any, ...], list[Matrices]] = {}
        self._moments: dict[tuple[str, View], GroupMoments] = {}
        self._queries: dict[str, list[QueryRows]] = {}

    def gather(self, per_cell: Any) -> Any:
        """Sum the values of cells into slices."""
        if not self._members:
            return np.zeros(0, dtype=per_cell.dtype)
        lengths = [len(cells) for cells in self._members]
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
        return np.add.reduceat(per_cell[np.concatenate(self._members)], starts)

    def has_pairs(self, metric: SumsMetric, model: str) -> bool:
        return (model, metric.view, metric.terms[0]) in self._state.sums

    def values(self, metric: AnyMetric, model: str, position: int) -> Any:
        if isinstance(metric, SumsMetric):
            return self._of_sums(metric, model)
        if isinstance(metric, CurveMetric):
            return _stacked([metric.value(matrices) for matrices in self._matrices_of(metric, model)])
        if isinstance(metric, AverageMetric):
            return self._average(metric, model)
        if isinstance(metric, ClassMatrixMetric):
            matrix = self._state.matrices.get((model, metric))
            return [] if matrix is None else [matrix.of_cells(metric, cells) for cells in self._members]
        if isinstance(metric, RankingMetric):
            return np.array([ranking_value(metric, rows) for rows in self._queries_of(model)])
        return np.array([metric.extract(self._state.custom[position, model, key]) for key in self._slices])

    def why(self, metric: AnyMetric, model: str, place: int) -> str:
        """Return why a metric is NaN in the slice at a position; empty where that is not known."""
        if isinstance(metric, SumsMetric):
            sums = [float(self._sum(model, metric.view, term)[place]) for term in metric.terms]
            return why_of_sums(metric, sums)
        if isinstance(metric, CurveMetric):
            return why_of_matrices(metric, self._matrices_of(metric, model)[place])
        if isinstance(metric, AverageMetric):
            reasons = (
                self.why(part, model, place) for part in metric.parts if np.isnan(self._number(part, model, place))
            )
            return next(reasons, "")
        return why_of_queries(metric, self._queries_of(model)[place]) if isinstance(metric, RankingMetric) else ""

    def _number(self, metric: SumsMetric | CurveMetric, model: str, place: int) -> float:
        return float(self.values(metric, model, -1)[place])

    def _queries_of(self, model: str) -> list[QueryRows]:
        if model not in self._queries:
            queries = self._state.queries.get(model)
            self._queries[model] = [] if queries is None else queries.of_slices(self._members)
        return self._queries[model]

    def _of_sums(self, metric: SumsMetric, model: str) -> Floats:
        sums = [self._sum(model, metric.view, term) for term in metric.terms]
        values = np.asarray(metric.formula(*sums), dtype=np.float64)
        # Thresholds come first; a slice's values belong together.
        return np.moveaxis(values, -1, 0)

    def _sum(self, model: str, view: View, term: Term) -> Floats:
        if not term.centred:
            return np.asarray(self.gather(self._state.sums.get((model, view, term), np.zeros(len(self._state.cells)))))
        if (model, view) not in self._moments:
            moments = self._state.moments.get((model, view), GroupMoments())
            self._moments[model, view] = moments.of_slices(self._members)
        return self._moments[model, view].about_means(term.function)

    def _average(self, metric: AverageMetric, model: str) -> Floats:
        weights = [np.full(len(self._members), weight) for weight in metric.weights]
        if metric.by_labels:
            labels = np.stack([self._of_sums(part, model) for part in metric.by_labels])
            total = labels.sum(axis=0)
            shares = np.divide(labels, total, out=np.zeros_like(labels), where=total != 0)
            weights = [weight * share for weight, share in zip(weights, shares, strict=True)]
        return average([self.values(part, model, -1) for part in metric.parts], weights)

    def _scores_of(self, metric: CurveMetric, model: str) -> list[ScoreWeights]:
        key = (model, metric.view, metric.exact)
        if key not in self._scores:
            table = self._state.scores.get(key)
            weights = EMPTY if table is None else table.weights()
            self._scores[key] = of_slices(weights, self._members, len(self._state.cells))
        return self._scores[key]

    def _matrices_of(self, metric: CurveMetric, model: str) -> list[Matrices]:
        key = (model, metric.view, metric.num_thresholds, metric.thresholds)
        if key not in self._matrices:
            self._matrices[key] = [_matrices(metric, scores) for scores in self._scores_of(metric, model)]
        return self._matrices[key]


def average(values: Sequence[Floats], weights: Sequence[Floats]) -> Floats:
    """Return the weighted average of the classes' values; NaN where nothing weighs anything, or a value that weighs is.

    TFMA multiplies every value by its weight, so that a class of weight 0 without a value makes the average NaN; so
    does this.
    """
    total = np.sum(weights, axis=0)
    weighted = np.sum([value * weight for value, weight in zip(values, weights, strict=True)], axis=0)
    means: Floats = np.divide(weighted, total, out=np.full(np.shape(weighted), np.nan), where=total != 0)
    return means


def _matrices(metric: CurveMetric, scores: ScoreWeights) -> Matrices:
    if metric.exact:
        return exact_matrices(scores.scores, scores.positives, scores.negatives)
    thresholds = (
        np.array(metric.thresholds)
        if metric.thresholds is not None
        else interpolated_thresholds(metric.num_thresholds or 0)
    )
    return matrices_at(thresholds, scores.scores, scores.positives, scores.negatives)


def _stacked(values: list[Any]) -> Any:
    return np.array(values) if all(isinstance(value, (np.ndarray, np.floating, float)) for value in values) else values


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
