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
from assay.errors import UsageError
from assay.spec.values import canonical, typed

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
    with pytest.raises(UsageError, match="The input has 2 splits, which are kept as they are"):
        output_split_config(2, Output(split_config=SplitConfig(splits=DEFAULT_SPLITS)))


def by_time(*splits: Split, partition: str = "") -> SplitConfig:
    return SplitConfig(splits=splits, time_feature_name="time", partition_feature_name=partition)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Input.Split(name="", pattern="x"), "needs a name and a pattern"),
        (lambda: Input(splits=[Input.Split(name="a", pattern="x")] * 2), "'a' occurs twice"),
        (lambda: Input(splits=[Input.Split(name="a/b", pattern="x")]), "usable in a folder's, got 'a/b'"),
        (lambda: SplitConfig(splits=[Split(name="a", hash_buckets=1)] * 2), "'a' occurs twice"),
        (lambda: SplitConfig(splits=[Split(name="a")]), "'a' needs a positive number of hash_buckets, got 0"),
        (lambda: SplitConfig(splits=[Split(name="a", hash_buckets=1, before=3)]), "names no `time_feature_name`"),
        (lambda: by_time(Split(name="a", before=3), Split(name="b"), partition="p"), "not both"),
        (lambda: by_time(Split(name="a", hash_buckets=1)), "rows are split by time"),
        (lambda: by_time(Split(name="a"), Split(name="b")), "'a' needs `before`"),
        (lambda: by_time(Split(name="a", before=1), Split(name="b", before=2)), "'b' takes the rest"),
        (
            lambda: by_time(Split(name="a", before=1), Split(name="b", before="2020-01-01"), Split(name="c")),
            "either a number or a date",
        ),
        (
            lambda: by_time(
                Split(name="a", before="2020-02-01"), Split(name="b", before="2020-01-01"), Split(name="c")
            ),
            "must increase",
        ),
        (lambda: by_time(Split(name="a", before="soon"), Split(name="b")), "time in ISO 8601, such as .* found 'soon'"),
        (lambda: output_split_config(1, Output(split_config=by_time())), "A split by time needs `splits`"),
    ],
)
def test_a_wrong_config_is_explained(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(UsageError, match=message):
        make()


def test_times_are_utc_where_they_name_no_zone() -> None:
    assert parse_time("2020-01-02") == parse_time("2020-01-02T00:00:00Z") == parse_time("2020-01-02T01:00:00+01:00")
