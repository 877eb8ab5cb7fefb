"""The accumulator of all metrics: any split, any order of merging, the same figures."""

from __future__ import annotations

import itertools
import pickle
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.engines.base import Accumulator
from assay.engines.embedded import EmbeddedEngine
from assay.kernels.metrics import binary, comparison, multiclass, plots, ranking, regression
from assay.kernels.metrics.accumulator import SlicedMetrics
from assay.kernels.metrics.multiclass import ClassMatrixMetric
from assay.kernels.metrics.rows import Floats, RowColumns
from assay.kernels.metrics.slices import SlicingSpec
from assay.kernels.metrics.values import AnyMetric, MetricsState, SlicedValues
from assay.kernels.metrics.view import View


class Cost:
    """A user's own metric."""

    name = "cost"

    def create(self) -> float:
        return 0.0

    def add(self, state: float, labels: Floats, predictions: Floats, weights: Floats) -> float:
        return state + float((weights * np.abs(predictions - labels)).sum())

    def merge(self, states: list[float]) -> float:
        return sum(states)

    def extract(self, state: float) -> float:
        return state


METRICS: list[AnyMetric] = [
    binary.rate("binary_accuracy"),
    binary.rate("f1_score", thresholds=[0.25, 0.5]),
    binary.auc(),
    binary.auc(curve="PR"),
    binary.auc(num_thresholds=200),
    binary.best_at("precision_at_recall", [0.5]),
    binary.binary_crossentropy(clip=1e-7),
    binary.calibration(),
    binary.example_count(),
    binary.example_count(weighted=True),
    regression.squared_pearson_correlation(),
    plots.confusion_matrix_at_thresholds([0.25, 0.75]),
    ranking.ndcg(2),
    ranking.mean_reciprocal_rank(),
    *comparison.boolean_flip_rates(),
    *binary.fairness_indicators([0.5]),
    Cost(),
]
COLUMNS = RowColumns(
    label="label",
    predictions={"candidate": "a", "baseline": "b"},
    weight="weight",
    slicing=(SlicingSpec(), SlicingSpec(feature_keys=("x",)), SlicingSpec(feature_keys=("x", "tags"))),
    query="query",
)
SCORES = st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.75, 1.0])


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from([0.0, 1.0]),
                SCORES,
                SCORES,
                st.sampled_from([0.0, 0.3, 1.0, 2.5]),
                st.sampled_from(["u", "v", None]),
                st.lists(st.sampled_from([1, 2, 3]), max_size=2),
                st.integers(0, 3),
            ),
            min_size=1,
            max_size=30,
        )
    )
    names = ["label", "a", "b", "weight", "x", "tags", "query"]
    kinds = [pa.float64()] * 4 + [pa.string(), pa.list_(pa.int64()), pa.int64()]
    return pa.table({name: pa.array(c, kind) for name, c, kind in zip(names, zip(*rows), kinds)})  # noqa: B905 - 3.10


def whole(accumulator: SlicedMetrics, table: pa.Table) -> SlicedValues:
    return accumulator.extract(accumulator.add_batch(accumulator.create(), table.combine_chunks().to_batches()[0]))


def assert_same(left: SlicedValues, right: SlicedValues) -> None:
    assert left.slices == right.slices
    assert left.examples.tolist() == right.examples.tolist()
    assert left.values.keys() == right.values.keys()
    for key, values in left.values.items():
        np.testing.assert_allclose(values, right.values[key], rtol=1e-12, atol=1e-12, err_msg=str(key))


@given(tables(), st.lists(st.integers(0, 30), max_size=4))
def test_any_split_gives_the_same(table: pa.Table, cuts: list[int]) -> None:
    accumulator = SlicedMetrics(METRICS, COLUMNS, baseline="baseline")
    bounds = sorted({0, *(min(cut, len(table)) for cut in cuts), len(table)})
    state = accumulator.create()
    for start, end in itertools.pairwise(bounds):
        state = accumulator.add_batch(state, table.slice(start, end - start).combine_chunks().to_batches()[0])
    assert_same(accumulator.extract(state), whole(accumulator, table))


