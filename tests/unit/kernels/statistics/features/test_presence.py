from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.statistics.columns import feature_columns
from assay.kernels.statistics.options import StatisticsOptions
from assay.kernels.statistics.presence import (
    PresenceState,
    add_presence,
    common_statistics,
    length_statistics,
    merge_presence,
)
from raising import raises


def _state(*values: object, type_: pa.DataType | None = None, weights: list[float] | None = None) -> PresenceState:
    state = PresenceState()
    weight = None if weights is None else np.array(weights)
    add_presence(state, next(feature_columns(("x",), pa.array(values, type_), weight)))
    return state


def test_flat_columns_have_one_value_where_they_are_present() -> None:
    common = common_statistics(_state(1, None, 2), 5, 0.0, StatisticsOptions())
    assert (common.num_non_missing, common.num_missing, common.tot_num_values) == (2, 3, 2)
    assert (common.min_num_values, common.max_num_values, common.avg_num_values) == (1, 1, 1.0)
    assert not common.presence_and_valency_stats
    assert not common.HasField("weighted_common_stats")


def test_an_empty_list_is_present_and_a_null_is_not() -> None:
    common = common_statistics(_state([], None, [1, 2]), 3, 0.0, StatisticsOptions(num_values_histogram_buckets=2))
    assert (common.num_non_missing, common.num_missing) == (2, 1)
    assert (common.min_num_values, common.max_num_values) == (0, 2)
    assert [bucket.sample_count for bucket in common.num_values_histogram.buckets] == [1.5, 0.5]


def test_lists_of_lists_are_described_at_each_level() -> None:
    state = _state([[1], [2, 3]], None, [None], type_=pa.list_(pa.list_(pa.int64())))
    common = common_statistics(state, 3, 0.0, StatisticsOptions())
    outer, inner = common.presence_and_valency_stats
    assert (outer.num_non_missing, outer.num_missing, outer.tot_num_values) == (2, 1, 3)
    assert (inner.num_non_missing, inner.num_missing, inner.tot_num_values) == (2, 1, 3)
    assert (common.min_num_values, common.max_num_values, common.avg_num_values) == (0, 3, 1.5)
    assert [custom.name for custom in length_statistics(state, StatisticsOptions())] == [
        "level_2_value_list_length_quantiles",
        "level_2_value_list_length_standard",
    ]


def test_weights_give_a_twin() -> None:
    state = _state([1, 2], None, [], weights=[0.5, 2.0, 4.0])
    twin = common_statistics(state, 3, 6.5, StatisticsOptions(weight_feature="w")).weighted_common_stats
    assert (twin.num_non_missing, twin.num_missing, twin.tot_num_values) == (4.5, 2.0, 1.0)
    assert twin.avg_num_values == pytest.approx(1.0 / 4.5)


def test_missing_everywhere_says_only_that() -> None:
    common = common_statistics(PresenceState(), 4, 0.0, StatisticsOptions())
    assert (common.num_missing, common.num_non_missing) == (4, 0)
    assert not common.HasField("num_values_histogram")


def test_parts_of_other_depth_are_refused_and_parts_without_values_are_not() -> None:
    state = _state([1])
    merge_presence(state, PresenceState(), "x")
    assert common_statistics(state, 1, 0.0, StatisticsOptions()).num_non_missing == 1
    with raises("statistics.mixed_nesting", "x", "1", "2"):
        merge_presence(state, _state([[1]]), "x")
