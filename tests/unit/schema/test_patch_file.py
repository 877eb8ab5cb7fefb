from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from assay.errors import DataError, UsageError
from assay.schema import Entry, Patch, format_patch, parse_patch, read_patch

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
    ("text", "message"),
    [
        ("version: 1\nentries: a: b\n", r"p\.yaml, line 2, column \d+: mapping values are not allowed"),
        ("entries:\n  - feature: x\n    feature: y\n", r"p\.yaml, line 3, column 5: the key 'feature' is given twice"),
    ],
)
def test_bad_yaml_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        parse_patch(text, "p.yaml")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{feature: x, st: {}}", r"p.yaml, entry 1: there is no 'st'. Did you mean 'set'\?"),
        ("{feature: x, drop: 1}", "Expected `bool`, got `int`"),
        ("{feature: x}", r"entry 1 \(feature 'x'\) asks for no change"),
        ("{feature: x, string_domain: y, drop: true}", "entry 1 names a feature and a string_domain"),
        ("{feature: x, drop: true, set: {type: INT}}", "entry 1 drops feature 'x' and changes it"),
        ("{drop: true}", "entry 1 says drop or create, but not of what"),
        ("{feature: x, set: {presense: {}}}", r"Feature has no field 'presense'. Did you mean 'presence'\?"),
        ("{feature: x, unset: [presence.min]}", "FeaturePresence has no field 'min'"),
        ("{feature: x, unset: [type.min]}", "type.min: 'type' has no fields of its own"),
        ("{feature: x, set: {name: y}}", "entry 1, set: a name stays"),
        ("{feature: x, set: {struct_domain: {feature: []}}}", "features inside a struct have entries of their own"),
        ("{set: {feature: []}}", "feature has entries of its own"),
        ("{feature: x, add: {shape: [1]}}", "shape is no list of values"),
        ("{feature: x, add: {values: [yes]}}", r"add.values: expected text \(in quotes.*got True"),
        ("{feature: x, add: {values: [a]}, remove: {values: [a]}}", "entry 1 adds 'a' to values and removes it"),
    ],
)
def test_what_has_no_place_in_a_schema_is_refused(entry: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_patch(f"entries: [{entry}]", "p.yaml")


def test_a_newer_layout_is_refused() -> None:
    with pytest.raises(UsageError, match=r"patch is not a schema patch: Invalid enum value 2 - at `.*version`"):
        parse_patch("version: 2")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Could not read a schema patch at .*none\.yaml: No such file"):
        read_patch(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"# \xe9")
    with pytest.raises(DataError, match=r"latin\.yaml is not UTF-8 text \(byte 2\)"):
        read_patch(tmp_path / "latin.yaml")
