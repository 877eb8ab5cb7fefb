"""`assay stats` and `assay validate`: what they print, write and end with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator
from tensorflow_metadata.proto.v0 import anomalies_pb2
from typer.testing import Result

from assay.cli.data.documents import DOCUMENTS, json_schema
from assay.gating.verdict import read_verdict

Ask = Callable[..., Result]


def document(result: Result, command: str) -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(result.stdout)
    Draft202012Validator(json_schema(command)).validate(plain)
    return plain


@pytest.mark.parametrize("command", DOCUMENTS)
def test_the_shipped_schema_of_the_json_is_current(command: str, project_root: Path, update_golden: bool) -> None:
    path = project_root / "schemas" / "cli" / f"{command}.schema.json"
    text = json.dumps(json_schema(command), indent=2) + "\n"
    if update_golden:
        path.write_text(text)
    assert path.read_text() == text


class TestStats:
    def test_a_table_that_fits_the_width(self, ask: Ask) -> None:
        result = ask("stats", "good.csv")
        assert result.exit_code == 0
        assert "40 examples, 2 features" in result.stdout
        assert "2 distinct" in result.stdout
        assert max(map(len, result.stdout.splitlines())) <= 80

    def test_json_and_slices(self, ask: Ask) -> None:
        found = document(ask("stats", "good.csv", "--json", "--by", "city"), "stats")
        assert found["num_examples"] == 40
        assert [feature["feature"] for feature in found["features"]] == ["city", "fare"]
        assert [(part["name"], part["num_examples"]) for part in found["slices"]] == [("city_a", 20), ("city_b", 20)]

    def test_several_files_are_one_data_set(self, ask: Ask) -> None:
        assert document(ask("stats", "good.csv", "bad.csv", "--json"), "stats")["num_examples"] == 80

    def test_options_may_come_first(self, ask: Ask) -> None:
        assert document(ask("stats", "--json", "good.csv"), "stats")["num_examples"] == 40

    def test_statistics_files_of_other_features_merge(self, ask: Ask, folder: Path) -> None:
        (folder / "city.csv").write_text("city\n" + "a\nb\n" * 20)
        (folder / "fare.csv").write_text("fare\n" + "1.5\n2.5\n" * 20)
        for name in ("city", "fare"):
            assert ask("stats", f"{name}.csv", "-o", f"{name}.pb").exit_code == 0
        merged = document(ask("stats", "merge", "city.pb", "fare.pb", "-o", "both.pb", "--json"), "stats")
        assert merged == document(ask("stats", "good.csv", "--json"), "stats")
        assert document(ask("stats", "both.pb", "--json"), "stats") == merged

    def test_statistics_of_other_rows_do_not_merge(self, ask: Ask) -> None:
        assert ask("stats", "good.csv", "-o", "good.pb").exit_code == 0
        result = ask("stats", "merge", "good.pb", "good.pb", "-o", "twice.pb")
        assert result.exit_code == 1
        assert "Two parts have statistics of 'city'" in result.stderr

    def test_states_of_other_rows_merge_to_the_statistics_of_all(self, ask: Ask, folder: Path) -> None:
        for name in ("good", "bad"):
            assert ask("stats", f"{name}.csv", "-o", f"{name}.state", "--by", "city").exit_code == 0
        merged = ask("stats", "merge", "good.state", "bad.state", "-o", "merged.pb", "--json")
        whole = ask("stats", "good.csv", "bad.csv", "-o", "whole.pb", "--by", "city", "--json")
        assert document(merged, "stats") == document(whole, "stats")
        assert (folder / "merged.pb").read_bytes() == (folder / "whole.pb").read_bytes()
        assert ask("stats", "merge", "good.state", "bad.state", "-o", "all.state").exit_code == 0
        assert document(ask("stats", "all.state", "--json"), "stats")["num_examples"] == 80

    def test_slices_of_every_kind(self, ask: Ask) -> None:
        options = ["--by", "city=a", "--by", "city,fare[2]", "--by", "fare > 2"]
        found = document(ask("stats", "good.csv", *options, "--json"), "stats")
        assert {part["name"]: part["num_examples"] for part in found["slices"]} == {
            "city_a": 20,
            "city_a_fare_[-inf,2.0)": 20,
            "city_b_fare_[2.0,inf]": 20,
            "fare > 2": 20,
        }

    def test_times_of_a_schema_are_cut_into_periods(self, ask: Ask, folder: Path) -> None:
        (folder / "rows.csv").write_text("t;n\n0;1\n86400;2\n90000;3\n")
        (folder / "times.pbtxt").write_text(
            'feature { name: "t" type: INT time_domain { integer_format: UNIX_SECONDS } }'
        )
        options = ["--by", "t:day", "--schema", "times.pbtxt", "--delimiter", ";", "--json"]
        found = document(ask("stats", "rows.csv", *options), "stats")
        assert [(part["name"], part["num_examples"]) for part in found["slices"]] == [
            ("t_1970-01-01", 1),
            ("t_1970-01-02", 2),
        ]

    def test_slices_of_statistics_are_wrong_usage(self, ask: Ask) -> None:
        assert ask("stats", "good.csv", "-o", "good.pb").exit_code == 0
        assert ask("stats", "good.pb", "--by", "city").exit_code == 2

    def test_data_that_is_not_there(self, ask: Ask) -> None:
        result = ask("stats", "none.csv")
        assert result.exit_code == 1
        assert "none.csv" in result.stderr


class TestValidate:
    def test_data_that_fits_ends_with_0(self, ask: Ask) -> None:
        result = ask("validate", "good.csv", "--schema", "schema.pbtxt")
        assert result.exit_code == 0
        assert "passed: 3 of 3 checks passed. No anomalies." in result.stdout

    def test_anomalies_end_with_3(self, ask: Ask) -> None:
        result = ask("validate", "bad.csv", "--schema", "schema.pbtxt", "--json")
        found = document(result, "validate")
        assert result.exit_code == found["exit_code"] == 3
        assert [(each["feature"], each["values"]) for each in found["findings"]] == [("city", ["zzz"])]
        assert found["rows"] is None

    @pytest.mark.parametrize(("level", "exit_code"), [("never", 0), ("warning", 3), ("error", 3)])
    def test_fail_on(self, ask: Ask, level: str, exit_code: int) -> None:
        result = ask("validate", "bad.csv", "--schema", "schema.pbtxt", "--fail-on", level)
        assert result.exit_code == exit_code
        assert "zzz" in result.stdout

    def test_files_that_tfdv_reads_and_the_verdict(self, ask: Ask, folder: Path) -> None:
        assert ask("validate", "bad.csv", "--schema", "schema.pbtxt", "-o", "out/").exit_code == 3
        anomalies = anomalies_pb2.Anomalies.FromString((folder / "out/SchemaDiff.pb").read_bytes())
        assert list(anomalies.anomaly_info) == ["city"]
        assert not read_verdict(folder / "out").ok
        again = ask("validate", "out/FeatureStats.pb", "--schema", "schema.pbtxt")
        assert again.exit_code == 3

    def test_rows_and_quarantine(self, ask: Ask, folder: Path) -> None:
        result = ask("validate", "bad.csv", "--schema", "schema.pbtxt", "--rows", "--quarantine", "q/", "--json")
        found = document(result, "validate")
        rows = found["rows"]
        assert found["quarantine"] == {"read": 40, "clean": 20, "rejected": 20}
        assert (rows["num_rows"], rows["num_clean"], rows["num_rejected"]) == (40, 20, 20)
        assert [rule["rule"] for rule in rows["rules"] if not rule["ok"]] == ["city.domain"]
        assert pq.read_table(folder / "q/clean.parquet").num_rows == 20
        assert pq.read_table(folder / "q/rejected.parquet").num_rows == 20
        assert json.loads((folder / "q/counts.json").read_text())["read"] == 40

    def test_the_quarantine_is_told(self, ask: Ask) -> None:
        result = ask("validate", "bad.csv", "--schema", "schema.pbtxt", "--quarantine", "q/")
        assert "40 rows: 20 clean, 20 rejected, in " in result.stdout

    def test_rows_of_statistics_are_wrong_usage(self, ask: Ask) -> None:
        assert ask("stats", "good.csv", "-o", "good.pb").exit_code == 0
        result = ask("validate", "good.pb", "--schema", "schema.pbtxt", "--rows")
        assert result.exit_code == 2
        assert "require rows" in result.stderr

    def test_junit(self, ask: Ask, folder: Path) -> None:
        assert ask("validate", "bad.csv", "--schema", "schema.pbtxt", "--junit", "junit.xml").exit_code == 3
        suites = ET.parse(folder / "junit.xml").getroot()
        (suite,) = suites
        assert (suites.tag, suite.get("tests"), suite.get("failures")) == ("testsuites", "3", "1")
        (failure,) = suite.findall("testcase/failure")
        assert failure.get("type") == "ENUM_TYPE_UNEXPECTED_STRING_VALUES"
        assert "zzz" in str(failure.get("message"))

    def test_junit_of_names_that_xml_cannot_hold(self, ask: Ask, folder: Path) -> None:
        (folder / "odd.csv").write_bytes(b"city,fare,o\x01d<&d\na,1.5,1\n")
        assert ask("validate", "odd.csv", "--schema", "schema.pbtxt", "--junit", "junit.xml").exit_code == 3
        names = [case.get("name", "") for case in ET.parse(folder / "junit.xml").getroot().iter("testcase")]
        assert "data/o\\u0001d<&d/SCHEMA_NEW_COLUMN" in names

    def test_every_slice_is_validated(self, ask: Ask) -> None:
        found = document(ask("validate", "bad.csv", "--schema", "schema.pbtxt", "--by", "city", "--json"), "validate")
        assert [each["slice"] for each in found["findings"]] == ["", "city_zzz"]

    def test_slices_are_cut_as_for_statistics(self, ask: Ask) -> None:
        slices = ["--by", "fare[2]", "--by", "city=a,fare[2]", "--by", "city == 'zzz' and fare > 2"]
        found = document(ask("validate", "bad.csv", "--schema", "schema.pbtxt", *slices, "--json"), "validate")
        assert [each["slice"] for each in found["findings"]] == ["", "city == 'zzz' and fare > 2", "fare_[2.0,inf]"]
        assert ask("validate", "bad.csv", "--schema", "schema.pbtxt", "--by", "fare[a]").exit_code == 2

    def test_a_comparator_without_control_is_wrong_usage(self, ask: Ask, folder: Path) -> None:
        path = folder / "schema.pbtxt"
        drift = "type: BYTES\n  drift_comparator { infinity_norm { threshold: 0.1 } }"
        path.write_text(path.read_text().replace("type: BYTES", drift))
        result = ask("validate", "good.csv", "--schema", "schema.pbtxt")
        assert result.exit_code == 2
        assert "has no statistics of a previous span to compare with" in result.stderr
        told = ask("validate", "good.csv", "--schema", "schema.pbtxt", "--missing-control", "warning")
        assert told.exit_code == 0
        assert "warning" in told.stdout
        compared = ask("validate", "good.csv", "--schema", "schema.pbtxt", "--previous", "bad.csv")
        assert compared.exit_code == 3
        assert "High Linfty distance" in compared.stdout

    def test_an_unknown_environment_is_wrong_usage(self, ask: Ask) -> None:
        result = ask("validate", "good.csv", "--schema", "schema.pbtxt", "--environment", "SERVING")
        assert result.exit_code == 2

    def test_own_checks(self, ask: Ask, folder: Path) -> None:
        checks = folder / "checks.py"
        checks.write_text(
            "from assay import FeatureSummary\n"
            "def fares_are_low(fare: FeatureSummary) -> bool:\n"
            "    '''No fare is above 2.'''\n"
            "    return fare.max <= 2\n"
            "def checks():\n"
            "    return [fares_are_low]\n"
        )
        result = ask("validate", "good.csv", "--schema", "schema.pbtxt", "--checks", str(checks))
        assert result.exit_code == 3
        assert "No fare is above 2" in result.stdout

    def test_rules_of_rows_in_a_file(self, ask: Ask, folder: Path) -> None:
        rules = folder / "rules.yaml"
        rules.write_text("version: 1\nrules:\n- {kind: expression, id: cheap, holds: fare < 2}\n")
        result = ask("validate", "good.csv", "--schema", "schema.pbtxt", "--checks", str(rules), "--rows", "--json")
        assert result.exit_code == 3
        (broken,) = [rule for rule in document(result, "validate")["rows"]["rules"] if not rule["ok"]]
        assert (broken["rule"], broken["broken"]) == ("cheap", 20)

    def test_severities_and_limits_of_drift(self, ask: Ask) -> None:
        unseen = "ENUM_TYPE_UNEXPECTED_STRING_VALUES=warning"
        milder = ask("validate", "bad.csv", "--schema", "schema.pbtxt", "--severity", unseen)
        assert milder.exit_code == 0
        limited = ("--previous", "good.csv", "--threshold", "city:l_infinity=0.1", "--severity", unseen)
        drifted = ask("validate", "bad.csv", "--schema", "schema.pbtxt", *limited, "--json")
        assert drifted.exit_code == 3
        errors = [each for each in document(drifted, "validate")["findings"] if each["severity"] == "error"]
        assert [(each["feature"], each["name"]) for each in errors] == [("city", "drift.l_infinity")]

    @pytest.mark.parametrize("severity", ["SCHEMA_NEW_COLUMN", "SCHEMA_NEW_COLUM=ERROR", "SCHEMA_NEW_COLUMN=FATAL"])
    def test_a_severity_that_is_none_is_wrong_usage(self, ask: Ask, severity: str) -> None:
        assert ask("validate", "good.csv", "--schema", "schema.pbtxt", "--severity", severity).exit_code == 2


def test_a_process_of_its_own_loads_neither_pandas_nor_a_database(folder: Path, run_python: Any) -> None:
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print([name for name in sys.modules if sys.modules[name] is not None]))\n"
        "from assay.cli.main import main\n"
        "sys.argv = ['assay', 'validate', 'good.csv', '--schema', 'schema.pbtxt']\n"
        "main()"
    )
    loaded = set(eval(run_python(code, cwd=folder).stdout.splitlines()[-1]))
    assert "pyarrow" in loaded
    assert not loaded & {"pandas", "sqlalchemy", "tensorflow", "apache_beam", "jinja2", "scipy", "sklearn"}


def test_every_verdict_that_is_written_has_the_shipped_form(ask: Ask, folder: Path, project_root: Path) -> None:
    form = Draft202012Validator(json.loads((project_root / "schemas" / "verdict.schema.json").read_text()))
    (folder / "odd.csv").write_text("city,fare\n" + "a,inf\nzzz,nan\n,1e308\n" * 9)
    ask("validate", "odd.csv", "--schema", "schema.pbtxt", "--rows", "--by", "city", "-o", "validated/")
    ask("drift", "good.csv", "odd.csv", "--threshold", "psi=inf", "-o", "drifted/")
    for name in ("validated", "drifted"):
        form.validate(json.loads((folder / name / "verdict.json").read_text()))
        assert read_verdict(folder / name).checks
