"""What authors write inside of a `@dsl.pipeline`: lists, loops, f-strings, files inside of values, and mistakes."""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from kfp import dsl
from kfp.compiler import Compiler

from assay import components as steps
from assay.artifacts import Examples
from assay.components.trainer.config import TrainArgs
from assay.errors import UsageError
from assay.kernels.statistics import StatisticsOptions
from assay.runners.kfp import CsvExampleGen, Evaluator, StatisticsGen, Trainer, compile_pipeline, component_of
from assay.runners.kfp.embedded_files import PREFIX, embed_module, unpack
from assay.runners.kfp.executor_io import parse_executor_input
from assay.runners.kfp.inputs import parameter_values
from assay.runners.kfp.storage import Places
from assay.spec import Inputs, Pipeline, RuntimeParameter, component
from raising import raises

MakeTask = Callable[..., Any]
CONFIG = {"model_specs": [{"label_key": "tipped", "prediction_key": "score"}]}
COST = "class Cost:\n    def create(self): return 0\n"


def compiled(function: Any, folder: Path) -> dict[str, Any]:
    Compiler().compile(dsl.pipeline(name="p")(function), str(folder / "p.yaml"))
    document: dict[str, Any] = yaml.safe_load((folder / "p.yaml").read_text(encoding="utf-8"))
    return document


