"""The runner of compiled pipelines, on one that this machine compiles and runs without containers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pipeline_ir import OUTPUTS, Outputs, Step, ready_step, run_pipeline, tasks_in_order

PIPELINE = """
from assay import Pipeline, RuntimeParameter
from assay.components import CsvExampleGen, ExampleValidator, SchemaGen, StatisticsGen

def create_pipeline():
    examples = CsvExampleGen(input_base=RuntimeParameter("folder", str))
    statistics = StatisticsGen(examples=examples.outputs["examples"])
    schema = SchemaGen(statistics=statistics.outputs["statistics"])
    anomalies = ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])
    return Pipeline("rows", components=[examples, statistics, schema, anomalies])
"""


@pytest.fixture(scope="module")
def ir(tmp_path_factory: pytest.TempPathFactory, project_root: Path) -> Any:
    import yaml

    folder = tmp_path_factory.mktemp("compiled")
    (folder / "pipeline.py").write_text(PIPELINE)
    assay_(project_root, ["assay", "compile", str(folder / "pipeline.py"), "-o", str(folder / "pipeline.yaml")])
    return yaml.safe_load((folder / "pipeline.yaml").read_text())


def assay_(project_root: Path, module: list[str]) -> None:
    environment = os.environ | {"PYTHONPATH": str(project_root / "components")}
    done = subprocess.run([sys.executable, "-m", *module], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def here(project_root: Path, outputs: Path) -> Callable[[Step], Mapping[str, Any]]:
    """Runs a step as a process of this machine, with a folder of its own in the place of the container's /tmp."""

    def execute(step: Step) -> Mapping[str, Any]:
        own = outputs / step.name
        command = [word.replace(OUTPUTS, str(own)) for word in step.command]
        assert command[:2] == ["python3", "-m"]
        assay_(project_root, command[2:])
        written: Mapping[str, Any] = json.loads((own / "executor_output.json").read_text())
        return written

    return execute


@pytest.mark.slow
def test_a_compiled_pipeline_runs_by_its_ir_alone(ir: Any, project_root: Path, tmp_path: Path) -> None:
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "rows.csv").write_text("n,w\n" + "".join(f"{n},word {n % 7}\n" for n in range(500)))
    values = {"folder": str(tmp_path / "rows")}
    done = run_pipeline(ir, values, str(tmp_path / "root"), "run-1", here(project_root, tmp_path / "outputs"))
    anomalies = done["example-validator"]
    assert anomalies.parameters["num_errors"] == 0
    given = anomalies.artifacts["anomalies"]
    assert given["uri"] == str(tmp_path / "root" / "run-1" / "example-validator" / "anomalies")
    assert (Path(given["uri"]) / "Split-eval" / "SchemaDiff.pb").is_file()
    numbers = [value for value in done["csv-example-gen"].artifacts["examples"]["metadata"].values() if value == 0]
    assert all(isinstance(value, float) for value in numbers), "KFP turns every number into a float"


def test_tasks_come_after_what_they_read(ir: Any) -> None:
    order = tasks_in_order(ir)
    assert order == ["csv-example-gen", "statistics-gen", "schema-gen", "example-validator", "example-validator-gate"]
    knot = {"root": {"dag": {"tasks": {"a": {"dependentTasks": ["b"]}, "b": {"dependentTasks": ["a"]}}}}}
    with pytest.raises(ValueError, match=r"\['a', 'b'\] wait for each other"):
        tasks_in_order(knot)


def test_what_cannot_be_run_here_is_said(ir: Any) -> None:
    guarded = json.loads(json.dumps(ir))
    guarded["root"]["dag"]["tasks"]["csv-example-gen"]["triggerPolicy"] = {"condition": "1 == 2"}
    with pytest.raises(ValueError, match="csv-example-gen is no plain step"):
        ready_step(guarded, "csv-example-gen", {"folder": "x"}, {}, "root", "run-1")
    strange = json.loads(json.dumps(ir).replace("{{$.pipeline_job_uuid}}", "{{$.workspace_path}}"))
    with pytest.raises(ValueError, match="No value is known for the placeholder"):
        ready_step(strange, "csv-example-gen", {"folder": "x"}, {"x": Outputs()}, "root", "run-1")
