from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assay.kernels.distances import (
    DEFAULT_THRESHOLDS,
    Categories,
    DriftThresholds,
    Numbers,
    Side,
    ValueTables,
    compare_features,
)
from assay.kernels.statistics import DatasetStatistics
from raising import raises


def side(table: pa.Table, *, exact: bool = True) -> Side:
    statistics, tables = DatasetStatistics(), ValueTables()
    state, counted = statistics.create(), tables.create()
    for batch in table.to_batches():
        state, counted = statistics.add_batch(state, batch), tables.add_batch(counted, batch)
    return Side(statistics.extract(state).datasets[0], tables.extract(counted) if exact else {})


def drifts(treatment: pa.Table, control: pa.Table, limits: DriftThresholds = DEFAULT_THRESHOLDS) -> dict[str, Any]:
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
    found = drifts(pa.table({"x": np.arange(8.0)}), pa.table({"x": np.arange(1.0, 9.0)}))
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
    (drift,) = compare_features(*sides, DEFAULT_THRESHOLDS)
    assert all("histograms of both" in d.basis for d in drift.distances if d.measure != "missing")
    assert not drift.drifted


def test_a_constant_that_changes_is_drift_in_either_order() -> None:
    rng = np.random.default_rng(6)
    zeros = np.where(rng.random(1000) < 0.95, 0.0, rng.normal(5, 1, 1000))
    before = pa.table({"constant": np.full(1000, 5.0), "mostly": zeros})
    after = pa.table({"constant": np.full(1000, 3.0), "mostly": np.where(zeros == 0, -1.0, zeros)})
    for exact in (True, False):
        for pair in ((before, after), (after, before)):
            found = compare_features(*(side(each, exact=exact) for each in pair), DriftThresholds(psi=0.1))
            assert [drift.feature for drift in found if drift.drifted] == ["constant", "mostly"]


def test_ids_are_named_and_not_compared() -> None:
    pairs = [
        pa.table({"mail": [f"{each}@x" for each in range(start, start + 500)], "row": range(start, start + 500)})
        for start in (0, 500)
    ]
    found = drifts(*pairs)
    assert not any(drift.drifted for drift in found.values())
    assert "nearly every value occurs once" in found["mail"].remark
    assert "whole numbers never repeat" in found["row"].remark
    assert [distance.measure for distance in found["mail"].distances] == ["missing"]
    wanted = compare_features(*map(side, pairs), {"mail": DriftThresholds(jensen_shannon=0.1), "*": DriftThresholds()})
    assert not any(drift.remark for drift in wanted if drift.feature == "mail")
    assert [drift.feature for drift in compare_features(*map(side, pairs), DEFAULT_THRESHOLDS, exclude=["mail"])] == [
        "row"
    ]


