from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import DataError, UsageError
from assay.schema import FeatureEditor, SchemaEditor, apply
from raising import raises

SCHEMA = text_format.Parse(
    """
    feature { name: "fare" type: FLOAT }
    feature { name: "hour" type: INT }
    feature { name: "payment_type" type: BYTES domain: "payment_type" }
    feature { name: "trip" type: STRUCT struct_domain { feature { name: "miles" type: FLOAT } } }
    string_domain { name: "payment_type" value: "Cash" }
    default_environment: "TRAINING"
    default_environment: "SERVING"
    """,
    schema_pb2.Schema(),
)

Edit = Callable[[FeatureEditor], Any]


@pytest.mark.parametrize(
    ("name", "edit", "expected"),
    [
        ("fare", lambda f: f.type("INT"), "type: INT"),
        ("fare", lambda f: f.presence(min_fraction=0.5), "type: FLOAT presence { min_fraction: 0.5 }"),
        ("fare", lambda f: f.required(), "type: FLOAT presence { min_fraction: 1 min_count: 1 }"),
        ("fare", lambda f: f.required().optional(), "type: FLOAT"),
        ("fare", lambda f: f.value_count(min=1).shape(2, 3), "type: FLOAT shape { dim { size: 2 } dim { size: 3 } }"),
        ("fare", lambda f: f.shape(), "type: FLOAT shape {}"),
        ("fare", lambda f: f.shape().value_count(max=2), "type: FLOAT value_count { max: 2 }"),
        (
            "fare",
            lambda f: f.value_counts((1, None), (None, 2)),
            "type: FLOAT value_counts { value_count { min: 1 } value_count { max: 2 } }",
        ),
        ("hour", lambda f: f.int_domain(min=0).int_domain(max=23), "type: INT int_domain { min: 0 max: 23 }"),
        (
            "fare",
            lambda f: f.float_domain(min=0, disallow_nan=True),
            "type: FLOAT float_domain { min: 0 disallow_nan: true }",
        ),
        (
            "payment_type",
            lambda f: f.string_domain(["a", "a", "b"], is_categorical=True),
            'type: BYTES string_domain { value: "a" value: "b" is_categorical: CATEGORICAL_YES }',
        ),
        ("payment_type", lambda f: f.no_domain(), "type: BYTES"),
        ("payment_type", lambda f: f.no_domain().shared_domain("payment_type"), 'type: BYTES domain: "payment_type"'),
        ("hour", lambda f: f.bool_domain(true_value="y"), 'type: INT bool_domain { true_value: "y" }'),
        ("hour", lambda f: f.time_domain(unit="UNIX_DAYS"), "type: INT time_domain { integer_format: UNIX_DAYS }"),
        (
            "hour",
            lambda f: f.time_of_day_domain(string_format="%H"),
            'type: INT time_of_day_domain { string_format: "%H" }',
        ),
        ("hour", lambda f: f.url_domain(), "type: INT url_domain {}"),
        ("hour", lambda f: f.mid_domain(), "type: INT mid_domain {}"),
        ("hour", lambda f: f.struct_domain(), "type: INT struct_domain {}"),
        (
            "hour",
            lambda f: f.image_domain(max_image_byte_size=9),
            "type: INT image_domain { max_image_byte_size: 9 }",
        ),
        (
            "hour",
            lambda f: f.natural_language_domain(coverage={"min_coverage": 0.5}),
            "type: INT natural_language_domain { coverage { min_coverage: 0.5 } }",
        ),
        ("fare", lambda f: f.not_in("SERVING", "SERVING"), 'type: FLOAT not_in_environment: "SERVING"'),
        (
            "fare",
            lambda f: f.not_in("TRAINING").only_in("TRAINING"),
            'type: FLOAT in_environment: "TRAINING" not_in_environment: "SERVING"',
        ),
        ("fare", lambda f: f.only_in("TRAINING").in_all_environments(), "type: FLOAT"),
        ("fare", lambda f: f.lifecycle("DEPRECATED"), "type: FLOAT lifecycle_stage: DEPRECATED"),
        (
            "fare",
            lambda f: f.drift(jensen_shannon_divergence=0.1, source="QUANTILES"),
            "type: FLOAT drift_comparator { jensen_shannon_divergence { threshold: 0.1 source { type: QUANTILES } } }",
        ),
        (
            "hour",
            lambda f: f.int_domain(is_categorical=True).skew(infinity_norm=0.1, normalized_abs_difference=0.2),
            (
                "type: INT int_domain { is_categorical: true } skew_comparator { infinity_norm { threshold: 0.1 }"
                " normalized_abs_difference { threshold: 0.2 } }"
            ),
        ),
        (
            "payment_type",
            lambda f: f.min_domain_mass(0.9),
            'type: BYTES domain: "payment_type" distribution_constraints { min_domain_mass: 0.9 }',
        ),
        (
            "payment_type",
            lambda f: f.no_domain().unique(min=3),
            "type: BYTES unique_constraints { min: 3 max: 9223372036854775807 }",
        ),
        (
            "fare",
            lambda f: f.annotate(tags=["t", "t"], comments=["c"]).annotate(tags=["t"]),
            'type: FLOAT annotation { tag: "t" comment: "c" }',
        ),
        (
            "fare",
            lambda f: f.sequence(sequential_status="SEQUENTIAL_YES"),
            "type: FLOAT sequence_metadata { sequential_status: SEQUENTIAL_YES }",
        ),
        (
            "fare",
            lambda f: f.derived_from(deriver_name="d"),
            'type: FLOAT validation_derived_source { deriver_name: "d" }',
        ),
        ("fare", lambda f: f.set(deprecated=True).unset("type"), "deprecated: true"),
    ],
)
def test_a_feature_is_edited(name: str, edit: Edit, expected: str) -> None:
    editor = SchemaEditor(SCHEMA)
    assert isinstance(edit(editor.feature(name)), FeatureEditor)
    edited = next(feature for feature in editor.schema.feature if feature.name == name)
    assert edited == text_format.Parse(f'name: "{name}" {expected}', schema_pb2.Feature())
    assert editor.schema.feature == apply(SCHEMA, editor.patch(reason="edited")).feature


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (lambda f: f.type("INTEGER"), ("schema.unknown_name", "INTEGER", "INT")),
        (lambda f: f.lifecycle("DEPRECATE"), ("schema.unknown_name", "DEPRECATED")),
        (lambda f: f.presence(min_fraction=50), ("schema.value", "min_fraction", "50", "1")),
        (lambda f: f.group_presence(required=True), ("schema.value", "fare")),
        (lambda f: f.int_domain(min=2, max=1), ("schema.value", "2", "1")),
        (lambda f: f.shared_domain("payment"), ("schema.unknown_name", "payment", "payment_type")),
        (lambda f: f.add_values("a"), ("schema.no_domain", "fare")),
        (lambda f: f.not_in("SERVE"), ("schema.unknown_environment", "SERVE", "SERVING")),
        (lambda f: f.drift(infinity_norm=0.1), ("schema.cannot_apply", "fare", "infinity_norm")),
        (lambda f: f.drift(infinity=0.1), ("schema.unknown_field", "FeatureComparator", "infinity")),
        (lambda f: f.time_domain(), ("schema.value", "string_format")),
        (lambda f: f.time_of_day_domain(), ("schema.value", "integer_format", "string_format")),
        (lambda f: f.set(tipe="INT"), ("schema.unknown_field", "tipe", "type")),
        (lambda f: f.unset("tipe"), ("schema.unknown_field", "tipe", "type")),
    ],
)
def test_a_wrong_name_or_value_is_refused(edit: Edit, expected: tuple[str, ...]) -> None:
    with raises(*expected, kind=UsageError):
        edit(SchemaEditor(SCHEMA).feature("fare"))


