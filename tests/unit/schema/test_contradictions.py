from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import DataError
from assay.schema import check, check_text
from assay.schema.contradictions import field_lines
from raising import raises


def codes(text: str) -> list[str]:
    return [finding.code for finding in check(text_format.Parse(text, schema_pb2.Schema()))]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ("int_domain { min: 3 max: 2 } type: INT", "range_is_empty"),
        ("value_count { min: 3 max: 2 } type: INT", "range_is_empty"),
        ("value_counts { value_count { min: 3 max: 2 } } type: INT", "range_is_empty"),
        ("presence { min_fraction: 1.5 } type: INT", "not_a_share"),
        ("presence { min_count: -1 } type: INT", "negative"),
        ("shape { dim { size: -1 } } presence { min_fraction: 1 } type: INT", "negative"),
        ("float_domain { min: nan } type: FLOAT", "not_a_number"),
        ("", "no_type"),
        ("type: FLOAT int_domain { min: 0 }", "domain_of_other_type"),
        ('type: INT string_domain { value: "a" }', "domain_of_other_type"),
        ("type: INT time_of_day_domain {}", "no_format"),
        ("type: INT group_presence { required: true }", "group_presence_outside"),
        ("type: BYTES string_domain {}", "domain_is_empty"),
        ('type: BYTES string_domain { value: "a" value: "a" }', "value_twice"),
        ('type: BYTES bool_domain { true_value: "a" false_value: "a" }', "values_are_equal"),
        ('type: INT bool_domain { true_value: "a" false_value: "b" }', "never_applied"),
        ('type: BYTES domain: "e"', "domain_missing"),
        ('type: BYTES domain: "empty"', "domain_is_empty"),
        ('type: BYTES domain: "ints"', "domain_not_validated"),
        ("type: BYTES distribution_constraints { min_domain_mass: 0.9 }", "cannot_apply"),
        ("type: INT shape {} presence { min_fraction: 0.5 }", "shape_of_optional"),
        ('type: INT not_in_environment: "Z"', "environment_unknown"),
        ('type: INT in_environment: "T" not_in_environment: "T"', "in_and_not_in"),
        ('type: INT not_in_environment: "T" not_in_environment: "S"', "in_no_environment"),
        ("type: INT drift_comparator {}", "cannot_apply"),
        ("type: INT drift_comparator { infinity_norm { threshold: 0.1 } }", "cannot_apply"),
        ("type: FLOAT skew_comparator { normalized_abs_difference { threshold: 0.1 } }", "cannot_apply"),
        ("type: STRUCT skew_comparator { jensen_shannon_divergence { threshold: 0.1 } }", "cannot_apply"),
        ("type: BYTES skew_comparator { infinity_norm {} }", "no_threshold"),
        ("type: BYTES lifecycle_stage: DISABLED drift_comparator { infinity_norm { threshold: 1 } }", "never_applied"),
        ("type: BYTES image_domain {} drift_comparator { infinity_norm { threshold: 1 } }", "cannot_apply"),
        ("type: FLOAT unique_constraints { max: 1 }", "cannot_apply"),
        ("type: BYTES unique_constraints { min: 1 }", "no_max"),
    ],
)
def test_a_feature_that_contradicts_itself(fields: str, code: str) -> None:
    others = """
        default_environment: "T" default_environment: "S" string_domain { name: "empty" } int_domain { name: "ints" }
        feature { name: "u" type: BYTES domain: "empty" lifecycle_stage: PLANNED }
        feature { name: "v" type: BYTES domain: "ints" lifecycle_stage: PLANNED }
    """
    feature = f'feature {{ name: "x" {fields} }}'
    assert sorted([*codes(others), code]) == sorted(codes(others + feature))


@pytest.mark.parametrize(
    "fields",
    [
        "type: INT int_domain { is_categorical: true } drift_comparator { infinity_norm { threshold: 0.1 } }",
        "type: INT bool_domain {} drift_comparator { infinity_norm { threshold: 0.1 } }",
        "type: FLOAT drift_comparator { jensen_shannon_divergence { threshold: 0.1 } }",
        "type: BYTES int_domain { min: 0 }",
        "type: INT shape {} presence { min_fraction: 1 }",
        "lifecycle_stage: PLANNED",
        'type: BYTES string_domain { value: "a" } distribution_constraints { min_domain_mass: 0.9 }',
    ],
)
def test_what_is_well_is_left_alone(fields: str) -> None:
    assert codes(f'feature {{ name: "x" {fields} }}') == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('feature { name: "x" type: INT } feature { name: "x" type: INT }', "named_twice"),
        ('feature { name: "x" type: INT } weighted_feature { name: "x" }', "named_twice"),
        ("feature { type: INT }", "no_name"),
        ('string_domain { name: "d" value: "a" }', "domain_unused"),
        ('sparse_feature { name: "s" index_feature { name: "i" } value_feature { name: "v" } }', "part_missing"),
        ("dataset_constraints { min_examples_count: 5 max_examples_count: 4 }", "range_is_empty"),
        ('default_environment: "T" default_environment: "T"', "value_twice"),
    ],
)
def test_a_schema_that_contradicts_itself(text: str, code: str) -> None:
    assert code in codes(text)


TEXT = """\
# curated by hand
default_environment: ["T", "S"]
feature {
  name: "x"  type: INT
  int_domain { min: 5
    max: 3 }
  drift_comparator { infinity_norm {
    threshold: 0.1 } }
}
feature < name: "trip" type: STRUCT struct_domain: {
  feature: [{ name: 'a'
      type: INT }, {
    name: "b" "c" type: BYTES string_domain { value: "#" value: "{"
      value: "{" }
    presence { min_fraction: 3 } } ] } >
feature {
  type: INT name: "x" }
"""


def test_a_finding_has_its_line() -> None:
    found = [(finding.line, finding.code, finding.subject.name) for finding in check_text(TEXT)]
    assert found == [
        (5, "range_is_empty", "x"),
        (7, "cannot_apply", "x"),
        (15, "not_a_share", "trip.bc"),
        (17, "named_twice", "x"),
        (13, "value_twice", "trip.bc"),
    ]


def test_every_field_has_its_line() -> None:
    lines = field_lines(TEXT)
    assert lines[("feature", 0), ("int_domain", 0), ("max", 0)] == 6
    assert lines[("feature", 1), ("struct_domain", 0), ("feature", 1)] == 12
    assert lines[("feature", 2), ("name", 0)] == 17


def test_text_that_is_no_schema_is_refused_with_its_line() -> None:
    with raises("schema.syntax", "s.pbtxt", "2", "3", kind=DataError):
        check_text('feature {\n  nam: "x" }', "s.pbtxt")
