"""A paired bootstrap of any number of metrics, models and slices at once.

Of rankings, queries are drawn, not rows, since the rows of a query depend on each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from assay.kernels.metrics.metric import AverageMetric, CurveMetric, SumsMetric, Term
from assay.kernels.metrics.ranking import values_of_queries, weights_of_queries
from assay.kernels.metrics.values import SumKey, average
from assay.kernels.metrics.view import View
from assay.kernels.uncertainty.kept_rows import KeptRows, OrderedRows, ordered
from assay.kernels.uncertainty.replicates import (
    BinnedScores,
    ReplicatedMoments,
    ReplicatedSums,
    binned_scores,
    term_columns,
)

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from assay.kernels.metrics.ranking import QueryRows, RankingMetric
    from assay.kernels.metrics.rows import EvaluatedRows, Floats, RowColumns
    from assay.kernels.metrics.slices import SliceKey

STRIPE = 64
"""Replicates that share one random stream; a row has one byte for each, so a row is one cache line."""

# How many of 256 bytes give weight 0, 1, ... 5. Mean and variance are those of Poisson(1) exactly (1 and 1), the third
# and fourth moments to 0.2 % (5.008 for 5, 14.98 for 15). One byte a weight costs an eighth of an exact Poisson draw.
_OF_256 = (94, 94, 49, 13, 5, 1)
_BLOCK = 2048  # rows drawn at a time: all steps stay in the cache
_STEPS = np.cumsum(_OF_256)[:-1].astype(np.uint8)
Resampled: TypeAlias = SumsMetric | CurveMetric | AverageMetric
CurveKey: TypeAlias = tuple[str, View]
_MEMORY = 192 << 20  # bytes of weights that a thread holds


@dataclass(frozen=True, slots=True)
class Replicates:
    """What metrics would have been on other samples of the same rows.

    Attributes:
        slices: The slices, the whole data first.
        changes: By model and position of the metric, an array of slices by replicates: the replicate's value less the
            value on the rows as they are. Replicate b of all metrics, models and slices is of the same sample, so that
            differences of models and slices can be taken replicate by replicate.
    """

    slices: tuple[SliceKey, ...]
    changes: Mapping[tuple[str, int], Floats]


class Bootstrap:
    """Draws replicates of metrics: an `assay.engines.base.Accumulator`.

    Each replicate weighs each row by an independent number with mean and variance 1 (nearly Poisson: a multinomial
    bootstrap whose sample size varies). Sums, and the metrics that are formulas over sums, are exact. Curves are exact
    in slices of up to 256 distinct scores, and computed from 256 bins of equal size in others.

    The result depends on the seed and the rows only: not on their order, on batches, on how states were merged, or on
    threads (floating-point sums to 1e-12 of their size).

    Args:
        metrics: What to replicate.
        columns: Which columns hold what.
        baseline: The model that paired metrics compare with.
        num_replicates: How many.
        seed: Not negative.
        workers: Threads.
    """

    def __init__(
        self,
        metrics: Sequence[Resampled],
        columns: RowColumns,
        baseline: str | None = None,
        *,
        num_replicates: int = 1000,
        seed: int = 0,
        workers: int = 1,
    ) -> None:
        self._metrics = tuple(metrics)
        self._columns = columns
        self._baseline = baseline
        self._num_replicates = num_replicates
        self._seed = seed
        self._workers = workers

    def create(self) -> KeptRows:
        """Return the state of no rows."""
        return KeptRows()

    def add_batch(self, state: KeptRows, batch: pa.RecordBatch) -> KeptRows:
        """Add the rows of one batch to `state`, in place."""
        return self.add_rows(state, self._columns.rows(batch))

    def add_rows(self, state: KeptRows, rows: EvaluatedRows) -> KeptRows:
        """Add rows to `state`, in place; with `SlicedMetrics.add_rows` a batch need be read only once for both."""
        state.add(rows)
        return state

    def merge(self, states: Sequence[KeptRows]) -> KeptRows:
        """Return the state of all rows, in the first of `states`."""
        result, *others = states
        for other in others:
            result.merge(other)
        return result

    def extract(self, state: KeptRows) -> Replicates:
        """Draws the replicates."""
        return self.replicates(ordered(state)) if state.parts else Replicates((), {})

    def replicates(self, rows: OrderedRows) -> Replicates:
        """Draws the replicates of rows that are in order."""
        plan = _Plan(rows, self._metrics, tuple(self._columns.predictions), self._baseline)
        stripes = range(-(-self._num_replicates // STRIPE))
        # Stripes are drawn together as far as memory goes: fewer, larger products are faster.
        together = int(np.clip(_MEMORY // max(1, plan.num_rows * STRIPE), 1, 4))
        groups = [stripes[start : start + together] for start in range(0, len(stripes), together)]
        with ThreadPoolExecutor(self._workers) as pool:
            drawn = list(
                pool.map(lambda group: plan.replicates(replicate_weights(self._seed, group, plan.num_rows)), groups)
            )
        return Replicates(
            plan.slices,
            {
                key: np.concatenate([part[key] for part in drawn], axis=1)[:, : self._num_replicates]
                for key in (drawn[0] if drawn else {})
            },
        )


class _Plan:
    """What is the same for all replicates: columns to sum, and slices sorted into bins of score."""

    def __init__(
        self, rows: OrderedRows, metrics: Sequence[Resampled], models: Sequence[str], baseline: str | None
    ) -> None:
        self.slices = tuple(rows.slices)
        self.num_rows = len(rows)
        self._models = models
        self._metrics = metrics
        self._baseline = baseline
        parts = [leaf for metric in metrics for leaf in _leaves(metric)]
        columns: dict[SumKey, Floats] = {}
        self._moments: list[ReplicatedMoments] = []
        self._scores: dict[CurveKey, list[BinnedScores | None]] = {}
        for position, model in enumerate(models):
            for (view, paired), terms in _terms_by_view(parts).items():
                if paired and (baseline is None or model == baseline):
                    continue
                # Paired terms look at both models in one row; of the baseline itself they would be 0.
                other = models.index(baseline) if paired and baseline is not None else None
                plain = [term for term in terms if not term.centred]
                values = term_columns(rows, position, view, plain, other)
                columns.update({(model, view, term): column for term, column in zip(plain, values, strict=True)})
                centred = [term for term in terms if term.centred]
                if centred:
                    pairs = view.pairs(rows.labels, rows.predictions[position])
                    keys = {term.function: (model, view, term) for term in centred}
                    self._moments.append(ReplicatedMoments(rows, pairs, keys))
            for view in dict.fromkeys(part.view for part in parts if isinstance(part, CurveMetric)):
                self._scores[model, view] = binned_scores(rows, view.pairs(rows.labels, rows.predictions[position]))
        self._sums = ReplicatedSums(rows, columns)
        # Eight alike replicates, because bytes are added eight at a time.
        once = np.ones((len(rows) + 1, 8), dtype=np.uint8)
        once[-1] = 0
        self._once = {key: values[:, :1] for key, values in self._values(once).items()}

    def replicates(self, weights: NDArray[np.uint8]) -> dict[tuple[str, int], Floats]:
        """Return what these weights change in each metric: arrays of slices by replicates."""
        with np.errstate(invalid="ignore"):
            return {key: values - self._once[key] for key, values in self._values(weights).items()}

    def _values(self, weights: NDArray[np.uint8]) -> dict[tuple[str, int], Floats]:
        sums = dict(self._sums.sums(weights))
        for moments in self._moments:
            sums.update(moments.sums(weights))
        curves = self._curves(weights)
        return {
            (model, position): self._value(metric, model, sums, curves)
            for model in self._models
            for position, metric in enumerate(self._metrics)
            if not (isinstance(metric, SumsMetric) and metric.paired and (self._baseline in {None, model}))
        }

    def _curves(self, weights: NDArray[np.uint8]) -> dict[tuple[str, CurveMetric], Floats]:
        wanted = dict.fromkeys(
            leaf for metric in self._metrics for leaf in _leaves(metric) if isinstance(leaf, CurveMetric)
        )
        shape = (len(self.slices), weights.shape[1])
        values = {(model, metric): np.full(shape, np.nan) for model in self._models for metric in wanted}
        for (model, view), slices in self._scores.items():
            for position, scores in enumerate(slices):
                if scores is None:
                    continue
                matrices = scores.matrices(weights)
                for metric in wanted:
                    if metric.view == view:
                        values[model, metric][position] = metric.value(matrices)
        return values

    def _value(
        self,
        metric: Resampled,
        model: str,
        sums: Mapping[SumKey, Floats],
        curves: Mapping[tuple[str, CurveMetric], Floats],
    ) -> Floats:
        if isinstance(metric, CurveMetric):
            return curves[model, metric]
        if isinstance(metric, SumsMetric):
            return np.asarray(metric.formula(*(sums[model, metric.view, term] for term in metric.terms)))
        weights = [np.full((len(self.slices), 1), weight) for weight in metric.weights]
        if metric.by_labels:
            labels = np.stack([self._value(part, model, sums, curves) for part in metric.by_labels])
            total = labels.sum(axis=0)
            # A replicate may have drawn no row of any label: its average is then one of nothing, and not an error.
            shares = np.divide(labels, total, out=np.zeros_like(labels), where=total != 0)
            weights = [weight * share for weight, share in zip(weights, shares, strict=True)]
        return average([self._value(part, model, sums, curves) for part in metric.parts], weights)


def _leaves(metric: Resampled) -> tuple[SumsMetric | CurveMetric, ...]:
    return (*metric.parts, *metric.by_labels) if isinstance(metric, AverageMetric) else (metric,)


def _terms_by_view(parts: Sequence[Resampled]) -> dict[tuple[View, bool], list[Term]]:
    result: dict[tuple[View, bool], dict[Term, None]] = {}
    for part in parts:
        if isinstance(part, SumsMetric):
            result.setdefault((part.view, part.paired), {}).update(dict.fromkeys(part.terms))
    return {key: list(terms) for key, terms in result.items()}


def replicate_weights(seed: int, stripes: Sequence[int], num_rows: int) -> NDArray[np.uint8]:
    """Return the weight of each row in the replicates of some stripes.

    Streams are Philox's, a counter-based generator, keyed by seed and stripe: a row's weights depend on nothing but
    seed, stripe and the row's position.

    Args:
        seed: Not negative.
        stripes: Stripe s holds replicates `64 * s` to `64 * s + 63`.
        num_rows: How many rows.

    Returns:
        One row a row, 64 columns a stripe, and at the end a row that weighs nothing.
    """
    weights: NDArray[np.uint8] = np.zeros((num_rows + 1, len(stripes) * STRIPE), dtype=np.uint8)
    for position, stripe in enumerate(stripes):
        stream = np.random.Philox(key=np.array([seed, stripe], dtype=np.uint64))
        columns = weights[:num_rows, position * STRIPE : (position + 1) * STRIPE]
        for start in range(0, num_rows, _BLOCK):
            result = columns[start : start + _BLOCK]
            # Eight weights of each 64-bit number; little-endian on every machine, so that replicates are the same.
            drawn = stream.random_raw(result.size // 8).astype("<u8", copy=False).view(np.uint8)
            # The weight is how many thresholds a byte reaches: a search in a table of 256 would miss the vector units.
            counted = (drawn >= _STEPS[0]).view(np.uint8)
            for step in _STEPS[1:]:
                counted += (drawn >= step).view(np.uint8)
            result[:] = counted.reshape(-1, STRIPE)
    return weights


def replicated_ranking(metric: RankingMetric, rows: QueryRows, num_replicates: int, seed: int) -> Floats:
    """Return what each replicate adds to the mean over a slice's queries; NaN where there is no mean.

    Two models on the same rows are drawn alike, so that their difference can be taken replicate by replicate.

    Args:
        metric: One that is a mean over queries.
        rows: The rows of one slice.
        num_replicates: How many.
        seed: Not negative.
    """
    if not len(rows.codes):
        return np.full(num_replicates, np.nan)
    values, counted = values_of_queries(metric, rows, weights_of_queries(rows))
    total = (values * counted).sum() / counted.sum() if counted.sum() else np.nan
    parts: list[Floats] = []
    for stripe in range(-(-num_replicates // STRIPE)):
        drawn = replicate_weights(seed, [stripe], len(values))[: len(values)]
        # Numerator and denominator are drawn alike: a mean over queries is a ratio of two sums.
        sums = np.stack([values * counted, counted]) @ drawn.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            parts.append(sums[0] / sums[1] - total)
    changes: Floats = np.concatenate(parts)[:num_replicates]
    return changes
