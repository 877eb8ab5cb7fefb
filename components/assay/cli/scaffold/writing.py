"""Writes the files of a new pipeline into a folder."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, StrictUndefined

from assay.artifacts.schema import format_schema
from assay.cli.scaffold.plan import ScaffoldPlan, Task
from assay.data.csv_blocks import MAX_RECORD_BYTES
from assay.data.csv_types import ALL_COLUMNS
from assay.errors import ArtifactError, UsageError
from assay.files import write_durably

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.data.csv_types import CsvOptions

_INDEX_OF_CLASS: Final = '''def _label(column: Any) -> dict[str, tf.Tensor]:
    """Gives the label as the index of its class$weight_words."""
    is_class = tf.equal($values, tf.constant(CLASSES, $type))  # (batch, classes)
    return {$weight
        "label_xf": tf.expand_dims(tf.argmax(tf.cast(is_class, tf.int32), axis=1), 1),
    }'''
_CLASS_WEIGHT: Final = '\n        "weight_xf": tf.cast(tf.reduce_any(is_class, axis=1, keepdims=True), tf.float32),'
_NUMBER: Final = '''def _label(column: Any) -> dict[str, tf.Tensor]:
    """Gives the label as it is$weight_words."""
    value = $values
    known = tf.math.is_finite(value)
    return {$weight
        "label_xf": tf.cast(tf.where(known, value, 0.0), tf.float32),
    }'''
_NUMBER_WEIGHT: Final = '\n        "weight_xf": tf.cast(known, tf.float32),'
_MEASURE: Final = """    once = _dataset(fn_args, fn_args.train_files, graph, training=False)
    values = tf.concat([label for _, label, *_ in once], axis=0)
    level, spread = float(tf.reduce_mean(values)), max(float(tf.math.reduce_std(values)), 1e-9)
"""


def module_values(plan: ScaffoldPlan) -> dict[str, str]:
    """Return the values of the module's template that depend on the task."""
    weight_words = ", with weight 0 where a row has none" if plan.label_missing else ""
    weight = _NUMBER_WEIGHT if plan.task is Task.REGRESSION else _CLASS_WEIGHT
    code = _NUMBER if plan.task is Task.REGRESSION else _INDEX_OF_CLASS
    type_ = "tf.string" if plan.label_is_text else "tf.float64"
    label_code = (
        code.replace("$weight_words", weight_words)
        .replace("$weight", weight if plan.label_missing else "")
        .replace("$values", "_text(column)" if plan.label_is_text else "_number(column)")
        .replace("$type", type_)
    )
    example = "lambda features, label: (features['features'], label" + (
        ", features['weight_xf'])" if plan.label_missing else ")"
    )
    shared = {
        "label_code": label_code,
        "example": example.replace("'", '"'),
        "outputs_sentence": "the label as `label_xf`" + (" and its weight" if plan.label_missing else ""),
        "measure": "",
        "scale_argument": "",
        "scale_parameter": "",
        "loss_weights": "",
    }
    return shared | _OF_TASK[plan.task](plan)


def _binary(plan: ScaffoldPlan) -> dict[str, str]:
    positive = plan.classes[1]
    return {
        "task_sentence": f"is `{plan.label}` {positive}?",
        "loss": "keras.losses.BinaryCrossentropy()",
        "metrics": 'keras.metrics.BinaryAccuracy(), keras.metrics.AUC(name="auc")',
        "head_sentence": "the probability of the second class",
        "head": '    prediction = keras.layers.Dense(1, activation="sigmoid", name="probability")(both)',
    }


def _multiclass(plan: ScaffoldPlan) -> dict[str, str]:
    return {
        "task_sentence": f"which of {len(plan.classes)} classes is `{plan.label}`?",
        "loss": "keras.losses.SparseCategoricalCrossentropy()",
        "metrics": "keras.metrics.SparseCategoricalAccuracy()",
        "head_sentence": "the probability of each class",
        "head": '    prediction = keras.layers.Dense(len(CLASSES), activation="softmax", name="probabilities")(both)',
    }


def _regression(plan: ScaffoldPlan) -> dict[str, str]:
    return {
        "task_sentence": f"how much is `{plan.label}`?",
        "measure": _MEASURE,
        "scale_argument": ", level, spread",
        "scale_parameter": ", level: float, spread: float",
        "loss": "keras.losses.MeanSquaredError()",
        "loss_weights": "        loss_weights=[1.0 / spread**2],  # as if the label had deviation 1\n",
        "metrics": "keras.metrics.RootMeanSquaredError()",
        "head_sentence": "a number around `level`, in units of `spread`",
        "head": '    deviations = keras.layers.Dense(1, name="deviations")(both)\n'
        "    prediction = keras.layers.Rescaling(spread, offset=level)(deviations)",
    }


