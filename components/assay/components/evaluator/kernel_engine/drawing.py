"""How sure each metric is: closed forms of areas and means, and a bootstrap of queries for rankings, of rows else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.gating.figures import MetricKey, SliceKey
from assay.kernels.metrics import binary
from assay.kernels.metrics.metric import AverageMetric, CurveMetric, SumsMetric
from assay.kernels.metrics.ranking import MEANS, RankingMetric
from assay.kernels.uncertainty.bootstrap import Bootstrap
from assay.kernels.uncertainty.kept_rows import ordered
from assay.kernels.uncertainty.replicated_rankings import replicated_ranking
from assay.kernels.uncertainty.row_means import is_mean, row_means
from assay.kernels.uncertainty.sliced_areas import sliced_areas

if TYPE_CHECKING:
    from assay.components.evaluator.kernel_engine.plan import PlannedMetric
    from assay.kernels.metrics.rows import Floats, RowColumns
    from assay.kernels.metrics.state import AnyMetric, MetricsState
    from assay.kernels.uncertainty.kept_rows import KeptRows, OrderedRows
    from assay.kernels.uncertainty.row_means import ClosedForm


@dataclass(frozen=True, slots=True)
class Resampling:
    """A bootstrap that is asked for.

    Attributes:
        keys: The metrics to draw replicates of.
        num_replicates: How many.
        seed: Not negative.
        workers: Threads.
        across: Metrics that are compared across slices, for which the closed form of one slice is no help.
    """

    keys: frozenset[MetricKey]
    num_replicates: int = 1000
    seed: int = 0
    workers: int = 1
    across: frozenset[MetricKey] = frozenset()


@dataclass(frozen=True, slots=True)
class Drawn:
    """What metrics are on other samples.

    Attributes:
        changes: By model, slice and metric, what each replicate adds to the value.
        closed: By slice and metric, areas and means with their errors.
    """

    changes: Mapping[tuple[str, SliceKey, MetricKey], Floats]
    closed: Mapping[tuple[SliceKey, MetricKey], ClosedForm]


def can_draw(metric: AnyMetric) -> bool:
    """Tells whether there is a way to say how sure a metric is; there is none for counts and users' own metrics."""
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
) -> Drawn:
    """Says how sure metrics are.

    Args:
        planned: Metrics that [`can_draw`][...can_draw] accepts, and that read rows alike.
        kept: The rows.
        state: What was added up, which holds the rows of queries.
        columns: The models.
        baseline: The model that paired metrics compare with.
        resampling: How to draw.
    """
    if not kept.parts:
        return Drawn({}, {})
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
    return Drawn(changes, forms)


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
