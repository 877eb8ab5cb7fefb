from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

from assay.components.example_gen.compute import assign_splits, take_split
from assay.components.example_gen.config import DEFAULT_SPLITS, SplitConfig, TimeUnit
from assay.errors import DataError
from raising import raises

Split = SplitConfig.Split
BY_USER = SplitConfig(splits=DEFAULT_SPLITS, partition_feature_name="user")
UTC = dt.timezone.utc


def by_time(*bounds: str | float, unit: TimeUnit = "s") -> SplitConfig:
    splits = [Split(name=f"s{at}", before=bound) for at, bound in enumerate(bounds)]
    return SplitConfig(splits=[*splits, Split(name="rest")], time_feature_name="time", time_unit=unit)


def test_hash_buckets_give_each_split_its_share() -> None:
    batch = pa.record_batch([pa.array(range(30_000))], ["a"])
    config = SplitConfig(
        splits=[Split(name=name, hash_buckets=size) for name, size in (("a", 60), ("b", 10), ("c", 30))]
    )
    shares = np.bincount(assign_splits(batch, config)) / batch.num_rows
    assert shares == pytest.approx([0.6, 0.1, 0.3], abs=0.01)


def test_rows_with_one_partition_value_are_never_divided() -> None:
    users = [f"user {number % 50}" for number in range(1000)]
    batch = pa.record_batch([pa.array(users), pa.array(range(1000))], ["user", "x"])
    assigned = assign_splits(batch, BY_USER)
    assert len({(user, split) for user, split in zip(users, assigned.tolist(), strict=True)}) == 50
    assert set(assigned.tolist()) == {0, 1}


def test_the_rows_of_a_split_keep_their_order() -> None:
    batch = pa.record_batch([pa.array([1, 2, 3, 4])], ["a"])
    assert take_split(batch, np.array([0, 1, 0, 1]), 1).to_pydict() == {"a": [2, 4]}


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["x", "y"]),
        pa.array([1, 2]),
        pa.array([[1], [2]]),
        pa.array([b"x", b"y"]),
        pa.array(["x"] * 2).dictionary_encode(),
    ],
    ids=lambda column: str(column.type),
)
def test_what_a_partition_feature_can_be(column: pa.Array) -> None:
    assert len(assign_splits(pa.record_batch([column], ["user"]), BY_USER)) == 2


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (pa.array([1.5]), ("example_gen.partition_type", "user", "double")),
        (pa.array([True]), ("example_gen.partition_type", "user")),
        (pa.array(["x", None]), ("example_gen.missing_partition_feature",)),
        (pa.array([["x"], []]), ("example_gen.missing_partition_feature",)),
        (pa.array([[1], [1, 2]]), ("example_gen.missing_partition_feature",)),
        (pa.array([["x"], None]), ("example_gen.missing_partition_feature",)),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_what_a_partition_feature_cannot_be(column: pa.Array, expected: tuple[str, ...]) -> None:
    with raises(*expected, kind=DataError):
        assign_splits(pa.record_batch([column], ["user"]), BY_USER)


def test_a_partition_feature_that_is_not_there() -> None:
    with raises("example_gen.no_partition_feature", "user", "users", kind=DataError):
        assign_splits(pa.record_batch([pa.array([1])], ["users"]), BY_USER)


DAY = 86_400
MIDNIGHT = dt.datetime(1970, 1, 2, tzinfo=UTC)
TIMES = [MIDNIGHT - dt.timedelta(microseconds=1), MIDNIGHT, MIDNIGHT + dt.timedelta(days=1)]


@pytest.mark.parametrize(
    ("column", "config"),
    [
        (pa.array([DAY - 1, DAY, 2 * DAY]), by_time("1970-01-02", "1970-01-03")),
        (pa.array([DAY - 1.0, DAY, 2 * DAY]), by_time("1970-01-02", "1970-01-03")),
        (pa.array([DAY * 1000 - 1, DAY * 1000, 2 * DAY * 1000]), by_time("1970-01-02", "1970-01-03", unit="ms")),
        (pa.array([[7], [8], [20]]), by_time(8, 9.5)),
        (pa.array(TIMES, pa.timestamp("us", "UTC")), by_time("1970-01-02T00:00:00Z", "1970-01-03T01:00:00+01:00")),
        (pa.array(TIMES, pa.timestamp("us")), by_time("1970-01-02", "1970-01-03")),
        (pa.array([time.date() for time in TIMES], pa.date32()), by_time("1970-01-02", "1970-01-03")),
        (pa.array(["1970-01-01", "1970-01-02", "1970-01-03"]), by_time("1970-01-02", "1970-01-03")),
        (pa.array([b"1970-01-01", b"1970-01-02", b"1970-01-03"]), by_time("1970-01-02", "1970-01-03")),
        (pa.array(["1970-01-01 23:59:59.9", "1970-01-02T00:00:00", "1970-01-04"]), by_time("1970-01-02", "1970-01-03")),
        (
            pa.array(["1970-01-02T00:59:59+01:00", "1970-01-02T00:00:00Z", "1970-01-03 00:00:00Z"]),
            by_time("1970-01-02", "1970-01-03"),
        ),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_a_split_by_time(column: pa.Array, config: SplitConfig) -> None:
    assert assign_splits(pa.record_batch([column], ["time"]), config).tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("column", "config", "expected"),
    [
        (pa.array(["yesterday"]), by_time("2020-01-01"), ("example_gen.time_type", "time", "string", "yesterday")),
        (pa.array([True]), by_time("2020-01-01"), ("example_gen.time_type", "time")),
        (pa.array(["2020-01-01"]), by_time(5), ("example_gen.time_type", "string", "before")),
        (pa.array([1, None]), by_time(5), ("example_gen.missing_time_feature",)),
    ],
    ids=lambda value: str(getattr(value, "type", "")),
)
def test_what_cannot_be_split_by_time(column: pa.Array, config: SplitConfig, expected: tuple[str, ...]) -> None:
    with raises(*expected, kind=DataError):
        assign_splits(pa.record_batch([column], ["time"]), config)
