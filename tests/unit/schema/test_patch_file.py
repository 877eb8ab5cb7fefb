from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from assay.errors import DataError
from assay.schema import Entry, Patch, format_patch, parse_patch, read_patch
from raising import raises

PATCH = """\
version: 1
entries:
  - feature: payment_type
    add:
      values:
        - Prcard
        - '1'
        - 'yes'
    owner: data-team
    reason: Prepaid cards were introduced in May.
    date: 2026-05-04
  - feature: fare
    unset:
      - presence.min_count
    set:
      float_domain:
        min: 0.0
    suggested: true
    evidence:
      observed_min: 0.0
      n: 15002
"""


def test_what_is_read_is_written_as_it_was() -> None:
    patch = parse_patch(PATCH)
    assert patch.entries[0] == Entry(
        feature="payment_type",
        add={"values": ("Prcard", "1", "yes")},
        owner="data-team",
        reason="Prepaid cards were introduced in May.",
        date=dt.date(2026, 5, 4),
    )
    assert format_patch(patch) == PATCH


def test_json_is_yaml() -> None:
    text = '{"version": 1, "entries": [{"feature": "x", "drop": true, "date": "2026-05-04"}]}'
    assert parse_patch(text).entries == (Entry(feature="x", drop=True, date=dt.date(2026, 5, 4)),)


def test_an_empty_file_is_an_empty_patch() -> None:
    assert parse_patch("# nothing yet\n") == Patch()


def test_decisions_of_two_patches_are_those_of_both_once() -> None:
    one, two = Entry(feature="x", drop=True), Entry(feature="y", drop=True)
    assert Patch(entries=(one,)) + Patch(entries=(one, two)) == Patch(entries=(one, two))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("version: 1\nentries: a: b\n", ("schema_patch.syntax", "p.yaml", "2")),
        ("entries:\n  - feature: x\n    feature: y\n", ("schema_patch.syntax", "p.yaml", "3", "5", "feature")),
    ],
)
def test_bad_yaml_is_refused_with_its_line(text: str, expected: tuple[str, ...]) -> None:
    with raises(*expected, kind=DataError):
        parse_patch(text, "p.yaml")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{feature: x, st: {}}", ("schema_patch.unknown_key", "p.yaml", "1", "st", "set")),
        ("{feature: x, drop: 1}", ("schema_patch.malformed", "bool", "int")),
        ("{feature: x}", ("schema_patch.empty_entry", "1", "x")),
        ("{feature: x, string_domain: y, drop: true}", ("schema_patch.two_subjects", "1", "string_domain")),
        ("{feature: x, drop: true, set: {type: INT}}", ("schema_patch.drop_and_change", "1", "x")),
        ("{drop: true}", ("schema_patch.no_subject", "1")),
        ("{feature: x, set: {presense: {}}}", ("schema.unknown_field", "presense", "presence")),
        ("{feature: x, unset: [presence.min]}", ("schema.unknown_field", "FeaturePresence", "min")),
        ("{feature: x, unset: [type.min]}", ("schema.unknown_field", "type.min", "type")),
        ("{feature: x, set: {name: y}}", ("schema_patch.rename", "1")),
        ("{feature: x, set: {struct_domain: {feature: []}}}", ("schema_patch.inner_feature",)),
        ("{set: {feature: []}}", ("schema_patch.part",)),
        ("{feature: x, add: {shape: [1]}}", ("schema_patch.no_list",)),
        ("{feature: x, add: {values: [yes]}}", ("schema.value", "add.values")),
        ("{feature: x, add: {values: [a]}, remove: {values: [a]}}", ("schema_patch.contradiction", "1", "a")),
    ],
)
def test_what_has_no_place_in_a_schema_is_refused(entry: str, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        parse_patch(f"entries: [{entry}]", "p.yaml")


def test_a_newer_layout_is_refused() -> None:
    with raises("schema_patch.malformed", "2"):
        parse_patch("version: 2")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with raises("schema_patch.unreadable", "none.yaml", kind=DataError):
        read_patch(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"# \xe9")
    with raises("schema_patch.unreadable", "latin.yaml", "2", kind=DataError):
        read_patch(tmp_path / "latin.yaml")
