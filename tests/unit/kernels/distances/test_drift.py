from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import UsageError
from assay.kernels.distances import (
    DEFAULT_LIMITS,
    Categories,
    DriftLimits,
    Numbers,
    Side,
    ValueTables,
    compare_features,
)
from assay.kernels.statistics import DatasetStatistics


def side(table: pa.Table, *, exact: bool = True) -> Side:
    statistics, tables = DatasetStatistics(), ValueTables()
    state, counted = statistics.create(), tables.create()
    for batch in table.to_batches():
        state, counted = statistics.add_batch(state, batch), tables.add_batch(counted, batch)
    return Side(statistics.extract(state).datasets[0], tables.extract(counted) if exact else {})


def drifts(treatment: pa.Table, control: pa.Table, limits: DriftLimits = DEFAULT_LIMITS) -> dict[str, Any]:
    return {drift.feature: drift for drift in compare_features(side(treatment), side(control), limits)}


def test_the_same_data_does_not_drift() -> None:
    table = pa.table({"x": np.arange(500.0), "word": ["a", "b"] * 250})
    found = drifts(table, table)
    assert not any(drift.drifted for drift in found.values())
    assert {d.measure for d in found["x"].distances} == {
        "jensen_shannon", "psi", "kolmogorov_smirnov", "wasserstein", "missing"
    }  # fmt: skip
    assert {d.measure for d in found["word"].distances} == {
        "l_infinity", "normalized_absolute_difference", "jensen_shannon", "psi", "missing"
    }  # fmt: skip


def test_a_shift_exceeds_every_limit_that_is_more_than_chance() -> None:
    rng = np.random.default_rng(1)
    found = drifts(pa.table({"x": rng.normal(1, 1, 2000)}), pa.table({"x": rng.normal(0, 1, 2000)}))
    exceeded = {distance.measure for distance in found["x"].distances if distance.exceeded}
    assert {"psi", "kolmogorov_smirnov", "wasserstein"} <= exceeded
    for distance in found["x"].distances:
        assert distance.limit == max(distance.threshold, distance.chance)


def test_few_rows_are_no_evidence() -> None:
    found = drifts(pa.table({"x": [1.0, 2.0, 3.0]}), pa.table({"x": [2.0, 3.0, 4.0]}))
    ks = next(d for d in found["x"].distances if d.measure == "kolmogorov_smirnov")
    assert ks.value > ks.threshold
    assert not ks.exceeded
    assert not found["x"].drifted


def test_what_cannot_be_compared_says_why() -> None:
    found = drifts(
        pa.table({"a": [1, 2], "b": ["x", "y"], "d": pa.array([None, None], pa.string())}),
        pa.table({"a": ["1", "2"], "c": [1, 2], "d": ["x", "y"]}),
    )
    assert found["a"].problem == "the types differ: INT, compared with STRING"
    assert found["b"].problem == "the data it is compared with has no such feature"
    assert found["c"].problem == "the data has no such feature"
    assert "the data has no values to compare" in found["d"].problem
    assert all(drift.drifted for drift in found.values())


def test_missing_values_are_a_measure_of_their_own() -> None:
    found = drifts(pa.table({"x": [1.0, None] * 500}), pa.table({"x": [1.0, 1.0] * 500}))
    missing = next(d for d in found["x"].distances if d.measure == "missing")
    assert missing.value == pytest.approx(0.5)
    assert missing.exceeded


def test_rare_categories_share_a_bin() -> None:
    words = [f"rare{number}" for number in range(50)] + ["often"] * 950
    found = drifts(pa.table({"w": words}), pa.table({"w": words}))
    assert [each.name for each in found["w"].bins] == ["often", "(others)"]


def test_distances_from_statistics_say_what_they_come_from() -> None:
    rng = np.random.default_rng(5)
    sides = [side(pa.table({"x": rng.normal(size=1000)}), exact=False) for _ in range(2)]
    (drift,) = compare_features(*sides, DEFAULT_LIMITS)
    assert all("buckets" in d.basis for d in drift.distances if d.measure in {"psi", "kolmogorov_smirnov"})
    assert not drift.drifted


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"psi": -1.0}, "The limit of psi must not be negative"),
        ({"significance": 0.0}, "significance must lie between"),
    ],
)
def test_limits_that_nothing_can_be_held_against_are_refused(arguments: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        DriftLimits(**arguments)


rows = st.lists(st.tuples(st.one_of(st.none(), st.integers(-3, 3)), st.sampled_from(["a", "b", None])), max_size=20)


@given(rows, st.integers(0, 20), st.booleans())
def test_tables_do_not_depend_on_the_split(data: list[tuple[Any, Any]], cut: int, merged: bool) -> None:
    accumulator = ValueTables()
    table = pa.table(
        {"x": pa.array([x for x, _ in data], pa.int64()), "w": pa.array([w for _, w in data], pa.string())}
    )
    whole, first, second = accumulator.create(), accumulator.create(), accumulator.create()
    for batch in table.to_batches():
        whole = accumulator.add_batch(whole, batch)
        first = accumulator.add_batch(first, batch.slice(0, cut))
        if merged:
            second = accumulator.add_batch(second, batch.slice(cut))
        else:
            first = accumulator.add_batch(first, batch.slice(cut))
    expected, found = accumulator.extract(whole), accumulator.extract(accumulator.merge([first, second]))
    assert expected.keys() == found.keys()
    for name, one in expected.items():
        other = found[name]
        if isinstance(one, Categories):
            assert one == other
        else:
            assert isinstance(other, Numbers)
            assert np.array_equal(one.lows, other.lows)
            assert np.array_equal(one.masses, other.masses)


def test_a_feature_with_too_many_values_has_no_table() -> None:
    accumulator = ValueTables(max_bytes=1000)
    (batch,) = pa.table({"many": np.arange(1000.0), "few": np.ones(1000)}).to_batches()
    state = accumulator.merge([accumulator.add_batch(accumulator.create(), batch) for _ in range(2)])
    assert set(accumulator.extract(state)) == {"few"}
