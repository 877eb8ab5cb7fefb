"""`assay drift`: what it prints, writes and ends with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator
from typer.testing import Result

from assay.cli.data.documents import json_schema
from assay.gating.verdict import read_verdict

Ask = Callable[..., Result]


def document(result: Result) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(result.stdout)
    Draft202012Validator(json_schema("drift")).validate(plain)
    return plain


def test_the_same_data_does_not_drift(ask: Ask) -> None:
    result = ask("drift", "good.csv", "good.csv", "--json")
    assert result.exit_code == 0
    assert document(result)["ok"]


def test_drift_ends_with_3_and_shows_bins(ask: Ask) -> None:
    result = ask("drift", "good.csv", "bad.csv", "--json")
    found = document(result)
    assert result.exit_code == 3
    (city,) = [feature for feature in found["features"] if feature["drifted"]]
    assert city["feature"] == "city"
    assert {(each["name"], each["data"], each["control"]) for each in city["bins"]} == {
        ("a", 20, 20), ("b", 0, 20), ("zzz", 20, 0)
    }  # fmt: skip


def test_limits_of_all_features_and_of_one(ask: Ask) -> None:
    loose = ask("drift", "good.csv", "bad.csv", "--threshold", "city:l_infinity=0.9", "--json")
    assert loose.exit_code == 0
    (city,) = [each for each in document(loose)["features"] if each["feature"] == "city"]
    limits = {each["measure"]: each["threshold"] for each in city["distances"]}
    assert (limits["l_infinity"], limits["psi"]) == (0.9, None)
    for_all = ("--threshold", "l_infinity=9", "--threshold", "psi=99", "--threshold", "jensen_shannon=1")
    assert ask("drift", "good.csv", "bad.csv", *for_all).exit_code == 0
    assert ask("drift", "good.csv", "bad.csv", *for_all[2:]).exit_code == 3


def test_a_limit_is_widened_by_what_few_rows_reach_by_chance(ask: Ask, folder: Path) -> None:
    (folder / "few.csv").write_text("city,fare\n" + "a,1.5\n" * 4 + "b,2.5\n" * 2)
    found = document(ask("drift", "good.csv", "few.csv", "--threshold", "l_infinity=0.01", "--json"))
    assert found["ok"]
    (distance,) = [
        each
        for feature in found["features"]
        for each in feature["distances"]
        if (feature["feature"], each["measure"]) == ("city", "l_infinity")
    ]
    assert distance["threshold"] < distance["value"] < distance["limit"] == distance["chance"]


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("psy=0.1", "Did you mean 'psi'?"),
        ("psi", "Expected MEASURE=NUMBER"),
        ("psi=low", "Expected a number after '='"),
        ("citty:psi=0.1", "Did you mean 'city'?"),
        ("fare:l_infinity=0.1", "fare:l_infinity cannot apply to values of type FLOAT."),
    ],
)
def test_limits_that_cannot_be_kept_are_wrong_usage(ask: Ask, limit: str, message: str) -> None:
    result = ask("drift", "good.csv", "bad.csv", "--threshold", limit)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_the_verdict_and_junit(ask: Ask, folder: Path) -> None:
    result = ask("drift", "good.csv", "bad.csv", "-o", "out/", "--junit", "drift.xml", "--json")
    assert result.exit_code == 3
    verdict = read_verdict(folder / "out")
    assert {check.id for check in verdict.failed} == {"city/l_infinity", "city/jensen_shannon", "city/psi"}
    assert json.loads((folder / "out" / "drift.json").read_text()) == json.loads(result.stdout)
    suite = ET.parse(folder / "drift.xml").getroot()[0]
    assert (suite.get("name"), suite.get("failures")) == ("assay drift", "3")


def test_a_table_that_fits_the_width(ask: Ask) -> None:
    result = ask("drift", "good.csv", "bad.csv")
    assert "drift: 1 of 2 features drifted: city." in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 80


def test_ids_are_named_and_columns_are_left_out(ask: Ask, tmp_path: Path) -> None:
    for name, start in (("now.csv", 0), ("before.csv", 1000)):
        lines = [f"u{start + each}@x.org,{each % 3},{start}" for each in range(200)]
        (tmp_path / name).write_text("\n".join(["mail,kind,batch", *lines]))
    pair = (str(tmp_path / "before.csv"), str(tmp_path / "now.csv"))
    assert ask("drift", *pair).exit_code == 3
    result = ask("drift", *pair, "--exclude", "batch")
    assert result.exit_code == 0
    assert "Not compared: mail" in result.stdout
    (mail, kind) = document(ask("drift", *pair, "--exclude", "batch", "--json"))["features"]
    assert "nearly every value occurs once" in mail["remark"]
    assert (kind["feature"], kind["remark"]) == ("kind", "")
    assert ask("drift", *pair, "--exclude", "batch", "--threshold", "mail:jensen_shannon=0.1").exit_code in {0, 3}
    assert ask("drift", *pair, "--exclude", "bacth").exit_code == 2
    assert ask("drift", *pair, "--exclude", "batch", "--threshold", "batch:psi=1").exit_code == 2
