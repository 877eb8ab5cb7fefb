from __future__ import annotations

import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.row_hash import assign_buckets, row_hashes
from raising import raises


def hash_of(value: object, kind: pa.DataType | None = None) -> int:
    return int(row_hashes(pa.record_batch([pa.array([value], kind)], ["a"]))[0])


MIDNIGHT = dt.datetime(2020, 1, 2, tzinfo=dt.timezone.utc)
FROZEN = [13367352436597387567, 10319155306124823718, 13064749954657394022, 5423887590759787814]


def test_the_hash_never_changes() -> None:
    # A change here moves rows between the splits of everybody's data: it needs a new major version.
    batch = pa.record_batch(
        [
            pa.array([5, None, -1, 0]),
            pa.array([0.1, 2.0, None, float("inf")]),
            pa.array(["", "abc", "longer than eight bytes: é", None]),
            pa.array([["x", "y"], [], None, ["x"]]),
            pa.array([True, False, None, True]),
        ],
        ["int", "float", "text", "list", "bool"],
    )
    assert row_hashes(batch).tolist() == FROZEN


EQUAL = {
    "an integer and a float": [
        (5, pa.int64()),
        (5, pa.int8()),
        (5, pa.uint64()),
        (5.0, pa.float64()),
        (5.0, pa.float32()),
    ],
    "negative zero": [(0, pa.int64()), (0.0, pa.float64()), (-0.0, pa.float64()), (-0.0, pa.float32())],
    "a decimal fraction": [
        (0.1, pa.float64()),
        (0.1, pa.float32()),
        (Decimal("0.1"), pa.decimal128(5, 3)),
        ([0.1], None),
    ],
    "six digits": [(-87.6554, pa.float64()), (-87.6554, pa.float32())],
    "text": [("é", pa.string()), ("é".encode(), pa.binary()), ("é", pa.large_string()), (["é"], None)],
    "a category": [("x", pa.string()), ("x", pa.dictionary(pa.int8(), pa.string()))],
    "a boolean and its text": [(True, pa.bool_()), ("True", pa.string())],
    "nothing": [(None, pa.null()), (None, pa.int64()), (None, pa.string()), ([], None), (float("nan"), pa.float64())],
    "lists": [
        ([1, 2], pa.list_(pa.int64())),
        ([1.0, 2.0], pa.large_list(pa.float32())),
        ([1, 2], pa.list_(pa.int8(), 2)),
    ],
    "a time": [
        (MIDNIGHT, pa.timestamp("s")),
        (MIDNIGHT, pa.timestamp("ns", "UTC")),
        (dt.date(2020, 1, 2), pa.date32()),
        (dt.date(2020, 1, 2), pa.date64()),
    ],
}


@pytest.mark.parametrize("case", EQUAL)
def test_a_value_counts_and_not_how_it_is_stored(case: str) -> None:
    assert len({hash_of(value, kind) for value, kind in EQUAL[case]}) == 1


def test_different_values_have_different_hashes() -> None:
    values = [None, 0, 1, -1, 0.5, "", "0", "1", "True", "a", "ab", "a\0", "\0", "a" * 8, "a" * 9, "a" * 600, "a" * 601]
    values += [[1, 2], [2, 1], [1, 1], [1, None], [None, 1], ["a", "b"], ["ab", ""], [[1], [2]], [[1, 2]], [[], [1, 2]]]
    values += [{"x": 1}, {"y": 1}, {"x": 1, "y": 1}]
    hashes = [hash_of(value) for value in values]
    same = {("[1, None]", "1")}  # a missing value at a list's end counts as no value
    pairs = {
        (str(values[j]), str(values[i]))
        for i in range(len(hashes))
        for j in range(i + 1, len(hashes))
        if hashes[i] == hashes[j]
    }
    assert pairs == same


def test_the_columns_name_counts_and_their_order_does_not() -> None:
    one, two = pa.array([1, 2]), pa.array([2, 1])
    straight = row_hashes(pa.record_batch([one, two], ["a", "b"]))
    assert (straight == row_hashes(pa.record_batch([two, one], ["b", "a"]))).all()
    assert (straight != row_hashes(pa.record_batch([one, two], ["b", "a"]))).all()


def test_a_missing_cell_is_as_a_missing_column() -> None:
    with_nulls = pa.record_batch([pa.array([1]), pa.nulls(1), pa.array([None], pa.string())], ["a", "b", "c"])
    assert row_hashes(with_nulls) == row_hashes(with_nulls, ["a", "absent"]) == hash_of(1)


def test_only_the_chosen_columns_count() -> None:
    batch = pa.record_batch([pa.array([1, 1]), pa.array(["x", "y"])], ["a", "b"])
    assert len(set(row_hashes(batch, ["a"]).tolist())) == 1
    assert len(set(row_hashes(batch).tolist())) == 2


@pytest.mark.parametrize(
    "column",
    [
        pa.array([1, None, 3, 4, 5, 6]),
        pa.array(["a", None, "c" * 20, "", "e" * 600, "f"]),
        pa.array([[1], None, [], [2, 3], [4, None], [5]]),
        pa.array([[1, 2], None, [3, 4], [5, 6], [7, 8], [9, 0]], pa.list_(pa.int64(), 2)),
        pa.array([{"x": 1}, None, {"x": None}, {"x": 2}, {"x": 3}, {"x": 4}]),
        pa.array(["a", None, "b", "a", "b", "c"]).dictionary_encode(),
        pa.array([True, None, False, True, True, False]),
    ],
    ids=lambda column: str(column.type),
)
def test_a_slice_hashes_as_the_whole(column: pa.Array) -> None:
    batch = pa.record_batch([column], ["a"])
    assert row_hashes(batch.slice(2, 3)).tolist() == row_hashes(batch)[2:5].tolist()
    assert row_hashes(batch.slice(1, 1)).tolist() == row_hashes(batch)[1:2].tolist()
    assert row_hashes(batch.slice(0, 0)).tolist() == []


def test_hashes_are_spread_evenly() -> None:
    hashes = row_hashes(pa.record_batch([pa.array(range(200_000))], ["a"]))
    assert len(np.unique(hashes)) == len(hashes)
    for modulus in (2, 3, 10, 64):
        counts = np.bincount((hashes % np.uint64(modulus)).astype(int))
        assert np.abs(counts / len(hashes) - 1 / modulus).max() < 0.005


def test_a_type_without_canonical_form_is_named() -> None:
    column = pa.array([[("k", 1)]], pa.map_(pa.string(), pa.int64()))
    with raises("row_hash.unsupported_type", "a", "int64"):
        row_hashes(pa.record_batch([column], ["a"]))


def test_buckets_are_owned_in_order() -> None:
    hashes = np.arange(6, dtype=np.uint64)
    assert assign_buckets(hashes, [2, 1]).tolist() == [0, 0, 1, 0, 0, 1]
    assert assign_buckets(hashes, [1, 2, 3]).tolist() == [0, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("buckets", [[], [0], [2, 0], [-1, 2]])
def test_each_split_owns_a_bucket(buckets: list[int]) -> None:
    with raises("row_hash.buckets"):
        assign_buckets(np.zeros(1, np.uint64), buckets)
