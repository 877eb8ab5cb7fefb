"""What statistics cannot decide is decided by rows, or said: cut lists of values, estimated counts of distinct ones."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

import assay
from assay.kernels.statistics import SlicingSpec, StatisticsOptions

DOMAIN = [f"v{at:04}" for at in range(1500)]


def schema_of(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


def large_domain(mass: str = "") -> schema_pb2.Schema:
    schema = schema_of(f'feature {{ name: "k" type: BYTES domain: "d" {mass} }}')
    schema.string_domain.add(name="d", value=DOMAIN)
    return schema


def data(foreign: int) -> pa.Table:
    return pa.table({"k": DOMAIN * 2 + [f"x{at}" for at in range(foreign)]})


def found(report: assay.Report) -> list[tuple[str, str, int | None]]:
    return [(each.type, each.severity, each.evidence.count) for each in report.findings]


def test_values_beyond_the_list_of_statistics_are_found_in_the_rows() -> None:
    report = assay.validate(data(150), large_domain())
    assert found(report) == [("ENUM_TYPE_UNEXPECTED_STRING_VALUES", "error", 150)]
    assert "x0" in report.findings[0].evidence.values
    assert report.anomalies.anomaly_info["k"].reason[0].short_description == "Unexpected string values"
    assert report.anomalies.baseline == report.schema
    assert assay.validate(data(0), large_domain()).ok


def test_statistics_whose_list_is_cut_say_that_a_domain_was_not_checked(tmp_path: Path) -> None:
    assay.statistics(data(0)).save(tmp_path / "cut.pb")
    report = assay.validate(tmp_path / "cut.pb", large_domain())
    assert found(report) == [("STATS_NOT_AVAILABLE", "error", None)]
    assert "--rows" in report.findings[0].description
    assert "num_rank_histogram_buckets=1500" in report.findings[0].description
    whole = assay.statistics(data(0), options=StatisticsOptions(num_rank_histogram_buckets=1500))
    assert assay.validate(whole, large_domain()).ok


def test_a_value_that_a_cut_list_shows_is_counted_as_unknown(tmp_path: Path) -> None:
    table = pa.table({"k": DOMAIN + ["x"] * 9})
    report = assay.validate(assay.statistics(table), large_domain())
    assert found(report) == [("ENUM_TYPE_UNEXPECTED_STRING_VALUES", "error", None)]
    assert found(assay.validate(table, large_domain())) == [("ENUM_TYPE_UNEXPECTED_STRING_VALUES", "error", 9)]


@pytest.mark.parametrize(("mass", "ok"), [(0.90, True), (0.96, False)])
def test_a_tolerated_share_is_that_of_all_values(mass: float, ok: bool) -> None:
    tolerant = large_domain(f"distribution_constraints {{ min_domain_mass: {mass} }}")
    assert assay.validate(data(200), tolerant).ok == ok
    # 1,000 values of 2 occurrences are 2,000 of 3,200: the list alone cannot decide
    assert [each.type for each in assay.validate(assay.statistics(data(200)), tolerant).findings] == [
        "STATS_NOT_AVAILABLE"
    ]
    few = large_domain("distribution_constraints { min_domain_mass: 0.5 }")
    assert assay.validate(assay.statistics(data(200)), few).ok


def test_numbers_as_text_beyond_the_list() -> None:
    schema = schema_of('feature { name: "k" type: BYTES int_domain { min: 0 max: 1999 } }')
    words = [str(at) for at in range(2000)] * 2
    assert assay.validate(pa.table({"k": words}), schema).ok
    for bad, kind in (("junk", "INT_TYPE_NOT_INT_STRING"), ("-5", "INT_TYPE_SMALL_INT"), ("2000", "INT_TYPE_BIG_INT")):
        assert [each.type for each in assay.validate(pa.table({"k": [*words, bad]}), schema).findings] == [kind]
    assert [each.type for each in assay.validate(assay.statistics(pa.table({"k": words})), schema).findings] == [
        "STATS_NOT_AVAILABLE"
    ]


def test_slices_are_decided_where_every_row_keeps_the_domain() -> None:
    options = StatisticsOptions(slices=(SlicingSpec(feature_keys=("g",)),))
    table = pa.table({"k": DOMAIN * 2, "g": ["a", "b"] * 1500})
    schema = large_domain()
    schema.feature.add(name="g", type=schema_pb2.BYTES)
    assert assay.validate(table, schema, options=options).findings == ()
    spoilt = table.set_column(0, "k", pa.array(["x", *DOMAIN[1:], *DOMAIN]))
    report = assay.validate(spoilt, schema, options=options)
    assert [(each.slice, each.evidence.count) for each in report.findings] == [("", 1), ("g_a", 1)]


def ids(number: int) -> pa.Table:
    return pa.table({"id": [f"{at:07}-{'x' * 40}" for at in range(number)]})


def estimated() -> StatisticsOptions:
    return StatisticsOptions(max_exact_bytes=1 << 16)


@pytest.mark.parametrize("seed", range(3))
def test_an_estimate_is_never_above_the_number_of_values_and_says_about(seed: int) -> None:
    number = 20_000 + 501 * seed
    summary = assay.statistics(ids(number), options=estimated()).features[0]
    assert summary.unique is not None
    assert 0.97 * number < summary.unique <= number
    assert summary.estimated
    assert "about" in str(summary)
    exact = assay.statistics(ids(number)).features[0]
    assert (exact.unique, exact.estimated) == (number, False)
    assert "about" not in str(exact)


@pytest.mark.parametrize(
    ("bounds", "by_rows", "by_statistics"),
    [
        ("min: 20000 max: 20000", [], ["STATS_NOT_AVAILABLE"]),
        ("min: 1 max: 19999", ["FEATURE_TYPE_HIGH_UNIQUE"], ["STATS_NOT_AVAILABLE"]),
        ("min: 20001 max: 30000", ["FEATURE_TYPE_LOW_UNIQUE"], ["FEATURE_TYPE_LOW_UNIQUE"]),
        ("min: 1 max: 10000", ["FEATURE_TYPE_HIGH_UNIQUE"], ["FEATURE_TYPE_HIGH_UNIQUE"]),
        ("min: 1 max: 30000", [], []),
    ],
)
def test_a_number_of_distinct_values_is_not_judged_by_the_error_of_an_estimate(
    bounds: str, by_rows: list[str], by_statistics: list[str]
) -> None:
    schema = schema_of(f'feature {{ name: "id" type: BYTES unique_constraints {{ {bounds} }} }}')
    report = assay.validate(ids(20_000), schema, options=estimated())
    assert [each.type for each in report.findings] == by_rows
    report = assay.validate(assay.statistics(ids(20_000), options=estimated()), schema)
    assert [each.type for each in report.findings] == by_statistics
    assert report.ok == (by_statistics in ([], ["STATS_NOT_AVAILABLE"]))


@settings(max_examples=25)
@given(
    st.integers(0, 30), st.lists(st.integers(0, 40), min_size=1, max_size=60), st.integers(0, 45), st.integers(1, 40)
)
def test_a_list_of_any_length_gives_one_verdict(first: int, values: list[int], size: int, buckets: int) -> None:
    """However few values statistics list, data is judged as by a complete list; statistics never pass by the cut."""
    table = pa.table({"k": [str(each) for each in values]})
    schema = schema_of('feature { name: "k" type: BYTES string_domain {} }')
    schema.feature[0].string_domain.value.extend(str(each) for each in range(first, first + size + 1))
    ok = set(values) <= set(range(first, first + size + 1))
    options = StatisticsOptions(num_rank_histogram_buckets=buckets)
    assert assay.validate(table, schema, options=options).ok == ok
    by_statistics = assay.validate(assay.statistics(table, options=options), schema)
    assert by_statistics.ok == (ok and buckets >= len(set(values)))
