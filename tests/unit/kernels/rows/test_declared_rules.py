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

from assay.errors import UsageError, UserCodeError
from assay.kernels.rows.batch_outcome import judge
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
    ("text", "found"),
    [
        ("rules: [{kind: regexp, column: a, pattern: b}]", "regexp"),
        ("rules: [{kind: regex, column: a, patern: b}]", "patern"),
        ("rules: [{kind: unique, columns: []}]", "length"),
        ("rules: [{kind: range, column: a, min: low}]", "float"),
        ("version: 2\nrules: []", "version"),
        (": [", "line 1, column"),
    ],
)
def test_a_file_that_is_wrong(tmp_path: Path, text: str, found: str) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=found):
        read_rules(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_rules(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (Regex(column="a", pattern="["), "not a regular expression"),
        (Range(column="a"), "neither min nor max"),
        (Range(column="a", min=2, max=1), "min 2 above max 1"),
        (Function(function="assay.errors:nothing"), "Could not import"),
    ],
)
def test_a_rule_that_cannot_be(rule: Any, found: str) -> None:
    with pytest.raises(UsageError, match=found):
        compile_rules([rule])


def test_two_rules_of_one_id() -> None:
    with pytest.raises(UsageError, match=r"Several rules have the id 'a\.not_null'"):
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


def raises(fare: np.ndarray) -> np.ndarray:
    message = "no fare today"
    raise ValueError(message)


@pytest.mark.parametrize(
    ("function", "found"), [(without_annotations, "does not say what it takes"), (without_parameters, "no parameter")]
)
def test_a_function_whose_signature_is_wrong(function: Any, found: str) -> None:
    with pytest.raises(UsageError, match=found):
        compile_rules([function])


def test_a_function_that_gives_something_else() -> None:
    with pytest.raises(UsageError, match=r"gave bool of shape \(\) for 3 rows"):
        judge(compile_rules([one_for_all]), BATCH, {})


def test_a_function_that_raises() -> None:
    with pytest.raises(UserCodeError, match="'raises' raised ValueError: no fare today"):
        judge(compile_rules([raises]), BATCH, {})


@pytest.mark.parametrize("pattern", ["(" * 500 + ")" * 500, "a{99999999999}", "("])
def test_a_pattern_that_python_cannot_compile_is_refused(pattern: str) -> None:
    with pytest.raises(UsageError, match="is not a regular expression") as caught:
        compile_rules([Regex(column="c", pattern=pattern)])
    assert caught.value.code == "rows.bad_pattern"


def test_a_bound_that_is_not_a_number_is_refused() -> None:
    with pytest.raises(UsageError, match="a bound that is not a number") as caught:
        compile_rules([Range(column="c", min=float("nan"))])
    assert caught.value.code == "rows.empty_range"
