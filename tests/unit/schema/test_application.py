from __future__ import annotations

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.schema import Application, apply, apply_with_report, parse_patch
from raising import raises

INFERRED = text_format.Parse(
    """
    feature { name: "fare" type: FLOAT presence { min_fraction: 1.0 min_count: 1 } }
    feature { name: "tips" type: FLOAT float_domain { min: 0.0 } }
    feature { name: "payment_type" type: BYTES domain: "payment_type" }
    feature { name: "company" type: BYTES string_domain { value: "a" } }
    feature { name: "trip" type: STRUCT struct_domain { feature { name: "miles" type: FLOAT } } }
    string_domain { name: "payment_type" value: "Cash" value: "Pcard" }
    """,
    schema_pb2.Schema(),
)


def report(entries: str, schema: schema_pb2.Schema = INFERRED) -> Application:
    return apply_with_report(schema, parse_patch(f"entries: [{entries}]"))


def feature(application: Application, name: str) -> schema_pb2.Feature:
    return next(item for item in application.schema.feature if item.name == name)


def said(application: Application) -> list[tuple[str, str]]:
    return [(outcome.status, outcome.sentence) for outcome in application.outcomes]


def test_fields_are_set_leaf_by_leaf_and_others_stay() -> None:
    done = report("{feature: fare, set: {presence: {min_fraction: 0.5}}, unset: [presence.min_count]}")
    assert text_format.MessageToString(feature(done, "fare").presence) == "min_fraction: 0.5\n"
    assert INFERRED.feature[0].presence.min_fraction == 1.0


def test_a_new_domain_replaces_the_other_kind() -> None:
    done = report("{feature: tips, set: {type: INT, int_domain: {max: 5}}}")
    assert feature(done, "tips").WhichOneof("domain_info") == "int_domain"


@pytest.mark.parametrize("name", ["payment_type", "company"])
def test_values_join_the_domain_wherever_it_is(name: str) -> None:
    done = report(f"{{feature: {name}, add: {{values: [new]}}}}")
    values = feature(done, "company").string_domain.value if name == "company" else done.schema.string_domain[0].value
    assert values[-1] == "new"
    assert said(done) == [("applied", f"feature '{name}': added 'new' to values.")]


def test_features_inside_structs_are_created_whatever_the_order_of_the_entries() -> None:
    done = report(
        "{feature: trip.stop.place, create: true, set: {type: BYTES}},"
        "{feature: trip.stop, create: true, set: {type: STRUCT, struct_domain: {}}}"
    )
    stop = feature(done, "trip").struct_domain.feature[1]
    assert stop.struct_domain.feature[0].name == "place"


def test_environments_are_sets() -> None:
    done = report("{add: {default_environment: [TRAINING]}}, {feature: tips, add: {not_in_environment: [SERVING]}}")
    assert list(done.schema.default_environment) == ["TRAINING"]
    assert list(feature(done, "tips").not_in_environment) == ["SERVING"]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("{feature: tipps, set: {type: INT}}", "The schema has no feature 'tipps'. Did you mean 'tips'?"),
        ("{feature: fare, add: {values: [a]}}", "feature 'fare' has no string domain that 'a' could join."),
        ("{feature: fare.x, create: true}", "There is no struct 'fare' to hold feature 'fare.x'."),
        ("{string_domain: day, add: {value: [a]}}", "The schema has no string domain 'day'. Did you mean 'day'?"),
    ],
)
def test_what_no_longer_fits_is_a_conflict(entry: str, sentence: str) -> None:
    done = report(entry)
    assert done.conflicts
    assert done.outcomes[0].sentence.split("Known")[0].strip() == sentence.split(" Did you mean 'day'", maxsplit=1)[0]
    assert done.schema == INFERRED
    with raises("schema_patch.conflict", "1"):
        apply(INFERRED, parse_patch(f"entries: [{entry}]"))


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ("{feature: day, drop: true}", "The schema has no feature 'day': nothing to drop."),
        ("{feature: payment_type, remove: {values: [x]}}", "feature 'payment_type': 'x' is not in values any more."),
        ("{feature: payment_type, add: {values: [Cash]}}", "feature 'payment_type': values has 'Cash' already."),
        ("{feature: fare, unset: [value_count]}", "feature 'fare': value_count is not set."),
        ("{feature: fare, set: {type: FLOAT}}", "feature 'fare' has it so already: set type."),
        ("{feature: fare, create: true, set: {type: FLOAT}}", "feature 'fare' has it so already: set type."),
    ],
)
def test_what_is_so_already_is_said_and_is_no_conflict(entry: str, sentence: str) -> None:
    done = report(entry)
    assert said(done) == [("unchanged", sentence)]
    assert done.schema == INFERRED


