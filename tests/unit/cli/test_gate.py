"""`assay gate`: exit codes that no error can turn into a pass, and files for people and for CI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from assay.cli.main import app
from assay.gating.verdict import read_verdict

CONFIG = """
model_specs: [{{label_key: label, prediction_key: score}}]
slicing_specs: [{{}}, {{feature_keys: [side]}}]
metrics_specs:
- metrics:
  - class_name: AUC
    threshold:
      change_threshold: {{direction: HIGHER_IS_BETTER, absolute: {limit}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 500)
    score = np.clip(0.3 * labels + 0.7 * rng.uniform(size=500), 0, 1)
    table = pa.table({"id": np.arange(500), "label": labels, "score": score, "side": rng.choice(["l", "r"], 500)})
    pq.write_table(table, tmp_path / "new.parquet")
    old = table.set_column(2, "score", pa.array(np.clip(score + rng.normal(0, 0.05, 500), 0, 1)))
    pq.write_table(old.take(rng.permutation(500)), tmp_path / "old.parquet")
    for name, limit in (("loose", -0.5), ("tight", 0.5)):
        (tmp_path / f"{name}.yaml").write_text(CONFIG.format(limit=limit))
    return tmp_path


def gate(folder: Path, config: str = "loose", *more: str, baseline: bool = True, join: bool = True) -> Any:
    tables = ["--predictions", str(folder / "new.parquet"), "--config", str(folder / f"{config}.yaml")]
    if baseline:
        tables += ["--baseline-predictions", str(folder / "old.parquet")]
    if join:
        tables += ["--join-on", "id"]
    return CliRunner().invoke(app, ["gate", *tables, *more])


def test_blessed_and_not_blessed(folder: Path) -> None:
    for config, exit_code in (("loose", 0), ("tight", 4)):
        done = gate(folder, config, "-o", str(folder / config), "--junit", str(folder / "ci/j.xml"))
        assert done.exit_code == exit_code, done.output
        verdict = read_verdict(folder / config)
        assert verdict.ok == (exit_code == 0)
        assert verdict.summary in done.stdout
        assert (folder / config / "summary.md").read_text().startswith("## Model gate: ")
        assert pq.read_table(folder / config / "metrics.parquet").num_rows == 6
        suite = ET.parse(folder / "ci/j.xml").getroot()[0]
        assert (suite.attrib["failures"] == "0") == verdict.ok


def test_json_is_the_verdict(folder: Path) -> None:
    done = gate(folder, "tight", "--json", "--markdown", str(folder / "pr.md"))
    document = json.loads(done.stdout)
    assert (document["ok"], len(document["checks"])) == (False, 3)
    assert "not blessed" in (folder / "pr.md").read_text()


@pytest.mark.parametrize(("first_run", "exit_code"), [("values_only", 0), ("bless", 0), ("block", 4)])
def test_the_first_run_follows_its_policy(folder: Path, first_run: str, exit_code: int) -> None:
    assert gate(folder, "loose", "--first-run", first_run, baseline=False, join=False).exit_code == exit_code


def test_a_lost_baseline_is_an_error_and_no_first_run(folder: Path) -> None:
    (folder / "old.parquet").unlink()
    done = gate(folder, "loose", "--first-run", "bless")
    assert done.exit_code == 1
    assert "old.parquet" in done.stderr


def test_rows_in_another_order_are_an_error(folder: Path) -> None:
    done = gate(folder, join=False)
    assert done.exit_code == 1
    assert "not in the same order" in done.stderr


def test_an_error_leaves_no_earlier_pass_behind(folder: Path) -> None:
    output = folder / "out"
    assert gate(folder, "loose", "-o", str(output), "--junit", str(folder / "j.xml")).exit_code == 0
    (folder / "new.parquet").write_bytes(b"PAR1")
    assert gate(folder, "loose", "-o", str(output), "--junit", str(folder / "j.xml")).exit_code == 1
    assert not list(output.iterdir())
    assert not (folder / "j.xml").exists()


def test_evidence_and_waivers(folder: Path) -> None:
    sampled = ("--significant", "regression", "--replicates", "100", "--min-examples", "200", "-o", str(folder / "o"))
    assert gate(folder, "loose", *sampled).exit_code == 4
    assert {"lower", "upper"} <= set(pq.read_table(folder / "o" / "metrics.parquet").column_names)
    waivers = folder / "waivers.yaml"
    entry = "- {{check: auc, slice: side={side}, who: ann, why: few rows, expires: {year}-01-01}}\n"
    waivers.write_text("".join(entry.format(side=side, year=2999) for side in "lr"))
    assert gate(folder, "loose", *sampled, "--waivers", str(waivers)).exit_code == 0
    waivers.write_text("".join(entry.format(side=side, year=2001) for side in "lr"))
    assert gate(folder, "loose", *sampled, "--waivers", str(waivers)).exit_code == 4


def test_lint(folder: Path) -> None:
    def lint(*arguments: str) -> Any:
        return CliRunner().invoke(app, ["gate", "lint", *arguments])

    done = lint(str(folder / "loose.yaml"), "--data", str(folder / "new.parquet"))
    assert done.exit_code == 0
    assert "warning: " in done.stdout
    (folder / "wrong.yaml").write_text(CONFIG.format(limit=0).replace("AUC", "AUCC").replace("side", "sid"))
    done = lint(str(folder / "wrong.yaml"), "--data", str(folder / "new.parquet"), "--json")
    document = json.loads(done.stdout)
    assert done.exit_code == 3
    codes = [finding["code"] for finding in document["findings"] if finding["severity"] == "error"]
    assert codes == ["unknown_metric", "no_such_column"]
    (folder / "wrong.yaml").write_text(CONFIG.format(limit=0).replace("direction: HIGHER_IS_BETTER, ", ""))
    done = lint(str(folder / "wrong.yaml"))
    assert done.exit_code == 3
    assert "has no direction" in done.stdout
    assert gate(folder, "wrong").exit_code == 2


def test_evaluate_prints_and_writes_figures(folder: Path) -> None:
    arguments = ["evaluate", "--predictions", str(folder / "new.parquet"), "--config", str(folder / "loose.yaml")]
    done = CliRunner().invoke(app, [*arguments, "--json", "-o", str(folder / "out")])
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert document["rows"] == 500
    assert [row["slice"] for row in document["metrics"]] == ["Overall", "side=l", "side=r"]
    assert pq.read_table(folder / "out" / "metrics.parquet").to_pylist() == document["metrics"]
    done = CliRunner().invoke(app, [*arguments, "--bounds", "--replicates", "100"])
    assert "candidate  Overall  auc = " in done.stdout
    assert "[" in done.stdout


def test_of_thousands_of_slices_the_failures_are_shown_first_and_the_rest_counted(folder: Path) -> None:
    table = pq.read_table(folder / "new.parquet")
    ids = np.arange(500) // 2
    pq.write_table(table.append_column("user", pa.array(ids)), folder / "new.parquet")
    config = CONFIG.format(limit=0).replace("AUC", "BinaryAccuracy").replace("[side]", "[user]")
    (folder / "users.yaml").write_text(config)
    done = gate(folder, "users", "-o", str(folder / "out"))
    failed = sum(not check.ok for check in read_verdict(folder / "out").checks)
    lines = done.stdout.splitlines()
    assert 0 < failed < 200 < len(read_verdict(folder / "out").checks) == 251
    assert [line.startswith("FAIL") for line in lines[:-2]] == [True] * failed + [False] * (200 - failed)
    assert lines[-2] == " ...  51 more checks, of which 0 did not pass: see verdict.json."


def test_losses_of_certain_errors_and_predictions_that_are_logits_are_told(folder: Path) -> None:
    certain = pa.table({"id": [0, 1, 2], "label": [0, 1, 1], "score": [1.0, 0.5, 0.0], "side": [*"lrr"]})
    for name in ("new", "old"):
        pq.write_table(certain, folder / f"{name}.parquet")
    (folder / "loss.yaml").write_text(
        CONFIG.format(limit=0).replace("AUC", "BinaryCrossEntropy").replace("HIGHER", "LOWER")
    )
    done = gate(folder, "loss")
    assert done.exit_code == 0
    assert "binary_crossentropy on Overall is 24.26, equal to" in done.stdout  # scikit-learn's log_loss
    assert "'score' are exactly 0 or 1, of which binary_crossentropy may be infinite: they are moved 2.22045e-16" in (
        done.stdout
    )
    pq.write_table(certain.set_column(2, "score", pa.array([-4.0, 0.5, 7.0])), folder / "new.parquet")
    arguments = ["evaluate", "--predictions", str(folder / "new.parquet"), "--config", str(folder / "loss.yaml")]
    assert "predictions 'score' run from -4 to 7; prob" in CliRunner().invoke(app, arguments).stderr
    quiet = gate(folder, "loss", "-q")
    assert len(quiet.stdout.splitlines()) == 1
    assert "warning: The candidate's predictions 'score' run from -4 to 7" in quiet.stderr


def test_labels_by_name_in_a_csv(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("y,p.no,p.don't know,p.yes\nyes,0.1,0.2,0.7\ndon't know,0.2,0.5,0.3\n")
    config = {
        "model_specs": [{"label_key": "y", "prediction_key": "p"}],
        "metrics_specs": [
            {
                "metrics": [{"class_name": "Recall", "threshold": {"value_threshold": {"lower_bound": 0.5}}}],
                "binarize": {"class_ids": {"values": [2]}},
            }
        ],
    }
    (tmp_path / "gate.yaml").write_text(json.dumps(config))
    arguments = ["--config", str(tmp_path / "gate.yaml"), "--predictions", str(tmp_path / "new.csv")]
    lint = CliRunner().invoke(app, ["gate", "lint", arguments[1], "--data", arguments[3]])
    assert (lint.exit_code, lint.stdout) == (0, "The configuration can be evaluated.\n")
    done = CliRunner().invoke(app, ["gate", *arguments])
    assert done.exit_code == 0, done.output
    assert "  ok  recall [classId:2 (yes)] on Overall is 1; the threshold is at least 0.5.\n" in done.stdout
    assert "   -  The classes of 'y' by number: 0 no, 1 don't know, 2 yes.\n" in done.stdout
    evaluated = CliRunner().invoke(app, ["evaluate", *arguments])
    assert "The classes of 'y' by number: 0 no, 1 don't know, 2 yes." in evaluated.output
    (tmp_path / "new.csv").write_text("y,p.no,p.yes\nyes,0.1,0.9\nYes,0.1,0.9\n")
    refused = CliRunner().invoke(app, ["gate", *arguments])
    assert refused.exit_code == 1
    assert all(named in " ".join(refused.output.split()) for named in ("row 1 (counted from 0)", "'Yes'", "no, yes"))
