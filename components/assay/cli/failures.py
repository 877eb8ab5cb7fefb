"""What a shell user sees of an error: the user's own traceback, the message, the hint."""

from __future__ import annotations

import os

import typer

from assay.display import visible
from assay.errors import ArtifactError, AssayError, UsageError, UserCodeError


def exit_code_of(error: AssayError) -> int:
    """Return the exit code of a command that ends with this error: 2 for wrong usage, else 1."""
    return 2 if isinstance(error, UsageError) else 1


def refused_file(error: OSError) -> AssayError:
    """Return what the file system refused as an error that names the file, where the system names it."""
    reason = error.strerror or error
    return ArtifactError(
        "file.refused",
        f"The system reports: {reason}."
        if error.filename is None
        else f"The system denied access to {error.filename}: {reason}.",
        "Check the path, whether it is a file or a folder, its permissions and the free space.",
    )


def print_failure(error: AssayError) -> None:
    """Print an error on standard error; colours only on a terminal, and not where NO_COLOR is set."""
    if isinstance(error, UserCodeError) and error.user_traceback:
        typer.echo(error.user_traceback, err=True)
    mark = typer.style("Error: ", fg=typer.colors.RED, bold=True)
    typer.echo(mark, nl=False, err=True, color=False if os.environ.get("NO_COLOR") else None)
    message, hint = error.on_command_line()
    typer.echo(visible(message, lines=True), err=True)
    if hint:
        typer.echo(visible(hint, lines=True), err=True)