def test_the_later_of_two_decisions_holds_in_any_order() -> None:
    older = "{feature: fare, set: {float_domain: {max: 1}}, date: 2026-01-01}"
    newer = "{feature: fare, set: {float_domain: {max: 2}}, date: 2026-02-01}"
    for entries in (f"{older}, {newer}", f"{newer}, {older}"):
        assert feature(report(entries), "fare").float_domain.max == 2


def test_a_later_decision_about_a_value_holds() -> None:
    entries = "{feature: company, add: {values: [b]}, date: 2026-02-01}, {feature: company, remove: {values: [b, a]}}"
    done = report(entries)
    assert list(feature(done, "company").string_domain.value) == ["b"]
    assert report(entries, done.schema).schema == done.schema


@pytest.mark.parametrize(
    ("dates", "kept"), [(("2026-01-01", "2026-02-01"), False), (("2026-02-01", "2026-01-01"), True)]
)
def test_a_drop_holds_until_someone_decides_otherwise(dates: tuple[str, str], kept: bool) -> None:
    done = report(
        f"{{feature: fare, set: {{type: INT}}, date: {dates[0]}}}, {{feature: fare, drop: true, date: {dates[1]}}}"
    )
    assert ("fare" in [item.name for item in done.schema.feature]) is kept


@pytest.mark.parametrize(
    ("entries", "point"),
    [
        ("{feature: f, set: {type: INT}}, {feature: f, set: {type: FLOAT}}", "type is 'INT' and 'FLOAT'"),
        ("{feature: f, drop: true}, {feature: f, set: {type: INT}}", "drops it"),
        ("{feature: f, unset: [presence]}, {feature: f, set: {presence: {min_count: 1}}}", "one unsets presence"),
        ("{feature: f, add: {values: [a]}}, {feature: f, remove: {values: [a]}}", "one adds 'a' to values"),
        (
            "{feature: f, set: {int_domain: {min: 0}}}, {feature: f, set: {float_domain: {max: 0}}}",
            "it cannot have both int_domain.min and float_domain.max",
        ),
    ],
)
def test_decisions_that_disagree_are_refused(entries: str, point: str) -> None:
    with raises("schema_patch.contradiction", "1", "2", "f", point):
        report(entries)


def test_decisions_about_different_fields_agree() -> None:
    done = report(
        "{feature: fare, set: {float_domain: {min: 0}}}, {feature: fare, set: {float_domain: {max: 9}}},"
        "{feature: fare, set: {drift_comparator: {jensen_shannon_divergence: {threshold: 0.1}}}}"
    )
    assert (feature(done, "fare").float_domain.min, feature(done, "fare").float_domain.max) == (0, 9)


def test_a_suggestion_is_marked_in_the_schema_until_it_is_accepted() -> None:
    entry = "{feature: fare, set: {float_domain: {max: 9}}, reason: It is so., evidence: {n: 3}, suggested: SUGGESTED}"
    suggested = report(entry.replace("SUGGESTED", "true"))
    assert list(feature(suggested, "fare").annotation.tag) == ["assay.suggested"]
    assert list(feature(suggested, "fare").annotation.comment) == ["Suggested: It is so. (n = 3)"]
    assert report(entry.replace("SUGGESTED", "true"), suggested.schema).schema == suggested.schema
    assert not feature(report(entry.replace("SUGGESTED", "false")), "fare").HasField("annotation")


def test_a_schema_with_a_name_twice_is_refused() -> None:
    twice = text_format.Parse('feature { name: "x" } feature { name: "x" }', schema_pb2.Schema())
    with raises("schema.named_twice", "x"):
        report("{feature: x, drop: true}", twice)
