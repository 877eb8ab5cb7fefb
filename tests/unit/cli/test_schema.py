"""`assay schema` from data to a patch that survives the next inference."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format
from jsonschema import Draft202012Validator
from tensorflow_metadata.proto.v0 import schema_pb2
from typer.testing import CliRunner, Result

from assay.artifacts.schema import read_schema
from assay.cli.data.documents import json_schema
from assay.cli.main import app
from assay.data.sources import rows_of
from assay.engines.embedded import EmbeddedEngine
from assay.kernels.statistics import DatasetStatistics
from assay.schema import read_patch
from assay.schema.inference import infer_schema
from assay.validation.examination import validate_statistics

Ask = Callable[..., Result]


def csv(rows: int, payments: list[str]) -> str:
    lines = [f"{i / 4},{payments[i % len(payments)]},{1_600_000_000 + i},{i % 24}" for i in range(rows)]
    return "\n".join(["fare,payment_type,start_time,hour", *lines]) + "\n"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs `assay schema` in a folder with two days of data: on the second, a new way to pay."""
    monkeypatch.chdir(tmp_path)
    Path("day1.csv").write_text(csv(400, ["Cash", "Card"]))
    Path("day2.csv").write_text(csv(400, ["Cash", "Card", "Prcard"]))

    def run(*arguments: str, exit_code: int = 0) -> Result:
        done = CliRunner().invoke(app, ["schema", *arguments], env={"COLUMNS": "160"})
        assert done.exit_code == exit_code, done.output
        if "--json" in arguments:
            ids = "-ids" if arguments[0] == "relax" and "--accept" not in arguments else ""
            Draft202012Validator(json_schema(f"schema-{arguments[0]}{ids}")).validate(document(done))
        return done

    return run


