"""`assay run`: runs a pipeline on this machine and says what came of it."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assay.cli.console import Quiet, open_console
from assay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(
    pipeline_file: Annotated[
        Path,
        typer.Argument(
            metavar="PIPELINE.py",
            help="Python file that defines `pipeline` or `create_pipeline()`.",
            show_default=False,
        ),
    ],
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="Value of a runtime parameter; may be repeated."),
    ] = None,
    root: Annotated[
        Path | None,
        typer.Option(help="Folder of artifacts, runs and lineage; default: the pipeline's, or assay-root/<pipeline>."),
    ] = None,
    force: Annotated[
        list[str] | None,
        typer.Option("--force", metavar="STEP", help="Run this step even if it is cached; may be repeated."),
    ] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the run's record as JSON on standard output.")] = False,
    quiet: Quiet = False,
) -> None:
    """Run a pipeline on this machine; unchanged steps are taken from earlier runs.

    Exit codes: 0 passed, 1 a step failed, 2 wrong usage, 3 anomalies found, 4 model not blessed, 5 a step did
    none of its work, such as a Pusher that pushed nothing.

    Examples:
      assay run pipeline.py

      # A parameter of the pipeline, and one step again although nothing changed.
      assay run pipeline.py --param train_steps=500 --force Trainer

      # In a script: one line on the screen; run.json tells the rest.
      assay run pipeline.py --root runs/taxi --quiet
    """
    from assay.cli.pipeline_file import load_pipeline
    from assay.cli.progress import StepLines
    from assay.cli.run_summary import print_failed_steps, print_summary, run_document
    from assay.runners.local import LocalDagRunner

    parameters = _parameters(param or [])
    # With --json, standard output belongs to the document; what people read goes to standard error.
    with (
        open_console(stderr=as_json, quiet=quiet) as console,
        contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout),
    ):
        pipeline = load_pipeline(pipeline_file)
        with StepLines(console, [node.id for node in pipeline.nodes]) as progress:
            result = LocalDagRunner(root, progress=progress).run(pipeline, parameters, force=force or [])
        if not as_json:
            print_summary(console, result)
    if as_json:
        typer.echo(run_document(result))
    with open_console(stderr=True) as console:
        print_failed_steps(console, result)
    raise typer.Exit(result.exit_code)


def _parameters(assignments: Sequence[str]) -> dict[str, str]:
    """Split `name=value` pairs; the pipeline converts and checks the values.

    Raises:
        UsageError: For a pair without `=`, and for a name that is given twice.
    """
    parameters: dict[str, str] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or not name:
            raise UsageError("run.param", f"--param takes NAME=VALUE, got '{assignment}'.")
        if name in parameters:
            raise UsageError("run.param_twice", f"--param {name} is given twice: '{parameters[name]}' and '{value}'.")
        parameters[name] = value
    return parameters