def of_task(document: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = document["root"]["dag"]["tasks"][name]["inputs"]
    return found


def imported(artifact_class: Any = dsl.Dataset) -> Any:
    return dsl.importer(artifact_uri="gs://b/e", artifact_class=artifact_class).output


def received(spec: Any, values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The parameters that a step gets for what the compiled pipeline holds."""
    constants = {name: each["runtimeValue"]["constant"] for name, each in values.items() if "runtimeValue" in each}
    document = {"inputs": {"parameterValues": constants}, "outputs": {"outputFile": str(folder / "out.json")}}
    return parameter_values(spec, parse_executor_input(json.dumps(document)), Places(folder), folder / "code")


class TestSeveralArtifacts:
    def test_a_list(self, tmp_path: Path) -> None:
        def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (KFP reads no annotations that are text)
            Evaluator(examples=[imported(), imported()], eval_config=CONFIG)

        artifacts = of_task(compiled(declared, tmp_path), "evaluator")["artifacts"]
        assert list(artifacts) == ["examples", "examples__2"]

    def test_what_a_loop_made(self, tmp_path: Path) -> None:
        def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
            with dsl.ParallelFor(["s3://a", "s3://b"]) as place:
                made = CsvExampleGen(input_base=place)
            Evaluator(examples=dsl.Collected(made.outputs["examples"]), eval_config=CONFIG)

        document = compiled(declared, tmp_path)
        takes = document["components"]["comp-evaluator"]["inputDefinitions"]["artifacts"]
        assert takes["examples"]["isArtifactList"] is True

    def test_the_step_reads_the_list(self, examples: dsl.Artifact, task: MakeTask) -> None:
        twice = component_of(Several)
        made = task(twice, examples=examples)
        listed = made.given_dict["inputs"]["artifacts"]["examples"]["artifacts"]
        listed.append(dict(listed[0]))
        made.command[made.command.index("--executor-input") + 1] = json.dumps(made.given_dict)
        assert made.run().outputs["rows"] == 180

    @pytest.mark.parametrize("many", ["list", "collected"])
    def test_where_one_is_taken(self, many: str, tmp_path: Path) -> None:
        def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
            with dsl.ParallelFor(["s3://a", "s3://b"]) as place:
                made = CsvExampleGen(input_base=place).outputs["examples"]
            StatisticsGen(examples=[imported(), imported()] if many == "list" else dsl.Collected(made))

        with raises("kfp.one_artifact", "StatisticsGen.examples", kind=UsageError):
            compiled(declared, tmp_path)


class TestChannelsInsideOfValues:
    def test_an_f_string(self, tmp_path: Path) -> None:
        """KFP fills in an f-string that is the whole value, and leaves the placeholder in others as it is."""

        def declared(label: str = "tipped"):  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
            config = {"model_specs": [{"label_key": f"is_{label}", "prediction_key": f"is_{label}"}]}
            Evaluator(examples=imported(), eval_config=config)

        declared.__annotations__ = {"label": str}
        values = of_task(compiled(declared, tmp_path), "evaluator")["parameters"]
        reference = {"$parameter": "value_of_text_1"}
        spec = values["eval_config"]["runtimeValue"]["constant"]["model_specs"][0]
        assert spec == {"label_key": reference, "prediction_key": reference}
        text = values["value_of_text_1"]["runtimeValue"]["constant"]
        assert text == "is_{{$.inputs.parameters['pipelinechannel--label']}}"

    def test_items_of_a_loop(self, tmp_path: Path) -> None:
        def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
            with dsl.ParallelFor([{"title": "a", "steps": 3}]) as item:
                steps = TrainArgs(num_steps=item.steps)
                config = {"title": item.title}
                Trainer(examples=imported(), run_fn="a.b", train_args=steps, eval_args={}, custom_config=config)

        document = compiled(declared, tmp_path)
        (loop,) = [each for name, each in document["components"].items() if name.startswith("comp-for-loop")]
        inner = loop["dag"]["tasks"]["trainer"]["inputs"]["parameters"]
        (name,) = inner["custom_config"]["runtimeValue"]["constant"].values()
        assert '"title"' in inner[name["$parameter"]]["parameterExpressionSelector"]
        assert set(inner["train_args"]["runtimeValue"]["constant"]["num_steps"]) == {"$parameter"}


class TestFilesInsideOfValues:
    def test_the_module_of_a_metric(self, tmp_path: Path) -> None:
        (tmp_path / "side.py").write_text("LIMIT = 3\n")
        (tmp_path / "cost.py").write_text(f"import side\n{COST}")
        metric = {"class_name": "Cost", "module": str(tmp_path / "cost.py")}

        def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
            Evaluator(examples=imported(), eval_config=CONFIG | {"metrics_specs": [{"metrics": [metric]}]})

        values = of_task(compiled(declared, tmp_path), "evaluator")["parameters"]
        (travelling,) = values["eval_config"]["runtimeValue"]["constant"]["metrics_specs"][0]["metrics"]
        assert travelling["module"].startswith(PREFIX)
        there = received(Evaluator.spec, values, tmp_path)["eval_config"]["metrics_specs"][0]["metrics"][0]["module"]
        assert Path(there).name == "cost.py"
        assert tmp_path / "code" in Path(there).parents
        assert Path(there).read_text() == f"import side\n{COST}"
        assert (Path(there).parent / "side.py").read_text() == "LIMIT = 3\n"

    def test_a_module_that_imports_from_elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As TFX's template does, whose folder of the pipeline is on the path of one machine only."""
        for name in ("models/__init__.py", "models/features.py", "models/side.py"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("LABEL = 'tipped'\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        module = tmp_path / "models" / "trainer.py"
        module.write_text("import json\nimport side\nimport pytest\nfrom models import features\n")
        with pytest.warns(UserWarning, match=r"trainer.py imports models \(.*models.__init__.py\), which lies outside"):
            embed_module(module)

    def test_a_module_that_imports_what_is_installed_in_a_folder_of_any_name(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As `pip install --target` leaves it."""
        (tmp_path / "tools" / "gadget-1.0.dist-info").mkdir(parents=True)
        (tmp_path / "tools" / "gadget.py").write_text("SIZE = 1\n")
        monkeypatch.syspath_prepend(str(tmp_path / "tools"))
        importlib.invalidate_caches()
        (tmp_path / "trainer.py").write_text("import gadget\n")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert embed_module(tmp_path / "trainer.py").startswith(PREFIX)

    def test_beside_a_value_of_the_run(self, tmp_path: Path) -> None:
        (tmp_path / "cost.py").write_text(COST)
        metric = {"class_name": "Cost", "module": str(tmp_path / "cost.py")}

        def declared(label: str = "tipped"):  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
            config = {"model_specs": [{"label_key": label}], "metricsSpecs": [{"metrics": [metric]}]}
            Evaluator(examples=imported(), eval_config=config)

        declared.__annotations__ = {"label": str}
        values = of_task(compiled(declared, tmp_path), "evaluator")["parameters"]
        constant = values["eval_config"]["runtimeValue"]["constant"]
        assert constant["metricsSpecs"][0]["metrics"][0]["module"].startswith(PREFIX)

    def test_a_module_that_only_the_image_has(self, tmp_path: Path) -> None:
        metric = {"class_name": "Cost", "module": "/opt/metrics/cost.py"}

        def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
            Evaluator(examples=imported(), eval_config=CONFIG | {"metrics_specs": [{"metrics": [metric]}]})

        values = of_task(compiled(declared, tmp_path), "evaluator")["parameters"]
        there = values["eval_config"]["runtimeValue"]["constant"]["metrics_specs"][0]["metrics"][0]
        assert there["module"] == "/opt/metrics/cost.py"

    def test_defaults_of_runtime_parameters(self, tmp_path: Path) -> None:
        """As TFX's pipelines give their module file; what is data stays a path."""
        (tmp_path / "module.py").write_text("def run_fn(fn_args): ...\n")
        (tmp_path / "schema.pbtxt").write_text("")
        module = RuntimeParameter("module", str, str(tmp_path / "module.py"))
        schema = RuntimeParameter("schema", str, str(tmp_path / "schema.pbtxt"))
        data = RuntimeParameter("data", str, str(tmp_path / "module.py"))
        examples = steps.CsvExampleGen(input_base=data)
        train = steps.Trainer(examples=examples.outputs["examples"], module_file=module, train_args={}, eval_args={})
        pipeline = Pipeline("p", components=[examples, train, steps.ImportSchemaGen(schema_file=schema)])
        compile_pipeline(pipeline, tmp_path / "p.yaml")
        document = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))
        declared = document["root"]["inputDefinitions"]["parameters"]
        assert unpack(declared["module"]["defaultValue"], tmp_path / "code").read_text() == "def run_fn(fn_args): ...\n"
        assert unpack(declared["schema"]["defaultValue"], tmp_path / "code").name == "schema.pbtxt"
        assert declared["data"]["defaultValue"] == str(tmp_path / "module.py")

    def test_a_vocabulary(self, tmp_path: Path) -> None:
        (tmp_path / "words.txt").write_text("taxi\ncab\n")
        options = StatisticsOptions(vocab_paths={"words": str(tmp_path / "words.txt")})

        def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
            StatisticsGen(examples=imported(), stats_options=options)

        values = of_task(compiled(declared, tmp_path), "statistics-gen")["parameters"]
        there = received(StatisticsGen.spec, values, tmp_path)["stats_options"]["vocab_paths"]["words"]
        assert Path(there).read_text() == "taxi\ncab\n"

    def test_more_than_a_steps_arguments_hold(self, tmp_path: Path) -> None:
        noise = "".join(f"{n * 2654435761 % 2**32:08x}" for n in range(9000))
        (tmp_path / "module.py").write_text(f"NOISE = '{noise}'\n")
        (tmp_path / "cost.py").write_text(f"{COST}NOISE = '{noise[::-1]}'\n")
        metric = {"class_name": "Cost", "module": str(tmp_path / "cost.py")}
        config = CONFIG | {"metrics_specs": [{"metrics": [metric, metric]}]}

        def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
            Evaluator(examples=imported(), eval_config=config, module_file=str(tmp_path / "module.py"))

        with raises("kfp.too_large", "p", "KiB", "evaluator.eval_config"):
            compiled(declared, tmp_path)


def test_nothing_inside_of_a_value(tmp_path: Path) -> None:
    """KFP's compiler refuses None inside of values, which the defaults of options may be."""

    def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
        config = {"a": None, "b": [1, None]}
        Trainer(examples=imported(), run_fn="a.b", train_args={}, eval_args={}, custom_config=config)

    values = of_task(compiled(declared, tmp_path), "trainer")["parameters"]
    assert received(Trainer.spec, values, tmp_path)["custom_config"] == {"a": None, "b": [1, None]}


class TestMistakes:
    def test_a_step_in_the_place_of_its_output(self, tmp_path: Path) -> None:
        def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (as above)
            StatisticsGen(examples=CsvExampleGen(input_base="s3://a"))

        with raises("kfp.task_as_argument", "StatisticsGen.examples", "csv-example-gen", ".outputs['examples']"):
            compiled(declared, tmp_path)

    def test_a_path_in_the_place_of_an_artifact(self) -> None:
        with raises("kfp.value_as_artifact", "s3://a"):
            StatisticsGen(examples="s3://a")

    @pytest.mark.parametrize("name", ["examples__x", "exmples__2"])
    def test_a_name_that_only_looks_numbered(self, name: str) -> None:
        with raises("kfp.argument", name):
            Evaluator(**{name: 1, "eval_config": CONFIG})


class Rows(NamedTuple):
    rows: int


@component
def Several(*, examples: Inputs[Examples]) -> Rows:  # noqa: N802
    """Counts the rows of all."""
    return Rows(sum(sum(each.rows.values()) for each in examples))
