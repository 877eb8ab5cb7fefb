"""Each anomaly type that TFDV detects is provoked, and found by both, proto by proto."""

from __future__ import annotations

from typing import Any

import pytest
from anomaly_cases import CASES, NOT_DETECTED, statistics_of, types_in, x
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2

import assay

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@pytest.mark.parametrize("kind", CASES)
def test_both_find_it(kind: str) -> None:
    import tensorflow_data_validation as tfdv

    case = CASES[kind]
    schema = text_format.Parse(case.schema, schema_pb2.Schema())
    now = statistics_of(case.data, schema if case.with_schema else None)
    before = None if case.previous is None else statistics_of(case.previous, None)
    theirs = tfdv.validate_statistics(now.proto, schema, previous_statistics=before.proto if before else None)
    ours = assay.validate(now, schema, previous=before)
    assert ours.anomalies == theirs
    types = {finding.type for finding in ours.findings}
    if kind == "MULTIPLE_REASONS":  # a title over several reasons
        assert theirs.anomaly_info["x"].short_description == "Multiple errors"
        assert len(types) == 2
    else:
        assert kind in types_in(theirs) & types
    assert types_in(theirs) <= types
    assert all(finding.sentence and finding.evidence is not None for finding in ours.findings)


def test_every_type_of_the_proto_is_accounted_for() -> None:
    known = set(anomalies_pb2.AnomalyInfo.Type.keys())
    told_otherwise = {"BOOL_TYPE_INVALID_CONFIG", "FEATURE_MISSING_NAME", "CUSTOM_VALIDATION", "UNKNOWN_TYPE"}
    assert known - set(CASES) - told_otherwise == NOT_DETECTED & known


@pytest.mark.parametrize(
    ("schema", "data", "code"),
    [
        (x('type: BYTES bool_domain { true_value: "a" false_value: "a" }'), ["a"], "values_are_equal"),
        (x("type: INT") + "feature { type: INT }", [1], "no_name"),
    ],
)
def test_what_the_core_never_gives_is_a_contradiction_here(schema: str, data: Any, code: str) -> None:
    """BOOL_TYPE_INVALID_CONFIG and FEATURE_MISSING_NAME are declared, but the core passes such schemas in silence."""
    import tensorflow_data_validation as tfdv

    parsed, now = text_format.Parse(schema, schema_pb2.Schema()), statistics_of(data, None)
    assert not tfdv.validate_statistics(now.proto, parsed).anomaly_info
    report = assay.validate(now, parsed)
    assert not report.ok
    assert [finding.name for finding in report.findings] == [code]


def test_a_greatest_number_of_examples_counts_without_a_least_one() -> None:
    """TFDV looks at `max_examples_count` only where there is a `min_examples_count`, and passes else."""
    import tensorflow_data_validation as tfdv

    schema = text_format.Parse(x("type: INT") + "dataset_constraints { max_examples_count: 1 }", schema_pb2.Schema())
    now = statistics_of([1, 2, 3], None)
    assert not tfdv.validate_statistics(now.proto, schema).HasField("dataset_anomaly_info")
    (finding,) = assay.validate(now, schema).findings
    assert (finding.type, finding.evidence.observed, finding.evidence.limit) == ("DATASET_HIGH_NUM_EXAMPLES", 3.0, 1.0)


@pytest.mark.parametrize(
    ("environment", "features"), [(None, {"x", "y"}), ("SERVING", {"x"}), ("TRAINING", {"x", "y"})]
)
def test_environments_and_stages(environment: str | None, features: set[str]) -> None:
    """A feature outside of the environment, or in a stage that is not validated, has no anomalies."""
    import tensorflow_data_validation as tfdv

    required = "type: INT presence { min_fraction: 1 min_count: 1 }"
    schema = text_format.Parse(
        'default_environment: "TRAINING" default_environment: "SERVING"'
        + x(required)
        + f'feature {{ name: "y" {required} not_in_environment: "SERVING" }}'
        + f'feature {{ name: "planned" {required} lifecycle_stage: PLANNED }}'
        + f'feature {{ name: "gone" {required} deprecated: true }}',
        schema_pb2.Schema(),
    )
    now = statistics_of({"z": [1]}, None)
    theirs = tfdv.validate_statistics(now.proto, schema, environment=environment)
    ours = assay.validate(now, schema, environment=environment)
    assert ours.anomalies == theirs
    assert {finding.feature for finding in ours.findings} == features | {"z"}


def test_an_earlier_version_and_severities_as_in_the_private_options_of_tfdv() -> None:
    from tensorflow_data_validation.anomalies.proto import validation_config_pb2
    from tensorflow_data_validation.api import validation_api, validation_options

    schema = text_format.Parse(
        x("type: INT") + "dataset_constraints { num_examples_version_comparator { min_fraction_threshold: 0.9 } }",
        schema_pb2.Schema(),
    )
    now, earlier = statistics_of({"x": [1, 2], "z": [3, 4]}, None), statistics_of([1, 2, 3, 4], None)
    override = validation_config_pb2.SeverityOverride(
        type=anomalies_pb2.AnomalyInfo.SCHEMA_NEW_COLUMN, severity=anomalies_pb2.AnomalyInfo.WARNING
    )
    theirs = validation_api.validate_statistics_internal(
        now.proto,
        schema,
        previous_version_statistics=earlier.proto,
        validation_options=validation_options.ValidationOptions(severity_overrides=[override]),
    )
    ours = assay.validate(now, schema, previous_version=earlier, severity_overrides={"SCHEMA_NEW_COLUMN": "WARNING"})
    assert ours.anomalies == theirs
    assert {(finding.type, finding.severity) for finding in ours.findings} == {
        ("SCHEMA_NEW_COLUMN", "warning"),
        ("COMPARATOR_LOW_NUM_EXAMPLES", "error"),
    }
