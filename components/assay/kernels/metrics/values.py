"""From accumulated state to the value of each metric in each slice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.kernels.metrics.absence import why_of_matrices, why_of_queries, why_of_sums
from assay.kernels.metrics.matrices import Matrices, exact_matrices, interpolated_thresholds, matrices_at
from assay.kernels.metrics.metric import AverageMetric, CurveMetric, SumsMetric, Term
from assay.kernels.metrics.moments import Moments
from assay.kernels.metrics.multiclass_matrix import ClassMatrixMetric
from assay.kernels.metrics.ranking import QueryRows, RankingMetric, ranking_value
from assay.kernels.metrics.scores import EMPTY, ScoreWeights, of_slices

if TYPE_CHECKING:
    from assay.kernels.metrics.rows import Floats, Ints
    from assay.kernels.metrics.slices import SliceKey
    from assay.kernels.metrics.state import AnyMetric, MetricsState
    from assay.kernels.metrics.view import View


@dataclass(frozen=True, slots=True)
class SlicedValues:
    """The values of metrics.

    Attributes:
        slices: The slices that occur, the whole data first.
        examples: The number of rows in each slice.
        values: By model and metric (its position among those asked for), the value in each slice: an array with a
            number a slice, or more axes for several thresholds; a list where a slice's value is no number.
        why: By model, metric and slice (its position), why a single number is NaN, where that is known.
    """

    slices: tuple[SliceKey, ...]
    examples: Ints
    values: Mapping[tuple[str, int], Any]
    why: Mapping[tuple[str, int, int], str] = field(default_factory=dict)

    def value(self, model: str, metric: int, slice_key: SliceKey = ()) -> Any:
        """Gives one value; a slice without rows has none (KeyError)."""
        return self.values[model, metric][dict(zip(self.slices, range(len(self.slices)), strict=True))[slice_key]]


def sliced_values(metrics: Sequence[AnyMetric], models: Sequence[str], state: MetricsState) -> SlicedValues:
    """Computes the value of each metric, for each model, in each slice."""
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
        self._moments: dict[tuple[str, View], Moments] = {}
        self._queries: dict[str, list[QueryRows]] = {}

    def gather(self, per_cell: Any) -> Any:
        """Adds the figures of cells up into slices."""
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
            moments = self._state.moments.get((model, view), Moments())
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
    """Gives the weighted average of the classes' values; NaN where nothing weighs anything, or a value that weighs is.

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
