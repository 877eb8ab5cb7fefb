"""The `assay` command: what all its subcommands share.

Exit codes: 0 passed, 1 error, 2 wrong usage, 3 anomalies found, 4 not blessed, 5 a step did nothing.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

import assay
from assay.cli.command import Command, Group
from assay.cli.compile import compile_file
from assay.cli.data.quick_arrow import OWN_PROCESS
from assay.cli.doctor import doctor
from assay.cli.drift import drift
from assay.cli.evaluate import evaluate
from assay.cli.failures import exit_code_of, print_failure, refused_file
from assay.cli.gate import gate
from assay.cli.init import init
from assay.cli.lineage import lineage
from assay.cli.monitor import monitor
from assay.cli.project import project_file, read_defaults
from assay.cli.push import push, rollback, versions
from assay.cli.report import report
from assay.cli.revoke import revoke
from assay.cli.run import run
from assay.cli.schema import schema
from assay.cli.skew import leakage, skew
from assay.cli.stats import stats
from assay.cli.submit import submit
from assay.cli.ui import ui
from assay.cli.validate import validate
from assay.cli.verify import verify
from assay.display import visible
from assay.errors import AssayError, missing_package

_INTERRUPTED = 128 + signal.SIGINT


_SECTIONS: Final = {
    "Data": ("stats", "schema", "validate", "drift", "skew", "leakage", "monitor"),
    "Models": ("evaluate", "gate", "verify", "push", "rollback", "versions", "revoke"),
    "Pipelines": ("init", "run", "lineage", "report", "ui", "compile", "submit"),
    "This machine": ("doctor",),
}


class Commands(Group):
    """The subcommands; an error of assay ends any of them with its message, its hint and an exit code."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the commands by subject."""
        known = super().list_commands(ctx)
        return [name for names in _SECTIONS.values() for name in names if name in known]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - Typer's signature
        """Write the commands in groups by subject."""
        for section, names in _SECTIONS.items():
            with formatter.section(section):
                formatter.write_dl([(name, self.commands[name].get_short_help_str()) for name in names])

    def invoke(self, ctx: Any) -> Any:
        """Run a subcommand.

        Raises:
            typer.Exit: With 2 for wrong usage, 1 for any other error of assay, and as shells have it when interrupted.
        """
        try:
            return self._invoke_with_defaults(ctx)
        except AssayError as error:
            if ctx.params.get("debug"):
                raise
            print_failure(error)
            raise typer.Exit(exit_code_of(error)) from None
        except OSError as error:
            if ctx.params.get("debug") or isinstance(error, BrokenPipeError):  # Typer ends in silence
                raise
            print_failure(refused_file(error))
            raise typer.Exit(1) from None
        except ImportError as error:
            lacking = missing_package(f"assay {ctx.invoked_subcommand}", error)
            if lacking is None or ctx.params.get("debug"):
                raise
            print_failure(lacking)
            raise typer.Exit(exit_code_of(lacking)) from None
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(_INTERRUPTED) from None

    def _invoke_with_defaults(self, ctx: Any) -> Any:
        project = project_file(Path.cwd())
        if project is None:
            return super().invoke(ctx)
        ctx.default_map = read_defaults(project, self)
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            source = error.ctx.get_parameter_source(error.param.name) if error.ctx and error.param else None
            if source is not None and source.name == "DEFAULT_MAP":
                error.message = f"{error.message.rstrip('.')}; it is set in {project}."
            raise


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"assay {assay.__version__}")
        raise typer.Exit


app = typer.Typer(
    name="assay",
    cls=Commands,
    no_args_is_help=True,
    rich_markup_mode=None,  # Rich's panels cut the names of options off where a terminal has 80 columns
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def common(
    *,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show Python's traceback of an error.")] = False,
) -> None:
    """Test whether data and models are good enough to be released.

    Exit codes: 0 passed, 1 error, 2 wrong usage, 3 anomalies found, 4 model not blessed, 5 a step
    of a pipeline did nothing.

    Examples:
      # Data: what it holds, a schema of it, and whether other data fits.
      assay stats train.csv
      assay schema infer train.csv -o schema.pbtxt
      assay validate new.csv --schema schema.pbtxt

      # A model: a pipeline for your data, run through to a verdict.
      assay init train.csv --label price
      assay run train_pipeline/pipeline.py

      # A release: from predictions, with exit code 4 where it is refused.
      assay gate --config gate.yaml --predictions candidate.csv

      # Commands, options and files by the Tab key, in bash, zsh and fish.
      assay --install-completion
    """


_command = partial(app.command, cls=Command)

app.add_typer(stats, name="stats")
app.add_typer(schema)
_command()(validate)
_command()(drift)
_command()(skew)
_command()(leakage)
_command()(monitor)
_command()(evaluate)
app.add_typer(gate, name="gate")
_command()(verify)
_command()(push)
_command()(rollback)
_command()(versions)
_command()(revoke)
_command()(init)
_command()(run)
_command()(lineage)
_command()(report)
_command()(ui)
_command(name="compile")(compile_file)
_command()(submit)
_command()(doctor)


def main() -> None:
    """Run the command line; the entry point of the console script."""
    # TensorFlow logs every processor and library that it sees, partly as errors; real failures raise as well.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", "You are using a Python version", FutureWarning)  # google.api_core's, of later
    exit_code = [1]  # of a traceback, with --debug
    atexit.register(_leave, exit_code)  # the first to be registered is the last to be called
    exit_code[0] = _call()
    sys.exit(exit_code[0])


def _call() -> int:
    try:
        app(obj=OWN_PROCESS)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except AssayError:  # only with --debug: Commands reports it otherwise
        raise
    except (MemoryError, RecursionError) as error:  # what no reader's own limit has caught
        if "--debug" in sys.argv:
            raise
        what = "needs more memory than there is" if isinstance(error, MemoryError) else "is nested too deeply"
        typer.echo(f"Error: An input {what}.", err=True)
        typer.echo("Give a smaller or flatter input; `assay --debug …` shows where it was read.", err=True)
        return 1
    except Exception as error:
        # A fault of assay itself, or of a library: a shell user gets one line, and a way to the traceback.
        if "--debug" in sys.argv:
            raise
        typer.echo(visible(f"Error: {type(error).__name__}: {error}", lines=True), err=True)
        typer.echo("This is a fault in assay. `assay --debug …` shows the traceback; please report it.", err=True)
        return 1
    return 0


def _leave(exit_code: list[int]) -> None:
    """End a process that loaded TensorFlow at once: its objects complain when the interpreter shuts down."""
    if "tensorflow" not in sys.modules:
        return
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # whoever read it is gone
            stream.flush()
    os._exit(exit_code[0])


if __name__ == "__main__":
    main()
