from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from assay.components.statistics_gen import StatisticsGen
from assay.components.trainer import EvalArgs, TrainArgs, Trainer
from assay.runners.local import RunResult
from assay.spec import Importer

pytestmark = pytest.mark.tensorflow

TABLE = pa.table({"x": pa.array([1, 2, 3], pa.int64())})

RunSteps = Callable[..., RunResult]
WriteExamples = Callable[..., Importer]

SAVES = """
import json, os, pathlib, random
import numpy, tensorflow
def run_fn(fn_args):
    pathlib.Path(fn_args.serving_model_dir).mkdir(parents=True)
    pathlib.Path(fn_args.serving_model_dir, "saved_model.pb").write_text("")
    seen = {name: getattr(fn_args, name) for name in type(fn_args).__slots__ if name != "data_accessor"}
    seen["random"] = [random.random(), numpy.random.rand(), float(tensorflow.random.uniform([]))]
    seen["accessor"] = list(fn_args.data_accessor._fields)
    pathlib.Path(fn_args.model_run_dir, "seen.json").write_text(json.dumps(seen))
"""


def trainer(examples: Importer, module: Path, **given: object) -> Trainer:
    return Trainer(
        examples=examples.outputs["result"],
        module_file=str(module),
        **{"train_args": TrainArgs(num_steps=5), "eval_args": EvalArgs(), **given},
    )


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module.py"
    path.write_text(SAVES, encoding="utf-8")
    return path


def test_run_fn_gets_everything_by_tfx_names(write_examples: WriteExamples, run_steps: RunSteps, module: Path) -> None:
    examples = write_examples(train=TABLE, eval=TABLE.slice(0, 1))
    result = run_steps(examples, trainer(examples, module, custom_config={"depth": 2}))
    assert result.exit_code == 0
    logs = result.output("Trainer", "model_run").path
    seen = json.loads((logs / "seen.json").read_text())
    assert (seen["train_steps"], seen["eval_steps"]) == (5, None)
    assert seen["num_examples"] == {"train": 3, "eval": 1}
    assert seen["custom_config"] == {"depth": 2}
    assert [Path(pattern).parts[-2:] for pattern in seen["train_files"]] == [("Split-train", "*")]
    assert [Path(pattern).parts[-2:] for pattern in seen["eval_files"]] == [("Split-eval", "*")]
    assert Path(seen["serving_model_dir"]).name == "Format-Serving"
    assert seen["transform_output"] is None
    assert seen["accessor"] == ["tf_dataset_factory", "record_batch_factory", "data_view_decode_fn"]
    assert json.loads((logs / "versions.json").read_text())["libraries"]["tensorflow"]


def test_the_numbers_of_rows_may_come_from_statistics(
    write_examples: WriteExamples, run_steps: RunSteps, module: Path
) -> None:
    examples = write_examples(train=TABLE, eval=TABLE.slice(0, 1))
    described = StatisticsGen(examples=examples.outputs["result"], exclude_splits=["eval"])
    step = trainer(examples, module, statistics=described.outputs["statistics"])
    logs = run_steps(examples, described, step).output("Trainer", "model_run").path
    assert json.loads((logs / "seen.json").read_text())["num_examples"] == {"train": 3}


def test_seeds_are_set_before_run_fn(write_examples: WriteExamples, run_steps: RunSteps, module: Path) -> None:
    examples = write_examples(train=TABLE, eval=TABLE)
    draws = []
    for name in ("first", "second"):
        step = trainer(examples, module, custom_config={"run": name}).with_id(name)
        logs = run_steps(examples, step).output(name, "model_run").path
        draws.append(json.loads((logs / "seen.json").read_text())["random"])
    assert draws[0] == draws[1]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("pass", r"run_fn of .*module.py returned without saving a model: .*Format-Serving\), found nothing\."),
        ("raise ValueError('no such column')", r"run_fn of module.py raised ValueError: no such column \(.*line 2\)"),
        ("import sys; sys.exit(0)", r"run_fn of module.py raised SystemExit: 0"),
    ],
)
def test_what_a_run_fn_does_wrong_is_said_plainly(
    write_examples: WriteExamples, run_steps: RunSteps, tmp_path: Path, body: str, message: str
) -> None:
    module = tmp_path / "module.py"
    module.write_text(f"def run_fn(fn_args):\n    {body}\n", encoding="utf-8")
    examples = write_examples(train=TABLE, eval=TABLE)
    result = run_steps(examples, trainer(examples, module))
    assert result.exit_code == 1
    import re

    assert re.search(message, result.step("Trainer").reason)


def test_an_unknown_split_is_an_error(write_examples: WriteExamples, run_steps: RunSteps, module: Path) -> None:
    examples = write_examples(train=TABLE, eval=TABLE)
    result = run_steps(examples, trainer(examples, module, eval_args=EvalArgs(splits=("evl",))))
    assert "names split 'evl', which the examples do not have. Did you mean 'eval'?" in result.step("Trainer").reason


def test_splits_without_rows_are_an_error(write_examples: WriteExamples, run_steps: RunSteps, module: Path) -> None:
    examples = write_examples(train=TABLE.slice(0, 0), eval=TABLE)
    step = run_steps(examples, trainer(examples, module)).step("Trainer")
    assert (step.error_code, step.reason.partition(": ")[0]) == (
        "trainer.no_rows",
        "The splits to train on have no rows",
    )
