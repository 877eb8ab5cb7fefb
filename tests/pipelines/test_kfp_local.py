"""Whole pipelines under KFP's own local runner, by the command lines that containers would run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import others_components as theirs
import pytest
from kfp import dsl, local
from kfp.local import config

from assay import Pipeline
from assay import components as steps
from assay.artifacts import Examples
from assay.artifacts.store import open_artifact, read_manifest
from assay.runners.kfp import CsvExampleGen, ExampleValidator, SchemaGen, StatisticsGen, kfp_pipeline

TAXI = Path(__file__).resolve().parents[2] / "examples" / "chicago_taxi"
# The pipeline runs in a process of its own, since it is loaded as a file of the user's is.
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
from kfp import local
from pipeline import create_pipeline
from assay.runners.kfp import kfp_pipeline
local.init(local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[2])
kfp_pipeline(create_pipeline(), registry=sys.argv[3])(serving_dir=sys.argv[4])
"""
# The same steps on this machine, up to the gate on data.
DATA_STEPS = """
import sys
sys.path.insert(0, sys.argv[1])
from pipeline import create_pipeline
from assay import LocalDagRunner, Pipeline
nodes = [each for each in create_pipeline().nodes if each.id in sys.argv[3].split(",")]
assert LocalDagRunner(sys.argv[2]).run(Pipeline("chicago_taxi", components=nodes)).ok
"""
COMPARED = {
    "CsvExampleGen": "examples",
    "StatisticsGen": "statistics",
    "SchemaGen": "schema",
    "ExampleValidator": "anomalies",
}


def run_python(code: str, *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        env=os.environ | {"PYTHONPATH": str(TAXI.parents[1] / "components")},
        capture_output=True,
        text=True,
        check=False,
        timeout=1700,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.network
@pytest.mark.weekly  # tests/containers runs the same compiled pipeline in the images, and compares the same artifacts
@pytest.mark.timeout(1800)  # eight processes load TensorFlow, one after the other
def test_the_taxi_pipeline_runs_whole_and_makes_what_a_local_run_makes(tmp_path: Path) -> None:
    run_python(RUN, TAXI, tmp_path / "kfp", tmp_path / "registry", tmp_path / "serving")
    (run,) = (tmp_path / "kfp").iterdir()
    pushed = json.loads((run / "pusher" / "executor_output.json").read_text(encoding="utf-8"))
    assert pushed["parameterValues"]["pushed"] is True
    (version,) = (path for path in (tmp_path / "serving").iterdir() if path.name.isdigit())
    assert (version / "saved_model.pb").is_file()
    (record,) = (tmp_path / "registry" / "chicago_taxi").glob("*.json")
    assert json.loads(record.read_text())["model"]["uri"] == str(run / "trainer" / "model")

    run_python(DATA_STEPS, TAXI, tmp_path / "local", ",".join(COMPARED))
    for node, key in COMPARED.items():
        folder = {"CsvExampleGen": "csv-example-gen", "StatisticsGen": "statistics-gen", "SchemaGen": "schema-gen"}
        mine = read_manifest(run / folder.get(node, "example-validator") / key)
        (other,) = (tmp_path / "local" / node / key).iterdir()
        assert mine.digest == read_manifest(other).digest, node


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The root of kfp.local's runs in this process; its settings are global."""
    monkeypatch.setenv("PYTHONPATH", str(TAXI.parents[1] / "components"))
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "kfp"))
    yield tmp_path / "kfp"
    config.LocalExecutionConfig.instance = None


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:You may be attem:RuntimeWarning")  # kfp.local's, of images without "python"
def test_steps_of_another_author_before_and_after_ours(root: Path) -> None:
    def pipeline() -> Any:
        raw = theirs.create_dataset(rows=120)
        normalized = theirs.normalize_dataset(
            input_iris_dataset=raw.outputs["iris_dataset"], standard_scaler=True
        ).outputs["normalized_iris_dataset"]
        examples = CsvExampleGen(input_base_artifact=normalized).outputs["examples"]
        statistics = StatisticsGen(examples=examples).outputs["statistics"]
        schema = SchemaGen(statistics=statistics).outputs["schema"]
        check = ExampleValidator(statistics=statistics, schema=schema)
        trained = theirs.train_model(examples_path=examples)
        trained.after(check)
        theirs.report(blessed=check.outputs["blessed"], num_errors=check.outputs["num_errors"], statistics=statistics)

    del pipeline.__annotations__["return"]  # text under `from __future__ import annotations`, which KFP cannot read
    dsl.pipeline(name="iris")(pipeline)()
    (run,) = root.iterdir()
    examples = open_artifact(run / "csv-example-gen" / "examples", Examples)
    assert sum(examples.rows.values()) == 120
    trained = json.loads((run / "train-model" / "executor_output.json").read_text(encoding="utf-8"))
    assert trained["artifacts"]["metrics"]["artifacts"][0]["metadata"] == {"rows": examples.rows["train"]}
    said = json.loads((run / "report" / "executor_output.json").read_text(encoding="utf-8"))["parameterValues"]
    assert said["message"] == "blessed: True, errors: 0"
    assert said["digest"] == read_manifest(run / "statistics-gen" / "statistics").digest


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:You may be attem:RuntimeWarning")
def test_a_wrong_artifact_of_another_author_stops_the_run(root: Path, capfd: pytest.CaptureFixture[str]) -> None:
    def pipeline() -> None:
        StatisticsGen(examples=theirs.create_dataset().outputs["iris_dataset"])

    del pipeline.__annotations__["return"]
    with pytest.raises(RuntimeError, match="statistics-gen"):
        dsl.pipeline(name="wrong")(pipeline)()
    said = capfd.readouterr().out
    assert "Error: StatisticsGen.examples takes Examples, but" in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:You may be attem:RuntimeWarning")
def test_a_closed_gate_stops_a_compiled_pipeline_and_keeps_its_verdict(root: Path, tmp_path: Path) -> None:
    (tmp_path / "trips.csv").write_text("company\n" + "\n".join(["Red", "Blue"] * 20) + "\n", encoding="utf-8")
    domain = 'feature { name: "company" type: BYTES domain: "c" presence { min_count: 1 } }'
    (tmp_path / "schema.pbtxt").write_text(domain + ' string_domain { name: "c" value: "Red" }', encoding="utf-8")
    gen = steps.CsvExampleGen(input_base=str(tmp_path / "trips.csv"))
    statistics = steps.StatisticsGen(examples=gen.outputs["examples"])
    reviewed = steps.ImportSchemaGen(schema_file=str(tmp_path / "schema.pbtxt"))
    gate = steps.ExampleValidator(statistics=statistics.outputs["statistics"], schema=reviewed.outputs["schema"])
    later = steps.SchemaGen(statistics=statistics.outputs["statistics"]).with_id("later")
    made = kfp_pipeline(Pipeline("guarded", components=[gen, statistics, reviewed, gate, later]))
    with pytest.raises(RuntimeError, match="example-validator-gate"):
        made()
    (run,) = root.iterdir()
    said = json.loads((run / "example-validator" / "executor_output.json").read_text(encoding="utf-8"))
    assert said["parameterValues"]["blessed"] is False
    assert "Blue" in (run / "example-validator" / "html_report").read_text(encoding="utf-8")
    assert not (run / "later").exists()
