"""Each anomaly type that TFDV detects is provoked, and found by both, proto by proto."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

import assay
from assay.kernels.statistics import StatisticsOptions

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Data that has one type of anomaly.

    Attributes:
        schema: As text.
        data: The values of a column `x`, or columns by name, or statistics as text.
        previous: Data of the previous span, in the same form.
        with_schema: Whether the statistics are computed with the schema, as for the features that it composes.
    """

    schema: str
    data: Any = field(default_factory=lambda: [1, 2])
    previous: Any = None
    with_schema: bool = False


def x(rest: str) -> str:
    return f'feature {{ name: "x" {rest} }}'


def of_custom_statistics(custom: str, kind: str = "STRING", more: str = "") -> str:
    counts = "num_non_missing: 10 min_num_values: 1 max_num_values: 1 avg_num_values: 1 tot_num_values: 10"
    return (
        f'datasets {{ num_examples: 10 features {{ path {{ step: "x" }} type: {kind} {custom} {more} '
        f"bytes_stats {{ common_stats {{ {counts} }} avg_num_bytes: 100 max_num_bytes_int: 900 }} }} }}"
    )


NUMBERS = pa.list_(pa.int64())
MATRIX = (
    'feature { name: "v" type: INT } feature { name: "i" type: INT } '
    'sparse_feature { name: "m" value_feature { name: "v" } index_feature { name: "i" } }'
)
WEIGHTED = (
    'feature { name: "v" type: INT } feature { name: "w" type: INT } '
    'weighted_feature { name: "m" feature { step: "v" } weight_feature { step: "w" } }'
)
SEQUENCES = (
    'custom_stats { name: "nl_statistics" any { [type.googleapis.com/tensorflow.metadata.v0.NaturalLanguageStatistics]'
    " { feature_coverage: 0.2 avg_token_length: 1.5 token_statistics { int_token: 7 frequency: 5"
    " fraction_of_sequences: 0.5 per_sequence_min_frequency: 1 per_sequence_max_frequency: 4 } } } }"
)


def limit_of_token(limit: str) -> str:
    return f"type: INT natural_language_domain {{ token_constraints {{ int_value: 7 {limit} }} }}"


