"""`assay skew` and `assay leakage`: what they print, write and end with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner, Result

from assay.cli.data.documents import json_schema
from assay.cli.main import app

Ask = Callable[..., Result]

TRAIN = "id,city,fare\n1,a,1.5\n2,b,2.5\n3,c,3.5\n"
SERVED = "id,city,fare\n3,c,3.5\n2,B,2.5\n9,a,1.0\n"


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    (tmp_path / "train.csv").write_text(TRAIN)
    (tmp_path / "served.csv").write_text(SERVED)
    (tmp_path / "others.csv").write_text("id,city,fare\n7,x,0.5\n")

    def ask(*arguments: str) -> Result:
        placed = [str(tmp_path / each) if each.endswith((".csv", ".json")) else each for each in arguments]
        return CliRunner().invoke(app, placed, env={"COLUMNS": "80"})

    return ask


def document(result: Result, command: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(result.stdout)
    Draft202012Validator(json_schema(command)).validate(plain)
    return plain


class TestSkew:
    def test_what_differs_by_id(self, ask: Ask) -> None:
        result = ask("skew", "train.csv", "served.csv", "--join-on", "id", "--confusion", "city", "--json")
        found = document(result, "skew")
        assert result.exit_code == 3
        assert {each["feature"]: (each["match"], each["diff"]) for each in found["features"]} == {
            "city": (1, 1),
            "fare": (2, 0),
        }
        assert found["pairs"][0]["data"] == {"id": 2, "city": "B", "fare": 2.5}
        assert found["ids"]["matching_pairs_count"] == 2
        assert {(each["data"], each["control"], each["count"]) for each in found["confusion"]} == {
            ("B", "b", 1),
            ("c", "c", 1),
        }

    def test_tables_for_people(self, ask: Ask) -> None:
        result = ask("skew", "train.csv", "served.csv", "--join-on", "id")
        assert "1 ids are missing in the data, 1 in the control" in result.stdout
        assert "failed: 1 of 2 features differ: city." in result.stdout

    def test_no_skew_ends_with_0(self, ask: Ask) -> None:
        assert ask("skew", "train.csv", "train.csv", "--join-on", "id").exit_code == 0
        assert ask("skew", "train.csv", "served.csv", "--join-on", "id", "--ignore", "city").exit_code == 0

    def test_nothing_to_compare_is_no_success(self, ask: Ask) -> None:
        result = ask("skew", "train.csv", "others.csv", "--join-on", "id")
        assert result.exit_code == 3
        assert "Nothing was compared: no id is in both datasets" in result.stdout

    def test_ids_that_occur_several_times_are_no_success(self, ask: Ask, tmp_path: Path) -> None:
        (tmp_path / "twice.csv").write_text("id,city\n1,a\n1,b\n")
        left_out = ask("skew", "twice.csv", "twice.csv", "--join-on", "id")
        assert left_out.exit_code == 3
        outcome = " ".join(left_out.stdout.split())
        assert "Nothing was compared: no example has an id of its own. 1 ids that occur several times" in outcome
        compared = ask("skew", "twice.csv", "twice.csv", "--join-on", "id", "--allow-duplicates")
        assert "1 of 1 features differ: city." in compared.stdout

    def test_an_unknown_id_is_wrong_usage(self, ask: Ask) -> None:
        result = ask("skew", "train.csv", "served.csv", "--join-on", "ids")
        assert result.exit_code == 2
        assert "Did you mean 'id'?" in result.stderr


class TestLeakage:
    def test_rows_that_are_shared(self, ask: Ask, tmp_path: Path) -> None:
        result = ask("leakage", "train.csv", "served.csv", "others.csv", "-o", "shared.json", "--json")
        found = document(result, "leakage")
        assert result.exit_code == 3
        assert [pair["num_distinct"] for pair in found["pairs"]] == [1, 0, 0]
        assert found["pairs"][0]["samples"] == [
            {"values": {"city": "c", "fare": 3.5, "id": 3}, "rows": [1, 1], "first": [2, 0]}
        ]
        assert json.loads((tmp_path / "shared.json").read_text()) == found

    def test_rows_that_are_the_same_by_an_id(self, ask: Ask) -> None:
        result = ask("leakage", "train.csv", "served.csv", "--by", "id")
        assert result.exit_code == 3
        assert "share 2 distinct rows" in " ".join(result.stdout.split())
        assert ask("leakage", "train.csv", "others.csv").exit_code == 0

    def test_one_data_set_or_the_same_twice_is_wrong_usage(self, ask: Ask) -> None:
        assert ask("leakage", "train.csv").exit_code == 2
        assert ask("leakage", "train.csv", "train.csv").exit_code == 2


def test_a_column_that_looks_like_numbers_is_remarked_on(ask: Ask, folder: Path) -> None:
    for name in ("one.csv", "other.csv"):
        (folder / name).write_text('id,v\n1,"1,5"\n2,"2,5"\n3,"3,5"\n')
    for command in (("skew", "one.csv", "other.csv", "--join-on", "id"), ("leakage", "one.csv", "other.csv")):
        assert "--decimal ','" in ask(*command).stderr
