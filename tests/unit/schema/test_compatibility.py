from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.schema import diff

OTHERS = 'string_domain { name: "d" value: "a" value: "b" } default_environment: "T" default_environment: "S"'
PRODUCER, CONSUMER, BOTH = ("producer",), ("consumer",), ("producer", "consumer")


def schema(text: str) -> schema_pb2.Schema:
    return text_format.Parse(f"{OTHERS} {text}", schema_pb2.Schema())


def x(fields: str) -> schema_pb2.Schema:
    return schema(f'feature {{ name: "x" {fields} }}')


@pytest.mark.parametrize(
    ("before", "after", "rule", "breaks"),
    [
        ("type: INT", "type: FLOAT", "type", BOTH),
        ("presence { min_fraction: 0.5 }", "presence { min_fraction: 0.9 }", "narrower", PRODUCER),
        ("presence { min_fraction: 1.0 }", "presence {}", "wider", CONSUMER),
        ("", "presence { min_count: 1 }", "narrower", PRODUCER),
        ("presence { min_count: 0 }", "presence {}", "safe", ()),
        ("value_count { max: 2 }", "value_count { max: 1 }", "narrower", PRODUCER),
        ("value_count { min: 1 }", "value_count { min: 0 }", "wider", CONSUMER),
        ("shape {}", "", "shape", BOTH),
        ("int_domain { max: 5 }", "int_domain { max: 6 }", "wider", CONSUMER),
        ("int_domain { max: 5 }", "int_domain { max: 5 min: 0 }", "narrower", PRODUCER),
        ("float_domain { max: 5 }", "float_domain {}", "wider", CONSUMER),
        ("float_domain {}", "float_domain { disallow_nan: true }", "narrower", PRODUCER),
        ("int_domain {}", "int_domain { is_categorical: true }", "representation", CONSUMER),
        ("", "int_domain { max: 5 }", "narrower", PRODUCER),
        ('domain: "d"', 'string_domain { value: "b" value: "a" }', "safe", ()),
        ('domain: "d"', 'string_domain { value: "a" }', "narrower", PRODUCER),
        ('domain: "d"', "", "wider", CONSUMER),
        ("", 'domain: "d"', "narrower", PRODUCER),
        ('string_domain { value: "a" }', 'string_domain { value: "c" }', "other_values", BOTH),
        ("url_domain {}", "", "wider", CONSUMER),
        ("time_domain { integer_format: UNIX_DAYS }", "time_domain { integer_format: UNIX_SECONDS }", "meaning", BOTH),
        ('not_in_environment: "S"', "", "environment", PRODUCER),
        ("", 'not_in_environment: "S"', "environment", CONSUMER),
        ('in_environment: "S"', 'in_environment: "T"', "environment", BOTH),
        ("", "lifecycle_stage: DEPRECATED", "unchecked", CONSUMER),
        ("lifecycle_stage: ALPHA", "lifecycle_stage: BETA", "checked", PRODUCER),
        ("", "lifecycle_stage: PRODUCTION", "safe", ()),
        ("", "deprecated: true", "unchecked", CONSUMER),
        ("unique_constraints { max: 5 }", "unique_constraints { max: 4 }", "narrower", PRODUCER),
        ("distribution_constraints { min_domain_mass: 0.9 }", "distribution_constraints {}", "narrower", PRODUCER),
        ("", "drift_comparator { infinity_norm { threshold: 0.1 } }", "stricter", PRODUCER),
        ("skew_comparator { infinity_norm { threshold: 0.1 } }", "skew_comparator {}", "looser", ()),
        ("", 'annotation { tag: "t" }', "safe", ()),
        ("", "sequence_metadata { sequential_status: SEQUENTIAL_YES }", "representation", CONSUMER),
    ],
)
def test_a_change_breaks_those_it_can_break(before: str, after: str, rule: str, breaks: tuple[str, ...]) -> None:
    changes = [change for change in diff(x(before), x(after)) if change.after != {} and change.before != {}]
    changes = changes or list(diff(x(before), x(after)))
    assert {change.rule for change in changes} == {rule}
    assert {change.breaks for change in changes} == {breaks}


@pytest.mark.parametrize(
    ("before", "after", "rule", "breaks"),
    [
        ("", 'feature { name: "x" type: INT }', "added", ()),
        ("", 'feature { name: "x" presence { min_count: 1 } }', "newly_required", PRODUCER),
        ("", 'feature { name: "x" presence { min_count: 1 } lifecycle_stage: PLANNED }', "added", ()),
        ('feature { name: "x" type: INT }', "", "removed", BOTH),
        ('feature { name: "x" lifecycle_stage: DEPRECATED }', "", "removed", CONSUMER),
        ("", 'string_domain { name: "e" }', "safe", ()),
        ("dataset_constraints { min_examples_count: 5 }", "", "looser", ()),
        ("", "dataset_constraints { max_examples_count: 5 }", "stricter", PRODUCER),
        ("", 'default_environment: "E"', "environment_added", ()),
        ('default_environment: "E"', "", "environment_removed", BOTH),
        ("", "represent_variable_length_as_ragged: true", "representation", CONSUMER),
        ('weighted_feature { name: "w" }', 'weighted_feature { name: "w" feature {} }', "representation", CONSUMER),
    ],
)
def test_a_change_of_the_schema_itself(before: str, after: str, rule: str, breaks: tuple[str, ...]) -> None:
    (change,) = diff(schema(before), schema(after))
    assert (change.rule, change.breaks) == (rule, breaks)


def test_changes_read_as_sentences() -> None:
    before = x("type: INT int_domain { max: 5 } value_count { max: 2 }")
    after = schema(
        'feature { name: "x" type: FLOAT int_domain { max: 6 } annotation { comment: "c" } } feature { name: "y" }'
    )
    after.string_domain[0].value[:] = ["b", "c"]
    assert [change.sentence for change in diff(before, after)] == [
        "Feature 'x', value_count.max is no longer set (was 2): readers may meet values that they do not expect.",
        "Feature 'x', type went from INT to FLOAT: data of the one type cannot be read as the other.",
        "Feature 'x', int_domain.max went from 5 to 6: readers may meet values that they do not expect.",
        "Feature 'x', annotation.comment gained c.",
        "String domain 'd', value lost a and gained c: earlier values may be rejected, and readers may meet new ones.",
        "Feature 'y' was added: it may be missing, so that earlier data stays valid.",
    ]


def test_order_says_nothing() -> None:
    one = schema('feature { name: "x" in_environment: "S" in_environment: "T" } feature { name: "y" }')
    other = schema('feature { name: "y" } feature { name: "x" in_environment: "T" in_environment: "S" }')
    assert diff(one, other) == ()
