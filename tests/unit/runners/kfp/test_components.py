"""KFP components: what they show of the declaration, and how authors call them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints

import pytest
import yaml
from kfp import dsl
from kfp.compiler import Compiler

from assay import components
from assay.components.trainer.config import TrainArgs
from assay.runners.kfp import ExampleValidator, SchemaGen, StatisticsGen, Trainer, component_of
from assay.runners.kfp.embedded_files import is_embedded, unpack
from assay.runners.kfp.interface import interface, plain_type, snake_case
from assay.spec import component
from raising import raises


def compiled(function: Any, folder: Path) -> dict[str, Any]:
    path = folder / "pipeline.yaml"
    # Text under `from __future__ import annotations`, which KFP cannot read.
    function.__annotations__ = {name: each for name, each in get_type_hints(function).items() if name != "return"}
    Compiler().compile(dsl.pipeline(name="p")(function), str(path))
    document: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return document


class TestInterface:
    @pytest.mark.parametrize("name", components.__all__)
    def test_everything_is_described(self, name: str) -> None:
        shown = interface(getattr(components, name).spec)
        assert shown.description
        artifacts, values = (*shown.inputs, *shown.outputs), (*shown.parameters, *shown.output_parameters)
        texts = {each.name: each.description for each in artifacts} | {each.name: each.description for each in values}
        assert [each for each, text in texts.items() if not text] == []

    def test_wire_types_are_kfps(self) -> None:
        titles = {each.name: each.schema_title for each in interface(components.Evaluator.spec).outputs}
        assert titles == {
            "evaluation": "system.Artifact",
            "blessing": "system.Artifact",
            "html_report": "system.HTML",
            "markdown_summary": "system.Markdown",
            "metrics": "system.Metrics",
            "classification_metrics": "system.ClassificationMetrics",
        }

    def test_defaults_and_optional_inputs(self) -> None:
        spec = ExampleValidator.component.component_spec
        assert spec.inputs["fail_on"].default == "error"
        assert spec.inputs["previous_statistics"].optional
        assert not spec.inputs["statistics"].optional
        assert spec.inputs["severity_overrides"].type == "Dict"
        assert spec.outputs["blessed"].type == "Boolean"
        assert spec.outputs["num_errors"].type == "Integer"

    @pytest.mark.parametrize(
        ("hint", "plain"),
        [
            (int | None, int),
            (list[str], list),
            (tuple[int, ...] | None, list),
            (dict[str, float], dict),
            (TrainArgs, dict),
            (bool, bool),
            (int | float, float),
        ],
    )
    def test_plain_types(self, hint: Any, plain: type) -> None:
        assert plain_type(hint, "x") is plain

    def test_a_type_that_kfp_cannot_carry(self) -> None:
        with raises("kfp.parameter_type", "Odd.x"):
            plain_type(int | str, "Odd.x")

    @pytest.mark.parametrize(
        ("name", "snake"), [("StatisticsGen", "statistics_gen"), ("my step-2", "my_step_2"), ("X", "x"), ("a.B", "a_b")]
    )
    def test_snake_case(self, name: str, snake: str) -> None:
        assert snake_case(name) == snake


class TestCalls:
    def test_only_wired_inputs_become_inputs_of_the_task(self, tmp_path: Path) -> None:
        def pipeline() -> None:
            examples = dsl.importer(artifact_uri="gs://b/e", artifact_class=dsl.Dataset)
            StatisticsGen(examples=examples.output)

        spec = compiled(pipeline, tmp_path)["components"]["comp-statistics-gen"]
        assert list(spec["inputDefinitions"]["artifacts"]) == ["examples"]

    def test_a_pipeline_parameter_inside_of_a_value(self, tmp_path: Path) -> None:
        def pipeline(steps: int = 5) -> None:
            examples = dsl.importer(artifact_uri="gs://b/e", artifact_class=dsl.Dataset)
            Trainer(
                examples=examples.output, train_args={"num_steps": steps}, eval_args={}, run_fn="models.taxi.run_fn"
            )

        document = compiled(pipeline, tmp_path)
        values = document["root"]["dag"]["tasks"]["trainer"]["inputs"]["parameters"]
        assert values["train_args"] == {"runtimeValue": {"constant": {"num_steps": {"$parameter": "value_of_steps"}}}}
        assert values["value_of_steps"] == {"componentInputParameter": "steps"}
        declared = document["components"]["comp-trainer"]["inputDefinitions"]["parameters"]["value_of_steps"]
        assert declared["parameterType"] == "NUMBER_INTEGER"

    def test_configuration_classes_and_files_are_taken(self, tmp_path: Path) -> None:
        (tmp_path / "side.py").write_text("STEPS = 3\n")
        (tmp_path / "module.py").write_text("import side\n\ndef run_fn(fn_args): ...\n")

        def pipeline() -> None:
            examples = dsl.importer(artifact_uri="gs://b/e", artifact_class=dsl.Dataset)
            module = tmp_path / "module.py"
            Trainer(examples=examples.output, train_args=TrainArgs(num_steps=5), eval_args={}, module_file=str(module))

        values = compiled(pipeline, tmp_path)["root"]["dag"]["tasks"]["trainer"]["inputs"]["parameters"]
        assert values["train_args"]["runtimeValue"]["constant"] == {"num_steps": 5.0, "splits": []}
        packed = values["module_file"]["runtimeValue"]["constant"]
        assert is_embedded(packed)
        unpacked = unpack(packed, tmp_path / "there")
        assert unpacked.read_text() == (tmp_path / "module.py").read_text()
        assert (unpacked.parent / "side.py").read_text() == "STEPS = 3\n"

    def test_another_image(self, tmp_path: Path) -> None:
        container = SchemaGen.configured(image="mine:1", registry="s3://r").component
        Compiler().compile(container, str(tmp_path / "c.yaml"))
        found = yaml.safe_load((tmp_path / "c.yaml").read_text())["deploymentSpec"]["executors"]["exec-schema-gen"]
        assert found["container"]["image"] == "mine:1"
        assert found["container"]["args"][-4:] == ["--registry", "s3://r", "--contract", "kfp.dsl.executor_main"]

    def test_gates_are_read_by_conditions(self, tmp_path: Path) -> None:
        def pipeline() -> None:
            one = dsl.importer(artifact_uri="gs://b/e", artifact_class=dsl.Artifact).output
            check = ExampleValidator(statistics=one, schema=one)
            with dsl.If(check.outputs["num_errors"] == 0), dsl.If(check.outputs["blessed"] == True):  # noqa: E712
                SchemaGen(statistics=one)

        text = " ".join(yaml.safe_dump(compiled(pipeline, tmp_path)).split())
        assert "num_errors']) == 0" in text
        assert "blessed'] == true" in text

    @pytest.mark.parametrize(
        ("arguments", "expected"),
        [
            ({"statistic": 1}, ("kfp.argument", "SchemaGen", "statistic", "statistics")),
            ({}, ("kfp.missing_argument", "SchemaGen")),
        ],
    )
    def test_wrong_arguments(self, arguments: dict[str, Any], expected: tuple[str, ...]) -> None:
        with raises(*expected):
            SchemaGen(**arguments)

    def test_a_value_of_a_wrong_type(self, tmp_path: Path) -> None:
        def pipeline() -> None:
            one = dsl.importer(artifact_uri="gs://b/e", artifact_class=dsl.Artifact).output
            SchemaGen(statistics=one, max_string_domain_size="many")

        with raises("parameter.value", "SchemaGen.max_string_domain_size", "int", "str"):
            compiled(pipeline, tmp_path)

    def test_positional_arguments(self) -> None:
        with raises("kfp.positional", "SchemaGen"):
            SchemaGen("x")

    def test_a_component_inside_of_a_function(self) -> None:
        @component
        def Inner(*, x: int = 1) -> None:  # noqa: N802
            """Nothing."""

        with raises("kfp.not_importable"):
            _ = component_of(Inner).component


def test_without_the_sdk_its_install_line_is_said(run_python: Any) -> None:
    code = """
import sys
sys.modules["kfp"] = None
from assay.errors import UsageError
import assay.runners.kfp.step
try:
    from assay.runners.kfp import StatisticsGen
except UsageError as error:
    print(type(error).__name__, error)
"""
    said = run_python(code).stdout
    assert said == "UsageError The SDK of Kubeflow Pipelines is not installed. pip install 'assay[kfp]'\n"