CASES: dict[str, Case] = {
    "BOOL_TYPE_BIG_INT": Case(schema=x("type: INT bool_domain {}"), data=[0, 3]),
    "BOOL_TYPE_SMALL_INT": Case(schema=x("type: INT bool_domain {}"), data=[-1, 0]),
    "BOOL_TYPE_UNEXPECTED_STRING": Case(
        schema=x('type: BYTES bool_domain { true_value: "yes" false_value: "no" }'), data=["yes", "maybe"]
    ),
    "BOOL_TYPE_UNEXPECTED_FLOAT": Case(schema=x("type: FLOAT bool_domain {}"), data=[0.5, 1.0]),
    "ENUM_TYPE_INVALID_UTF8": Case(schema=x('type: BYTES string_domain { value: "a" }'), data=[b"\xff", b"a"]),
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES": Case(
        schema=x('type: BYTES string_domain { value: "a" }'), data=["a", "b", "b"]
    ),
    "FEATURE_TYPE_HIGH_NUMBER_VALUES": Case(schema=x("type: INT value_count { max: 2 }"), data=[[1], [1, 2, 3]]),
    "FEATURE_TYPE_LOW_NUMBER_VALUES": Case(schema=x("type: INT value_count { min: 2 }"), data=[[1], [1, 2, 3]]),
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": Case(schema=x("type: INT presence { min_fraction: 1 }"), data=[1, None, None]),
    "FEATURE_TYPE_LOW_NUMBER_PRESENT": Case(schema=x("type: INT presence { min_count: 5 }"), data=[1, 2]),
    "FEATURE_TYPE_NOT_PRESENT": Case(
        schema=x("type: INT presence { min_count: 1 }"), data=pa.array([None, None], pa.int64())
    ),
    "FEATURE_TYPE_HIGH_UNIQUE": Case(
        schema=x("type: BYTES unique_constraints { min: 1 max: 1 }"), data=["a", "b", "c"]
    ),
    "FEATURE_TYPE_LOW_UNIQUE": Case(schema=x("type: BYTES unique_constraints { min: 3 max: 9 }"), data=["a", "a"]),
    "FEATURE_TYPE_NO_UNIQUE": Case(schema=x("type: FLOAT unique_constraints { min: 1 max: 9 }"), data=[1.0, 2.0]),
    "FLOAT_TYPE_BIG_FLOAT": Case(schema=x("type: FLOAT float_domain { max: 1 }"), data=[0.5, 2.5]),
    "FLOAT_TYPE_SMALL_FLOAT": Case(schema=x("type: FLOAT float_domain { min: 1 }"), data=[0.5, 2.5]),
    "FLOAT_TYPE_STRING_NOT_FLOAT": Case(schema=x("type: BYTES float_domain {}"), data=["1.5", "nix"]),
    "FLOAT_TYPE_HAS_NAN": Case(schema=x("type: FLOAT float_domain { disallow_nan: true }"), data=[np.nan, 1.0]),
    "FLOAT_TYPE_HAS_INF": Case(schema=x("type: FLOAT float_domain { disallow_inf: true }"), data=[np.inf, 1.0]),
    "INT_TYPE_BIG_INT": Case(schema=x("type: INT int_domain { max: 1 }")),
    "INT_TYPE_SMALL_INT": Case(schema=x("type: INT int_domain { min: 2 }")),
    "INT_TYPE_NOT_INT_STRING": Case(schema=x("type: BYTES int_domain {}"), data=["1", "nix"]),
    "SCHEMA_MISSING_COLUMN": Case(
        schema=x("type: INT") + 'feature { name: "y" type: INT presence { min_fraction: 1 min_count: 1 } }'
    ),
    "SCHEMA_NEW_COLUMN": Case(schema=x("type: INT"), data={"x": [1, 2], "z": ["a", "b"]}),
    "COMPARATOR_CONTROL_DATA_MISSING": Case(
        schema=x("type: BYTES drift_comparator { infinity_norm { threshold: 0.1 } }"),
        data=["a", "b"],
        previous={"y": [1, 2]},
    ),
    "COMPARATOR_L_INFTY_HIGH": Case(
        schema=x("type: BYTES drift_comparator { infinity_norm { threshold: 0.1 } }"),
        data=["a", "b"],
        previous=["a", "a"],
    ),
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": Case(
        schema=x("type: BYTES drift_comparator { jensen_shannon_divergence { threshold: 0.1 } }"),
        data=["a", "b"],
        previous=["a", "a"],
    ),
    "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH": Case(
        schema=x("type: BYTES drift_comparator { normalized_abs_difference { threshold: 0.1 } }"),
        data=["a", "b"],
        previous=["a", "a"],
    ),
    "COMPARATOR_LOW_NUM_EXAMPLES": Case(
        schema=x("type: INT") + "dataset_constraints { num_examples_drift_comparator { min_fraction_threshold: 0.9 } }",
        previous=[1, 2, 3, 4],
    ),
    "COMPARATOR_HIGH_NUM_EXAMPLES": Case(
        schema=x("type: INT") + "dataset_constraints { num_examples_drift_comparator { max_fraction_threshold: 1.1 } }",
        previous=[1],
    ),
    "DATASET_LOW_NUM_EXAMPLES": Case(schema=x("type: INT") + "dataset_constraints { min_examples_count: 9 }"),
    "DATASET_HIGH_NUM_EXAMPLES": Case(
        schema=x("type: INT") + "dataset_constraints { min_examples_count: 1 max_examples_count: 1 }"
    ),
    "SPARSE_FEATURE_MISSING_VALUE": Case(schema=MATRIX, data={"v": [[1], None], "i": [[0], [1]]}, with_schema=True),
    "SPARSE_FEATURE_MISSING_INDEX": Case(schema=MATRIX, data={"v": [[1], [1]], "i": [[0], None]}, with_schema=True),
    "SPARSE_FEATURE_LENGTH_MISMATCH": Case(schema=MATRIX, data={"v": [[1], [1]], "i": [[0], [0, 1]]}, with_schema=True),
    "SPARSE_FEATURE_NAME_COLLISION": Case(
        schema=x("type: INT") + MATRIX.replace('"m"', '"x"'), data={"v": [[1]], "i": [[0]], "x": [1]}, with_schema=True
    ),
    "WEIGHTED_FEATURE_MISSING_VALUE": Case(schema=WEIGHTED, data={"v": [[1], None], "w": [[1], [1]]}, with_schema=True),
    "WEIGHTED_FEATURE_MISSING_WEIGHT": Case(
        schema=WEIGHTED, data={"v": [[1], [1]], "w": [[1], None]}, with_schema=True
    ),
    "WEIGHTED_FEATURE_LENGTH_MISMATCH": Case(
        schema=WEIGHTED, data={"v": [[1], [1]], "w": [[1], [1, 2]]}, with_schema=True
    ),
    "WEIGHTED_FEATURE_NAME_COLLISION": Case(
        schema=WEIGHTED.replace('"m"', '"v"'), data={"v": [[1]], "w": [[1]]}, with_schema=True
    ),
    "SEMANTIC_DOMAIN_UPDATE": Case(
        schema=x("type: BYTES"),
        data=of_custom_statistics('custom_stats { name: "domain_info" str: "natural_language_domain {}" }'),
    ),
    "LOW_SUPPORTED_IMAGE_FRACTION": Case(
        schema=x("type: BYTES image_domain { minimum_supported_image_fraction: 0.9 }"),
        data=of_custom_statistics(
            'custom_stats { name: "image_format_histogram" rank_histogram { buckets { label: "PNG" sample_count: 5 }'
            ' buckets { label: "UNKNOWN" sample_count: 5 } } }'
        ),
    ),
    "MAX_IMAGE_BYTE_SIZE_EXCEEDED": Case(
        schema=x("type: BYTES image_domain { max_image_byte_size: 99 }"), data=of_custom_statistics("", "BYTES")
    ),
    "VALUE_NESTEDNESS_MISMATCH": Case(
        schema=x("type: INT value_counts { value_count { min: 1 } value_count { min: 1 } }"), data=[[1], [2]]
    ),
    "DOMAIN_INVALID_FOR_TYPE": Case(schema=x('type: FLOAT string_domain { value: "a" }'), data=[1.0, 2.0]),
    "FEATURE_MISSING_TYPE": Case(schema='feature { name: "x" int_domain { min: 0 } }'),
    "INVALID_DOMAIN_SPECIFICATION": Case(schema=x('type: BYTES domain: "none"'), data=["a", "b"]),
    "INVALID_SCHEMA_SPECIFICATION": Case(schema=x("type: INT presence { min_fraction: 2 }")),
    "INVALID_FEATURE_SHAPE": Case(schema=x("type: INT shape { dim { size: 2 } }"), data=[[1, 2], [1]]),
    "UNEXPECTED_DATA_TYPE": Case(schema=x("type: INT"), data=["a", "b"]),
    "SEQUENCE_VALUE_TOO_FEW_OCCURRENCES": Case(
        schema=x(limit_of_token("min_per_sequence: 2")), data=of_custom_statistics(SEQUENCES, "INT")
    ),
    "SEQUENCE_VALUE_TOO_MANY_OCCURRENCES": Case(
        schema=x(limit_of_token("max_per_sequence: 2")), data=of_custom_statistics(SEQUENCES, "INT")
    ),
    "SEQUENCE_VALUE_TOO_SMALL_FRACTION": Case(
        schema=x(limit_of_token("min_fraction_of_sequences: 0.9")), data=of_custom_statistics(SEQUENCES, "INT")
    ),
    "SEQUENCE_VALUE_TOO_LARGE_FRACTION": Case(
        schema=x(limit_of_token("max_fraction_of_sequences: 0.1")), data=of_custom_statistics(SEQUENCES, "INT")
    ),
    "FEATURE_COVERAGE_TOO_LOW": Case(
        schema=x("type: INT natural_language_domain { coverage { min_coverage: 0.9 } }"),
        data=of_custom_statistics(SEQUENCES, "INT"),
    ),
    "FEATURE_COVERAGE_TOO_SHORT_AVG_TOKEN_LENGTH": Case(
        schema=x("type: INT natural_language_domain { coverage { min_avg_token_length: 3 } }"),
        data=of_custom_statistics(SEQUENCES, "INT"),
    ),
    "STATS_NOT_AVAILABLE": Case(
        schema=x("type: INT natural_language_domain { coverage { min_coverage: 0.9 } }"), data=[[1], [2]]
    ),
    "MULTIPLE_REASONS": Case(schema=x("type: INT presence { min_fraction: 1 } int_domain { max: 1 }"), data=[2, None]),
    "DERIVED_FEATURE_BAD_LIFECYCLE": Case(
        schema=x('type: BYTES lifecycle_stage: PRODUCTION validation_derived_source { deriver_name: "d" }'),
        data=of_custom_statistics("", more='validation_derived_source { deriver_name: "d" }'),
    ),
    "DERIVED_FEATURE_INVALID_SOURCE": Case(
        schema=x("type: BYTES lifecycle_stage: VALIDATION_DERIVED"),
        data=of_custom_statistics("", more='validation_derived_source { deriver_name: "d" }'),
    ),
}


