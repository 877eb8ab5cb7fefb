from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.statistics import DatasetStatistics
from assay.validation import Finding, find
from assay.validation.examination import validate_statistics


def _statistics(table: pa.Table) -> Any:
    accumulator = DatasetStatistics()
    state = accumulator.create()
    for batch in table.to_batches():
        state = accumulator.add_batch(state, batch)
    return accumulator.extract(state)


def _findings(
    column: Any, feature: str, *, schema: str = "", previous: Any = None, serving: Any = None
) -> list[Finding]:
    """Validates one column `x` against a feature's text proto."""
    statistics = _statistics(pa.table({"x": column}))
    expected = text_format.Parse(f'feature {{ name: "x" {feature} }} {schema}', schema_pb2.Schema())
    anomalies = validate_statistics(
        statistics,
        expected,
        previous_span=None if previous is None else _statistics(pa.table({"x": previous})),
        serving=None if serving is None else _statistics(pa.table({"x": serving})),
    )
    return list(find(statistics, expected, anomalies))


@pytest.mark.parametrize(
    ("column", "feature", "type_name", "against", "field", "affected"),
    [
        (
            ["a", "z", "z", "y"],
            'type: BYTES string_domain { name: "d" value: "a" }',
            "ENUM_TYPE_UNEXPECTED_STRING_VALUES",
            (2.0, "1 values"),
            "feature[x].string_domain",
            (3, 0.75),
        ),
        (
            ["yes", "maybe"],
            'type: BYTES bool_domain { true_value: "yes" false_value: "no" }',
            "BOOL_TYPE_UNEXPECTED_STRING",
            (1.0, "2 values"),
            "feature[x].bool_domain",
            (1, 0.5),
        ),
        (
            [0, 3],
            "type: INT bool_domain {}",
            "BOOL_TYPE_BIG_INT",
            (3.0, 1.0),
            "feature[x].bool_domain.max",
            (None, None),
        ),
        (
            [1, None, None, 4],
            "type: INT presence { min_fraction: 1 }",
            "FEATURE_TYPE_LOW_FRACTION_PRESENT",
            (0.5, 1.0),
            "feature[x].presence.min_fraction",
            (2, 0.5),
        ),
        (
            [1, None],
            "type: INT presence { min_count: 2 }",
            "FEATURE_TYPE_LOW_NUMBER_PRESENT",
            (1.0, 2.0),
            "feature[x].presence.min_count",
            (None, None),
        ),
        (
            [5, 60],
            "type: INT int_domain { max: 50 }",
            "INT_TYPE_BIG_INT",
            (60.0, 50.0),
            "feature[x].int_domain.max",
            (None, None),
        ),
        (
            np.array([-1, 0.5], np.float32),
            "type: FLOAT float_domain { min: 0 }",
            "FLOAT_TYPE_SMALL_FLOAT",
            (-1.0, 0.0),
            "feature[x].float_domain.min",
            (None, None),
        ),
        (
            np.array([np.nan, 0.5], np.float32),
            "type: FLOAT float_domain { disallow_nan: true }",
            "FLOAT_TYPE_HAS_NAN",
            (1.0, 0.0),
            "feature[x].float_domain.disallow_nan",
            (1, 0.5),
        ),
        (
            [[1], [1, 2, 3]],
            "type: INT value_count { min: 1 max: 2 }",
            "FEATURE_TYPE_HIGH_NUMBER_VALUES",
            (3.0, 2.0),
            "feature[x].value_count.max",
            (None, None),
        ),
        (
            ["q", "q"],
            "type: BYTES unique_constraints { min: 2 max: 3 }",
            "FEATURE_TYPE_LOW_UNIQUE",
            (1.0, 2.0),
            "feature[x].unique_constraints.min",
            (None, None),
        ),
        (["s", "t"], "type: INT", "UNEXPECTED_DATA_TYPE", ("STRING", "INT"), "feature[x].type", (2, 1.0)),
    ],
)
def test_a_finding_says_what_was_observed_and_which_limit_it_broke(
    column: Any,
    feature: str,
    type_name: str,
    against: tuple[Any, Any],
    field: str,
    affected: tuple[int | None, float | None],
) -> None:
    (finding,) = _findings(column, feature)
    evidence = finding.evidence
    assert (finding.feature, finding.type, finding.severity) == ("x", type_name, "error")
    assert (evidence.observed, evidence.limit) == against
    assert (evidence.count, evidence.share) == affected
    assert evidence.schema_field == field
    assert f"schema.{field}" in finding.sentence


def test_unexpected_values_are_named_most_frequent_first() -> None:
    (finding,) = _findings(
        ["z", "y", "z", "a"], 'type: BYTES domain: "d"', schema='string_domain { name: "d" value: "a" }'
    )
    assert finding.evidence.values == ("z", "y")
    assert finding.evidence.schema_field == "string_domain[d]"
    assert "3 affected (75.00%)" in finding.sentence


def test_missing_and_new_columns_count_the_examples() -> None:
    statistics = _statistics(pa.table({"new": [1, 2, None, 4]}))
    schema = text_format.Parse('feature { name: "x" type: INT presence { min_count: 1 } }', schema_pb2.Schema())
    missing, new = sorted(find(statistics, schema, validate_statistics(statistics, schema)), key=lambda f: f.type)
    assert (missing.type, missing.feature, missing.evidence.count) == ("SCHEMA_MISSING_COLUMN", "x", 4)
    assert (new.type, new.feature, new.evidence.count, new.evidence.share) == ("SCHEMA_NEW_COLUMN", "new", 3, 0.75)


def test_drift_and_skew_of_one_feature_keep_their_own_figures() -> None:
    drift, skew = _findings(
        ["p"] * 4,
        "type: BYTES drift_comparator { infinity_norm { threshold: 0.1 } } "
        "skew_comparator { infinity_norm { threshold: 0.2 } }",
        previous=["p", "q"],
        serving=["p", "q", "q", "q"],
    )
    assert (drift.evidence.observed, drift.evidence.limit) == (0.5, 0.1)
    assert drift.evidence.schema_field == "feature[x].drift_comparator.infinity_norm.threshold"
    assert (skew.evidence.observed, skew.evidence.limit) == (0.75, 0.2)
    assert skew.evidence.schema_field == "feature[x].skew_comparator.infinity_norm.threshold"


def test_the_data_set_s_own_limits_are_findings_too() -> None:
    few, shrunk = _findings(
        [1, 2],
        "type: INT",
        schema="dataset_constraints { min_examples_count: 10 "
        "num_examples_drift_comparator { min_fraction_threshold: 0.9 } }",
        previous=[1, 2, 3, 4],
    )[::-1]
    assert (few.type, few.evidence.observed, few.evidence.limit) == ("DATASET_LOW_NUM_EXAMPLES", 2.0, 10.0)
    assert (shrunk.type, shrunk.evidence.observed, shrunk.evidence.limit) == ("COMPARATOR_LOW_NUM_EXAMPLES", 0.5, 0.9)
    assert few.evidence.schema_field == "dataset_constraints.min_examples_count"


def test_data_that_fits_gives_no_finding() -> None:
    assert _findings([1, 2], "type: INT") == []
