"""What the oracle tests do not reach."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from assay.kernels.statistics.generators.lift import MAX_PAIRS
from raising import raises


def _dataset(columns: dict[str, Any], **options: Any) -> Any:
    accumulator = DatasetStatistics(StatisticsOptions(label_feature="y", **options))
    batch = pa.RecordBatch.from_arrays([pa.array(values) for values in columns.values()], list(columns))
    middle = batch.num_rows // 2
    states = [accumulator.add_batch(accumulator.create(), part) for part in (batch[:middle], batch[middle:])]
    for state in states:
        accumulator.extract(state)
    return accumulator.extract(accumulator.merge(states)).datasets[0]


def test_independent_features_have_a_weighted_lift_of_one() -> None:
    columns = {"x": ["a", "a", "b", "b"], "y": [0, 1, 0, 1], "w": [3.0, 9.0, 3.0, 9.0]}
    (cross,) = _dataset(columns, weight_feature="w").cross_features
    weighted = cross.categorical_cross_stats.lift.lift_series[2:]
    assert [value.lift for series in weighted for value in series.lift_values] == [1.0] * 4


def test_too_many_pairs_are_left_out_and_this_is_said() -> None:
    many = [str(n) for n in range(MAX_PAIRS + 1)]
    dataset = _dataset({"id": many, "x": ["a"] * len(many), "y": [1] * len(many)})
    assert [cross.path_x.step[0] for cross in dataset.cross_features] == ["x"]
    assert "lift_not_computed" in [each.name for each in dataset.features[0].custom_stats]


def test_a_label_of_no_categories_needs_boundaries() -> None:
    with raises("statistics.label", "y", "double"):
        _dataset({"x": ["a"], "y": [0.5]})
    with raises("statistics.no_label", "y", "x"):
        _dataset({"x": ["a"]})
    with raises("statistics.label", "y", "string"):
        _dataset({"x": ["a"], "y": ["b"]}, label_boundaries=(1.0,))
    with raises("statistics.option", "label_boundaries"):
        StatisticsOptions(label_boundaries=(2.0, 1.0))