_OF_TASK: Final = {Task.BINARY: _binary, Task.MULTICLASS: _multiclass, Task.REGRESSION: _regression}


def metrics_yaml(plan: ScaffoldPlan) -> str:
    """Return the metrics of the evaluation's config, with the thresholds that a first model must meet."""
    if plan.task is Task.BINARY:
        gate = _threshold("AUC", "A model that guesses has 0.5.", "lower_bound: 0.5", "HIGHER_IS_BETTER", "-0.01")
        rest = ["BinaryAccuracy", "Precision", "Recall", "BinaryCrossentropy"]
    elif plan.task is Task.MULTICLASS:
        guess = 1 / len(plan.classes)
        gate = _threshold(
            "SparseCategoricalAccuracy",
            f"A model that guesses is right once in {len(plan.classes)} times.",
            f"lower_bound: {guess:.4g}",
            "HIGHER_IS_BETTER",
            "-0.01",
        )
        rest = ["SparseCategoricalCrossentropy"]
    else:
        gate = _threshold(
            "MeanSquaredError",
            "Always answering the mean has this error: the variance of the label.",
            f"upper_bound: {plan.label_variance:.6g}",
            "LOWER_IS_BETTER",
            f"{0.01 * plan.label_variance:.3g}",
        )
        rest = ["MeanAbsoluteError"]
    return "\n".join([gate, *(f"      - class_name: {name}" for name in rest)])


def _threshold(metric: str, comment: str, bound: str, direction: str, change: str) -> str:
    return f"""      - class_name: {metric}
        per_slice_thresholds:
          - slicing_specs: [{{}}]
            threshold:
              # {comment} Tighten it when you know what is good.
              value_threshold: {{{bound}}}
              # The next model may be so much worse than the blessed one, and no more.
              change_threshold: {{direction: {direction}, absolute: {change}}}"""


def slicing_yaml(plan: ScaffoldPlan) -> str:
    """Return the slices of the evaluation's config: all rows, and a category with few values where there is one."""
    lines = ["slicing_specs:", "  - {}  # all rows"]
    if plan.slice_feature is not None:
        lines.append(f"  - feature_keys: [{json.dumps(plan.slice_feature, ensure_ascii=False)}]")
    return "\n".join(lines)


FILES: Final = ("pipeline.py", "module.py", "eval_config.yaml", "schema.pbtxt")
_LONGEST_LINE: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPipeline:
    """Where a pipeline goes and what its data is.

    Attributes:
        folder: Where its files are written.
        name: Its name.
        data: The file or folder of the data.
        is_csv: Whether the data is CSV; else it is Parquet.
        csv: The options of reading the CSV.
    """

    folder: Path
    name: str
    data: Path
    is_csv: bool
    csv: CsvOptions


def pipeline_name(data: Path) -> str:
    """Return a name for a pipeline, from that of its data: lower case letters, digits and underscores."""
    stem = data.name.split(".", 1)[0]
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "pipeline"


def write_pipeline(new: NewPipeline, plan: ScaffoldPlan, schema: Schema, *, overwrite: bool) -> list[Path]:
    """Write the pipeline, its module, the evaluation's config and the schema.

    Raises:
        UsageError: If one of the files is there already and may not be overwritten.
        ArtifactError: If the disk refuses.
    """
    there = [name for name in FILES if (new.folder / name).exists()]
    if there and not overwrite:
        raise UsageError(
            "init.exists",
            f"{new.folder} has {', '.join(there)} already.",
            "Choose another folder with -o, or overwrite them with --force.",
        )
    texts = {
        "pipeline.py": _pipeline(new, plan),
        "module.py": _module(new.name, plan),
        "eval_config.yaml": _filled(
            "eval_config.yaml",
            {
                "weight_key": "    example_weight_key: weight_xf  # 0 where a row has no label\n"
                if plan.label_missing
                else "",
                "slicing": slicing_yaml(plan),
                "metrics": metrics_yaml(plan),
            },
        ),
        "schema.pbtxt": format_schema(schema),
    }
    made = not new.folder.exists()
    new.folder.mkdir(parents=True, exist_ok=True)
    try:
        for name, text in texts.items():
            write_durably(new.folder / name, text.encode())
    except ArtifactError:
        if made:  # part of a pipeline is worth nothing
            shutil.rmtree(new.folder, ignore_errors=True)
        raise
    return [new.folder / name for name in texts]


