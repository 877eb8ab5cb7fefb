"""Compiled pipelines run by their IR alone, as a server of Kubeflow Pipelines runs them, without containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from pipeline_ir import NEWEST, OUTPUTS, Step, run_pipeline, tasks_in_order

from kfp_rules import faults, faults_of_file

START = """
from assay import Cond, Importer, Pipeline, RuntimeParameter
from assay.artifacts import Examples
from assay.components import CsvExampleGen, ExampleValidator, SchemaGen, StatisticsGen

examples = CsvExampleGen(input_base=RuntimeParameter("folder", str))
statistics = StatisticsGen(examples=examples.outputs["examples"])
schema = SchemaGen(statistics=statistics.outputs["statistics"])
wired = {"statistics": statistics.outputs["statistics"], "schema": schema.outputs["schema"]}
"""
ROWS = """
nodes = [examples, statistics, schema, ExampleValidator(**wired)]
pipeline = Pipeline("rows", components=nodes)
"""
CONDITIONS = """
nodes = [examples, statistics, schema]
for name, wanted in (("First", 1), ("Second", 1), ("Third", 0)):
    check = ExampleValidator(**wired, fail_on="never").with_id(name)
    nodes.append(check)
    with Cond(check.outputs["blessed"] == wanted):
        nodes.append(StatisticsGen(examples=examples.outputs["examples"]).with_id(f"After{name}"))
with Cond((check.outputs["num_errors"] == 0) | (check.outputs["blessed"] == 0)):
    nodes.append(StatisticsGen(examples=examples.outputs["examples"]).with_id("Either"))
pipeline = Pipeline("conditions", components=nodes)
"""
IMPORTED = """
found = Importer("s3://store/examples", Examples, properties={"split_names": ["train", "eval"]})
again = StatisticsGen(examples=found.outputs["result"]).with_id("Again")
pipeline = Pipeline("imported", components=[found.after(schema), examples, statistics, schema, again])
"""

Execute = Callable[[Step], Mapping[str, Any]]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Any]:
    """Gives a function that compiles a pipeline's source, and gives its IR."""
    import yaml

    from assay.cli.pipeline_file import load_pipeline
    from assay.runners.kfp import compile_pipeline

    def make(source: str) -> Any:
        folder = tmp_path_factory.mktemp("compiled")
        (folder / "pipeline.py").write_text(START + source)
        compile_pipeline(load_pipeline(folder / "pipeline.py"), folder / "pipeline.yaml")
        assert faults_of_file(folder / "pipeline.yaml") == []
        return yaml.safe_load((folder / "pipeline.yaml").read_text())

    return make


@pytest.fixture
def folder(tmp_path: Path) -> str:
    """A folder with a CSV."""
    (tmp_path / "rows").mkdir()
    (tmp_path / "rows" / "rows.csv").write_text("n,w\n" + "".join(f"{n},word {n % 7}\n" for n in range(500)))
    return str(tmp_path / "rows")


@pytest.fixture
def here(tmp_path: Path) -> Execute:
    """Runs a step in this process, with a folder of its own in the place of the container's /tmp/kfp."""
    from assay.runners.kfp.step import parse_command_line, run_step

    def execute(step: Step) -> Mapping[str, Any]:
        own = tmp_path / "outputs" / step.name
        assert step.command[:3] == ("python3", "-m", "assay.runners.kfp.step")
        command = [word.replace(OUTPUTS, str(own)) for word in step.command[3:]]
        assert run_step(parse_command_line([*command, "--mounts", str(tmp_path / "mounts")])) == 0
        written: Mapping[str, Any] = json.loads((own / Path(step.output_file).name).read_text())
        return written

    return execute