def test_ids_with_gaps_are_not_compared_and_measures_are() -> None:
    rng = np.random.default_rng(11)
    pairs = [
        pa.table({"gaps": start + np.cumsum(rng.integers(1, 9, 2000)), "cents": rng.integers(0, 1 << 40, 2000)})
        for start in (0, 1 << 20)
    ]
    for sources in ((True, True), (True, False), (False, True)):
        gaps, cents = compare_features(
            *(side(each, exact=exact) for each, exact in zip(pairs, sources, strict=True)), DEFAULT_THRESHOLDS
        )
        assert "whole numbers never repeat" in gaps.remark
        assert cents.kind == "numeric"
    repeats = [pa.table({"x": np.arange(2000) // 2 + start}) for start in (0, 1 << 20)]
    assert all(
        each.drifted for each in compare_features(*(side(each, exact=False) for each in repeats), DEFAULT_THRESHOLDS)
    )


NORMAL = np.random.default_rng(12).normal(size=(2, 600))


def replaced(share: float, value: float, which: int = 0) -> pa.Table:
    """Normal numbers, of which a share is replaced."""
    return pa.table({"x": np.where(np.arange(600) < share * 600, value, NORMAL[which])})


@pytest.mark.parametrize(
    ("one", "other", "drifted"),
    [
        (replaced(0.3, np.inf), replaced(0.3, np.inf, 1), False),
        (replaced(0.002, np.inf), replaced(0, 0, 1), False),
        (replaced(0.3, np.inf), replaced(0, 0, 1), True),
        (replaced(0.3, np.inf), replaced(0.3, -np.inf, 1), True),
        (replaced(0.3, np.inf), replaced(0.3, np.nan, 1), True),
        (replaced(1, np.inf), replaced(1, np.inf), False),
        (replaced(1, np.inf), replaced(1, -np.inf), True),
        (replaced(0.5, np.nan), replaced(0.5, np.nan, 1), False),
        (replaced(0.5, np.nan), replaced(0, 0, 1), True),
        (replaced(1, np.nan), replaced(0, 0), True),
        (replaced(1, np.nan), replaced(1, np.nan), False),
        (replaced(0.002, 1.7e308), replaced(0.002, -1.7e308, 1), False),
        (replaced(1, 1.7e308), replaced(1, -1.7e308), True),
        (replaced(1, 1e-310), replaced(1, 2e-310), True),
        (pa.table({"x": [b"\xff", b"a"] * 99}), pa.table({"x": [b"\xff", b"a"] * 99}), False),
        (pa.table({"x": [b"\xff", b"a"] * 99}), pa.table({"x": [b"a", b"b"] * 99}), True),
    ],
)
def test_extreme_values_are_compared_from_every_source(one: pa.Table, other: pa.Table, drifted: bool) -> None:
    for first, second in ((one, other), (other, one)):
        for sources in ((True, True), (True, False), (False, True), (False, False)):
            (found,) = compare_features(
                side(first, exact=sources[0]), side(second, exact=sources[1]), DEFAULT_THRESHOLDS
            )
            assert found.drifted is drifted, (sources, found)
            assert all(np.isfinite(distance.value) for distance in found.distances)
            assert "types differ" not in found.problem


@pytest.mark.parametrize(("sizes", "few"), [((1, 1), True), ((2, 3), True), ((1, 500), True), ((30, 30), False)])
def test_too_few_values_are_named(sizes: tuple[int, int], few: bool) -> None:
    tables = [
        pa.table({"x": [value] * size, "word": [str(value)] * size}) for size, value in zip(sizes, (1, 2), strict=True)
    ]
    found = drifts(*tables).values()
    assert ["too few values" in each.remark for each in found] == [few, few]
    assert [each.drifted for each in found] == [not few, not few]


def test_no_values_on_either_side_are_named() -> None:
    empty = pa.table({"x": pa.array([None] * 30, pa.float64()), "word": pa.array([None] * 30, pa.string())})
    found = drifts(empty, empty).values()
    assert {each.remark for each in found} == {"neither side has values to compare"}
    assert not any(each.drifted for each in found)
    for each in drifts(empty, pa.table({"x": [1.0] * 30, "word": ["a"] * 30})).values():
        assert each.problem.startswith("the data has no values to compare")


def test_what_becomes_an_id_is_compared() -> None:
    one, other = (pa.table({"x": [f"v{each % modulus}" for each in range(500)]}) for modulus in (500, 20))
    assert drifts(one, other)["x"].drifted


def test_many_rare_categories_of_one_pool_are_no_drift() -> None:
    rng = np.random.default_rng(7)
    pairs = [pa.table({"code": [f"c{each}" for each in rng.integers(0, 3000, 3000)]}) for _ in range(2)]
    (drift,) = drifts(*pairs).values()
    distance = next(each for each in drift.distances if each.measure == "jensen_shannon")
    assert distance.threshold is not None
    assert distance.value > 3 * distance.threshold
    assert not drift.drifted
    moved = pa.table({"code": [f"d{each}" for each in rng.integers(0, 3000, 3000)]})
    assert drifts(moved, pairs[1])["code"].drifted


def test_lists_of_the_most_frequent_values_are_not_compared_beyond_what_both_list() -> None:
    rng = np.random.default_rng(8)
    codes = [np.where(rng.random(20_000) < 0.3, 0, rng.integers(0, 10_000, 20_000)) for _ in range(2)]
    pairs = [pa.table({"code": [f"c{each}" for each in values]}) for values in codes]
    for exact in ((True, False), (False, True), (False, False)):
        sides = (side(table, exact=each) for table, each in zip(pairs, exact, strict=True))
        (drift,) = compare_features(*sides, DriftThresholds(l_infinity=0, jensen_shannon=0, psi=0))
        assert not drift.drifted
        assert [each.name for each in drift.bins] == ["c0", "(others)"]


infinities = st.sampled_from([np.inf, -np.inf])
samples = st.lists(
    st.one_of(st.integers(-3, 3).map(float), st.floats(-1e3, 1e3, width=32), infinities), min_size=1, max_size=60
)


@given(samples, samples)
def test_statistics_never_put_data_further_apart_than_its_values(one: list[float], other: list[float]) -> None:
    tables = [pa.table({"x": each}) for each in (one, other)]
    exact = {each.measure: each.value for each in drifts(*tables)["x"].distances}
    for sources in ((True, False), (False, True), (False, False)):
        sides = (side(table, exact=each) for table, each in zip(tables, sources, strict=True))
        (found,) = compare_features(*sides, DEFAULT_THRESHOLDS)
        values = {each.measure: each.value for each in found.distances}
        assert values["kolmogorov_smirnov"] <= exact["kolmogorov_smirnov"] + 1e-6


@given(samples)
@example([0.0] * 8 + [-1.0] + [-np.inf] * 4)
def test_statistics_of_the_same_values_are_equal(values: list[float]) -> None:
    table = pa.table({"x": values})
    for sources in ((True, False), (False, True), (False, False)):
        (found,) = compare_features(*(side(table, exact=each) for each in sources), DEFAULT_THRESHOLDS)
        assert all(each.value == pytest.approx(0, abs=1e-9) for each in found.distances)


@pytest.mark.parametrize("shift", [0.0, 0.3, 1.0])
def test_distances_from_statistics_are_near_those_from_data(shift: float) -> None:
    """Within a bucket's share where one side is data, and within two where both are statistics."""
    rng = np.random.default_rng(9)
    tables = [pa.table({"x": rng.normal(mean, 1, 5000)}) for mean in (shift, 0)]
    exact = {each.measure: each.value for each in drifts(*tables)["x"].distances}
    for sources, tolerance in (((True, False), 0.03), ((False, True), 0.03), ((False, False), 0.1)):
        sides = (side(table, exact=each) for table, each in zip(tables, sources, strict=True))
        (found,) = compare_features(*sides, DEFAULT_THRESHOLDS)
        values = {each.measure: each.value for each in found.distances}
        assert values["kolmogorov_smirnov"] == pytest.approx(exact["kolmogorov_smirnov"], abs=tolerance)
        assert values["wasserstein"] <= exact["wasserstein"] + 0.05
        if any(sources):
            assert values["wasserstein"] == pytest.approx(exact["wasserstein"], abs=0.1)


def test_few_of_many_unchanged_samples_are_drift() -> None:
    """0.1 % for each feature is stated; of 5 features in 12 pairs none drifts with a probability of 19 in 20."""
    rng, alarms = np.random.default_rng(10), 0
    limits = DriftThresholds(l_infinity=0, jensen_shannon=0, psi=0, kolmogorov_smirnov=0, wasserstein=0, missing=0)
    for _ in range(12):
        tables = [
            pa.table(
                {
                    "lognormal": rng.lognormal(size=size),
                    "zeros": np.where(rng.random(size) < 0.9, 0.0, rng.normal(size=size)),
                    "counts": rng.poisson(3, size).astype(np.float64),
                    "codes": [f"c{each}" for each in rng.zipf(1.5, size) % 1000],
                    "postcodes": [f"c{each}" for each in rng.integers(0, 1000, size)],
                }
            )
            for size in (200, 600)
        ]
        for sources in ((True, True), (True, False), (False, False)):
            sides = (side(table, exact=each) for table, each in zip(tables, sources, strict=True))
            alarms += sum(drift.drifted for drift in compare_features(*sides, limits))
    assert alarms <= 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"psi": -1.0}, ("drift.threshold", "psi")),
        ({"alpha": 0.0}, ("drift.alpha",)),
    ],
)
def test_limits_that_nothing_can_be_held_against_are_refused(
    arguments: dict[str, float], expected: tuple[str, ...]
) -> None:
    with raises(*expected):
        DriftThresholds(**arguments)


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
