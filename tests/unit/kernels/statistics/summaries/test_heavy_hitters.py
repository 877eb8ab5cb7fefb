from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa

from assay.kernels.statistics.categories import HeavyHitters
from assay.kernels.statistics.summaries.value_counts import Counted, count_values


def _estimate(hitters: HeavyHitters) -> dict[object, float]:
    estimate = hitters.estimate()
    assert estimate is not None
    amounts = estimate.weights if hitters.by_weight and estimate.weights is not None else estimate.counts
    return dict(zip(estimate.values.to_pylist(), amounts.tolist(), strict=True))


def test_all_is_exact_while_there_is_room() -> None:
    hitters, other = HeavyHitters(by_weight=False), HeavyHitters(by_weight=False)
    hitters.add(count_values(pa.array([1, 1, 2]), None), 1000)
    other.add(count_values(pa.array([2, 3]), None), 1000)
    hitters.merge(other, 1000)
    assert _estimate(hitters) == {1: 2, 2: 2, 3: 1}
    assert hitters.subtracted == 0


def test_counts_are_off_by_no_more_than_was_subtracted_and_that_is_little() -> None:
    values = np.random.default_rng(0).zipf(1.2, 50_000) % 20_000
    max_bytes, hitters = 16_000, HeavyHitters(by_weight=False)
    for part in np.split(values, 50):
        hitters.add(count_values(pa.array(part), None), max_bytes)
        table = hitters.table.table()
        assert table is not None
        assert table.nbytes <= max_bytes
    true, estimate = Counter(values.tolist()), _estimate(hitters)
    assert hitters.subtracted <= len(values) / 500  # 8,000 of 16 bytes are kept
    for value, count in true.most_common(100):
        assert count <= estimate[value] <= count + hitters.subtracted


def test_values_that_all_tie_leave_some() -> None:
    hitters = HeavyHitters(by_weight=False)
    hitters.add(count_values(pa.array(range(1000)), None), 1600)
    assert len(_estimate(hitters)) == 50
    assert set(_estimate(hitters).values()) == {1}


def test_by_weight_the_heaviest_stay() -> None:
    hitters = HeavyHitters(by_weight=True)
    values, weights = pa.array(range(100)), np.arange(100, dtype=np.float64)
    hitters.add(Counted(values, np.ones(100, dtype=np.int64), weights), 480)
    assert sorted(_estimate(hitters).items()) == [(float(i), float(i)) for i in range(90, 100)]


def test_one_value_larger_than_the_room_stays() -> None:
    hitters = HeavyHitters(by_weight=False)
    hitters.add(count_values(pa.array(["x" * 1000]), None), 10)
    assert list(_estimate(hitters)) == ["x" * 1000]


def test_nothing_added_is_no_estimate() -> None:
    assert HeavyHitters(by_weight=False).estimate() is None
