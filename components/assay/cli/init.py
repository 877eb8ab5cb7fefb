"""`assay init`: a pipeline for a dataset of one's own, ready to run."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from assay.cli.command import Writes
from assay.cli.console import Quiet, open_console, print_remarks, print_result, waiting
from assay.cli.csv_options import Csv, reads_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.cli.scaffold.plan import ScaffoldPlan, Task
    from assay.data.csv_remarks import CsvRemark

_MOST_NAMES: Final = 8


@reads_csv
def init(
    context: typer.Context,
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="A CSV or Parquet file, or a folder of them.", show_default=False)
    ],
    label: Annotated[str, typer.Option("--label", "-l", metavar="COLUMN", help="Column that the model predicts.")],
    task: Annotated[
        str | None,
        typer.Option(metavar="TASK", help="binary, multiclass or regression; default: by the label's values."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Folder to write; default: <data>_pipeline."),
        Writes(folder=True),
    ] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Overwrite existing files.")] = False,
    csv: Csv,
    as_json: Annotated[bool, typer.Option("--json", help="Print the generated settings as JSON.")] = False,
    quiet: Quiet = False,
) -> None:
    """Write a pipeline for a dataset: pipeline.py, module.py, eval_config.yaml and schema.pbtxt.

    The pipeline validates the data, trains a model for the label, evaluates it and pushes it if it is blessed. Its
    files are yours to edit.

    Examples:
      assay init penguins.csv --label species

      assay init houses.parquet --label price --task regression -o houses
    """
    from assay.cli.data.quick_arrow import keep_pandas_out

    keep_pandas_out(context)
    from assay.cli.scaffold.examine import examine
    from assay.cli.scaffold.plan import make_plan
    from assay.cli.scaffold.writing import NewPipeline, pipeline_name, write_pipeline

    kind = _task(task)
    if csv.delimiter is None and data.name.endswith((".tsv", ".tsv.gz")):
        csv = replace(csv, delimiter="\t")
    with waiting("Reading", quiet=quiet):
        found = examine(data, label, csv)
    print_remarks(found.remarks)  # before a plan that may fail for what they say
    plan = make_plan(found.features, found.label, found.rows, found.unfit_types, kind)
    # Pipelines of one name share their lineage, and with it their baseline: the folder tells two of them apart.
    name = pipeline_name(output or data)
    new = NewPipeline(folder=output or Path(f"{name}_pipeline"), name=name, data=data, is_csv=found.is_csv, csv=csv)
    files = write_pipeline(new, plan, found.schema, overwrite=force)
    _tell(plan, files, found.remarks, as_json=as_json, quiet=quiet)


def _task(name: str | None) -> Task | None:
    from assay.cli.scaffold.plan import Task
    from assay.errors import UsageError, did_you_mean

    if name is None:
        return None
    try:
        return Task(name)
    except ValueError:
        known = [task.value for task in Task]
        raise UsageError("init.task", f"Unknown task '{name}'.", did_you_mean(name, known)) from None


def _tell(plan: ScaffoldPlan, files: list[Path], remarks: Sequence[CsvRemark], *, as_json: bool, quiet: bool) -> None:
    """Describe what was decided and what to do next."""
    import json

    from assay.errors import on_command_line

    command = f"assay run {shlex.quote(str(files[0]))}"
    if as_json:
        decided = {
            "label": plan.label,
            "task": plan.task.value,
            "classes": list(plan.classes),
            "numbers": list(plan.numbers),
            "categories": dict(plan.categories),
            "hashed": dict(plan.hashed),
            "left_out": dict(plan.left_out),
            "remarks": [on_command_line(remark.text) for remark in remarks],
            "files": [str(file) for file in files],
            "next": command,
        }
        typer.echo(json.dumps(decided, indent=2, ensure_ascii=False))
        return
    with open_console(quiet=quiet) as console:
        console.print(_sentence(plan))
        used = {"numbers": plan.numbers, "categories": (*plan.categories,), "hashed text": (*plan.hashed,)}
        for kind, names in used.items():
            if names:
                console.print(f"  {kind}: {_some(names)}")
        for reason in sorted(set(plan.left_out.values())):
            names = tuple(name for name, why in plan.left_out.items() if why == reason)
            console.print(f"  left out: {_some(names)} ({reason})")
        if remarks:
            columns = _some([remark.column for remark in remarks])
            console.print(f"  check first: {columns} (text that looks like numbers, amounts or dates: see the remarks)")
        console.print(f"Wrote {', '.join(file.name for file in files)} to {files[0].parent}.")
        print_result(console, f"Next: {command}")


def _sentence(plan: ScaffoldPlan) -> str:
    rows = f"{plan.rows:,} rows"
    if plan.label_missing:
        rows += f", {plan.label_missing:,} of them without a label"
    if plan.task.value == "regression":
        return f"{rows}; '{plan.label}' is a number: a regression."
    if plan.task.value == "binary":
        first, second = plan.classes
        return f"{rows}; '{plan.label}' is {first} or {second}: a binary classification, {second} being the positive."
    return f"{rows}; '{plan.label}' has {len(plan.classes)} values: a classification (--task says otherwise)."


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMES])
    return shown if len(names) <= _MOST_NAMES else f"{shown}, and {len(names) - _MOST_NAMES:,} more"