def validated(folder: Path, schema: str) -> None:
    """Writes what validation of the second day writes."""
    folder.mkdir()
    statistics = EmbeddedEngine(1).reduce(rows_of("day2.csv"), DatasetStatistics())
    anomalies = validate_statistics(statistics, read_schema(Path(schema)))
    (folder / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    (folder / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())


def document(result: Result) -> Any:
    return json.loads(result.stdout)


def test_infer_prints_or_writes_what_is_inferred(ask: Ask) -> None:
    expected = infer_schema(EmbeddedEngine(1).reduce(rows_of("day1.csv"), DatasetStatistics()))
    assert text_format.Parse(ask("infer", "day1.csv").stdout, schema_pb2.Schema()) == expected
    assert ask("infer", "day1.csv", "-o", "s.pbtxt").stdout == "Wrote s.pbtxt: 4 features.\n"
    assert read_schema(Path("s.pbtxt")) == expected
    shown = document(ask("infer", "day1.csv", "--json"))
    assert shown["schema"]["feature"][0]["type"] == "FLOAT"
    assert shown["schema_file"] is None


def test_infer_takes_tfdvs_options(ask: Ask) -> None:
    shown = document(ask("infer", "day1.csv", "--max-string-domain-size", "1", "--no-infer-feature-shape", "--json"))
    payment_type = shown["schema"]["feature"][1]
    assert "domain" not in payment_type
    assert "shape" not in payment_type


def test_several_files_are_one_data_set_and_several_statistics_widen(ask: Ask) -> None:
    for day in ("1", "2"):
        statistics = EmbeddedEngine(1).reduce(rows_of(f"day{day}.csv"), DatasetStatistics())
        folder = Path(f"stats/Split-{day}")
        folder.mkdir(parents=True)
        (folder / "FeatureStats.pb").write_bytes(statistics.SerializeToString())
    values = ["Card", "Cash", "Prcard"]
    for data in (
        ["day1.csv", "day2.csv"],
        ["stats"],
        ["stats/Split-1/FeatureStats.pb", "stats/Split-2/FeatureStats.pb"],
    ):
        assert document(ask("infer", *data, "--json"))["schema"]["string_domain"][0]["value"] == values
    one = document(ask("infer", "stats", "--split", "1", "--json"))
    assert one["schema"]["string_domain"][0]["value"] == values[:2]
    assert "Statistics and data" in ask("infer", "stats", "day1.csv", exit_code=2).stderr
    assert "--split NAME" in ask("suggest", "stats", exit_code=2).stderr


def test_suggestions_are_a_patch_that_marks_the_schema(ask: Ask) -> None:
    ask("infer", "day1.csv", "-o", "s.pbtxt")
    lines = ask("suggest", "day1.csv", "-o", "suggestions.yaml").stdout.splitlines()
    assert lines[-1] == "Wrote suggestions.yaml: 6 suggestions."
    entries = read_patch(Path("suggestions.yaml")).entries
    assert all(entry.suggested and entry.evidence for entry in entries)
    assert [entry.set for entry in entries if entry.feature == "start_time"] == [
        {"time_domain": {"integer_format": "UNIX_SECONDS"}, "annotation": {"tag": ["assay.monotonic"]}}
    ]
    ask("apply", "s.pbtxt", "suggestions.yaml", "-o", "curated.pbtxt")
    assert "assay.suggested" in Path("curated.pbtxt").read_text()
    shown = document(ask("suggest", "day1.csv", "--schema", "curated.pbtxt", "--json"))
    assert shown == {"patch_file": None, "entries": []}
    ranges = document(ask("suggest", "day1.csv", "--kind", "ranges", "--margin", "0", "--json"))
    assert [entry["set"]["float_domain"]["max"] for entry in ranges["entries"]] == [99.75]


def test_a_hand_edited_schema_becomes_a_patch_that_survives_the_next_inference(ask: Ask) -> None:
    ask("infer", "day1.csv", "-o", "s.pbtxt")
    text = Path("s.pbtxt").read_text()
    Path("edited.pbtxt").write_text(text.replace("type: FLOAT", "type: FLOAT float_domain { min: 0 }"))
    ask("diff", "s.pbtxt", "edited.pbtxt", "--patch", "patch.yaml", "--owner", "me", "--reason", "No negative fares.")
    (entry,) = read_patch(Path("patch.yaml")).entries
    assert (entry.owner, entry.reason, entry.set) == ("me", "No negative fares.", {"float_domain": {"min": 0.0}})
    ask("infer", "day2.csv", "--patch", "patch.yaml", "-o", "next.pbtxt")
    assert read_schema(Path("next.pbtxt")).feature[0].float_domain.HasField("min")
    done = ask("apply", "next.pbtxt", "patch.yaml", "--json")
    assert document(done)["outcomes"][0]["status"] == "unchanged"


def test_a_patch_that_no_longer_fits_is_said_and_nothing_is_written(ask: Ask) -> None:
    ask("infer", "day1.csv", "-o", "s.pbtxt")
    Path("p.yaml").write_text("entries: [{feature: fares, drop: true}, {feature: fares, set: {type: INT}}]")
    assert "disagree about feature 'fares'" in ask("apply", "s.pbtxt", "p.yaml", exit_code=2).stderr
    Path("p.yaml").write_text("entries: [{feature: hour, drop: true}, {feature: fares, set: {type: INT}}]")
    done = ask("apply", "s.pbtxt", "p.yaml", "-o", "out.pbtxt", exit_code=3)
    assert "The schema has no feature 'fares'. Did you mean 'fare'?" in done.stdout
    assert "1 conflict: nothing was written." in done.stdout
    assert not Path("out.pbtxt").exists()
    assert document(ask("apply", "s.pbtxt", "p.yaml", "--json", exit_code=3)) == {
        "ok": False,
        "schema_file": None,
        "outcomes": [
            {
                "entry": 1,
                "subject": {"kind": "feature", "name": "hour"},
                "status": "applied",
                "sentence": "Dropped feature 'hour'.",
            },
            {
                "entry": 2,
                "subject": {"kind": "feature", "name": "fares"},
                "status": "conflict",
                "sentence": "The schema has no feature 'fares'. Did you mean 'fare'?",
            },
        ],
    }
    ask("apply", "s.pbtxt", "p.yaml", "-o", "out.pbtxt", "--skip-conflicts", exit_code=3)
    assert len(read_schema(Path("out.pbtxt")).feature) == 3


def test_breaking_changes_have_an_exit_code_of_their_own(ask: Ask) -> None:
    ask("infer", "day1.csv", "-o", "s1.pbtxt")
    ask("infer", "day2.csv", "-o", "s2.pbtxt")
    sentence = "String domain 'payment_type', value gained Prcard: readers may meet values that they do not expect."
    assert sentence in ask("diff", "s1.pbtxt", "s2.pbtxt").stdout
    assert sentence in ask("diff", "s1.pbtxt", "s2.pbtxt", "--breaking", exit_code=3).stdout
    assert ask("diff", "s1.pbtxt", "s1.pbtxt", "--breaking").stdout == "0 changes, 0 that can break someone.\n"
    ask("diff", "s1.pbtxt", "s2.pbtxt", "--breaking", "--for", "producer")
    (change,) = document(ask("diff", "s1.pbtxt", "s2.pbtxt", "--json"))["changes"]
    assert change == {
        "subject": {"kind": "string_domain", "name": "payment_type"},
        "path": "value",
        "kind": "added",
        "before": None,
        "after": ["Prcard"],
        "rule": "wider",
        "breaks": ["consumer"],
        "sentence": sentence,
    }


def test_an_accepted_anomaly_widens_the_schema_and_is_recorded(ask: Ask, tmp_path: Path) -> None:
    ask("infer", "day1.csv", "-o", "s.pbtxt")
    validated(tmp_path / "anomalies", "s.pbtxt")
    anomaly = "payment_type/ENUM_TYPE_UNEXPECTED_STRING_VALUES"
    assert ask("relax", "s.pbtxt", "anomalies").stdout.split() == [anomaly]
    Path("patch.yaml").write_text(
        "version: 1\nentries:\n  # The label is not there when we serve.\n  - feature: hour\n    drop: true\n"
    )
    done = ask("relax", "s.pbtxt", "anomalies", "--accept", anomaly, "--patch", "patch.yaml", "-o", "s2.pbtxt")
    assert done.stdout.splitlines() == [f"Accepted 1 anomaly: {anomaly}.", "Recorded in patch.yaml.", "Wrote s2.pbtxt."]
    assert "Prcard" in read_schema(Path("s2.pbtxt")).string_domain[0].value
    assert "# The label is not there" in Path("patch.yaml").read_text()
    entry = read_patch(Path("patch.yaml")).entries[1]
    assert entry.add == {"value": ("Prcard",)}
    assert entry.date is not None
    assert anomaly in entry.evidence
    validated(tmp_path / "again", "s2.pbtxt")
    assert ask("relax", "s2.pbtxt", "again").stdout == "No anomalies.\n"


def test_suggestions_and_accepted_anomalies_are_entries_of_a_patch_file(ask: Ask, project_root: Path) -> None:
    ask("infer", "day1.csv", "-o", "s.pbtxt")
    validated(Path("anomalies"), "s.pbtxt")
    (found,) = document(ask("relax", "s.pbtxt", "anomalies", "--json"))["anomalies"]
    assert found == "payment_type/ENUM_TYPE_UNEXPECTED_STRING_VALUES"
    accepted = ask("relax", "s.pbtxt", "anomalies", "--accept", found, "--stats", "day2.csv", "--json")
    form = Draft202012Validator(json.loads((project_root / "schemas" / "schema_patch.schema.json").read_text()))
    for shown in (accepted, ask("suggest", "day1.csv", "--json")):
        form.validate({"version": 1, "entries": document(shown)["entries"]})


def test_relax_says_what_it_misses(ask: Ask, tmp_path: Path) -> None:
    ask("infer", "day1.csv", "-o", "s.pbtxt")
    validated(tmp_path / "anomalies", "s.pbtxt")
    wrong = ask("relax", "s.pbtxt", "anomalies", "--accept", "payment", exit_code=2)
    assert "'payment' is not among the anomalies." in wrong.stderr
    Path("anomalies/FeatureStats.pb").unlink()
    alone = ask("relax", "s.pbtxt", "anomalies", "--accept", "payment_type", exit_code=2)
    assert "--stats FILE" in alone.stderr
    shown = document(ask("relax", "s.pbtxt", "anomalies", "--accept", "payment_type", "--stats", "day2.csv", "--json"))
    assert shown["schema"]["string_domain"][0]["value"] == ["Card", "Cash", "Prcard"]


def test_check_gives_lines_and_an_exit_code(ask: Ask) -> None:
    Path("s.pbtxt").write_text('feature {\n  name: "x" type: INT\n  int_domain { min: 2 max: 1 }\n}\n')
    done = ask("check", "s.pbtxt", exit_code=3)
    assert "Feature 'x': int_domain.min is 2, above int_domain.max, 1: nothing fits." in done.stdout
    (finding,) = document(ask("check", "s.pbtxt", "--json", exit_code=3))["findings"]
    assert (finding["line"], finding["code"]) == (3, "range_is_empty")
    ask("infer", "day1.csv", "-o", "s.pbtxt")
    assert ask("check", "s.pbtxt").stdout == "No contradictions.\n"


@pytest.mark.parametrize("command", ["infer", "suggest", "diff", "apply", "relax", "check"])
def test_every_command_has_help_with_an_example(ask: Ask, command: str) -> None:
    assert f"assay schema {command} " in ask(command, "--help").stdout
