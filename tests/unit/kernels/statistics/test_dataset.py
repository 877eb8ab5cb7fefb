"""The accumulator as a whole; the oracle tests hold each field against TFDV's."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.kernels.statistics import DatasetStatistics, SlicingSpec, StatisticsOptions
from raising import raises


def _statistics(
    *batches: dict[str, pa.Array], schema: str = "", **options: Any
) -> statistics_pb2.DatasetFeatureStatistics:
    accumulator = DatasetStatistics(
        StatisticsOptions(**options), text_format.Parse(schema, schema_pb2.Schema()) if schema else None
    )
    state = accumulator.create()
    for batch in batches:
        state = accumulator.add_batch(state, pa.RecordBatch.from_arrays(list(batch.values()), list(batch)))
    (dataset,) = accumulator.extract(pickle.loads(pickle.dumps(state))).datasets
    return dataset


def test_no_batch_is_a_data_set_without_examples() -> None:
    assert _statistics() == statistics_pb2.DatasetFeatureStatistics()


def test_features_keep_the_order_of_the_data_and_the_data_set_has_no_name() -> None:
    dataset = _statistics({"b": pa.array([1]), "a": pa.array(["x"])}, {"c": pa.array([0.5]), "a": pa.array(["y"])})
    assert [feature.path.step[0] for feature in dataset.features] == ["b", "a", "c"]
    assert (dataset.name, dataset.num_examples) == ("", 2)
    missing = [(f.num_stats or f.string_stats).common_stats.num_missing for f in dataset.features]
    assert missing == [1, 0, 1]


def test_an_allowlist_selects_and_orders() -> None:
    dataset = _statistics({"a": pa.array([1]), "b": pa.array([1])}, feature_allowlist=("b", "nope", "a"))
    assert [feature.path.step[0] for feature in dataset.features] == ["b", "a"]


def test_top_values_break_ties_by_the_greater_value() -> None:
    (feature,) = _statistics({"x": pa.array(["a", "c", "b", "b"])}, num_top_values=2).features
    assert [(top.value, top.frequency) for top in feature.string_stats.top_values] == [("b", 2), ("c", 1)]
    assert [bucket.label for bucket in feature.string_stats.rank_histogram.buckets] == ["b", "c", "a"]
    assert feature.string_stats.unique == 3


def test_of_many_tied_values_the_greatest_are_listed() -> None:
    values = pa.array([f"{i:05}" for i in range(5000)] + ["00007"])
    (feature,) = _statistics({"x": values}, num_rank_histogram_buckets=3, num_top_values=0).features
    assert [bucket.label for bucket in feature.string_stats.rank_histogram.buckets] == ["00007", "04999", "04998"]
    assert not feature.string_stats.top_values


def test_values_below_the_thresholds_are_not_listed() -> None:
    batch = {"x": pa.array(["a", "a", "b"]), "w": pa.array([0.1, 0.1, 5.0])}
    feature, _ = _statistics(batch, frequency_threshold=2, weight_feature="w").features
    assert [top.value for top in feature.string_stats.top_values] == ["a"]
    assert [top.value for top in feature.string_stats.weighted_string_stats.top_values] == ["b"]


def test_bytes_that_are_not_utf8_are_counted_and_shown_by_a_placeholder() -> None:
    (feature,) = _statistics({"x": pa.array([b"\xff", b"\xff", b"a"])}).features
    assert feature.string_stats.invalid_utf8_count == 2
    assert [top.value for top in feature.string_stats.top_values] == ["__BYTES_VALUE__", "a"]


def test_integers_that_the_schema_calls_categories_get_string_statistics() -> None:
    schema = 'feature { name: "x" type: INT int_domain { is_categorical: true } }'
    (feature,) = _statistics({"x": pa.array([10, 9, 9, 10])}, schema=schema).features
    assert feature.type == statistics_pb2.FeatureNameStatistics.INT
    assert [top.value for top in feature.string_stats.top_values] == ["10", "9"]
    assert feature.string_stats.avg_length == 1.5


def test_images_are_described_by_their_sizes() -> None:
    schema = 'feature { name: "x" type: BYTES image_domain {} } feature { name: "none" type: BYTES image_domain {} }'
    images, none = _statistics({"x": pa.array([b"123", None, b"1"]), "none": pa.nulls(3)}, schema=schema).features
    assert images.type == none.type == statistics_pb2.FeatureNameStatistics.BYTES
    sizes = images.bytes_stats
    assert (sizes.avg_num_bytes, sizes.min_num_bytes, sizes.max_num_bytes) == (2.0, 1.0, 3.0)
    assert none.bytes_stats.common_stats.num_missing == 3


def test_a_feature_without_values_is_a_string_as_in_tfdv() -> None:
    (feature,) = _statistics({"x": pa.nulls(2)}).features
    assert feature.type == statistics_pb2.FeatureNameStatistics.STRING
    assert feature.string_stats.common_stats.num_missing == 2


def test_a_part_of_type_null_fits_any_type() -> None:
    (feature,) = _statistics({"x": pa.nulls(2)}, {"x": pa.array([[1], [2, 3]])}, {"x": pa.nulls(1)}).features
    assert feature.num_stats.common_stats.num_missing == 3
    assert feature.num_stats.common_stats.max_num_values == 2


def test_weights_that_are_all_zero_leave_no_weighted_quantiles() -> None:
    feature, _ = _statistics({"x": pa.array([1, 2]), "w": pa.array([0, 0])}, weight_feature="w").features
    assert not feature.num_stats.weighted_numeric_stats.histograms
    assert feature.num_stats.median == 2.0


def test_extracting_leaves_the_state_usable() -> None:
    accumulator = DatasetStatistics(StatisticsOptions(max_exact_bytes=0))
    batch = pa.RecordBatch.from_arrays([pa.array([1.0, 2.0]), pa.array(["a", "b"])], ["x", "s"])
    state = accumulator.add_batch(accumulator.create(), batch)
    first = accumulator.extract(state)
    assert accumulator.extract(state) == first
    assert accumulator.extract(accumulator.add_batch(state, batch)).datasets[0].num_examples == 4


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([pa.array([1]), pa.array(["a"])], ("statistics.mixed_types", "x", "INT", "STRING")),
        ([pa.array([1]), pa.array([1.0])], ("statistics.mixed_types", "x", "INT", "FLOAT")),
        ([pa.array([[1]]), pa.array([[[1]]])], ("statistics.mixed_nesting", "x", "1", "2")),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(parts: list[pa.Array], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        _statistics(*({"x": part} for part in parts))
    accumulator = DatasetStatistics()
    states = [accumulator.add_batch(accumulator.create(), pa.RecordBatch.from_arrays([part], ["x"])) for part in parts]
    with raises(*expected):
        accumulator.extract(accumulator.merge(states))


def test_two_columns_of_one_name_are_refused() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([1]), pa.array([2])], ["x", "x"])
    with raises("statistics.duplicate_columns", "x"):
        DatasetStatistics().add_batch(DatasetStatistics().create(), batch)


@pytest.mark.parametrize("exact", [True, False])
def test_a_state_stays_small(exact: bool) -> None:
    accumulator = DatasetStatistics(StatisticsOptions(max_exact_bytes=1 << 16))
    rng, state = np.random.default_rng(0), accumulator.create()
    for _ in range(20):
        values = rng.integers(0, 100, 10_000) if exact else rng.normal(size=10_000)
        strings = pa.array(values).cast(pa.string())
        state = accumulator.add_batch(state, pa.RecordBatch.from_arrays([pa.array(values), strings], ["x", "s"]))
    assert len(pickle.dumps(state)) < (200_000 if exact else 2_000_000)


def test_a_category_beyond_64_bits_is_refused() -> None:
    schema = 'feature { name: "x" type: INT int_domain { is_categorical: true } }'
    with raises("statistics.category", "x", "Integer", "18446744073709551615"):
        _statistics({"x": pa.array([2**64 - 1], pa.uint64())}, schema=schema)


def _sliced(*batches: pa.RecordBatch, **options: Any) -> dict[str, statistics_pb2.DatasetFeatureStatistics]:
    accumulator = DatasetStatistics(StatisticsOptions(**options))
    states = [accumulator.add_batch(accumulator.create(), batch) for batch in batches]
    return {dataset.name: dataset for dataset in accumulator.extract(accumulator.merge(states)).datasets}


def _rows(**columns: list[Any]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(values) for values in columns.values()], list(columns))


def test_slices_are_data_sets_of_their_own_rows() -> None:
    parts = _rows(kind=["b", "a"], x=[1, 2]), _rows(kind=["b", None], x=[3, 4]), _rows(x=[5])
    found = _sliced(*parts, slices=(SlicingSpec(feature_keys=("kind",)), SlicingSpec(where="x > 9")))
    assert list(found) == ["All Examples", "kind_a", "kind_b", "x > 9"]
    assert [dataset.num_examples for dataset in found.values()] == [5, 1, 2, 0]
    alone = _statistics({"kind": pa.array(["b", "b"]), "x": pa.array([1, 3])})
    assert found["kind_b"].features == alone.features


def test_too_many_slices_are_refused_and_named() -> None:
    with raises("statistics.too_many_slices", "2", "x_3"):
        _sliced(_rows(x=[1, 2, 3]), slices=(SlicingSpec(feature_keys=("x",)),), max_slices=2)


def test_slices_by_a_column_that_is_nowhere_are_refused() -> None:
    for spec in (SlicingSpec(feature_keys=("kinds",)), SlicingSpec(where="kinds == 'a'")):
        with raises("statistics.slice_column", "kinds"):
            _sliced(_rows(kind=["a"]), slices=(spec,))


def test_two_slices_of_one_name_are_refused() -> None:
    specs = SlicingSpec(feature_keys=("a",)), SlicingSpec(feature_keys=("a_b",))
    with raises("statistics.slice_name", "a_b_c"):
        _sliced(_rows(a=["b_c", "x"], a_b=["x", "c"]), slices=specs)