def test_values_join_and_leave_the_domain_that_a_feature_names() -> None:
    editor = SchemaEditor(SCHEMA)
    editor.feature("payment_type").add_values("Prcard", "Cash").remove_values("Cash")
    assert list(editor.schema.string_domain[0].value) == ["Prcard"]
    with raises("schema.unknown_value", "Cash"):
        editor.feature("payment_type").remove_values("Cash")


def test_features_are_added_and_dropped() -> None:
    editor = SchemaEditor(SCHEMA)
    editor.add_feature("stop", "STRUCT", inside="trip")
    editor.add_feature("a.b", "INT", inside="trip.stop").group_presence(required=True)
    assert editor.feature_names[-2:] == ("trip.stop", "trip.stop.'a.b'")
    editor.drop("fare").drop("payment_type", kind="string_domain")
    assert "fare" not in editor.feature_names
    assert apply(SCHEMA, editor.patch()) == editor.schema
    with raises("schema.name_taken", "trip.stop"):
        editor.add_feature("stop", "INT", inside="trip")
    with raises("schema.no_struct", "hour"):
        editor.add_feature("x", "INT", inside="hour")
    with raises("schema.unknown_name", "hours", "hour", kind=DataError):
        editor.drop("hours")


def test_the_schema_itself_is_edited() -> None:
    editor = (
        SchemaEditor()
        .environments("A", "B", "A")
        .string_domain("d", ["x"])
        .string_domain("d", ["y"])
        .dataset(min_examples=1, drift=(0.5, 2))
        .dataset(max_examples=9)
        .annotate(tags=["t"], comments=["c"])
        .variable_length_as_ragged()
        .tensor_representation("x", varlen_sparse_tensor={"column_name": "x"})
        .add_sparse_feature("s", index_features=["i"], value_feature="v", is_sorted=True)
        .add_weighted_feature("w", feature="trip.miles", weight="'a.b'")
    )
    assert editor.schema == text_format.Parse(
        """
        default_environment: "A" default_environment: "B"
        string_domain { name: "d" value: "y" }
        dataset_constraints {
          min_examples_count: 1 max_examples_count: 9
          num_examples_drift_comparator { min_fraction_threshold: 0.5 max_fraction_threshold: 2 }
        }
        annotation { tag: "t" comment: "c" }
        represent_variable_length_as_ragged: true
        tensor_representation_group { key: "" value { tensor_representation {
          key: "x" value { varlen_sparse_tensor { column_name: "x" } }
        } } }
        sparse_feature { name: "s" index_feature { name: "i" } value_feature { name: "v" } is_sorted: true }
        weighted_feature { name: "w" feature { step: "trip" step: "miles" } weight_feature { step: "a.b" } }
        """,
        schema_pb2.Schema(),
    )
    assert {finding.code for finding in editor.check()} == {"part_missing", "domain_unused"}
    assert len(editor.diff()) == len(editor.patch().entries) + 8
    with raises("schema.name_taken", "s"):
        editor.add_sparse_feature("s", index_features=[], value_feature="v")


def test_an_environment_goes_with_all_that_names_it() -> None:
    editor = SchemaEditor(SCHEMA)
    editor.feature("fare").not_in("SERVING")
    assert not editor.remove_environment("SERVING").schema.feature[0].not_in_environment
    with raises("schema.unknown_environment", "SERVING", "TRAINING"):
        editor.remove_environment("SERVING")


def test_the_argument_is_left_as_it_is() -> None:
    before = schema_pb2.Schema()
    before.CopyFrom(SCHEMA)
    SchemaEditor(before).environments("X").feature("fare").type("INT")
    assert before == SCHEMA
