"""RowValidator: from a file, pickled, light, and in words."""

from __future__ import annotations

import math
import pickle
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.errors import UsageError
from assay.kernels.rows.declared_rules import Expression, Regex, Unique
from assay.kernels.rows.record_validator import RowValidator
from raising import raises

SCHEMA = """
default_environment: "TRAINING"
default_environment: "SERVING"
feature { name: "fare" type: FLOAT presence { min_fraction: 1 } float_domain { min: 0.1 } }
feature { name: "tips" type: FLOAT not_in_environment: "SERVING" }
feature { name: "company" type: BYTES domain: "companies" distribution_constraints { min_domain_mass: 0.9 } }
feature { name: "picture" type: BYTES image_domain {} unique_constraints { min: 2 max: 3 } }
feature { name: "old" type: INT lifecycle_stage: DEPRECATED int_domain { max: 0 } }
string_domain { name: "companies" value: "A" value: "B" }
"""


@pytest.fixture
def schema_file(tmp_path: Path) -> Path:
    path = tmp_path / "schema.pbtxt"
    path.write_text(SCHEMA)
    return path


def test_it_says_which_rule_a_record_breaks_and_why(schema_file: Path) -> None:
    validator = RowValidator(schema_file, environment="SERVING")
    (small, tips, extra) = validator.validate(
        {"fare": -1.0, "tips": 2.0, "company": "Z" * 100, "old": 5, "surge": True, "absent": None}
    )
    assert (small.rule_id, small.reason, small.found) == ("fare.min", "FLOAT_TYPE_SMALL_FLOAT", -1.0)
    assert small.sentence == "Expected: fare is at least 0.1; found -1.0."
    assert tips.sentence == "Expected: tips has no value in the environment SERVING; found 2.0."
    assert (extra.rule_id, extra.found) == ("schema.unknown_column", {"surge": True})
    assert validator.is_valid({"fare": 0.1, "company": b"B"})
    assert [each.sentence for each in validator.validate({})] == ["Expected: fare has a value; found nothing."]


def test_values_of_python_that_no_feature_has(schema_file: Path) -> None:
    validator = RowValidator(schema_file)
    assert [breach.rule_id for breach in validator.validate({"fare": object()})] == ["fare.type"]
    assert [breach.rule_id for breach in validator.validate({"fare": 10**400})] == ["fare.type"]
    assert validator.is_valid({"fare": math.nan})
    assert validator.is_valid({"fare": (0.5,)})


def test_json_may_write_a_number_with_decimals_as_a_whole_one(schema_file: Path) -> None:
    validator = pickle.loads(pickle.dumps(RowValidator(schema_file, json_numbers=True)))
    assert validator.is_valid({"fare": 5})
    assert [breach.rule_id for breach in validator.validate({"fare": 0})] == ["fare.min"]
    assert [breach.rule_id for breach in validator.validate({"fare": True})] == ["fare.type"]
    assert [breach.rule_id for breach in RowValidator(schema_file).validate({"fare": 5})] == ["fare.type"]


def test_a_pickled_validator_needs_neither_schema_nor_protos(
    schema_file: Path, tmp_path: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    rules = [Regex(column="company", pattern="[AB]"), Expression(holds="tips <= fare")]
    file = tmp_path / "validator.pickle"
    file.write_bytes(pickle.dumps(RowValidator(schema_file.parent, rules)))
    schema_file.unlink()
    code = (
        "import pickle, sys; validator = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print([each.rule_id for each in validator.validate({'fare': 1.0, 'tips': 2.0, 'company': 'AB'})])\n"
        "print({'numpy', 'pyarrow', 'google.protobuf', 'tensorflow', 'tensorflow_metadata'} & set(sys.modules))"
    )
    breaches, heavy = run_python(code, str(file)).stdout.splitlines()
    assert breaches == "['company.regex', 'tips <= fare']"
    assert heavy == "set()"


def test_what_one_record_cannot_decide_is_said(schema_file: Path) -> None:
    validator = RowValidator(schema_file, [Unique(columns=("fare",))])
    assert validator.unchecked == (
        "picture: a domain of images is checked in statistics only",
        "no two rows have the same fare: needs the whole dataset",
        "fare has a number that is not NaN: needs the whole dataset",
        "company is one of 'A', 'B' in all but 0.1 of its values: needs the whole dataset",
        "picture has at least 2 distinct values: needs the whole dataset",
        "picture has at most 3 distinct values: needs the whole dataset",
    )


def test_a_rule_on_a_column_that_the_schema_does_not_have_is_refused(schema_file: Path) -> None:
    with raises("rows.unknown_column", "compny", "company"):
        RowValidator(schema_file, [Regex(column="compny", pattern="A")])


def test_an_environment_that_the_schema_does_not_have_is_refused(schema_file: Path) -> None:
    with raises("schema.unknown_environment", "SERVNG"):
        RowValidator(schema_file, environment="SERVNG")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("feature {", ("schema.malformed", "1")), ('feature { name: "x" domain: "d" }', ("schema.unknown_domain", "d"))],
)
def test_a_schema_that_is_wrong(tmp_path: Path, text: str, expected: tuple[str, ...]) -> None:
    (tmp_path / "schema.pbtxt").write_text(text)
    with raises(*expected, kind=UsageError):
        RowValidator(tmp_path)


def test_a_schema_that_is_not_there(tmp_path: Path) -> None:
    with raises("schema.no_file", "none.pbtxt", kind=UsageError):
        RowValidator(tmp_path / "none.pbtxt")