# Declared in the proto with the remark that they are not detected.
NOT_DETECTED = {
    *("BOOL_TYPE_BYTES_NOT_INT", "BOOL_TYPE_BYTES_NOT_STRING", "BOOL_TYPE_FLOAT_NOT_INT", "BOOL_TYPE_FLOAT_NOT_STRING"),
    *("BOOL_TYPE_INT_NOT_STRING", "BOOL_TYPE_STRING_NOT_INT", "ENUM_TYPE_BYTES_NOT_STRING"),
    *("ENUM_TYPE_FLOAT_NOT_STRING", "ENUM_TYPE_INT_NOT_STRING", "FEATURE_TYPE_NO_VALUES"),
    *("FEATURE_TYPE_UNEXPECTED_REPEATED", "FLOAT_TYPE_NOT_FLOAT", "FLOAT_TYPE_NON_STRING"),
    *("FLOAT_TYPE_UNKNOWN_TYPE_NUMBER", "INT_TYPE_INT_EXPECTED", "INT_TYPE_NOT_STRING", "INT_TYPE_STRING_EXPECTED"),
    *("INT_TYPE_UNKNOWN_TYPE_NUMBER", "SCHEMA_TRAINING_SERVING_SKEW", "STRING_TYPE_NOW_FLOAT", "STRING_TYPE_NOW_INT"),
    *("COMPARATOR_TREATMENT_DATA_MISSING", "NO_DATA_IN_SPAN", "NLP_WRONG_LOCATION", "EMBEDDING_SHAPE_INVALID"),
}


def statistics_of(data: Any, schema: schema_pb2.Schema | None) -> Any:
    if isinstance(data, str):
        return assay.Statistics(text_format.Parse(data, statistics_pb2.DatasetFeatureStatisticsList()))
    columns = data if isinstance(data, dict) else {"x": data}
    return assay.statistics(pa.table(columns), schema=schema, options=StatisticsOptions())


def types_in(anomalies: Any) -> set[str]:
    name: Callable[[int], str] = anomalies_pb2.AnomalyInfo.Type.Name
    infos = [*anomalies.anomaly_info.values(), anomalies.dataset_anomaly_info]
    return {name(reason.type) for info in infos for reason in info.reason}


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
