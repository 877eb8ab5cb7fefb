"""What the oracle tests do not reach: stability, and limits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.statistics import DatasetStatistics, StatisticsOptions
from raising import raises


def _crosses(*batches: dict[str, Any], crosses: Any = "all") -> dict[tuple[str, str], Any]:
    accumulator = DatasetStatistics(StatisticsOptions(feature_crosses=crosses))
    states = []
    for columns in batches:
        batch = pa.RecordBatch.from_arrays([pa.array(values) for values in columns.values()], list(columns))
        state = accumulator.add_batch(accumulator.create(), batch)
        accumulator.extract(state)
        states.append(state)
    found = accumulator.extract(accumulator.merge(states)).datasets[0].cross_features
    return {(cross.path_x.step[0], cross.path_y.step[0]): cross for cross in found}


def test_far_from_zero_no_digit_is_lost() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    y = x + rng.normal(size=1000)
    (cross,) = _crosses({"x": x[:300] + 1e9, "y": y[:300] - 1e9}, {"x": x[300:] + 1e9, "y": y[300:] - 1e9}).values()
    assert cross.num_cross_stats.correlation == pytest.approx(np.corrcoef(x, y)[0, 1], rel=1e-6)
    assert cross.num_cross_stats.covariance == pytest.approx(np.cov(x, y, bias=True)[0, 1], rel=1e-6)


def test_columns_may_come_in_different_parts() -> None:
    crosses = _crosses({"a": [1.0, 2.0]}, {"b": [1.0, 2.0], "a": [3.0, 5.0]}, {"c": ["x"]})
    assert list(crosses) == [("a", "b")]
    assert crosses["a", "b"].count == 2
    assert crosses["a", "b"].num_cross_stats.correlation == pytest.approx(1.0)


def test_a_pair_that_is_never_together_has_no_covariance() -> None:
    cross = _crosses({"a": [1.0, None], "b": [None, 1.0]})["a", "b"]
    assert (cross.count, cross.HasField("num_cross_stats")) == (0, False)


def test_all_pairs_of_too_many_columns_are_refused() -> None:
    wide = {f"c{n}": [1.0] for n in range(1001)}
    with raises("statistics.too_many_crosses", "1001", "1000"):
        _crosses(wide)
    assert len(_crosses(wide, crosses=(("c1", "c2"),))) == 1
