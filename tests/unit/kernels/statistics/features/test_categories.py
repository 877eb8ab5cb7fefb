from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.statistics.categories import (
    CategoryState,
    add_categories,
    merge_categories,
    string_statistics,
)
from assay.kernels.statistics.columns import feature_columns
from assay.kernels.statistics.options import StatisticsOptions

_ROOM = 1 << 20


def _state(values: pa.Array, max_bytes: int = _ROOM) -> CategoryState:
    state = CategoryState()
    add_categories(state, next(feature_columns(("x",), values, None)), max_bytes)
    return state


def _top(proto: statistics_pb2.StringStatistics) -> list[tuple[str, float]]:
    return [(top.value, top.frequency) for top in proto.top_values]


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
def test_strings_and_bytes_are_described_alike(type_: pa.DataType) -> None:
    proto = string_statistics(_state(pa.array([b"a", b"bcd", None, b"a"]).cast(type_)), 3, StatisticsOptions())
    assert (proto.unique, _top(proto)) == (2, [("a", 2.0), ("bcd", 1.0)])
    assert proto.avg_length == pytest.approx(5 / 3)


def test_no_values_are_no_statistics() -> None:
    state = _state(pa.array([None], pa.string()))
    assert string_statistics(state, 0, StatisticsOptions()) == statistics_pb2.StringStatistics()


def test_numbers_are_shown_and_measured_in_decimal() -> None:
    proto = string_statistics(_state(pa.array([10, 9, 9])), 3, StatisticsOptions())
    assert _top(proto) == [("9", 2.0), ("10", 1.0)]
    assert proto.avg_length == pytest.approx(4 / 3)
    assert _top(string_statistics(_state(pa.array([0.5])), 1, StatisticsOptions())) == [("0.5", 1.0)]


@pytest.mark.parametrize("sketched", [(False, True), (True, False), (True, True)])
def test_exact_and_sketched_parts_merge(sketched: tuple[bool, bool]) -> None:
    words = (np.random.default_rng(0).zipf(1.5, 30_000) % 9_000).astype(str)
    one, two = (
        _state(pa.array(part), 4_000 if each else _ROOM)
        for part, each in zip(np.split(words, [10_000]), sketched, strict=True)
    )
    assert (one.sketch is not None, two.sketch is not None) == sketched
    merge_categories(one, two, 4_000)
    proto = string_statistics(one, len(words), StatisticsOptions(num_top_values=3))
    exact = string_statistics(_state(pa.array(words)), len(words), StatisticsOptions(num_top_values=3))
    assert proto.unique == pytest.approx(exact.unique, rel=0.03)
    assert proto.avg_length == exact.avg_length
    assert [value for value, _ in _top(proto)] == [value for value, _ in _top(exact)]
    assert [count for _, count in _top(proto)] == pytest.approx([count for _, count in _top(exact)], rel=0.01)
