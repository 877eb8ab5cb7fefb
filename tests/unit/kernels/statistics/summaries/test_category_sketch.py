from __future__ import annotations

import pickle

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.statistics.categories import CategorySketch
from assay.kernels.statistics.summaries.value_counts import Counted, count_values


def test_few_values_are_counted_exactly_merged_and_pickled() -> None:
    sketch, other = CategorySketch.empty(weighted=True), CategorySketch.empty(weighted=True)
    sketch.add(Counted(pa.array([b"a", b"b"]), np.array([3, 1]), np.array([1.5, 2.0])), 1000)
    other.add(Counted(pa.array([b"b", b"c"]), np.array([2, 9]), np.array([1.0, 4.0])), 1000)
    sketch.merge(other, 1000)
    restored: CategorySketch = pickle.loads(pickle.dumps(sketch))
    assert restored.distinct.estimate() == 3
    assert restored.heavy is not None
    frequent, heavy = restored.frequent.estimate(), restored.heavy.estimate()
    assert frequent is not None
    assert heavy is not None
    assert heavy.weights is not None
    assert (frequent.values.to_pylist(), frequent.counts.tolist()) == ([b"a", b"b", b"c"], [3, 3, 9])
    assert (heavy.values.to_pylist(), heavy.weights.tolist()) == ([b"a", b"b", b"c"], [1.5, 3.0, 4.0])


def test_uniques_of_many_values_are_estimated_within_three_per_cent() -> None:
    sketch = CategorySketch.empty(weighted=False)
    for start in range(0, 100_000, 10_000):
        sketch.add(count_values(pa.array(range(start, start + 20_000)), None), 10_000)
    assert sketch.distinct.estimate() == pytest.approx(110_000, rel=0.03)
    assert sketch.heavy is None
