"""For each anomaly type that TFDV detects, a schema and data that have it; and the types that are not detected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

import assay
from assay.kernels.statistics import StatisticsOptions


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


def statistics_of(data: Any, schema: schema_pb2.Schema | None) -> Any:
    if isinstance(data, str):
        return assay.Statistics(text_format.Parse(data, statistics_pb2.DatasetFeatureStatisticsList()))
    columns = data if isinstance(data, dict) else {"x": data}
    return assay.statistics(pa.table(columns), schema=schema, options=StatisticsOptions())


def types_in(anomalies: Any) -> set[str]:
    name: Callable[[int], str] = anomalies_pb2.AnomalyInfo.Type.Name
    infos = [*anomalies.anomaly_info.values(), anomalies.dataset_anomaly_info]
    return {name(reason.type) for info in infos for reason in info.reason}


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