def _pipeline(new: NewPipeline, plan: ScaffoldPlan) -> str:
    return _filled(
        "pipeline.py",
        {
            "name": new.name,
            "data_name": _in_docstring(new.data.name),
            "label": _in_docstring(plan.label),
            "pipeline_path": _in_docstring(new.folder.name) + "/pipeline.py",
            "example_gen": "CsvExampleGen" if new.is_csv else "ParquetExampleGen",
            "data_path": _data_path(new),
            "train_steps": f"{plan.train_steps:_}",
            "batch_size": str(plan.batch_size),
            "csv": _csv_arguments(new.csv) if new.is_csv else [],
        },
    )


def _csv_arguments(csv: CsvOptions) -> list[str]:
    """Return the arguments of CsvExampleGen that are not its defaults."""
    tokens = {column: csv.tokens_of(column)[1:] for column in csv.missing_values}
    everywhere = tokens.get(ALL_COLUMNS) if set(tokens) == {ALL_COLUMNS} else None
    given = {
        "delimiter": csv.delimiter,
        "missing_values": list(everywhere) if everywhere else {name: list(each) for name, each in tokens.items()},
        "decimal": None if csv.decimal == "." else csv.decimal,
        "thousands": csv.thousands,
        "types": dict(csv.types),
        "max_record_bytes": None if csv.max_record_bytes == MAX_RECORD_BYTES else csv.max_record_bytes,
    }
    return [f"{name}={_literal(value)}" for name, value in given.items() if value]


def _data_path(new: NewPipeline) -> str:
    """Return the data's path relative to the pipeline, so that both can move together."""
    relative = os.path.relpath(new.data.resolve(), new.folder.resolve())
    return f"(HERE / {_literal(Path(relative).as_posix())}).resolve()"


def _module(name: str, plan: ScaffoldPlan) -> str:
    constants = ""
    if plan.task is not Task.REGRESSION:
        meaning = "the model gives the probability of the second" if plan.task is Task.BINARY else "in this order"
        classes = plan.classes if plan.label_is_text else tuple(float(value) for value in plan.classes)
        constants = f"CLASSES = {_literal(classes)}  # {meaning}\n"
    values = module_values(plan)
    values["task_sentence"] = _in_docstring(values["task_sentence"])
    return _filled(
        "module.py",
        values
        | {
            "name": name,
            "label_literal": _literal(plan.label),
            "label_constants": constants,
            "numbers": _literal(plan.numbers) if plan.numbers else "",
            "numbers_missing": plan.any_number_missing,
            "categories": _literal(dict(plan.categories)) if plan.categories else "",
            "hashed": _literal(dict(plan.hashed)) if plan.hashed else "",
            "feature_names": _feature_names(plan),
            "uses_numbers": bool(plan.numbers) or not plan.label_is_text,
            "uses_text": bool(plan.categories or plan.hashed) or plan.label_is_text,
            "batch_size": str(plan.batch_size),
        },
    )


def _feature_names(plan: ScaffoldPlan) -> str:
    """Return the expression for the columns that the model uses: the constants that the module has."""
    columns = {"NUMBERS": plan.numbers, "CATEGORIES": plan.categories, "HASHED": plan.hashed}
    used = [name for name, of_it in columns.items() if of_it]
    return used[0] if len(used) == 1 else f"({', '.join(f'*{name}' for name in used)})"


def _filled(name: str, values: Mapping[str, Any]) -> str:
    template = resources.files("assay.cli.scaffold").joinpath("templates", f"{name}.tmpl").read_text("utf-8")
    # The templates are Python and YAML: nothing is escaped as HTML, and the lines of conditions leave no blank ones.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701
    return environment.from_string(template).render(values).rstrip("\n") + "\n"


def _in_docstring(text: str) -> str:
    """Return text that can neither end a docstring nor break its line."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def _literal(value: Any) -> str:
    """Return a value as Python source with double quotes, on several lines where one is too long."""
    if isinstance(value, (tuple, list, dict)):
        items = (
            [f"{_literal(key)}: {_literal(item)}" for key, item in value.items()]
            if isinstance(value, dict)
            else [_literal(item) for item in value]
        )
        opening, closing = (
            ("{", "}") if isinstance(value, dict) else ("[", "]") if isinstance(value, list) else ("(", ")")
        )
        comma = "," if isinstance(value, tuple) and len(items) == 1 else ""
        line = f"{opening}{', '.join(items)}{comma}{closing}"
        if len(line) <= _LONGEST_LINE:
            return line
        return f"{opening}\n" + "".join(f"    {item},\n" for item in items) + closing
    return json.dumps(value) if isinstance(value, str) else repr(value)
