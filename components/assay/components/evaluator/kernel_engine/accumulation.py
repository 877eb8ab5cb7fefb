"""One pass over the rows for all metrics of a plan, whatever their weights and queries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.components.evaluator.kernel_engine.drawing import Resampling, can_draw, draw
from assay.components.evaluator.kernel_engine.seen import Seen
from assay.errors import DataError
from assay.gating.figures import MetricKey, SliceKey
from assay.kernels.metrics.accumulator import SlicedMetrics
from assay.kernels.metrics.ranking import RankingMetric
from assay.kernels.metrics.rows import RowColumns, column_of, numbers
from assay.kernels.metrics.state import MetricsState
from assay.kernels.uncertainty.kept_rows import KeptRows

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.components.evaluator.kernel_engine.plan import PlannedMetric
    from assay.kernels.metrics.rows import Floats, Rows
    from assay.kernels.metrics.slices import CellKey, SlicingSpec
    from assay.kernels.metrics.state import AnyMetric
    from assay.kernels.metrics.values import SlicedValues
    from assay.kernels.uncertainty.row_means import ClosedForm

CANDIDATE, BASELINE = "candidate", "baseline"


@dataclass(frozen=True, slots=True)
class Computed:
    """What a pass over the rows gives.

    Attributes:
        rows: The number of rows.
        examples: The number of rows in each slice.
        values: By model, slice and metric: a number, or whatever else the metric is.
        changes: By model, slice and metric, what each bootstrap replicate adds to the value.
        trials: By slice and metric, of how many rows a rate is a share (the same rows for both models, or the
            candidate's own).
        closed: By slice and metric, areas under ROC curves and means of losses with their errors.
        differing: By slice and metric, on how many of a rate's rows the two models differ, and whether they predict
            differently anywhere: two numbers.
        seen: What labels and predictions are like.
        left_out: By slice and metric, how much weight a metric leaves out; only of metrics that leave rows out.
        cells: The number of rows by the slices that they are in, none included.
        why: By model, slice and metric, why a figure is NaN, where that is known.
    """

    rows: int
    examples: Mapping[SliceKey, int]
    values: Mapping[str, Mapping[SliceKey, Mapping[MetricKey, Any]]]
    changes: Mapping[str, Mapping[SliceKey, Mapping[MetricKey, Floats]]]
    trials: Mapping[SliceKey, Mapping[MetricKey, float]]
    closed: Mapping[SliceKey, Mapping[MetricKey, ClosedForm]] = field(default_factory=dict)
    differing: Mapping[SliceKey, Mapping[MetricKey, Floats]] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)
    left_out: Mapping[SliceKey, Mapping[MetricKey, float]] = field(default_factory=dict)
    cells: Mapping[CellKey, int] = field(default_factory=dict)
    why: Mapping[str, Mapping[SliceKey, Mapping[MetricKey, str]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Pass:
    """Metrics that read rows alike."""

    planned: tuple[PlannedMetric, ...]
    weighted: bool
    query: str | None
    gain: str | None
    metrics: SlicedMetrics
    resampled: tuple[PlannedMetric, ...]
    counted: tuple[PlannedMetric, ...]
    differing: tuple[PlannedMetric, ...]
    leaving_out: tuple[PlannedMetric, ...]

    def view(self, rows: Rows, batch: pa.RecordBatch) -> Rows:
        """Gives the rows as these metrics read them."""
        if not self.weighted:
            rows = replace(rows, weights=np.ones(len(rows)))
        if self.query is not None:
            query = np.asarray(column_of(batch, self.query).to_pylist(), dtype=object)
            _refuse_missing(query, rows, self.query)
            rows = replace(rows, query=query, gains=None if self.gain is None else numbers(batch, self.gain))
            if any(isinstance(one.metric, RankingMetric) and one.metric.kind == "ndcg" for one in self.planned):
                _refuse_negative(rows, self.gain)
        return rows


@dataclass(slots=True)
class PlannedState:
    """What was added up so far.

    Attributes:
        rows: The number of rows.
        passes: The metrics' state, and the rows to resample, of each pass.
        seen: What labels and predictions are like.
    """

    rows: int
    passes: list[tuple[MetricsState, KeptRows]]
    seen: Seen = field(default_factory=Seen)


class PlannedMetrics:
    """Computes planned metrics: an `assay.engines.base.Accumulator`.

    Args:
        planned: What to compute.
        columns: Which columns hold what, the weight included where there is one.
        resampling: What to bootstrap, if anything.
    """

    def __init__(
        self, planned: Sequence[PlannedMetric], columns: RowColumns, resampling: Resampling | None = None
    ) -> None:
        self._columns = columns
        groups: dict[tuple[bool, str | None, str | None], list[PlannedMetric]] = {}
        for one in planned:
            groups.setdefault((bool(one.key.example_weighted), one.query, one.gain), []).append(one)
        self._baseline = BASELINE if BASELINE in columns.predictions else None
        self._resampling = resampling
        wanted = resampling.keys if resampling is not None else frozenset()
        self._passes = tuple(_pass(key, tuple(group), columns, self._baseline, wanted) for key, group in groups.items())

    def create(self) -> PlannedState:
        """Gives the state of no rows."""
        return PlannedState(0, [(one.metrics.create(), KeptRows()) for one in self._passes])

    def add_batch(self, state: PlannedState, batch: pa.RecordBatch) -> PlannedState:
        """Adds the rows of one batch to `state`, in place.

        Raises:
            DataError: A column is missing or not what a metric needs.
        """
        rows = self._columns.rows(batch)
        state.rows += len(rows)
        state.seen.add(rows)
        for one, (metrics, kept) in zip(self._passes, state.passes, strict=True):
            own = one.view(rows, batch)
            one.metrics.add_rows(metrics, own)
            if one.resampled:
                kept.add(own)
        return state

    def merge(self, states: Sequence[PlannedState]) -> PlannedState:
        """Gives the state of all rows, in the first of `states`."""
        states[0].rows = sum(state.rows for state in states)
        for state in states[1:]:
            states[0].seen.merge(state.seen)
        for one, parts in zip(self._passes, zip(*(state.passes for state in states), strict=True), strict=True):
            one.metrics.merge([metrics for metrics, _ in parts])
            for _, other in parts[1:]:
                parts[0][1].merge(other)
        return states[0]

    def extract(self, state: PlannedState) -> Computed:
        """Gives all values and replicates."""
        models = tuple(self._columns.predictions)
        examples: dict[SliceKey, int] = {}
        values: dict[str, dict[SliceKey, dict[MetricKey, Any]]] = {model: {} for model in models}
        changes: dict[str, dict[SliceKey, dict[MetricKey, Floats]]] = {model: {} for model in models}
        trials: dict[SliceKey, dict[MetricKey, float]] = {}
        differing: dict[SliceKey, dict[MetricKey, Floats]] = {}
        closed: dict[SliceKey, dict[MetricKey, ClosedForm]] = {}
        left_out: dict[SliceKey, dict[MetricKey, float]] = {}
        cells: dict[CellKey, int] = {}
        why: dict[str, dict[SliceKey, dict[MetricKey, str]]] = {model: {} for model in models}
        for one, (metrics, kept) in zip(self._passes, state.passes, strict=True):
            sliced = one.metrics.extract(metrics)
            examples.update(zip(sliced.slices, map(int, sliced.examples), strict=True))
            for model in models:
                _fill(values[model], sliced, [single.key for single in one.planned], model)
            first = len(one.planned)
            _fill(trials, sliced, [single.key for single in one.counted], CANDIDATE, first)
            _fill(differing, sliced, [single.key for single in one.differing], CANDIDATE, first + len(one.counted))
            for (model, position, place), reason in sliced.why.items():
                if position < first:
                    why[model].setdefault(sliced.slices[place], {})[one.planned[position].key] = reason
            after = first + len(one.counted) + len(one.differing)
            _fill(left_out, sliced, [single.key for single in one.leaving_out], CANDIDATE, after)
            cells = {key: int(metrics.examples[number]) for key, number in metrics.cells.numbers.items()}
            if one.resampled and self._resampling is not None:
                drawn = draw(one.resampled, kept, metrics, self._columns, self._baseline, self._resampling)
                for (model, key, metric), row in drawn.changes.items():
                    changes[model].setdefault(key, {})[metric] = row
                for (key, metric), form in drawn.closed.items():
                    closed.setdefault(key, {})[metric] = form
        return Computed(
            state.rows, examples, values, changes, trials, closed, differing, state.seen, left_out, cells, why
        )


def _pass(
    key: tuple[bool, str | None, str | None],
    planned: tuple[PlannedMetric, ...],
    columns: RowColumns,
    baseline: str | None,
    wanted: frozenset[MetricKey],
) -> _Pass:
    weighted, query, gain = key
    resampled = tuple(one for one in planned if one.key in wanted and can_draw(one.metric))
    counted = tuple(one for one in planned if one.trials is not None and one.key in wanted)
    differing = tuple(
        one for one in planned if one.differing is not None and one.key in wanted and baseline is not None
    )
    further: list[AnyMetric] = [one.trials for one in counted if one.trials is not None]
    further += [one.differing for one in differing if one.differing is not None]
    leaving_out = tuple(one for one in planned if one.left_out is not None)
    further += [one.left_out for one in leaving_out if one.left_out is not None]
    metrics = SlicedMetrics([*(one.metric for one in planned), *further], columns, baseline)
    return _Pass(planned, weighted, query, gain, metrics, resampled, counted, differing, leaving_out)


def _refuse_missing(query: Any, rows: Rows, name: str) -> None:
    """Rows without a query would all be one."""
    lacking = [one is None or one == [] or (isinstance(one, float) and math.isnan(one)) for one in query]
    missing = np.flatnonzero(np.array(lacking, dtype=np.bool_) & (rows.weights != 0))
    if len(missing):
        raise DataError(
            "metrics.missing_query",
            f"The query column '{name}' has no value in {len(missing):,} of {len(rows):,} rows of a batch, first in "
            f"row {missing[0]}.",
            "Give each row its query, or leave these rows out.",
        )


def _refuse_negative(rows: Rows, gain: str | None) -> None:
    gains = rows.labels if rows.gains is None else rows.gains
    negative = np.flatnonzero((gains < 0) & (rows.weights != 0))
    if len(negative):
        what = (
            "labels, which are the relevances where gain_key names no column," if gain is None else f"column '{gain}'"
        )
        raise DataError(
            "metrics.negative_gain",
            f"NDCG needs relevances of 0 and above, and the {what} {'have' if gain is None else 'has'} "
            f"{gains[negative[0]]:g} in row {negative[0]} of a batch.",
            "Add a constant to the relevances, so that the least is 0.",
        )


def _fill(
    values: dict[SliceKey, dict[MetricKey, Any]],
    sliced: SlicedValues,
    keys: Sequence[MetricKey],
    model: str,
    first: int = 0,
) -> None:
    """Files the values of metrics from position `first` on under their keys."""
    for place, slice_key in enumerate(sliced.slices):
        of_slice = values.setdefault(slice_key, {})
        for position, key in enumerate(keys, start=first):
            if (model, position) in sliced.values:
                of_slice[key] = sliced.values[model, position][place]


def row_columns(
    label: str, weight: str | None, candidate: str, baseline: str | None, slicing: tuple[SlicingSpec, ...]
) -> RowColumns:
    """Gives the columns of both models under the names by which figures tell them apart."""
    predictions = {CANDIDATE: candidate} | ({BASELINE: baseline} if baseline is not None else {})
    return RowColumns(label=label, predictions=predictions, weight=weight, slicing=slicing)