@pytest.mark.slow
def test_steps_run_as_processes(
    compiled: Callable[[str], Any], folder: str, project_root: Path, tmp_path: Path
) -> None:
    def execute(step: Step) -> Mapping[str, Any]:
        own = tmp_path / "outputs" / step.name
        command = [sys.executable, *(word.replace(OUTPUTS, str(own)) for word in step.command[1:])]
        environment = os.environ | {"PYTHONPATH": str(project_root / "components")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        written: Mapping[str, Any] = json.loads((own / Path(step.output_file).name).read_text())
        return written

    ir = compiled(ROWS)
    done = run_pipeline(ir, {"folder": folder}, str(tmp_path / "root"), execute)
    anomalies = done["example-validator"]
    assert anomalies.parameters["num_errors"] == 0
    assert (Path(anomalies.artifacts["anomalies"]["uri"]) / "Split-eval" / "SchemaDiff.pb").is_file()
    shown = done["csv-example-gen"].artifacts["examples"]
    assert (shown["type"], shown["name"].isdigit()) == ({"instanceSchema": ""}, True)
    assert shown["metadata"]["split_names"] == {"list": ["train", "eval"]}


@pytest.mark.parametrize("server", [pytest.param((2, 5), marks=pytest.mark.slow), NEWEST])
def test_conditions(
    server: tuple[int, int], compiled: Callable[[str], Any], folder: str, here: Execute, tmp_path: Path
) -> None:
    """Every decision has the same command, and the first of equal containers counts for all."""
    done = run_pipeline(compiled(CONDITIONS), {"folder": folder}, str(tmp_path / "root"), here, server=server)
    assert {"after-first", "after-second", "either"} <= {*done}
    assert "after-third" not in done


@pytest.mark.parametrize("server", [pytest.param((2, 5), marks=pytest.mark.slow), NEWEST])
def test_an_importer(
    server: tuple[int, int], compiled: Callable[[str], Any], folder: str, here: Execute, tmp_path: Path
) -> None:
    ir = compiled(IMPORTED)
    assert ir["root"]["dag"]["tasks"]["again"]["dependentTasks"] == ["importer", "schema-gen"]
    assert "dependentTasks" not in ir["root"]["dag"]["tasks"]["importer"]

    def execute(step: Step) -> Mapping[str, Any]:
        if step.name == "again":  # another tool's folder, with no more than what the importer says of it
            (made,) = (tmp_path / "root").glob("*/*/csv-example-gen/*/examples")
            there = tmp_path / "mounts" / "s3" / "store" / "examples"
            shutil.copytree(made, there, ignore=shutil.ignore_patterns("manifest.json"))
            (given,) = step.executor_input["inputs"]["artifacts"]["examples"]["artifacts"]
            assert given["metadata"]["split_names"] == {"list": ["train", "eval"]}
        return here(step)

    done = run_pipeline(ir, {"folder": folder}, str(tmp_path / "root"), execute, server=server)
    assert [*done][-1] == "again"
    again = Path(done["again"].artifacts["statistics"]["uri"])
    assert sorted(each.name for each in again.glob("Split-*")) == ["Split-eval", "Split-train"]


def test_equal_containers_with_other_inputs(
    compiled: Callable[[str], Any], folder: str, here: Execute, tmp_path: Path
) -> None:
    ir = compiled(CONDITIONS)
    for executor in ir["deploymentSpec"]["executors"].values():
        args = executor["container"]["args"]
        del args[args.index("--interface") : args.index("--interface") + 2]
    assert len([each for each in faults(ir) if "its container is that of" in each]) == 3
    with pytest.raises(ValueError, match=r"no.* value provided for non-optional parameter 'value_of_first_blessed'"):
        run_pipeline(ir, {"folder": folder}, str(tmp_path / "root"), here)


def test_the_interpreter_fails_as_a_server_does(compiled: Callable[[str], Any], folder: str) -> None:
    ir, values = compiled(ROWS), {"folder": folder}

    def nothing(step: Step) -> Mapping[str, Any]:
        return {}

    shown = json.loads(json.dumps(ir))
    shown["root"]["dag"]["tasks"]["csv-example-gen"]["taskInfo"]["name"] = "CsvExampleGen"
    assert run_pipeline(shown, values, "root", nothing)
    with pytest.raises(ValueError, match="cannot find producer task 'csv-example-gen'"):
        run_pipeline(shown, values, "root", nothing, server=(2, 13))
    looped = json.loads(json.dumps(ir))
    looped["root"]["dag"]["tasks"]["csv-example-gen"]["parameterIterator"] = {"items": {"raw": "[1]"}}
    with pytest.raises(ValueError, match="csv-example-gen is no plain step"):
        run_pipeline(looped, values, "root", nothing)


def test_tasks_come_after_what_they_read(compiled: Callable[[str], Any]) -> None:
    order = tasks_in_order(compiled(ROWS)["root"]["dag"])
    assert order == ["csv-example-gen", "statistics-gen", "schema-gen", "example-validator", "example-validator-gate"]
    knot = {"tasks": {"a": {"dependentTasks": ["b"]}, "b": {"dependentTasks": ["a"]}}}
    with pytest.raises(ValueError, match=r"\['a', 'b'\] wait for each other"):
        tasks_in_order(knot)
