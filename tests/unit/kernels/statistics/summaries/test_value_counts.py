from __future__ import annotations

import numpy as np
import pyarrow as pa

from assay.kernels.statistics.summaries.value_counts import ValueCounts, count_numbers, count_values


def _as_dict(counts: ValueCounts) -> dict[object, int]:
    table = counts.table()
    assert table is not None
    return dict(zip(table.values.to_pylist(), table.counts.tolist(), strict=True))


def test_counting_leaves_out_nulls_with_and_without_weights() -> None:
    values = pa.array(["a", None, "b", "a"])
    counted = count_values(values, None)
    assert dict(zip(counted.values.to_pylist(), counted.counts.tolist(), strict=True)) == {"a": 2, "b": 1}
    weighted = count_values(values, np.array([1.0, 10.0, 0.5, 2.0]))
    assert weighted.weights is not None
    assert dict(zip(weighted.values.to_pylist(), weighted.weights.tolist(), strict=True)) == {"a": 3.0, "b": 0.5}
    assert weighted.counts.tolist() == [2, 1]


def test_parts_merge_into_one_table() -> None:
    counts, other = ValueCounts(), ValueCounts()
    counts.add(count_values(pa.array([1, 2]), None))
    other.add(count_values(pa.array([2, 3]), None))
    counts.merge(other)
    assert _as_dict(counts) == {1: 1, 2: 2, 3: 1}
    counts.add(count_values(pa.array([3]), None))
    assert _as_dict(counts) == {1: 1, 2: 2, 3: 2}


def test_nothing_added_is_no_table() -> None:
    counts = ValueCounts()
    counts.add(count_values(pa.array([None], pa.int64()), None))
    assert counts.table() is None
    assert not counts.exceeds(0)


def test_only_distinct_values_count_against_the_memory() -> None:
    counts = ValueCounts()
    for _ in range(100):
        counts.add(count_values(pa.array(range(100)), None))
    assert not counts.exceeds(100 * 16)
    assert counts.exceeds(100 * 16 - 1)


def test_pending_parts_are_merged_before_they_take_much_more_than_the_table() -> None:
    counts = ValueCounts()
    part = count_values(pa.array(range(10_000)), None)
    for _ in range(200):
        counts.add(part)
        assert sum(each.nbytes for each in counts.pending) <= (1 << 20) + 2 * part.nbytes
    assert _as_dict(counts)[0] == 200


def test_numbers_that_nearly_all_differ_are_not_counted_at_once() -> None:
    many = count_numbers(pa.array([*range(10_000), None]), None)
    assert len(many.values) == 10_000
    assert set(many.counts.tolist()) == {1}
    few = count_numbers(pa.array([i % 10 for i in range(10_000)]), None)
    assert few.counts.tolist() == [1000] * 10


def test_occurrences_merge_into_a_table_too() -> None:
    counts = ValueCounts()
    counts.add(count_numbers(pa.array([float(i % 3000) for i in range(4500)]), None))
    counts.add(count_numbers(pa.array([2999.0]), None))
    table = _as_dict(counts)
    assert (len(table), table[0.0], table[2999.0]) == (3000, 2, 2)
