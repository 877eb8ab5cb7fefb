"""The JSON Schema of patches: shipped as it is generated, and of one mind with the reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from assay.errors import UsageError
from assay.schema import parse_patch
from assay.schema.patch_schema import json_schema
from raising import raises


def test_the_shipped_schema_is_up_to_date(project_root: Path, update_golden: bool) -> None:
    path = project_root / "schemas" / "schema_patch.schema.json"
    text = json.dumps(json_schema(), indent=2) + "\n"
    if update_golden:
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text, "python -m assay.schema.patch_schema > this file"


GOOD = [
    "{feature: x, set: {type: INT, int_domain: {min: 0}}, add: {not_in_environment: [A], values: [a]}}",
    "{feature: x, create: true, set: {struct_domain: {}}}",
    "{feature: x, add: {string_domain.value: [a]}}",
    "{string_domain: d, remove: {value: [a]}, reason: gone, evidence: {n: 3, share: 0.5, seen: false}}",
    "{add: {default_environment: [A]}, set: {dataset_constraints: {min_examples_count: 3}}}",
    "{weighted_feature: w, set: {feature: {step: [x]}}}",
]
BAD = [
    "{feature: x, set: {type: INTEGER}}",
    "{feature: x, set: {int_domian: {}}}",
    "{feature: x, set: {struct_domain: {feature: [{name: y}]}}}",
    "{feature: x, string_domain: y, drop: true}",
    "{feature: x, add: {shape: [1]}}",
    "{feature: x, sett: {}}",
    "{drop: true}",
    "{set: {feature: []}}",
]


def errors(entry: str) -> list[Any]:
    document = {"version": 1, "entries": [yaml.safe_load(entry)]}
    return list(Draft202012Validator(json_schema()).iter_errors(document))


@pytest.mark.parametrize("entry", GOOD)
def test_the_schema_allows_what_the_reader_reads(entry: str) -> None:
    assert not errors(entry)
    assert parse_patch(f"entries: [{entry}]").entries


@pytest.mark.parametrize("entry", BAD)
def test_the_schema_refuses_what_the_reader_refuses(entry: str) -> None:
    assert errors(entry)
    with raises("schema*", kind=UsageError):
        parse_patch(f"entries: [{entry}]")


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(json_schema())
