"""Rules that a user writes: in a file, in Python, as a function; and the messages where they are wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from assay.errors import UsageError
from assay.kernels.rows.declared_rules import (
    Expression,
    Function,
    NotNull,
    Range,
    Regex,
    Unique,
    compile_rules,
    json_schema,
    read_rules,
)
from assay.kernels.rows.record import Record
from assay.kernels.rows.validation import judge
from raising import raises

FILE = """
version: 1
rules:
  - {kind: not_null, column: id}
  - {kind: regex, column: plate, pattern: '[A-Z]{3}-[0-9]+', severity: warning}
  - {kind: range, column: fare, min: 0, max: 500, id: sane_fare}
  - {kind: unique, columns: [id]}
  - {kind: expression, holds: tips <= fare}
"""


def test_a_file_and_its_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(FILE)
    rules = read_rules(path)
    assert rules == (
        NotNull(column="id"),
        Regex(column="plate", pattern="[A-Z]{3}-[0-9]+", severity="warning"),
        Range(column="fare", min=0, max=500, id="sane_fare"),
        Unique(columns=("id",)),
        Expression(holds="tips <= fare"),
    )
    assert [rule.id for rule in compile_rules(rules).rules] == [
        "id.not_null",
        "plate.regex",
        "sane_fare.min",
        "sane_fare.max",
        "tips <= fare",
        "id.unique",
    ]
    document = msgspec.yaml.decode(FILE)
    jsonschema.validate(document, json_schema())
    as_json = tmp_path / "rules.json"
    as_json.write_text(json.dumps(document))
    assert read_rules(as_json) == rules


def test_the_schema_that_ships_is_the_schema_of_the_code(project_root: Path) -> None:
    assert json.loads((project_root / "schemas" / "row_rules.schema.json").read_text()) == json_schema()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules: [{kind: regexp, column: a, pattern: b}]", ("rows.bad_file", "regexp")),
        ("rules: [{kind: regex, column: a, patern: b}]", ("rows.bad_file", "patern")),
        ("rules: [{kind: unique, columns: []}]", ("rows.bad_file",)),
        ("rules: [{kind: range, column: a, min: low}]", ("rows.bad_file",)),
        ("version: 2\nrules: []", ("rows.bad_file",)),
        (": [", ("rows.bad_file", "1")),
    ],
)
def test_a_file_that_is_wrong(tmp_path: Path, text: str, expected: tuple[str, ...]) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with raises(*expected):
        read_rules(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with raises("rows.no_file", kind=UsageError):
        read_rules(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Regex(column="a", pattern="["), ("rows.bad_pattern",)),
        (Range(column="a"), ("rows.empty_range",)),
        (Range(column="a", min=2, max=1), ("rows.empty_range", "2", "1")),
        (Function(function="assay.errors:nothing"), ("rows.no_function",)),
    ],
)
def test_a_rule_that_cannot_be(rule: Any, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        compile_rules([rule])


def test_two_rules_of_one_id() -> None:
    with raises("rows.duplicate_id", "a.not_null"):
        compile_rules([NotNull(column="a"), NotNull(column="a")])


def modest_tips(tips: np.ndarray, fare: np.ndarray) -> np.ndarray:
    """Tips are at most the fare.

    More about it.
    """
    return ~(tips > fare)


def long_names(name: pa.Array) -> pa.Array:
    return pc.greater(pc.utf8_length(name.cast(pa.string())), 2)


BATCH = pa.RecordBatch.from_pydict({"tips": [1.0, 3.0, None], "fare": [2, 2, 2], "name": pa.array(["abc", "a", None])})


def test_functions_of_numpy_and_of_arrow() -> None:
    rules = compile_rules([modest_tips, long_names])
    assert [(rule.id, rule.columns, rule.expectation) for rule in rules.row_rules] == [
        ("modest_tips", ("tips", "fare"), "Tips are at most the fare"),
        ("long_names", ("name",), "long_names"),
    ]
    masks = judge(rules, BATCH, {}).masks
    assert [mask.tolist() for mask in masks if mask is not None] == [[False, True, False], [False, True, False]]
    for row, record in enumerate(BATCH.to_pylist()):
        assert [rule.breaks(Record(record)) for rule in rules.row_rules] == [row == 1, row == 1]


def unset_or_large(number: np.ndarray, flag: np.ndarray) -> list[bool | None]:
    return [None if missing else big > 2**53 for big, missing in zip(number, np.isnan(flag), strict=True)]


def test_numbers_reach_a_function_as_doubles_and_none_is_as_good_as_true() -> None:
    batch = pa.RecordBatch.from_pydict({"number": [2**60, 1, 1], "flag": [True, False, None]})
    (mask,) = judge(compile_rules([unset_or_large]), batch, {}).masks
    assert mask is not None
    assert mask.tolist() == [False, True, False]


def without_annotations(fare):  # noqa: ANN001, ANN201
    return fare > 0


def without_parameters() -> np.ndarray:
    return np.ones(3, bool)


def one_for_all(fare: np.ndarray) -> np.ndarray:
    return np.array(True)


def failing(fare: np.ndarray) -> np.ndarray:
    message = "no fare today"
    raise ValueError(message)


@pytest.mark.parametrize(
    ("function", "code"),
    [(without_annotations, "rows.function_signature"), (without_parameters, "rows.function_signature")],
)
def test_a_function_whose_signature_is_wrong(function: Any, code: str) -> None:
    with raises(code):
        compile_rules([function])


def test_a_function_that_gives_something_else() -> None:
    with raises("rows.function_result", "3"):
        judge(compile_rules([one_for_all]), BATCH, {})


def test_a_function_that_raises() -> None:
    with raises("rows.function_raised", "failing", "ValueError", "today"):
        judge(compile_rules([failing]), BATCH, {})


@pytest.mark.parametrize("pattern", ["(" * 500 + ")" * 500, "a{99999999999}", "("])
def test_a_pattern_that_python_cannot_compile_is_refused(pattern: str) -> None:
    with raises("rows.bad_pattern"):
        compile_rules([Regex(column="c", pattern=pattern)])


def test_a_bound_that_is_not_a_number_is_refused() -> None:
    with raises("rows.empty_range"):
        compile_rules([Range(column="c", min=float("nan"))])
