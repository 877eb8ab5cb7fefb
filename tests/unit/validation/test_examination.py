"""What TFDV passes over in silence (REFERENCE §0.4) is an error before compute, or a finding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from assay.kernels.feature_summary import FeatureSummary
from assay.kernels.statistics import DatasetStatistics, SlicingSpec, StatisticsOptions
from assay.validation import CheckResult, Examination, Expectations, examine, statistics_check
from raising import raises

Statistics = statistics_pb2.DatasetFeatureStatisticsList
CITY = 'feature { name: "city" type: BYTES %s }'
L_INFINITY = "infinity_norm { threshold: 0.1 }"


def schema_of(text: str) -> schema_pb2.Schema:
    return text_format.Parse(text, schema_pb2.Schema())


def statistics_of(*, by: str | None = None, schema: schema_pb2.Schema | None = None, **columns: Any) -> Statistics:
    slices = (SlicingSpec(feature_keys=(by,)),) if by else ()
    accumulator = DatasetStatistics(StatisticsOptions(slices=slices), schema=schema)
    state = accumulator.create()
    for batch in pa.table(columns).to_batches():
        state = accumulator.add_batch(state, batch)
    return accumulator.extract(state)


def examined(statistics: Statistics, schema: str, controls: Any = None, **expected: Any) -> Examination:
    return examine(statistics, Expectations(schema=schema_of(schema), **expected), controls or {})


def types(examination: Examination) -> list[tuple[str, str, str, str]]:
    return [(found.slice, found.feature, found.type, found.severity) for found in examination.findings]


def test_every_slice_is_validated() -> None:
    schema = 'feature { name: "city" type: BYTES } feature { name: "fare" type: FLOAT presence { min_fraction: 0.6 } }'
    statistics = statistics_of(by="city", city=["a"] * 90 + ["b"] * 10, fare=[1.0] * 90 + [None] * 10)
    examination = examined(statistics, schema)
    assert not examination.overall.findings
    assert types(examination) == [("city_b", "fare", "FEATURE_TYPE_NOT_PRESENT", "error")]
    assert "fare in the slice city_b" in examination.findings[0].sentence
    assert set(examination.slices) == {"city_a", "city_b"}


def test_limits_that_count_all_examples_are_not_those_of_a_slice() -> None:
    schema = CITY % "presence { min_count: 50 } unique_constraints { min: 2 max: 5 }"
    schema += "dataset_constraints { min_examples_count: 80 }"
    assert not examined(statistics_of(by="city", city=["a"] * 90 + ["b"] * 10), schema).findings


def test_a_slice_is_compared_with_the_same_slice() -> None:
    schema = CITY % "" + 'feature { name: "kind" type: BYTES drift_comparator { infinity_norm { threshold: 0.1 } } }'
    before = statistics_of(by="city", city=["a", "b"] * 500, kind=["x"] * 1000)
    now = statistics_of(by="city", city=["a", "b"] * 500 + ["c"] * 50, kind=["x", "y"] * 500 + ["x"] * 50)
    examination = examined(now, schema, {"previous": before})
    assert types(examination) == [
        ("", "kind", "COMPARATOR_L_INFTY_HIGH", "error"),
        ("city_b", "kind", "COMPARATOR_L_INFTY_HIGH", "error"),
        ("city_c", "kind", "COMPARATOR_CONTROL_DATA_MISSING", "warning"),
    ]


def test_a_rare_slice_does_not_fail_the_data_by_chance() -> None:
    schema = CITY % "" + 'feature { name: "kind" type: BYTES drift_comparator { infinity_norm { threshold: 0.1 } } }'
    before = statistics_of(by="city", city=["a"] * 1000 + ["b"] * 6, kind=["x", "y"] * 503)
    now = statistics_of(by="city", city=["a"] * 1000 + ["b"] * 6, kind=["x", "y"] * 500 + [*"xxxxyy"])
    (found,) = examined(now, schema, {"previous": before}).findings
    assert (found.slice, found.type, found.severity) == ("city_b", "COMPARATOR_L_INFTY_HIGH", "warning")
    assert "6 examples reach" in found.description


@pytest.mark.parametrize("measure", ["infinity_norm", "normalized_abs_difference"])
@pytest.mark.parametrize("type_", ["INT", "FLOAT"])
def test_counts_of_categories_are_not_asked_of_numbers(measure: str, type_: str) -> None:
    schema = f'feature {{ name: "x" type: {type_} drift_comparator {{ {measure} {{ threshold: 0.1 }} }} }}'
    statistics = statistics_of(x=[1, 2])
    with raises("schema.cannot_apply", measure, "x"):
        examined(statistics, schema, {"previous": statistics})


def test_integers_that_are_categories_have_counts() -> None:
    text = 'feature { name: "x" type: INT int_domain { is_categorical: true } drift_comparator { '
    text += L_INFINITY + "} }"
    schema = schema_of(text)
    now, before = statistics_of(x=[1, 1], schema=schema), statistics_of(x=[1, 2], schema=schema)
    assert [kind for _, _, kind, _ in types(examined(now, text, {"previous": before}))] == ["COMPARATOR_L_INFTY_HIGH"]
    # The same statistics without the schema hold numbers, for which TFDV measures 0.
    numbers = statistics_of(x=[1, 1]), statistics_of(x=[1, 2])
    (found,) = examined(numbers[0], text, {"previous": numbers[1]}).findings
    assert (found.type, found.severity) == ("STATS_NOT_AVAILABLE", "error")
    assert "compares counts of categories, and the data has numbers" in found.description


def test_a_breach_of_the_normalized_absolute_difference_is_kept() -> None:
    schema = CITY % "drift_comparator { normalized_abs_difference { threshold: 0.1 } }"
    controls = {"previous": statistics_of(city=["a"] * 10)}
    examination = examined(statistics_of(city=["a"] * 5 + ["b"] * 5), schema, controls)
    assert [kind for _, _, kind, _ in types(examination)] == ["COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH"]


@pytest.mark.parametrize(
    ("schema", "code"),
    [
        (CITY % f"drift_comparator {{ {L_INFINITY} }}", "schema.cannot_apply"),
        (CITY % f"skew_comparator {{ {L_INFINITY} }}", "schema.cannot_apply"),
        (
            "dataset_constraints { num_examples_version_comparator { min_fraction_threshold: 1 } }",
            "schema.cannot_apply",
        ),
        (
            "dataset_constraints { num_examples_drift_comparator { max_fraction_threshold: 1 } }",
            "schema.cannot_apply",
        ),
    ],
)
def test_a_comparator_without_anything_to_compare_with_is_refused_or_told(schema: str, code: str) -> None:
    statistics = statistics_of(city=["a"])
    schema = schema if "city" in schema else CITY % "" + schema
    with raises(code):
        examined(statistics, schema)
    (found,) = examined(statistics, schema, on_missing_control="warning").findings
    assert (found.type, found.severity) == ("COMPARATOR_CONTROL_DATA_MISSING", "warning")


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (CITY % "drift_comparator { }", ("schema.cannot_apply", "drift_comparator")),
        (CITY % "drift_comparator { infinity_norm { } }", ("schema.cannot_apply", "infinity_norm")),
        (CITY % "drift_comparator { infinity_norm { threshold: -1 } }", ("schema.cannot_apply",)),
        (
            'feature { name: "s" type: STRUCT drift_comparator { jensen_shannon_divergence { threshold: 1 } } }',
            ("schema.cannot_apply",),
        ),
        (CITY % "" + "dataset_constraints { num_examples_drift_comparator { } }", ("schema.cannot_apply",)),
        (
            'default_environment: "TRAINING" ' + CITY % 'not_in_environment: "TRAINNG"',
            ("schema.cannot_apply", "TRAINNG", "default_environment", "TRAINING"),
        ),
        (CITY % 'in_environment: "SERVING"', ("schema.cannot_apply", "SERVING")),
    ],
)
def test_a_schema_that_would_be_passed_over_is_refused(schema: str, expected: tuple[str, ...]) -> None:
    statistics = statistics_of(city=["a"])
    with raises(*expected):
        examined(statistics, schema, {"previous": statistics})


def test_all_problems_of_a_schema_are_named_at_once() -> None:
    schema = CITY % "drift_comparator { infinity_norm { } } skew_comparator { infinity_norm { threshold: 1 } }"
    with raises("schema.cannot_apply"):
        examined(statistics_of(city=["a"]), schema)


def test_features_that_are_not_validated_need_no_control() -> None:
    schema = 'default_environment: "A" ' + CITY % f"lifecycle_stage: DEBUG_ONLY drift_comparator {{ {L_INFINITY} }}"
    assert not examined(statistics_of(city=["a"]), schema).findings
    schema = 'default_environment: "A" default_environment: "B" '
    schema += CITY % f'not_in_environment: "B" drift_comparator {{ {L_INFINITY} }}'
    assert not examined(statistics_of(other=["a"]), schema, environment="B", severity_overrides={
        "SCHEMA_NEW_COLUMN": "UNKNOWN"}).overall.comparisons  # fmt: skip


def test_a_feature_that_the_control_lacks_is_a_finding() -> None:
    schema = CITY % f"presence {{ }} drift_comparator {{ {L_INFINITY} }}"
    now, before = statistics_of(city=["a"], x=[1]), statistics_of(x=[1])
    schema += 'feature { name: "x" type: INT }'
    assert types(examined(now, schema, {"previous": before})) == [
        ("", "city", "COMPARATOR_CONTROL_DATA_MISSING", "error")
    ]
    assert types(examined(before, schema, {"previous": now})) == [("", "city", "STATS_NOT_AVAILABLE", "error")]


def test_a_divergence_that_cannot_be_measured_is_a_finding() -> None:
    schema = 'feature { name: "x" type: FLOAT drift_comparator { jensen_shannon_divergence { threshold: 0.1 } } }'
    now, before = statistics_of(x=pa.array([None, None], pa.float64())), statistics_of(x=[1.0, 2.0])
    found = examined(now, schema, {"previous": before}).findings
    assert ("STATS_NOT_AVAILABLE", "error") in [(each.type, each.severity) for each in found]


def test_our_findings_stand_in_the_anomalies_proto() -> None:
    def city_is_never_a(city: FeatureSummary) -> bool:
        return city.top != "a"

    schema = CITY % 'domain: "cities"' + 'string_domain { name: "cities" value: "b" }'
    check = statistics_check(city_is_never_a)
    examination = examined(statistics_of(city=["a"] * 5), schema, checks=(check,))
    info = examination.overall.anomalies.anomaly_info["city"]
    assert [anomalies_pb2.AnomalyInfo.Type.Name(reason.type) for reason in info.reason] == [
        "ENUM_TYPE_UNEXPECTED_STRING_VALUES",
        "CUSTOM_VALIDATION",
    ]
    assert info.short_description == "Multiple errors"
    assert info.severity == anomalies_pb2.AnomalyInfo.ERROR


class TestCustomChecks:
    @staticmethod
    def run(*functions: Any, **columns: Any) -> Examination:
        checks = tuple(map(statistics_check, functions))
        columns = columns or {"fare": [1.0, 3.0]}
        schema = "".join(f'feature {{ name: "{name}" type: FLOAT }}' for name in columns)
        return examined(statistics_of(**columns), schema, checks=checks)

    def test_a_check_gives_what_it_observed(self) -> None:
        def mean_fare_is_low(fare: FeatureSummary) -> CheckResult:
            """The mean fare is at most 1."""
            assert fare.mean is not None
            return CheckResult(ok=fare.mean <= 1, observed=fare.mean, limit=1.0)

        (found,) = self.run(mean_fare_is_low).findings
        assert (found.feature, found.type, found.name) == ("fare", "CUSTOM_VALIDATION", "mean_fare_is_low")
        assert (found.evidence.observed, found.evidence.limit) == (2.0, 1.0)
        assert "The mean fare is at most 1" in found.sentence

    def test_a_check_of_the_whole_data_set(self) -> None:
        def there_are_examples(data: statistics_pb2.DatasetFeatureStatistics, fare: FeatureSummary) -> bool:
            return data.num_examples == 2 and np.bool_(fare.present == 2)

        examination = self.run(there_are_examples)
        assert not examination.findings
        assert examination.overall.passed_checks == ("there_are_examples",)

    def test_a_check_runs_on_every_slice(self) -> None:
        def few_fares_are_missing(fare: FeatureSummary) -> bool:
            return fare.missing < 0.6

        statistics = statistics_of(by="city", city=["a", "a", "b"], fare=[1.0, 2.0, None])
        schema = CITY % "" + 'feature { name: "fare" type: FLOAT }'
        examination = examined(statistics, schema, checks=(statistics_check(few_fares_are_missing),))
        assert types(examination) == [("city_b", "fare", "CUSTOM_VALIDATION", "error")]

    def test_a_check_that_gives_nothing_is_refused(self) -> None:
        def forgets_to_return(fare: FeatureSummary) -> None:
            _ = fare.mean

        with raises("checks.result", "forgets_to_return"):
            self.run(forgets_to_return)

    def test_a_check_of_a_feature_that_is_not_there_is_refused(self) -> None:
        def misspelt(fair: FeatureSummary) -> bool:
            return fair.missing == 0

        with raises("checks.feature", "fair", "fare"):
            self.run(misspelt)

    def test_a_check_that_raises_says_what(self) -> None:
        def divides(fare: FeatureSummary) -> bool:
            return fare.present / 0 > 1

        with raises("checks.raised", "divides", "ZeroDivisionError"):
            self.run(divides)

    def test_a_parameter_without_a_type_is_refused(self) -> None:
        def untyped(fare) -> bool:  # noqa: ANN001
            return bool(fare)

        with raises("checks.signature", "fare"):
            statistics_check(untyped)
