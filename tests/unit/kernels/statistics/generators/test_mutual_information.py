from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.data.sources import TableRows
from assay.engines.embedded import EmbeddedEngine
from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from assay.kernels.statistics.merging import MergeableStatistics, merge_statistics
from raising import raises

_OPTIONS = StatisticsOptions(label_feature="y", mutual_information_partitions=3, mutual_information_rows=200)


def _table(rows: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    return pa.table({"y": y, "same": y.astype(str), "far": y * 9.0, "free": rng.normal(size=rows)})


def _found(table: pa.Table, options: StatisticsOptions = _OPTIONS) -> dict[str, dict[str, Any]]:
    (dataset,) = EmbeddedEngine().reduce(TableRows(table), DatasetStatistics(options)).datasets
    return {
        feature.path.step[0]: {custom.name: custom.str or custom.num for custom in feature.custom_stats}
        for feature in dataset.features
    }


def test_what_tells_the_label_has_its_entropy() -> None:
    found = _found(_table(2000))
    for name in ("same", "far"):
        assert found[name]["median_adjusted_mutual_information"] == pytest.approx(1, abs=0.1)
        assert found[name]["num_partitions_adjusted_mutual_information"] == 3
    assert found["free"]["mean_adjusted_mutual_information"] < 0.3
    assert "median_adjusted_mutual_information" not in found["y"]


def test_a_label_of_fractions_has_information_but_no_lift() -> None:
    table = _table(2000)
    options = StatisticsOptions(label_feature="far", mutual_information_partitions=1)
    noisy = table.set_column(2, "far", pa.array(table["far"].to_numpy() + np.random.default_rng(1).random(2000)))
    found = _found(noisy, options)
    assert found["same"]["median_adjusted_mutual_information"] == pytest.approx(1, abs=0.1)
    assert "holds numbers" in found["far"]["lift_not_computed"]
    in_bins = StatisticsOptions(label_feature="far", mutual_information_partitions=1, label_boundaries=(5.0,))
    found = _found(noisy, in_bins)
    assert found["same"]["median_adjusted_mutual_information"] == pytest.approx(1, abs=0.1)
    assert "Lift (Y=[5.0,inf])" in found["same"]


def test_too_few_rows_are_told() -> None:
    found = _found(_table(20))
    assert found["same"]["adjusted_mutual_information_not_computed"] == "No part of the rows has 10 of them."


def test_missing_and_infinite_values_and_a_label_that_is_different_in_each_row() -> None:
    rows = 60
    y: list[Any] = ["a", "b"] * (rows // 2)
    x: list[Any] = [np.inf, np.nan, None] * (rows // 3)
    table = pa.table({"y": y, "x": pa.array(x, pa.float64()), "row": [str(row) for row in range(rows)]})
    options = StatisticsOptions(label_feature="y", mutual_information_partitions=1)
    found = _found(table, options)
    assert found["x"]["median_adjusted_mutual_information"] == 0
    assert found["row"]["median_adjusted_mutual_information"] == 0
    by_row = _found(table, StatisticsOptions(label_feature="row", mutual_information_partitions=1))
    assert by_row["y"]["median_adjusted_mutual_information"] == 0


def test_the_number_of_threads_does_not_matter_and_states_merge() -> None:
    rows = TableRows(_table(200_000))
    one, two = (EmbeddedEngine(threads).reduce(rows, MergeableStatistics(_OPTIONS)) for threads in (1, 2))
    assert one == two
    merged = merge_statistics([one.state, two.state]).proto.datasets[0]
    assert merged.num_examples == 400_000
    assert sum(len(feature.custom_stats) for feature in merged.features) == sum(
        len(feature.custom_stats) for feature in one.proto.datasets[0].features
    )


def test_columns_that_some_batches_lack() -> None:
    accumulator = DatasetStatistics(_OPTIONS)
    state = accumulator.create()
    for batch in (_table(5000).drop(["far"]), _table(5000, seed=1)):
        accumulator.add_batch(state, batch.combine_chunks().to_batches()[0])
    (dataset,) = accumulator.extract(state).datasets
    (far,) = [feature for feature in dataset.features if feature.path.step[0] == "far"]
    assert next(custom.name for custom in far.custom_stats) == "min_adjusted_mutual_information"


def test_what_cannot_be_asked() -> None:
    with raises("statistics.option", "label_feature"):
        StatisticsOptions(mutual_information_partitions=2)
    with raises("statistics.option", "10", "4000", "5"):
        StatisticsOptions(mutual_information_rows=5)
    with raises("statistics.option"):
        StatisticsOptions(label_feature="y", mutual_information_partitions=-1)
    with raises("statistics.no_label", "y", "x"):
        _found(pa.table({"x": [1]}))
