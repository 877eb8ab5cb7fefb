"""What a shell user sees of an error: the user's own traceback, the message, the hint."""

from __future__ import annotations

import typer

from assay.errors import AssayError, UsageError, UserCodeError


def exit_code_of(error: AssayError) -> int:
    """The exit code of a command that ends with this error: 2 for wrong usage, else 1."""
    return 2 if isinstance(error, UsageError) else 1


def print_failure(error: AssayError) -> None:
    """Prints an error on standard error; colours only on a terminal."""
    if isinstance(error, UserCodeError) and error.user_traceback:
        typer.echo(error.user_traceback, err=True)
    typer.secho("Error: ", fg=typer.colors.RED, bold=True, nl=False, err=True)
    typer.echo(error.message, err=True)
    if error.hint:
        typer.echo(error.hint, err=True)
