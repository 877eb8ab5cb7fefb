"""Statistics do not depend on how rows are split into batches and states."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.statistics import DatasetState, DatasetStatistics, StatisticsOptions

_COLUMNS = {
    "int": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "float": (pa.float64(), st.floats()),
    "string": (pa.string(), st.text(st.characters(codec="utf-8"), max_size=3)),
    "bytes": (pa.binary(), st.binary(max_size=2)),
    "ints": (pa.list_(pa.int64()), st.lists(st.none() | st.integers(-2, 2), max_size=3)),
    "nested": (pa.list_(pa.list_(pa.string())), st.lists(st.lists(st.sampled_from("abc"), max_size=2), max_size=2)),
}


@st.composite
def _batches(draw: st.DrawFn) -> pa.RecordBatch:
    rows = draw(st.integers(0, 12))
    arrays = [
        pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), type_)
        for type_, values in _COLUMNS.values()
    ]
    # Weights whose sums are exact in any order.
    weights = draw(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0]), min_size=rows, max_size=rows))
    return pa.RecordBatch.from_arrays([*arrays, pa.array(weights, pa.float64())], [*_COLUMNS, "weight"])


def _state(accumulator: DatasetStatistics, *batches: pa.RecordBatch) -> DatasetState:
    state = accumulator.create()
    for batch in batches:
        state = accumulator.add_batch(state, batch)
    accumulator.extract(state)  # describes the rows that wait for more, so that descriptions are merged and not rows
    restored: DatasetState = pickle.loads(pickle.dumps(state))
    return restored


def _bytes(statistics: statistics_pb2.DatasetFeatureStatisticsList) -> bytes:
    serialized: bytes = statistics.SerializeToString(deterministic=True)
    return serialized


@pytest.mark.slow
@given(batches=st.lists(_batches(), min_size=3, max_size=3), weighted=st.booleans())
def test_any_split_gives_the_same_bytes(batches: list[pa.RecordBatch], weighted: bool) -> None:
    accumulator = DatasetStatistics(StatisticsOptions(weight_feature="weight" if weighted else None))
    whole = pa.Table.from_batches(batches).combine_chunks().to_batches() or batches[:1]
    expected = _bytes(accumulator.extract(_state(accumulator, *whole)))
    one, two, three = batches
    splits = [
        [_state(accumulator, one, two, three)],
        [_state(accumulator, one), _state(accumulator, two), _state(accumulator, three)],
        [_state(accumulator, one), accumulator.merge([_state(accumulator, two), _state(accumulator, three)])],
        [accumulator.merge([_state(accumulator, one), _state(accumulator, two)]), _state(accumulator, three)],
        [
            accumulator.create(),
            *(_state(accumulator, batch.slice(i, 1)) for batch in batches for i in range(len(batch))),
        ],
    ]
    if not len(whole[0]):
        splits.pop()  # without rows there are no batches of one row, and so no columns
    for states in splits:
        assert _bytes(accumulator.extract(accumulator.merge(states))) == expected


_EXACT = ("num_zeros", "min", "max")


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), cuts=st.lists(st.integers(0, 20_000), max_size=3))
def test_sketched_features_keep_exact_counts_and_quantiles_within_epsilon(seed: int, cuts: list[int]) -> None:
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(20_000) < 0.1, 0.0, rng.lognormal(sigma=3.0, size=20_000))
    words = pa.array((rng.zipf(1.3, 20_000) % 40_000).astype(str))
    batch = pa.RecordBatch.from_arrays([pa.array(values), words], ["x", "word"])
    edges = [0, *sorted(cuts), len(values)]
    parts = [batch.slice(low, high - low) for low, high in itertools.pairwise(edges)]
    sketching = DatasetStatistics(StatisticsOptions(max_exact_bytes=10_000))
    number, word = sketching.extract(sketching.merge([_state(sketching, part) for part in parts])).datasets[0].features

    (expected, expected_word) = DatasetStatistics().extract(_state(DatasetStatistics(), batch)).datasets[0].features
    assert number.num_stats.common_stats == expected.num_stats.common_stats
    assert [getattr(number.num_stats, name) for name in _EXACT] == [
        getattr(expected.num_stats, name) for name in _EXACT
    ]
    np.testing.assert_allclose(number.num_stats.mean, expected.num_stats.mean, rtol=1e-9)
    np.testing.assert_allclose(number.num_stats.std_dev, expected.num_stats.std_dev, rtol=1e-9)
    ordered = np.sort(values)
    for i, bucket in enumerate(number.num_stats.histograms[1].buckets, start=1):
        low, high = (np.searchsorted(ordered, bucket.high_value, side) / len(values) for side in ("left", "right"))
        assert low - 0.01 <= i / 10 <= high + 0.01

    assert word.string_stats.avg_length == expected_word.string_stats.avg_length
    assert abs(word.string_stats.unique / expected_word.string_stats.unique - 1) < 0.05
    assert word.string_stats.top_values[0].value == expected_word.string_stats.top_values[0].value
