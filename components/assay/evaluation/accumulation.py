"""One pass over the rows for all metrics of a plan, whatever their weights and queries, and for the bounds of each.

Closed forms serve areas and means; a bootstrap of queries serves rankings, one of rows the rest. What labels and
predictions are like (minimum, maximum, how many are not numbers) tells logits from probabilities, and one class from
two, and costs next to nothing beside the metrics.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.errors import DataError
from assay.gating.metric_values import MetricKey, SliceKey
from assay.kernels.metrics import binary
from assay.kernels.metrics.accumulator import SlicedMetrics
from assay.kernels.metrics.metric import AverageMetric, CurveMetric, SumsMetric
from assay.kernels.metrics.ranking import MEANS, RankingMetric
from assay.kernels.metrics.rows import RowColumns, column_of, numbers, weights_in_range
from assay.kernels.metrics.values import MetricsState
from assay.kernels.metrics.view import dense
from assay.kernels.uncertainty.bootstrap import Bootstrap, replicated_ranking
from assay.kernels.uncertainty.delong import sliced_areas
from assay.kernels.uncertainty.kept_rows import KeptRows, ordered
from assay.kernels.uncertainty.row_means import is_mean, row_means

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.evaluation.plan import PlannedMetric
    from assay.kernels.metrics.rows import EvaluatedRows, Floats
    from assay.kernels.metrics.slices import CellKey, SlicingSpec
    from assay.kernels.metrics.values import AnyMetric, SlicedValues
    from assay.kernels.uncertainty.kept_rows import OrderedRows
    from assay.kernels.uncertainty.row_means import ClosedForm

CANDIDATE, BASELINE = "candidate", "baseline"


@dataclass(slots=True)
class Spread:
    """The numbers of a column.

    Attributes:
        least: Infinity where there is none.
        greatest: Minus infinity where there is none.
        lacking: The number of rows without a number.
        classes: How many a row holds, one a class; 1 where it holds a single number.
    """

    least: float = math.inf
    greatest: float = -math.inf
    lacking: int = 0
    classes: int = 1

    @property
    def several(self) -> bool:
        """Whether a row contains one number per class."""
        return self.classes > 1

    def lacks(self, classes: int) -> bool:
        """Return whether some number is neither a class number nor -1 for no class."""
        return self.least < -1 or (self.greatest > classes - 1 and math.isfinite(self.greatest))

    def add(self, values: Floats) -> None:
        """Add the rows of a batch."""
        missing = np.isnan(values)
        self.classes = max(self.classes, values.shape[1] if values.ndim > 1 else 1)
        if missing.any():
            self.lacking += int(missing.reshape(len(values), -1).any(axis=1).sum())
            values = values[~missing]
        if values.size:
            self.least = min(self.least, float(values.min()))
            self.greatest = max(self.greatest, float(values.max()))

    def merge(self, other: Spread) -> None:
        """Add other rows."""
        self.least, self.greatest = min(self.least, other.least), max(self.greatest, other.greatest)
        self.lacking += other.lacking
        self.classes = max(self.classes, other.classes)


@dataclass(slots=True)
class RowSummary:
    """What was seen of the rows.

    Attributes:
        label: Labels.
        predictions: By model.
        weighing: The number of rows that weigh anything; the others are masked, and not looked at.
        misweighed: Of these, rows whose weight is negative, too large or no number.
        alike: Whether all models predict the same on every row.
        perfect: The models whose predictions are the labels, on every row, or their float32.
        apart: By model, the greatest prediction of a row labelled 0 and the least of a row labelled 1.
        inverted: By model, the greatest prediction of a row labelled 1 and the least of a row labelled 0.
    """

    label: Spread = field(default_factory=Spread)
    predictions: dict[str, Spread] = field(default_factory=dict)
    weighing: int = 0
    misweighed: int = 0
    alike: bool = True
    perfect: dict[str, bool] = field(default_factory=dict)
    apart: dict[str, tuple[float, float]] = field(default_factory=dict)
    inverted: dict[str, tuple[float, float]] = field(default_factory=dict)

    def add(self, rows: EvaluatedRows) -> None:
        """Add the rows of a batch."""
        weighs = rows.weights != 0
        count = int(np.count_nonzero(weighs))
        self.weighing += count
        self.misweighed += int(np.count_nonzero(~weights_in_range(rows.weights)))
        everything = count == len(rows)
        labels = rows.labels if everything else rows.labels[weighs]
        self.label.add(labels)
        predictions = {model: values if everything else values[weighs] for model, values in rows.predictions.items()}
        for model, values in predictions.items():
            self.predictions.setdefault(model, Spread()).add(values)
            if self.perfect.setdefault(model, True):  # after the first other row there is nothing to look for
                self.perfect[model] = _are_labels(values, labels)
            for found, below in ((self.apart, 0), (self.inverted, 1)):
                low, high = found.setdefault(model, _APART)
                if low < high:
                    found[model] = _apart((low, high), _separation(values, labels, below))
        if self.alike and len(predictions) > 1:
            first, *others = predictions.values()
            self.alike = all(np.array_equal(first, other, equal_nan=True) for other in others)

    def merge(self, other: RowSummary) -> None:
        """Add other rows."""
        self.weighing += other.weighing
        self.misweighed += other.misweighed
        self.label.merge(other.label)
        self.alike = self.alike and other.alike
        for model, spread in other.predictions.items():
            self.predictions.setdefault(model, Spread()).merge(spread)
            self.perfect[model] = self.perfect.get(model, True) and other.perfect[model]
            self.apart[model] = _apart(self.apart.get(model, _APART), other.apart[model])
            self.inverted[model] = _apart(self.inverted.get(model, _APART), other.inverted[model])


_APART = (-math.inf, math.inf)


def _are_labels(predictions: Floats, labels: Floats) -> bool:
    if predictions.ndim > labels.ndim:
        labels = dense(labels, predictions.shape[1])
    if predictions.shape != labels.shape:
        return False
    # The first row tells most models apart from the labels.
    if len(labels) and not _equal(predictions[:1], labels[:1]):
        return False
    return _equal(predictions, labels)


def _equal(predictions: Floats, labels: Floats) -> bool:
    """Return whether predictions are the labels, or what a float32 keeps of them.

    Not within a relative tolerance: labels of 1.7e9, such as times, would then be predicted by any model.
    """
    with np.errstate(over="ignore"):
        rounded = labels.astype(np.float32)
    return bool(((predictions == labels) | (predictions == rounded)).all())


def _separation(predictions: Floats, labels: Floats, below: int) -> tuple[float, float]:
    """Return the greatest prediction of label `below`, 0 or 1, and the least of the other; NaN for further labels."""
    if predictions.ndim > 1 or labels.ndim > 1:
        return math.nan, math.nan
    lower, upper = labels == below, labels == 1 - below
    if not (lower | upper).all():
        return math.nan, math.nan
    return float(predictions[lower].max(initial=-math.inf)), float(predictions[upper].min(initial=math.inf))


def _apart(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    return float(np.maximum(one[0], other[0])), float(np.minimum(one[1], other[1]))  # NaN stays


@dataclass(frozen=True, slots=True)
class Resampling:
    """A bootstrap that is asked for.

    Attributes:
        keys: The metrics to draw replicates of.
        num_replicates: How many.
        seed: Not negative.
        workers: Threads.
        across: Metrics that are compared across slices, for which the closed form of one slice does not apply.
    """

    keys: frozenset[MetricKey]
    num_replicates: int = 1000
    seed: int = 0
    workers: int = 1
    across: frozenset[MetricKey] = frozenset()


@dataclass(frozen=True, slots=True)
class MetricReplicates:
    """What metrics are on other samples.

    Attributes:
        changes: By model, slice and metric, what each replicate adds to the value.
        closed: By slice and metric, areas and means with their errors.
    """

    changes: Mapping[tuple[str, SliceKey, MetricKey], Floats]
    closed: Mapping[tuple[SliceKey, MetricKey], ClosedForm]


def can_draw(metric: AnyMetric) -> bool:
    """Return whether a metric can have bounds; counts and users' own metrics cannot."""
    if isinstance(metric, RankingMetric):
        return metric.kind in MEANS
    return isinstance(metric, (SumsMetric, CurveMetric, AverageMetric))


