"""`assay gate` and `assay evaluate` on models; functions here, for they need no TensorFlow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from assay.cli.main import app
from assay.gating.verdict import read_verdict

CONFIG = """
model_specs: [{{label_key: label}}]
slicing_specs: [{{}}, {{feature_keys: [side]}}]
metrics_specs:
- metrics:
  - class_name: AUC
    threshold:
      change_threshold: {{direction: HIGHER_IS_BETTER, absolute: {limit}}}
  - class_name: {more}
"""
MODELS = """
import numpy as np

def good(batch):
    return 1 / (1 + np.exp(-np.asarray(batch.column("measure"))))

def poor(batch):
    return 1 - good(batch)

def broken(batch):
    return batch.column("mesure")

def short(batch):
    return good(batch)[1:]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 300)
    measure = labels + rng.normal(0, 0.7, 300)
    table = pa.table({"label": labels, "measure": measure, "side": rng.choice(["l", "r"], 300)})
    pq.write_table(table, tmp_path / "data.parquet")
    (tmp_path / "models.py").write_text(MODELS)
    (tmp_path / "config.yaml").write_text(CONFIG.format(limit=-0.01, more="BinaryAccuracy"))
    return tmp_path


def run(folder: Path, command: str, model: str, baseline: str = "", *more: str) -> Any:
    options = ["--model", f"{folder}/models.py:{model}", "--data", f"{folder}/data.parquet"]
    if baseline:
        options += ["--baseline", f"{folder}/models.py:{baseline}"]
    return CliRunner().invoke(app, [command, *options, "--config", f"{folder}/config.yaml", *more])


def test_a_model_is_held_against_its_baseline_on_the_same_rows(folder: Path) -> None:
    done = run(folder, "gate", "good", "poor", "-o", str(folder / "out"))
    assert done.exit_code == 0, done.output
    assert [check.slice for check in read_verdict(folder / "out").checks] == ["Overall", "side=l", "side=r"]
    assert not (folder / "out" / "blessing").exists()  # a function cannot be pushed
    worse = run(folder, "gate", "poor", "good", "-o", str(folder / "out"))
    assert worse.exit_code == 4
    assert "below the baseline's" in worse.stdout
    assert pq.read_table(folder / "out" / "flips.parquet").num_rows > 0


def test_metrics_of_models_with_bounds_and_as_files(folder: Path) -> None:
    done = run(folder, "evaluate", "good", "poor", "--json", "-o", str(folder / "out"))
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document["rows"] == 300
    figures = {(row["model"], row["slice"], row["metric"]): row["value"] for row in document["metrics"]}
    assert figures["candidate", "Overall", "auc"] == pytest.approx(1 - figures["baseline", "Overall", "auc"])
    files = {path.name for path in (folder / "out").iterdir()}
    assert {"metrics.parquet", "verdict.json", "eval_config.json", "validations.tfrecord", "computed_by.json"} <= files
    assert json.loads((folder / "out" / "computed_by.json").read_text()) == {
        "kernel": ["AUC", "BinaryAccuracy"],
        "tfma": [],
    }
    bounded = json.loads(run(folder, "evaluate", "good", "poor", "--bounds", "--json").stdout)
    [row] = [
        one for one in bounded["metrics"] if (one["model"], one["slice"], one["metric"]) == ("change", "Overall", "auc")
    ]
    assert row["lower"] < row["value"] < row["upper"]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["gate", "--config", "{folder}/config.yaml"], 2, "either --predictions or --model; got neither"),
        (["gate", "--config", "{folder}/config.yaml", "--model", "{folder}"], 2, "--model requires the examples"),
        (["gate", "--config", "c", "--predictions", "p", "--data", "d"], 2, "--data requires --model"),
        (
            ["evaluate", "--config", "c", "--model", "m", "--data", "d", "--join-on", "i"],
            2,
            "--join-on requires --predictions",
        ),
        (["evaluate", "--config", "c", "--model", "{folder}/none", "--data", "d"], 2, "/none"),
        (["gate", "--config", "c", "--model", "{folder}/models.py:goot", "--data", "d"], 2, "'good'"),
    ],
)
def test_what_is_judged_must_be_said_once(folder: Path, arguments: list[str], exit_code: int, message: str) -> None:
    done = CliRunner().invoke(app, [part.format(folder=folder) for part in arguments])
    assert done.exit_code == exit_code, done.output
    assert message in done.output.replace("\n", " ")


def test_a_function_that_fails_or_loses_rows_is_no_pass(folder: Path) -> None:
    failed = run(folder, "gate", "broken")
    assert failed.exit_code == 1
    assert "mesure" in failed.output
    short = run(folder, "gate", "short")
    assert short.exit_code == 1
    assert "the predictions of the model have shape [299] for 300 examples" in short.output.replace("\n", " ")


def test_a_metric_without_a_kernel_and_a_function_is_an_error(folder: Path) -> None:
    (folder / "config.yaml").write_text(CONFIG.format(limit=0.0, more="Hinge"))
    done = run(folder, "evaluate", "good")
    assert done.exit_code == 2
    assert "TFMA alone computes Hinge" in done.output.replace("\n", " ")
