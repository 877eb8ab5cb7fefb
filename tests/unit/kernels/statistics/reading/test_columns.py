from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.arrow_types import FeatureType
from assay.kernels.statistics.columns import FeatureColumn, Path, example_weights, feature_columns
from raising import raises


def _column(array: pa.Array, weights: np.ndarray | None = None) -> FeatureColumn:  # type: ignore[type-arg]
    return next(feature_columns(("x",), array, weights))


def test_a_flat_column_has_one_value_where_it_is_not_null() -> None:
    column = _column(pa.array([1, None, 3]), np.array([1.0, 2.0, 4.0]))
    (level,) = column.levels
    assert (level.num_present, level.lengths.tolist(), level.length_counts.tolist()) == (2, [1], [2])
    assert (level.present_weight, level.value_weight) == (5.0, 5.0)
    assert column.leaf_lengths is None
    assert not column.nulls_are_values


def test_a_list_column_counts_lengths_and_repeats_weights() -> None:
    column = _column(pa.array([[1, 2], None, [], [3]]), np.array([1.0, 2.0, 4.0, 8.0]))
    (level,) = column.levels
    assert (level.num_present, level.lengths.tolist(), level.length_counts.tolist()) == (3, [0, 1, 2], [1, 1, 1])
    assert (level.present_weight, level.value_weight) == (13.0, 10.0)
    assert column.leaf is not None
    assert column.leaf.to_pylist() == [1, 2, 3]
    assert column.leaf_weights is not None
    assert column.leaf_weights.tolist() == [1.0, 1.0, 8.0]


def test_a_list_of_lists_has_two_levels_and_counts_innermost_values_per_example() -> None:
    column = _column(pa.array([[[1], [2, 3]], None, [[]], [None, [4]], []]), None)
    assert [(level.num_present, level.lengths.tolist()) for level in column.levels] == [(4, [0, 1, 2]), (4, [0, 1, 2])]
    assert column.leaf_lengths is not None
    lengths, counts = column.leaf_lengths
    assert dict(zip(lengths.tolist(), counts.tolist(), strict=True)) == {0: 2, 1: 1, 3: 1}


@pytest.mark.parametrize(
    ("array", "type_", "values"),
    [
        (pa.array(["a", None, "a"]).dictionary_encode(), FeatureType.STRING, ["a", None, "a"]),
        (pa.array([True, False]), FeatureType.INT, [1, 0]),
        (pa.array(np.array([0.5, 2], np.float16)), FeatureType.FLOAT, [0.5, 2.0]),
        (pa.array([b"ab"], pa.binary(2)), FeatureType.STRING, [b"ab"]),
        (pa.array([[1, 2], None], pa.list_(pa.int8(), 2)), FeatureType.INT, [1, 2]),
        (pa.array([["a"], None], pa.large_list(pa.large_string())), FeatureType.STRING, ["a"]),
        (pa.array([[9], [1, 2], None]).slice(1), FeatureType.INT, [1, 2]),
    ],
)
def test_what_arrow_wraps_values_in_is_undone(array: pa.Array, type_: int, values: list[object]) -> None:
    column = _column(array, None)
    assert column.type == type_
    assert column.leaf is not None
    assert column.leaf.to_pylist() == values


def test_a_column_of_type_null_tells_no_type() -> None:
    column = _column(pa.nulls(3), None)
    assert (column.type, column.leaf, column.levels[0].num_present) == (None, None, 0)


def _tree(array: pa.Array, weights: np.ndarray | None = None) -> dict[Path, FeatureColumn]:  # type: ignore[type-arg]
    return {column.path: column for column in feature_columns(("x",), array, weights)}


def test_a_struct_is_a_feature_and_so_is_each_field() -> None:
    array = pa.array([{"a": 1, "b": {"c": ["x", "y"]}}, None, {"a": None, "b": None}])
    columns = _tree(array, np.array([1.0, 2.0, 4.0]))
    assert {path: column.type for path, column in columns.items()} == {
        ("x",): FeatureType.STRUCT,
        ("x", "a"): FeatureType.INT,
        ("x", "b"): FeatureType.STRUCT,
        ("x", "b", "c"): FeatureType.STRING,
    }
    assert [column.levels[0].num_present for column in columns.values()] == [2, 1, 1, 1]
    assert [column.levels[0].present_weight for column in columns.values()] == [5.0, 1.0, 1.0, 1.0]
    leaf_weights = columns["x", "b", "c"].leaf_weights
    assert leaf_weights is not None
    assert leaf_weights.tolist() == [1.0, 1.0]


def test_fields_of_structs_in_lists_belong_to_the_structs() -> None:
    columns = _tree(pa.array([[{"a": 1}, None], None, [{"a": 3}]]))
    assert columns["x",].levels[0].lengths.tolist() == [1, 2]
    assert columns["x", "a"].levels[0].num_present == 2
    leaf = columns["x", "a"].leaf
    assert leaf is not None
    assert leaf.drop_null().to_pylist() == [1, 3]


def test_a_map_is_a_list_of_keys_and_values() -> None:
    array = pa.array([[("no", 0)], [("a", 1), ("b", 2)], None, []], pa.map_(pa.string(), pa.int64())).slice(1)
    columns = _tree(array)
    assert list(columns) == [("x",), ("x", "key"), ("x", "value")]
    assert columns["x",].levels[0].lengths.tolist() == [0, 2]
    assert columns["x", "value"].leaf == pa.array([1, 2])


def test_two_fields_of_one_name_are_refused() -> None:
    array = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["a", "a"])
    with raises("statistics.duplicate_columns", "x"):
        _tree(array)


def _weights(array: pa.Array) -> np.ndarray:  # type: ignore[type-arg]
    return example_weights("w", pa.RecordBatch.from_arrays([array], ["w"]))


def test_weights_are_flat_or_lists_of_one() -> None:
    assert _weights(pa.array([1, 2])).tolist() == [1.0, 2.0]
    assert _weights(pa.array([[0.5], [2.0]])).tolist() == [0.5, 2.0]
    assert _weights(pa.array([], pa.int64())).tolist() == []


@pytest.mark.parametrize("array", [pa.array([1, None]), pa.array([[1], []]), pa.array([[1], [None]])])
def test_a_row_without_a_weight_is_refused(array: pa.Array) -> None:
    with raises("statistics.weight_feature", "w"):
        _weights(array)


@pytest.mark.parametrize("array", [pa.array(["a"]), pa.nulls(1)])
def test_weights_that_are_no_numbers_are_refused(array: pa.Array) -> None:
    with raises("statistics.weight_feature", "w"):
        _weights(array)


def test_an_absent_weight_column_is_refused() -> None:
    with raises("statistics.no_weight_feature", "w", "x"):
        example_weights("w", pa.RecordBatch.from_arrays([pa.array([1])], ["x"]))