def draw(
    planned: Sequence[PlannedMetric],
    kept: KeptRows,
    state: MetricsState,
    columns: RowColumns,
    baseline: str | None,
    resampling: Resampling,
) -> MetricReplicates:
    """Return the confidence settings of metrics.

    Args:
        planned: Metrics that [`can_draw`][...can_draw] accepts, and that read rows alike.
        kept: The rows.
        state: What was added up, which holds the rows of queries.
        columns: The models.
        baseline: The model that paired metrics compare with.
        resampling: How to draw.
    """
    if not kept.parts:
        return MetricReplicates({}, {})
    changes = _of_rankings(planned, state, resampling)
    rows = ordered(kept) if any(not isinstance(one.metric, RankingMetric) for one in planned) else None
    forms: dict[tuple[SliceKey, MetricKey], ClosedForm] = {}
    drawn: list[PlannedMetric] = []
    for one in planned if rows is not None else ():
        closed = _closed(one, rows) if rows is not None else None
        if closed is not None and rows is not None:
            forms.update({(key, one.key): form for key, form in zip(rows.slices, closed, strict=True)})
        if not isinstance(one.metric, RankingMetric) and (closed is None or one.key in resampling.across):
            drawn.append(one)
    kernels = [one.metric for one in drawn if isinstance(one.metric, (SumsMetric, CurveMetric, AverageMetric))]
    if rows is not None and kernels:
        bootstrap = Bootstrap(
            kernels,
            columns,
            baseline,
            num_replicates=resampling.num_replicates,
            seed=resampling.seed,
            workers=resampling.workers,
        )
        replicates = bootstrap.replicates(rows)
        for (model, position), array in replicates.changes.items():
            own = zip(replicates.slices, array, strict=True)
            changes.update({(model, key, drawn[position].key): row for key, row in own})
    return MetricReplicates(changes, forms)


