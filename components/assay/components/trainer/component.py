"""The Trainer component."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from assay.artifacts.examples import Examples
from assay.artifacts.model import HyperParameters, Model, ModelRun
from assay.artifacts.schema import FILE_NAME, Schema
from assay.artifacts.statistics import ExampleStatistics
from assay.artifacts.transform_graph import TransformGraph
from assay.components.trainer.config import EvalArgs, TrainArgs
from assay.errors import DataError
from assay.files import write_durably
from assay.spec import ExecutionContext, Input, Inputs, Output, UserFunction, component
from assay.spec.annotations import UserModuleMark
from assay.spec.channel import check_splits, foreseen_splits
from assay.spec.user_code import check_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def _check(arguments: Mapping[str, Any]) -> None:
    check_place(arguments, "run_fn")
    there = foreseen_splits(arguments["examples"])
    for name, default in (("train_args", "train"), ("eval_args", "eval")):
        if name in arguments:
            check_splits(there, arguments[name].splits or (default,), name, "trainer.unknown_split")


@component(
    libraries=("tensorflow", "keras", "tensorflow-transform"),
    requires=("tensorflow", "tensorflow_transform"),
    check=_check,
    # Nothing by position: TFX 1.16 and 1.21 have different orders.
    refused={
        "transformed_examples": "Wire them as `examples`.",
        "custom_executor_spec": "Write a component of your own: @component.",
    },
)
def Trainer(
    context: ExecutionContext,
    examples: Inputs[Examples],
    model: Output[Model],
    model_run: Output[ModelRun] | None,
    *,
    train_args: TrainArgs,
    eval_args: EvalArgs,
    transform_graph: Input[TransformGraph] | None = None,
    schema: Input[Schema] | None = None,
    base_model: Input[Model] | None = None,
    hyperparameters: Input[HyperParameters] | None = None,
    statistics: Input[ExampleStatistics] | None = None,
    module_file: Annotated[str, UserModuleMark("run_fn")] | None = None,
    run_fn: UserFunction | None = None,
    custom_config: dict[str, Any] | None = None,
) -> None:
    """Trains a model by the user's `run_fn(fn_args)`, as TFX's Trainer does.

    `fn_args.data_accessor` reads the examples in either file format. Seeds are set before `run_fn` is called; the same
    seed gives the same model as far as TensorFlow's operations are deterministic.

    Args:
        context: The run that the step is part of.
        examples: The rows to train on: raw, or Transform's `transformed_examples`.
        model: The SavedModel that `run_fn` wrote to `fn_args.serving_model_dir`.
        model_run: Logs and checkpoints that it wrote to `fn_args.model_run_dir`, and `versions.json`: the seed and the
            versions of the libraries that it ran with.
        train_args: Training steps and splits.
        eval_args: Evaluation steps and splits.
        transform_graph: The graph to put into the model for serving.
        schema: The schema of the rows.
        base_model: A model to start from (`fn_args.base_model`).
        hyperparameters: A tuner's best hyperparameters.
        statistics: Their numbers of rows become `fn_args.num_examples`; without, it is what ExampleGen counted.
        module_file: A Python file that defines `run_fn`.
        run_fn: Its dotted name instead, where it is importable.
        custom_config: Passed as `fn_args.custom_config`.
    """
    # TensorFlow takes seconds to import; declaring a pipeline must not.
    from assay.components.trainer.compute import library_versions, train
    from assay.components.trainer.data_accessor import make_data_accessor
    from assay.components.trainer.fn_args import FnArgs

    logs = model_run.path if model_run is not None else context.temp_dir / "model_run"
    fn_args = FnArgs(
        working_dir=str(context.temp_dir),
        train_files=_patterns(examples, train_args.splits or ("train",), "train_args"),
        eval_files=_patterns(examples, eval_args.splits or ("eval",), "eval_args"),
        train_steps=train_args.num_steps or None,
        eval_steps=eval_args.num_steps or None,
        schema_path=str(schema.require(FILE_NAME)) if schema else None,
        transform_graph_path=transform_graph.uri if transform_graph else None,
        data_accessor=make_data_accessor(),
        serving_model_dir=str(model.serving_path),
        eval_model_dir=str(model.evaluation_path),
        model_run_dir=str(logs),
        base_model=str(base_model.serving_path) if base_model else None,
        hyperparameters=hyperparameters.read() if hyperparameters else None,
        custom_config=custom_config,
        num_examples=_num_examples(examples) if statistics is None else _described_rows(statistics),
    )
    counts, splits = _num_examples(examples), train_args.splits or ("train",)
    if not any(counts[split] for split in splits):
        raise DataError(
            "trainer.no_rows",
            f"The splits to train on have no rows: {', '.join(splits)}.",
            "Check how ExampleGen splits the rows, or name other splits in train_args.",
        )
    train(fn_args, module_file=module_file, run_fn=run_fn, seed=context.seed)
    logs.mkdir(parents=True, exist_ok=True)
    record = json.dumps({"seed": context.seed, "libraries": library_versions()}, indent=1, sort_keys=True)
    write_durably(logs / "versions.json", f"{record}\n".encode())


def _patterns(examples: Sequence[Examples], splits: Sequence[str], argument: str) -> list[str]:
    """Return a file pattern for each artifact that has one of the splits.

    Raises:
        UsageError: If no artifact has a split.
    """
    there = {split for one in examples for split in one.split_names}
    check_splits(there, splits, argument, "trainer.unknown_split")
    return [str(one.split_path(split) / "*") for split in splits for one in examples if split in one.split_names]


def _num_examples(examples: Sequence[Examples]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in examples:
        for split in one.split_names:
            counts[split] = counts.get(split, 0) + one.num_rows(split)
    return counts


def _described_rows(statistics: ExampleStatistics) -> dict[str, int]:
    return {split: int(statistics.read(split).datasets[0].num_examples) for split in statistics.split_names}
