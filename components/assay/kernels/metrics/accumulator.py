"""All metrics of all models in all slices, in one pass: an accumulator over record batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from assay.kernels.metrics.matrices import bucket_edges
from assay.kernels.metrics.metric import AverageMetric, CurveMetric, SumsMetric, Term
from assay.kernels.metrics.moments import GroupMoments, merged, moments_of_rows
from assay.kernels.metrics.multiclass import ClassMatrix, ClassMatrixMetric
from assay.kernels.metrics.ranking import Queries, RankingMetric
from assay.kernels.metrics.rows import checked_weights
from assay.kernels.metrics.scores import ScoreTable
from assay.kernels.metrics.values import MetricsState, SlicedValues, sliced_values
from assay.kernels.metrics.view import Pairs, View

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.kernels.metrics.rows import EvaluatedRows, Floats, Ints, RowColumns
    from assay.kernels.metrics.slices import SliceKey
    from assay.kernels.metrics.values import AnyMetric, SumKey


class SlicedMetrics:
    """Computes metrics of one or more models, overall and in slices: an `assay.engines.base.Accumulator`.

    Metrics share what they need: precision, recall and accuracy at one threshold are read from the same four sums.
    Whatever the split of rows into batches and states, counts are the same and sums of unweighted counts too; sums of
    other numbers agree to about 1e-13 of their size, because floating-point addition is not associative.

    Args:
        metrics: What to compute; two equal ones are one.
        columns: Which columns hold what.
        baseline: The model that paired metrics compare each other model with.
    """

    def __init__(self, metrics: Sequence[AnyMetric], columns: RowColumns, baseline: str | None = None) -> None:
        self._metrics = tuple(metrics)
        self._columns = columns
        self._baseline = baseline
        parts = [part for metric in metrics for part in leaves(metric)]
        self._views = {view: needs_of(parts, view) for view in dict.fromkeys(map(_view, parts)) if view is not None}
        self._paired = tuple(part for part in parts if isinstance(part, SumsMetric) and part.paired)
        self._matrices = tuple(part for part in parts if isinstance(part, ClassMatrixMetric))
        self._ranking = any(isinstance(part, RankingMetric) for part in parts)
        self._custom = tuple(
            (position, metric) for position, metric in enumerate(metrics) if not isinstance(metric, _OWN)
        )

    def create(self) -> MetricsState:
        """Return the state of no rows."""
        return MetricsState()

    def add_batch(self, state: MetricsState, batch: pa.RecordBatch) -> MetricsState:
        """Add the rows of one batch to `state`, in place.

        Raises:
            DataError: A column is missing or not what a metric needs.
        """
        return self.add_rows(state, self._columns.rows(batch))

    def add_rows(self, state: MetricsState, rows: EvaluatedRows) -> MetricsState:
        """Add rows to `state`, in place."""
        cells = state.cells.add(rows.cells.keys)[rows.cells.codes]
        size = len(state.cells)
        state.examples = _grown(state.examples, size) + np.bincount(cells, minlength=size)
        weights = checked_weights(rows.weights)
        for model, predictions in rows.predictions.items():
            for view, needs in self._views.items():
                pairs = view.pairs(rows.labels, predictions)
                self._add_view(state, (model, view, needs), pairs, cells, pairs.weigh(weights))
            for part in self._matrices:
                matrix = state.matrices.setdefault((model, part), ClassMatrix())
                matrix.add(part, cells, rows.labels, predictions, weights)
            if self._ranking:
                state.queries.setdefault(model, Queries()).add(cells, rows, predictions, weights)
            self._add_custom(state, model, rows, predictions, weights)
            if self._baseline is not None and model != self._baseline:
                self._add_paired(state, model, rows, cells, weights)
        return state

    def merge(self, states: Sequence[MetricsState]) -> MetricsState:
        """Return the state of all rows, in the first of `states`; the others must not be used afterwards."""
        result, *others = states
        for other in others:
            cells = result.cells.add(tuple(other.cells.numbers))
            size = len(result.cells)
            result.examples = _grown(result.examples, size)
            result.examples[cells] += other.examples
            for sum_key, sums in other.sums.items():
                total = _grown(result.sums.get(sum_key, np.zeros(0)), size)
                total[cells[: len(sums)]] += sums
                result.sums[sum_key] = total
            for pair_key, moments in other.moments.items():
                ours = result.moments.get(pair_key, GroupMoments())
                result.moments[pair_key] = merged(ours, np.arange(len(ours)), moments, cells[: len(moments)], size)
            for score_key, table in other.scores.items():
                result.scores.setdefault(score_key, ScoreTable()).merge(table, cells)
            for matrix_key, matrix in other.matrices.items():
                result.matrices.setdefault(matrix_key, ClassMatrix()).merge(matrix, cells)
            for model, queries in other.queries.items():
                result.queries.setdefault(model, Queries()).merge(queries, cells)
            for key, custom in other.custom.items():
                metric: Any = self._metrics[key[0]]
                result.custom[key] = metric.merge([result.custom[key], custom]) if key in result.custom else custom
        return result

    def extract(self, state: MetricsState) -> SlicedValues:
        """Return every metric in every slice; `state` can be added to after."""
        return sliced_values(self._metrics, tuple(self._columns.predictions), state)

    @staticmethod
    def _add_view(
        state: MetricsState, needs: tuple[str, View, Needs], pairs: Pairs, cells: Ints, weights: Floats
    ) -> None:
        model, view, (terms, exactness) = needs
        codes = cells if pairs.rows is None else cells[pairs.rows]
        for term in terms:
            if not term.centred:
                values = term.function(pairs.labels, pairs.predictions, *term.params)
                _add_sum(state, (model, view, term), codes, values, weights)
        if any(term.centred for term in terms):
            before, size = state.moments.get((model, view), GroupMoments()), len(state.cells)
            found = moments_of_rows(pairs.labels, pairs.predictions, weights, codes, size)
            state.moments[model, view] = merged(before, np.arange(len(before)), found, np.arange(size), size)
        for exact in exactness:
            scores = pairs.predictions if exact else bucket_edges(pairs.predictions)
            state.scores.setdefault((model, view, exact), ScoreTable()).add(codes, scores, pairs.labels, weights)

    def _add_paired(self, state: MetricsState, model: str, rows: EvaluatedRows, cells: Ints, weights: Floats) -> None:
        baseline = rows.predictions[self._baseline] if self._baseline is not None else rows.labels
        for view, term in dict.fromkeys((part.view, term) for part in self._paired for term in part.terms):
            ours, theirs = view.pairs(rows.labels, rows.predictions[model]), view.pairs(rows.labels, baseline)
            values = term.function(ours.labels, ours.predictions, theirs.predictions, *term.params)
            codes = cells if ours.rows is None else cells[ours.rows]
            _add_sum(state, (model, view, term), codes, values, ours.weigh(weights))

    def _add_custom(
        self, state: MetricsState, model: str, rows: EvaluatedRows, predictions: Floats, weights: Floats
    ) -> None:
        if not self._custom:
            return
        members: dict[SliceKey, list[int]] = {}
        for code, key in enumerate(rows.cells.keys):
            for slice_key in key:
                members.setdefault(slice_key, []).append(code)
        for slice_key, codes in members.items():
            chosen = np.flatnonzero(np.isin(rows.cells.codes, codes))
            for position, metric in self._custom:
                place = (position, model, slice_key)
                before = state.custom[place] if place in state.custom else metric.create()
                state.custom[place] = metric.add(before, rows.labels[chosen], predictions[chosen], weights[chosen])


Needs: TypeAlias = tuple[tuple[Term, ...], tuple[bool, ...]]
_OWN = (SumsMetric, CurveMetric, AverageMetric, ClassMatrixMetric, RankingMetric)


def leaves(metric: AnyMetric) -> tuple[AnyMetric, ...]:
    """Return the metrics that need rows: the metric itself, or the parts of an average."""
    return (*metric.parts, *metric.by_labels) if isinstance(metric, AverageMetric) else (metric,)


def needs_of(parts: Sequence[AnyMetric], view: View) -> Needs:
    """Return the terms that metrics need of a view, and whether exact scores, bucketed scores or both."""
    terms = dict.fromkeys(
        term
        for part in parts
        if isinstance(part, SumsMetric) and not part.paired and part.view == view
        for term in part.terms
    )
    exactness = dict.fromkeys(part.exact for part in parts if isinstance(part, CurveMetric) and part.view == view)
    return tuple(terms), tuple(exactness)


def _view(part: AnyMetric) -> View | None:
    if isinstance(part, CurveMetric) or (isinstance(part, SumsMetric) and not part.paired):
        return part.view
    return None


def _add_sum(state: MetricsState, key: SumKey, codes: Ints, values: Floats, weights: Floats) -> None:
    if key[2].weighted:
        with np.errstate(invalid="ignore"):
            values = values * weights
    masked = weights == 0
    if masked.any():
        values = np.where(masked & key[2].weighted, 0.0, values)
    size = len(state.cells)
    state.sums[key] = _grown(state.sums.get(key, np.zeros(0)), size) + np.bincount(codes, values, minlength=size)


def _grown(values: Any, size: int) -> Any:
    """Return an array of at least this length, with zeros for new entries."""
    return values if len(values) == size else np.concatenate([values, np.zeros(size - len(values), dtype=values.dtype)])