def _closed(one: PlannedMetric, rows: OrderedRows) -> Sequence[ClosedForm] | None:
    metric = one.metric
    if isinstance(metric, SumsMetric) and is_mean(metric):
        return row_means(rows, metric)
    if not isinstance(metric, CurveMetric) or metric != binary.auc(
        name=metric.name, view=metric.view, aggregation=metric.aggregation
    ):
        return None
    return sliced_areas(rows, metric.view)


def _of_rankings(
    planned: Sequence[PlannedMetric], state: MetricsState, resampling: Resampling
) -> dict[tuple[str, SliceKey, MetricKey], Floats]:
    changes: dict[tuple[str, SliceKey, MetricKey], Floats] = {}
    rankings = [(one.key, one.metric) for one in planned if isinstance(one.metric, RankingMetric)]
    slices = state.cells.slices()
    for model, queries in state.queries.items() if rankings else ():
        for slice_key, rows in zip(slices, queries.of_slices(list(slices.values())), strict=True):
            for key, metric in rankings:
                changes[model, slice_key, key] = replicated_ranking(
                    metric, rows, resampling.num_replicates, resampling.seed
                )
    return changes


@dataclass(frozen=True, slots=True)
class ComputedMetrics:
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
    seen: RowSummary = field(default_factory=RowSummary)
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

    def view(self, rows: EvaluatedRows, batch: pa.RecordBatch) -> EvaluatedRows:
        """Return the rows as these metrics read them."""
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
    seen: RowSummary = field(default_factory=RowSummary)


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
        """Return the state of no rows."""
        return PlannedState(0, [(one.metrics.create(), KeptRows()) for one in self._passes])

    def add_batch(self, state: PlannedState, batch: pa.RecordBatch) -> PlannedState:
        """Add the rows of one batch to `state`, in place.

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
        """Return the state of all rows, in the first of `states`."""
        states[0].rows = sum(state.rows for state in states)
        for state in states[1:]:
            states[0].seen.merge(state.seen)
        for one, parts in zip(self._passes, zip(*(state.passes for state in states), strict=True), strict=True):
            one.metrics.merge([metrics for metrics, _ in parts])
            for _, other in parts[1:]:
                parts[0][1].merge(other)
        return states[0]

    def extract(self, state: PlannedState) -> ComputedMetrics:
        """Return all values and replicates."""
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
        return ComputedMetrics(
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


def _refuse_missing(query: Any, rows: EvaluatedRows, name: str) -> None:
    """Rows without a query would all be one."""
    lacking = [one is None or one == [] or (isinstance(one, float) and math.isnan(one)) for one in query]
    missing = np.flatnonzero(np.array(lacking, dtype=np.bool_) & (rows.weights != 0))
    if len(missing):
        raise DataError(
            "metrics.missing_query",
            f"The query column '{name}' has no value in {len(missing):,} of {len(rows):,} rows of a batch, first in "
            f"row {missing[0]}.",
            "Give each row its query, or exclude these rows.",
        )


def _refuse_negative(rows: EvaluatedRows, gain: str | None) -> None:
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
            "Add a constant to the relevances, so that the minimum is 0.",
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
    """Rename the columns of both models so that their metrics have different names."""
    predictions = {CANDIDATE: candidate} | ({BASELINE: baseline} if baseline is not None else {})
    return RowColumns(label=label, predictions=predictions, weight=weight, slicing=slicing)
