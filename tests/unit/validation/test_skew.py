"""Feature skew on Arrow columns: flat and in lists, of types that differ, and what cannot be asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest

from assay.validation.skew import detect_feature_skew
from assay.validation.skew_report import ConfusionCount, FeatureSkew, FeatureSkewOptions, MatchStats, SkewPair
from raising import raises


def read(**columns: Any) -> Callable[[Any], Iterator[pa.RecordBatch]]:
    batch = pa.RecordBatch.from_pydict(columns)
    return lambda _columns: iter([batch.slice(0, 2), batch.slice(2)])


def skew(base: Any, test: Any, **options: Any) -> Any:
    return detect_feature_skew(base, test, FeatureSkewOptions(identifier_features=("id",), **options))


BASE = read(id=[1, 2, 3, 4, None], x=[1.0, 2.0, None, 4.0, 5.0], tags=[["a"], ["a", "b"], [], None, ["c"]])
TEST = read(id=[2, 1, 3, 9, 9], x=[2.5, 1.0, 3.0, 0.0, 0.0], tags=[["a", "b"], ["b"], [], ["z"], ["z"]])


def test_counts_stats_and_pairs() -> None:
    report = skew(BASE, TEST, sample_size=9)
    assert report.features == (
        FeatureSkew(feature_name="tags", base_count=2, test_count=2, match_count=2, mismatch_count=1),
        FeatureSkew(feature_name="x", base_count=2, test_count=3, match_count=1, test_only=1, mismatch_count=1),
    )
    assert [(each.feature_name, each.diff_count) for each in report.skewed] == [("tags", 1), ("x", 2)]
    assert report.match_stats == MatchStats(
        base_with_id_count=4,
        test_with_id_count=5,
        identifiers_count=5,
        ids_missing_in_base_count=1,
        ids_missing_in_test_count=1,
        matching_pairs_count=3,
        duplicate_id_count=1,
        base_missing_id_count=1,
    )
    assert report.pairs[0] == SkewPair(
        base={"id": 1, "x": 1.0, "tags": ["a"]},
        test={"id": 1, "x": 1.0, "tags": ["b"]},
        matched_features=("x",),
        mismatched_features=("tags",),
    )
    assert [pair.base["id"] for pair in report.pairs] == [1, 2, 3]
    assert report.pairs[2].test_only_features == ("x",)


def test_numbers_that_round_to_the_same_match() -> None:
    base, test = read(id=[1, 2, 3], x=[0.121, 2.675, 1.0]), read(id=[1, 2, 3], x=[0.119, 2.67, 1.2])
    assert skew(base, test).features[0].mismatch_count == 3
    assert skew(base, test, float_round_ndigits=2).features[0].match_count == 2


def test_a_value_matches_itself_in_another_type() -> None:
    whole = read(id=[1, 2], x=[1, 2])
    real = read(id=[1, 2], x=[1.0, 2.0])
    single = read(id=[1, 2], x=pa.array([0.1, 2.0], pa.float32()))
    double = read(id=[1, 2], x=[0.1, 2.0])
    assert skew(whole, real).features[0].match_count == 2
    assert skew(whole, read(id=[1, 2], x=["1", "2"])).features[0].mismatch_count == 2
    assert skew(single, double).features[0].match_count == 2


def test_text_and_flat_values_match_bytes_and_lists() -> None:
    flat = read(id=["a", "b", "c"], x=["u", None, "w"])
    lists = read(id=[[b"a"], [b"b"], [b"c"]], x=[[b"u"], [], [b"v"]])
    report = skew(flat, lists, sample_size=5)
    assert report.features == (
        FeatureSkew(feature_name="x", base_count=2, test_count=2, match_count=1, mismatch_count=1),
    )
    assert len(report.pairs) == 2  # a missing feature beside an empty list counts for nothing, and yet is skewed


def test_nested_lists_are_compared_by_value() -> None:
    report = skew(read(id=[1, 2], x=[[[1], [2]], [[1]]]), read(id=[1, 2], x=[[[1], [2]], [[1], []]]))
    assert (report.features[0].match_count, report.features[0].mismatch_count) == (1, 1)


def test_confusion_counts_pairs_of_values() -> None:
    base = read(id=[1, 2, 3, 4], x=["a", "a", None, "b"])
    test = read(id=[1, 2, 3, 4], x=["a", "b", "a", "b"])
    assert skew(base, test, confusion_features=("x",)).confusion == (
        ConfusionCount(feature_name="x", base="a", test="a", count=1),
        ConfusionCount(feature_name="x", base="a", test="b", count=1),
        ConfusionCount(feature_name="x", base="b", test="b", count=1),
        ConfusionCount(feature_name="x", base=None, test="a", count=1),
    )


@pytest.mark.parametrize(
    ("values", "code"), [([["a", "b"]], "feature_skew.several_values"), ([1.5], "feature_skew.float")]
)
def test_pairs_of_values_that_cannot_be_counted(values: list[Any], code: str) -> None:
    with raises(code):
        skew(read(id=[1], x=values), read(id=[1], x=values), confusion_features=("x",))


def test_ignored_features_and_features_of_one_side() -> None:
    report = skew(read(id=[1], a=[1], b=[1]), read(id=[1], c=[None], d=[2]), features_to_ignore=("b",))
    assert [(each.feature_name, each.base_only, each.test_only) for each in report.features] == [
        ("a", 1, 0),
        ("d", 0, 1),
    ]


def test_data_without_rows() -> None:
    report = skew(read(id=pa.array([], pa.int64())), lambda _: iter([]))
    assert report.features == ()
    assert report.match_stats == MatchStats()


def test_an_identifier_that_no_data_has_is_refused() -> None:
    with raises("feature_skew.unknown_feature", "id"):
        skew(read(idd=[1]), read(idd=[1]))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"identifier_features": ()}, ("feature_skew.no_identifier",)),
        ({"sample_size": -1}, ("feature_skew.sample_size", "0")),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        FeatureSkewOptions(**{"identifier_features": ("id",), **options})


def test_what_one_side_alone_has_is_told_of_that_side() -> None:
    """TFX's ExampleDiff gives the two sides to each other's names."""
    base = read(id=[1, 2, 3], only_base=["a", "b", None], shared=[1, 1, 1])
    test = read(id=[1, 2, 3], only_test=[7, None, None], shared=[1, 1, 2])
    found = {each.feature_name: each for each in skew(base, test, sample_size=1).features}
    assert (found["only_base"].base_count, found["only_base"].base_only, found["only_base"].test_only) == (2, 2, 0)
    assert (found["only_test"].test_count, found["only_test"].test_only, found["only_test"].base_only) == (1, 1, 0)
    (pair,) = skew(base, test, sample_size=1).pairs
    assert (pair.base_only_features, pair.test_only_features) == (("only_base",), ("only_test",))


UNION = pa.UnionArray.from_dense(
    pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32()), [pa.array([1, 2]), pa.array(["a"])]
)
INTERVALS = pa.array([(1, 2, 3), None, (0, 0, 1)], pa.month_day_nano_interval())


@pytest.mark.parametrize(
    "column",
    [
        UNION,
        pa.ListArray.from_arrays([0, 1, 2, 3], UNION),
        pa.StructArray.from_arrays([UNION], ["union"]),
        INTERVALS,
        pa.ListArray.from_arrays([0, 1, 2, 3], INTERVALS),
    ],
    ids=lambda column: str(column.type)[:20],
)
def test_a_type_whose_values_cannot_be_compared_is_refused(column: pa.Array) -> None:
    data = read(id=[1, 2, 3], x=column)
    for base, test in ((data, read(id=[1, 2, 3])), (read(id=[1, 2, 3]), data)):
        with raises("feature_skew.type", "x"):
            skew(base, test)


def test_intervals_may_be_ignored() -> None:
    data = read(id=[1, 2, 3], x=INTERVALS, y=[1, 2, 3])
    assert [each.feature_name for each in skew(data, data, features_to_ignore=("x",)).features] == ["y"]
