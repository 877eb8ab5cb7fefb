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

from assay.artifacts.formats.csv_blocks import MAX_RECORD_BYTES
from assay.artifacts.formats.csv_types import ALL_COLUMNS
from assay.artifacts.schema import format_schema
from assay.artifacts.store import write_durably
from assay.cli.scaffold.plan import Task
from assay.cli.scaffold.tasks import metrics_yaml, module_values, slicing_yaml
from assay.errors import ArtifactError, UsageError

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.artifacts.formats.csv_types import CsvOptions
    from assay.cli.scaffold.plan import Plan

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
    """A name for a pipeline, from that of its data: lower case letters, digits and underscores."""
    stem = data.name.split(".", 1)[0]
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "pipeline"


def write_pipeline(new: NewPipeline, plan: Plan, schema: Schema, *, overwrite: bool) -> list[Path]:
    """Writes the pipeline, its module, the evaluation's config and the schema.

    Raises:
        UsageError: If one of the files is there already and may not be overwritten.
        ArtifactError: If the disk refuses.
    """
    there = [name for name in FILES if (new.folder / name).exists()]
    if there and not overwrite:
        raise UsageError(
            "init.exists",
            f"{new.folder} has {', '.join(there)} already.",
            "Choose another folder with -o, or say --force to write them anew.",
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


def _pipeline(new: NewPipeline, plan: Plan) -> str:
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
    """The data by its place beside the pipeline, so that both can move together."""
    relative = os.path.relpath(new.data.resolve(), new.folder.resolve())
    return f"(HERE / {_literal(Path(relative).as_posix())}).resolve()"


def _module(name: str, plan: Plan) -> str:
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


def _feature_names(plan: Plan) -> str:
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
    """Text that can neither end a docstring nor break its line."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def _literal(value: Any) -> str:
    """A value as Python source with double quotes, on several lines where one is too long."""
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
