from __future__ import annotations

import copy

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.statistics.columns import feature_columns
from assay.kernels.statistics.numeric import NumericState, add_numbers, merge_numbers, numeric_statistics
from assay.kernels.statistics.options import StatisticsOptions

_ROOM = 1 << 20
_EPSILON = 0.01


def _state(values: pa.Array, max_bytes: int = _ROOM) -> NumericState:
    state = NumericState()
    add_numbers(state, next(feature_columns(("x",), values, None)), _EPSILON, max_bytes)
    return state


def _proto(state: NumericState) -> statistics_pb2.NumericStatistics:
    return numeric_statistics(state, StatisticsOptions())


def test_numbers_are_described() -> None:
    proto = _proto(_state(pa.array([3, 0, None, 0, 5])))
    assert (proto.mean, proto.num_zeros, proto.min, proto.median, proto.max) == (2.0, 2, 0.0, 3.0, 5.0)
    assert proto.std_dev == pytest.approx(np.std([3, 0, 0, 5]))
    assert [histogram.type for histogram in proto.histograms] == [
        statistics_pb2.Histogram.STANDARD,
        statistics_pb2.Histogram.QUANTILES,
    ]


def test_nan_and_nulls_inside_lists_are_counted_and_left_out() -> None:
    proto = _proto(_state(pa.array([[1.0, float("nan")], [None], None])))
    assert (proto.mean, proto.histograms[0].num_nan, proto.histograms[1].num_nan) == (1.0, 2, 2)


def test_nan_alone_leaves_histograms_that_only_count_it() -> None:
    proto = _proto(_state(pa.array([float("nan")] * 3)))
    assert [histogram.num_nan for histogram in proto.histograms] == [3, 3]
    assert not proto.histograms[0].buckets


def test_no_numbers_are_no_statistics() -> None:
    assert _proto(_state(pa.array([None], pa.int64()))) == statistics_pb2.NumericStatistics()


def test_both_zeros_are_one_value() -> None:
    state = _state(pa.array([0.0, -0.0]))
    table = state.exact.table()
    assert table is not None
    assert table.values.to_pylist() == [0.0]
    assert table.counts.tolist() == [2]


@pytest.mark.parametrize("sketched", [(False, True), (True, False), (True, True)])
def test_exact_and_sketched_parts_merge(sketched: tuple[bool, bool]) -> None:
    values = np.random.default_rng(0).normal(size=20_000)
    parts = [
        _state(pa.array(part), 1000 if each else _ROOM)
        for part, each in zip(np.split(values, [8000]), sketched, strict=True)
    ]
    assert tuple(part.sketch is not None for part in parts) == sketched
    merge_numbers(parts[0], copy.deepcopy(parts[1]), _EPSILON, 1000)
    proto = _proto(parts[0])
    assert (proto.min, proto.max) == (values.min(), values.max())
    assert proto.mean == pytest.approx(values.mean(), rel=1e-9)
    assert proto.std_dev == pytest.approx(values.std(), rel=1e-9)
    assert abs(np.searchsorted(np.sort(values), proto.median) / len(values) - 0.5) <= _EPSILON
    quantiles = proto.histograms[1].buckets
    assert (quantiles[0].low_value, quantiles[-1].high_value) == (values.min(), values.max())
    assert sum(bucket.sample_count for bucket in quantiles) == pytest.approx(len(values))
