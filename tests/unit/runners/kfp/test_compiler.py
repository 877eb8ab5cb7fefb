"""What `assay compile` makes of a pipeline."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from kfp import components as kfp_components

from assay.artifacts import ExampleStatistics, Model, ModelBlessing, Schema
from assay.components import ExampleValidator, ImportSchemaGen
from assay.runners.kfp import SecretKey, StepOptions, compile_pipeline
from assay.runners.kfp.step_options import read_step_options
from assay.spec import Cond, Importer, Input, Inputs, Output, Pipeline, RuntimeParameter, component
from assay.spec.node import Node
from raising import raises


class Outcome(NamedTuple):
    """What conditions read."""

    good: bool
    count: int
    word: str = ""


@component
def Make(schema: Output[Schema], *, text: str = "a", size: dict[str, int] | None = None) -> Outcome:  # noqa: N802
    """Makes one."""
    schema.file.write_text(text)
    return Outcome(good=True, count=len(text) + len(size or {}))


@component
def Take(schemas: Inputs[Schema], other: Input[Schema] | None = None, *, count: int = 0) -> None:  # noqa: N802
    """Takes some."""


@component
def Judge(model: Input[Model], blessing: Output[ModelBlessing], baseline: Input[Model] | None = None) -> Outcome:  # noqa: N802
    """Judges one."""
    return Outcome(good=baseline is None, count=0)


def compiled(nodes: Sequence[Node], folder: Path, **options: Any) -> dict[str, Any]:
    path = folder / "pipeline.yaml"
    compile_pipeline(Pipeline("my_pipeline", components=nodes), path, **options)
    kfp_components.load_component_from_file(str(path))  # KFP's own loader takes it
    found: list[dict[str, Any]] = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    return {**found[0], "platforms": found[1:]}


def tasks(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["root"]["dag"]["tasks"]
    return found


def arguments(document: dict[str, Any], executor: str) -> list[str]:
    listed: list[str] = document["deploymentSpec"]["executors"][executor]["container"]["args"]
    return listed


class TestSteps:
    def test_a_step_names_pipeline_node_and_component(self, tmp_path: Path) -> None:
        document = compiled([ImportSchemaGen(schema_file=__file__).with_id("My schema")], tmp_path)
        assert list(tasks(document)) == ["my-schema"]
        assert tasks(document)["my-schema"]["taskInfo"]["name"] == "my-schema"
        listed = arguments(document, "exec-my-schema")
        assert listed[listed.index("--component") + 1] == "ImportSchemaGen"
        assert listed[listed.index("--pipeline") + 1] == "my_pipeline"
        assert listed[listed.index("--node") + 1] == "My schema"

    def test_a_component_of_the_users_travels_as_source(self, tmp_path: Path) -> None:
        listed = arguments(compiled([Make()], tmp_path), "exec-make")
        assert listed[listed.index("--component") + 1] == "Make"
        assert listed[listed.index("--source") + 1].startswith("assay-files:v1:")

    def test_runtime_parameters(self, tmp_path: Path) -> None:
        text = RuntimeParameter("text", str, None, "What to write.")
        size = RuntimeParameter("size", int, 3)
        document = compiled([Make(text=text, size={"a": size})], tmp_path)
        declared = document["root"]["inputDefinitions"]["parameters"]
        assert declared["text"] == {"parameterType": "STRING", "description": "What to write."}
        assert declared["size"] == {"parameterType": "NUMBER_INTEGER", "defaultValue": 3.0, "isOptional": True}
        inputs = tasks(document)["make"]["inputs"]["parameters"]
        assert inputs["text"] == {"componentInputParameter": "text"}
        assert inputs["size"] == {"runtimeValue": {"constant": {"a": {"$parameter": "value_of_size"}}}}

    def test_several_artifacts_of_one_input(self, tmp_path: Path) -> None:
        one, two = Make(), Make().with_id("two")
        take = Take(
            schemas=[one.outputs["schema"], two.outputs["schema"]],
            other=one.outputs["schema"],
            count=two.outputs["count"],
        )
        wired = tasks(compiled([one, two, take], tmp_path))["take"]["inputs"]
        assert {name: each["taskOutputArtifact"]["producerTask"] for name, each in wired["artifacts"].items()} == {
            "schemas": "make",
            "schemas__2": "two",
            "other": "make",
        }
        assert wired["parameters"]["count"]["taskOutputParameter"]["producerTask"] == "two"

    def test_explicit_order(self, tmp_path: Path) -> None:
        one, two = Make(), Make().with_id("two")
        document = compiled([one, two.after(one)], tmp_path)
        assert tasks(document)["two"]["dependentTasks"] == ["make"]

    def test_an_importer(self, tmp_path: Path) -> None:
        importer = Importer("s3://b/schema", Schema).with_id("reviewed")
        document = compiled([importer, Take(schemas=importer.outputs["result"])], tmp_path)
        (found,) = [each["importer"] for each in document["deploymentSpec"]["executors"].values() if "importer" in each]
        assert found["artifactUri"] == {"constant": "s3://b/schema"}
        assert found["metadata"] == {"artifact_type": "Schema"}

    def test_steps_after_a_gate_that_may_close_wait_for_it(self, tmp_path: Path) -> None:
        statistics = Importer("s3://b/statistics", ExampleStatistics)
        schema = ImportSchemaGen(schema_file=__file__)
        wired = {"statistics": statistics.outputs["result"], "schema": schema.outputs["schema"]}
        later = Make()
        strict = tasks(compiled([statistics, schema, ExampleValidator(**wired), later], tmp_path))
        assert strict["make"]["dependentTasks"] == ["example-validator-gate"]
        assert strict["example-validator-gate"]["dependentTasks"] == ["example-validator"]
        lax = tasks(compiled([statistics, schema, ExampleValidator(**wired, fail_on="never"), Make()], tmp_path))
        assert "dependentTasks" not in lax["make"]
        assert "example-validator-gate" not in lax


class TestConditions:
    def test_a_comparison(self, tmp_path: Path) -> None:
        one = Make()
        with Cond(one.outputs["good"] == True):  # noqa: E712
            two = Make().with_id("two")
        document = compiled([one, two], tmp_path)
        assert conditions(document) == ["inputs.parameter_values['pipelinechannel--make-good'] == true"]
        assert list(document["components"]["comp-condition-1"]["dag"]["tasks"]) == ["two"]

    def test_and_is_one_inside_the_other(self, tmp_path: Path) -> None:
        one = Make()
        with Cond((one.outputs["good"] == True) & ~(one.outputs["count"] < 3)):  # noqa: E712
            two = Make().with_id("two")
        assert conditions(compiled([one, two], tmp_path)) == [
            "inputs.parameter_values['pipelinechannel--make-good'] == true",
            "int(inputs.parameter_values['pipelinechannel--make-count']) >= 3",
        ]

    def test_what_kfp_cannot_say_is_decided_by_a_step(self, tmp_path: Path) -> None:
        importer = Importer("s3://b/model", Model)
        judge = Judge(model=importer.outputs["result"])
        future = judge.outputs["blessing"].future()[0].custom_property("blessed")
        with Cond((judge.outputs["count"] > 3) | (future == 1)):
            two = Make().with_id("two")
        document = compiled([importer, judge, two], tmp_path)
        assert conditions(document) == ["inputs.parameter_values['pipelinechannel--decision-holds'] == true"]
        wired = tasks(document)["decision"]["inputs"]
        assert wired["parameters"]["predicate"]["runtimeValue"]["constant"] == {
            "or": [
                {"compare": [{"$parameter": "value_of_judge_count"}, ">", 3.0]},
                {"compare": [{"property": "blessed", "of": 0.0}, "==", 1.0]},
            ]
        }
        assert wired["artifacts"]["artifacts"]["taskOutputArtifact"]["producerTask"] == "judge"

    @pytest.mark.parametrize(("key", "value"), [("good", 1), ("word", "it's"), ("word", 'a "b"')])
    def test_what_kfp_would_say_wrongly_is_too(self, key: str, value: Any, tmp_path: Path) -> None:
        """Its compiler makes `good == false` of `good == 1`, and quotes a text without a look at what is in it."""
        one = Make()
        with Cond(one.outputs[key] == value):
            two = Make().with_id("two")
        document = compiled([one, two], tmp_path)
        assert conditions(document) == ["inputs.parameter_values['pipelinechannel--decision-holds'] == true"]
        asked = tasks(document)["decision"]["inputs"]["parameters"]["predicate"]["runtimeValue"]["constant"]
        assert asked == {"compare": [{"$parameter": f"value_of_make_{key}"}, "==", value]}

    def test_two_conditions_that_steps_decide(self, tmp_path: Path) -> None:
        one = Make()
        with Cond(one.outputs["good"] == 1):
            two = Make().with_id("two")
        with Cond((one.outputs["count"] > 3) | (one.outputs["count"] < 1)):
            three = Make().with_id("three")
        document = compiled([one, two, three], tmp_path)
        assert conditions(document) == [
            "inputs.parameter_values['pipelinechannel--decision-holds'] == true",
            "inputs.parameter_values['pipelinechannel--decision-2-holds'] == true",
        ]

    def test_a_step_that_reads_a_guarded_one_is_guarded_with_it(self, tmp_path: Path) -> None:
        one = Make()
        with Cond(one.outputs["good"] == True):  # noqa: E712
            two = Make().with_id("two")
        three = Take(schemas=two.outputs["schema"])
        document = compiled([one, two, three], tmp_path)
        assert list(document["components"]["comp-condition-1"]["dag"]["tasks"]) == ["take", "two"]

    def test_steps_under_two_branches(self, tmp_path: Path) -> None:
        one = Make()
        with Cond(one.outputs["good"] == True):  # noqa: E712
            two = Make().with_id("two")
        with Cond(one.outputs["good"] == False):  # noqa: E712
            three = Make().with_id("three")
        both = Take(schemas=[two.outputs["schema"], three.outputs["schema"]])
        with raises("kfp.conditions"):
            compiled([one, two, three, both], tmp_path)


def conditions(document: dict[str, Any]) -> list[str]:
    """The trigger conditions, outermost first."""
    found = []
    dags = [document["root"]["dag"], *(each["dag"] for each in document["components"].values() if "dag" in each)]
    for dag in dags:
        found += [each["triggerPolicy"]["condition"] for each in dag["tasks"].values() if "triggerPolicy" in each]
    return found


class TestOptions:
    def test_resources_retries_environment_and_secrets(self, tmp_path: Path) -> None:
        steps = {
            "*": StepOptions(retries=2, retry_backoff="30s", env={"A": "1", "B": "1"}),
            "Make": StepOptions(
                image="mine:2",
                cpu_limit="2",
                memory_limit="4G",
                accelerator_type="nvidia.com/gpu",
                accelerator_count=1,
                env={"B": "2"},
                secrets={"PASSWORD": SecretKey(secret="store", key="password")},
            ),
        }
        document = compiled([Make()], tmp_path, steps=steps)
        container = document["deploymentSpec"]["executors"]["exec-make"]["container"]
        assert container["image"] == "mine:2"
        assert container["resources"]["accelerator"]["resourceType"] == "nvidia.com/gpu"
        assert container["resources"]["resourceMemoryLimit"] == "4G"
        assert {each["name"]: each["value"] for each in container["env"]} == {"A": "1", "B": "2"}
        assert tasks(document)["make"]["retryPolicy"]["maxRetryCount"] == 2
        (platform,) = document["platforms"]
        executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
        assert executors["exec-make"]["secretAsEnv"] == [
            {"secretName": "store", "keyToEnv": [{"secretKey": "password", "envVar": "PASSWORD"}]}
        ]

    def test_caching(self, tmp_path: Path) -> None:
        document = compiled([Make(), ImportSchemaGen(schema_file="s3://b/schema.pbtxt")], tmp_path)
        assert tasks(document)["make"]["cachingOptions"] == {"enableCache": True}
        assert tasks(document)["import-schema-gen"]["cachingOptions"] == {}, "KFP cannot see that the file changed"
        steps = {"ImportSchemaGen": StepOptions(caching=True)}
        document = compiled([ImportSchemaGen(schema_file="s3://b/schema.pbtxt")], tmp_path, steps=steps)
        assert tasks(document)["import-schema-gen"]["cachingOptions"] == {"enableCache": True}

    def test_a_file_of_options(self, tmp_path: Path) -> None:
        (tmp_path / "steps.yaml").write_text('"*": {retries: 1}\nMake: {secrets: {P: {secret: s, key: k}}}\n')
        found = read_step_options(tmp_path / "steps.yaml")
        assert found["Make"].secrets["P"] == SecretKey(secret="s", key="k")
        (tmp_path / "steps.yaml").write_text("Make: {retrys: 1}\n")
        with raises("kfp.step_option", "Make", "retrys", "retries"):
            read_step_options(tmp_path / "steps.yaml")

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"steps": {"Mak": StepOptions()}}, ("kfp.unknown_step", "my_pipeline", "Mak", "Make")),
            ({"steps": {"Make": StepOptions(image="x")}, "output": "p.txt"}, ("kfp.output_name",)),
        ],
    )
    def test_wrong_options(self, options: dict[str, Any], expected: tuple[str, ...], tmp_path: Path) -> None:
        output = tmp_path / options.pop("output", "p.yaml")
        with raises(*expected):
            compile_pipeline(Pipeline("my_pipeline", components=[Make()]), output, **options)


def test_the_command_writes_a_file(tmp_path: Path, project_root: Path) -> None:
    (tmp_path / "pipeline.py").write_text(
        "from assay import Pipeline\nfrom assay.components import ImportSchemaGen\n"
        "pipeline = Pipeline('small', components=[ImportSchemaGen(schema_file=__file__)])\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "assay.cli.main", "compile", "pipeline.py", "-o", "out/small.yaml", "--image", "mine:1"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(project_root / "components"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "Wrote out/small.yaml (1 step).\n"
    assert "image: mine:1" in (tmp_path / "out/small.yaml").read_text(encoding="utf-8")
