"""Which rules a schema comes to, by environment and lifecycle stage."""

from __future__ import annotations

import pyarrow as pa
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.rows.schema_rules import schema_rules
from assay.kernels.rows.validation import judge

SCHEMA = text_format.Parse(
    """
    default_environment: "TRAINING"
    default_environment: "SERVING"
    feature {
      name: "fare" type: FLOAT presence { min_fraction: 1 } value_count { min: 1 max: 1 }
      float_domain { min: 0 max: 9.5 disallow_nan: true disallow_inf: true }
    }
    feature { name: "tips" type: FLOAT not_in_environment: "SERVING" presence { min_fraction: 1 } shape {} }
    feature { name: "words" type: BYTES value_counts { value_count { max: 3 } value_count { min: 2 } } }
    feature { name: "count" type: INT int_domain { min: -1 } unique_constraints { min: 1 max: 5 } }
    feature { name: "some" type: BYTES presence { min_fraction: 0.5 min_count: 3 } }
    feature { name: "soon" type: BYTES lifecycle_stage: ALPHA presence { min_fraction: 1 } }
    feature { name: "gone" deprecated: true presence { min_fraction: 1 } }
    feature { name: "trip" type: STRUCT struct_domain { feature { name: "miles" type: FLOAT } } }
    feature { name: "untyped" }
    feature { name: "day" type: BYTES time_domain { string_format: "%Y-%m-%d" } }
    feature { name: "link" type: BYTES url_domain {} }
    feature { name: "photo" type: BYTES image_domain {} }
    sparse_feature { name: "pair" value_feature { name: "count" } index_feature { name: "words" } }
    """,
    schema_pb2.Schema(),
)


def test_the_rules_of_each_feature_in_the_order_of_the_schema() -> None:
    rules = schema_rules(SCHEMA)
    assert [rule.id for rule in rules.rules] == [
        "fare.presence",
        "fare.nesting",
        "fare.value_count.min",
        "fare.value_count.max",
        "fare.type",
        "fare.number_text",
        "fare.min",
        "fare.max",
        "fare.nan",
        "fare.inf",
        "tips.presence",
        "tips.shape",
        "tips.type",
        "words.nesting",
        "words.value_counts[0].max",
        "words.value_counts[1].min",
        "words.type",
        "count.type",
        "count.number_text",
        "count.min",
        "some.type",
        "trip.type",
        "trip.miles.type",
        "trip.schema.unknown_column",
        "day.type",
        "day.time",
        "link.type",
        "photo.type",
        "pair.has.count",
        "pair.has.words",
        "pair.length.words",
        "schema.unknown_column",
        "fare.numbers",
        "tips.numbers",
        "count.unique.min",
        "count.unique.max",
    ]
    assert rules.unchecked == (
        "link: a domain of URLs names a meaning, and restricts nothing",
        "photo: a domain of images is checked in statistics only",
    )


def test_a_feature_outside_of_the_environment_is_to_be_absent_and_not_to_be_present() -> None:
    ids = {rule.id for rule in schema_rules(SCHEMA, "SERVING").rules}
    assert "tips.environment" in ids
    assert not ids & {"tips.presence", "tips.shape"}
    assert "tips.environment" not in {rule.id for rule in schema_rules(SCHEMA, "TRAINING").rules}


def test_expectations_are_sentences() -> None:
    expectations = {rule.id: rule.expectation for rule in schema_rules(SCHEMA).rules}
    assert expectations["fare.max"] == "fare is at most 9.5"
    assert expectations["fare.type"] == "fare is a number with decimals (FLOAT)"
    assert expectations["tips.shape"] == "tips has 1 value"
    assert expectations["words.value_counts[1].min"] == "words has at least 2 values at nest level 1"
    assert expectations["count.unique.max"] == "count has at most 5 distinct values"


def test_a_sparse_feature_of_one_column_breaks_in_no_row() -> None:
    text = 'feature { name: "x" } sparse_feature { name: "s" value_feature { name: "x" } }'
    schema = text_format.Parse(text, schema_pb2.Schema())
    batch = pa.RecordBatch.from_arrays([pa.array([1, None])], ["x"])
    assert not judge(schema_rules(schema), batch, {}).rejected.any()
