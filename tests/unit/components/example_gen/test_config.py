from __future__ import annotations

import msgspec
import pytest

from assay.components.example_gen.config import (
    DEFAULT_SPLITS,
    Input,
    Output,
    SplitConfig,
    output_split_config,
    parse_time,
)
from assay.spec.values import canonical, typed
from raising import raises

Split = SplitConfig.Split


def test_a_config_as_tfx_code_writes_it() -> None:
    config = Input(splits=[Input.Split(name="train", pattern="train/*"), Input.Split(name="eval", pattern="eval/*")])
    output = Output(split_config=SplitConfig(splits=[Split(name="train", hash_buckets=2)]))
    assert config.splits[1].pattern == "eval/*"
    assert output.split_config.splits[0].hash_buckets == 2
    for value, kind in ((config, Input), (output, Output)):
        assert typed(canonical(value, "x"), kind, "x") == value
        assert msgspec.json.schema(kind)


def test_the_default_is_two_thirds_train() -> None:
    assert output_split_config(1, None) == SplitConfig(splits=DEFAULT_SPLITS)
    by_user = Output(split_config=SplitConfig(partition_feature_name="user"))
    assert output_split_config(1, by_user) == SplitConfig(splits=DEFAULT_SPLITS, partition_feature_name="user")


def test_several_input_splits_are_kept() -> None:
    assert output_split_config(2, None) is None
    with raises("example_gen.output_splits", "2"):
        output_split_config(2, Output(split_config=SplitConfig(splits=DEFAULT_SPLITS)))


def by_time(*splits: Split, partition: str = "") -> SplitConfig:
    return SplitConfig(splits=splits, time_feature_name="time", partition_feature_name=partition)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Input.Split(name="", pattern="x"), ("example_gen.input_split",)),
        (lambda: Input(splits=[Input.Split(name="a", pattern="x")] * 2), ("example_gen.duplicate_split", "a")),
        (lambda: Input(splits=[Input.Split(name="a/b", pattern="x")]), ("example_gen.split_name", "a/b")),
        (lambda: SplitConfig(splits=[Split(name="a", hash_buckets=1)] * 2), ("example_gen.duplicate_split", "a")),
        (lambda: SplitConfig(splits=[Split(name="a")]), ("example_gen.hash_buckets", "a", "hash_buckets", "0")),
        (
            lambda: SplitConfig(splits=[Split(name="a", hash_buckets=1, before=3)]),
            ("example_gen.before_without_time", "time_feature_name"),
        ),
        (
            lambda: by_time(Split(name="a", before=3), Split(name="b"), partition="p"),
            ("example_gen.two_ways_to_split",),
        ),
        (lambda: by_time(Split(name="a", hash_buckets=1)), ("example_gen.two_ways_to_split",)),
        (lambda: by_time(Split(name="a"), Split(name="b")), ("example_gen.before", "a", "before")),
        (lambda: by_time(Split(name="a", before=1), Split(name="b", before=2)), ("example_gen.before", "b", "rest")),
        (
            lambda: by_time(Split(name="a", before=1), Split(name="b", before="2020-01-01"), Split(name="c")),
            ("example_gen.before",),
        ),
        (
            lambda: by_time(
                Split(name="a", before="2020-02-01"), Split(name="b", before="2020-01-01"), Split(name="c")
            ),
            ("example_gen.before",),
        ),
        (lambda: by_time(Split(name="a", before="soon"), Split(name="b")), ("example_gen.time", "8601", "soon")),
        (lambda: output_split_config(1, Output(split_config=by_time())), ("example_gen.before", "splits")),
    ],
)
def test_a_wrong_config_is_explained(make: object, expected: tuple[str, ...]) -> None:
    assert callable(make)
    with raises(*expected):
        make()


def test_times_are_utc_where_they_name_no_zone() -> None:
    assert parse_time("2020-01-02") == parse_time("2020-01-02T00:00:00Z") == parse_time("2020-01-02T01:00:00+01:00")