@given(tables(), st.integers(0, 30), st.integers(0, 30))
def test_merge_is_associative_and_a_state_travels(table: pa.Table, first: int, second: int) -> None:
    accumulator = SlicedMetrics(METRICS, COLUMNS, baseline="baseline")
    low, high = sorted((min(first, len(table)), min(second, len(table))))
    parts = [table.slice(0, low), table.slice(low, high - low), table.slice(high)]

    def states() -> list:
        made = []
        for part in parts:
            state = accumulator.create()
            for batch in part.to_batches():
                state = accumulator.add_batch(state, batch)
            made.append(pickle.loads(pickle.dumps(state)))
        return made

    a, b, c = states()
    left = accumulator.extract(accumulator.merge([accumulator.merge([a, b]), c]))
    a, b, c = states()
    right = accumulator.extract(accumulator.merge([a, accumulator.merge([b, c])]))
    assert_same(left, right)
    assert_same(left, whole(accumulator, table))


@given(tables(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(table: pa.Table, random: object) -> None:
    accumulator = SlicedMetrics(METRICS, COLUMNS, baseline="baseline")
    order = np.random.default_rng(random.randrange(1 << 30)).permutation(len(table))  # type: ignore[attr-defined]  # hypothesis's Random
    assert_same(whole(accumulator, table.take(pa.array(order))), whole(accumulator, table))


@given(tables())
def test_a_weight_of_two_is_the_row_twice(table: pa.Table) -> None:
    table = table.set_column(3, "weight", pa.array(np.ones(len(table))))
    metrics = METRICS[:8]
    accumulator = SlicedMetrics(metrics, COLUMNS)
    doubled = whole(accumulator, table.set_column(3, "weight", pa.array(np.full(len(table), 2.0))))
    repeated = whole(accumulator, pa.concat_tables([table, table]))
    for key, values in doubled.values.items():
        np.testing.assert_allclose(values, repeated.values[key], rtol=1e-12)


@given(st.lists(st.tuples(st.integers(0, 2), st.lists(SCORES, min_size=3, max_size=3)), min_size=1, max_size=20))
def test_classes_split_any_way(rows: list[tuple[int, list[float]]]) -> None:
    table = pa.table({"label": [row[0] for row in rows], "p": [row[1] for row in rows]})
    metrics = [
        multiclass.categorical_accuracy(),
        multiclass.macro_average(
            lambda view: binary.auc(view=view),
            {View(class_id=one): 1.0 for one in range(3)},
            by_labels=True,
        ),
    ]
    matrix = ClassMatrixMetric()
    accumulator = SlicedMetrics([*metrics, matrix], RowColumns(label="label", predictions={"m": "p"}))
    parts = [accumulator.add_batch(accumulator.create(), batch) for batch in table.to_batches(max_chunksize=3)]
    split, together = accumulator.extract(accumulator.merge(parts)), whole(accumulator, table)
    for position in range(2):
        np.testing.assert_allclose(split.value("m", position), together.value("m", position), rtol=1e-12)
    assert split.value("m", 2) == together.value("m", 2)
    assert sum(split.value("m", 2)[0.5].values()) == pytest.approx(len(rows))


class Shard:
    """Rows of a table, in batches."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield from self._table.to_batches(max_chunksize=3)


class Shards:
    """A source in memory."""

    bounded = True

    def __init__(self, table: pa.Table, rows_a_shard: int) -> None:
        self.shards = [Shard(table.slice(start, rows_a_shard)) for start in range(0, len(table), rows_a_shard)]


@given(tables(), st.integers(1, 10), st.integers(1, 3))
def test_an_engine_runs_it(table: pa.Table, rows_a_shard: int, threads: int) -> None:
    accumulator: Accumulator[MetricsState, SlicedValues] = SlicedMetrics(METRICS, COLUMNS, baseline="baseline")
    values = EmbeddedEngine(threads=threads).reduce(Shards(table, rows_a_shard), accumulator)
    assert_same(values, whole(SlicedMetrics(METRICS, COLUMNS, baseline="baseline"), table))
