"""The one exception tree of assay.

Every error that a user can cause is an [`AssayError`][assay.errors.AssayError] with a stable code, a message that says
what was expected, where, and what was found, and a hint that names one thing to do. The command line prints both and
exits with 1 (2 for `UsageError`); nothing else in the library decides about exit codes.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from shlex import quote
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


# Private characters, which no text has, around the two ways to write an argument; `argument` puts them into a message.
_ARGUMENT: Final = re.compile("\ue000([^\ue001]*)\ue001([^\ue002]*)\ue002")


class AssayError(Exception):
    """An error that names its cause, its place and one remedy.

    Attributes:
        code: A stable, machine-readable reason such as `csv.ragged_row`.
        message: What was expected and where, and what was found.
        hint: One thing to do; empty where the message already says it.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code = code
        self.message = _ARGUMENT.sub(r"\1", message)
        self.hint = _ARGUMENT.sub(r"\1", hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def on_command_line(self) -> tuple[str, str]:
        """Return the message and the hint with options of the command line in place of Python's arguments."""
        _, message, hint = self.args[:3]
        return _ARGUMENT.sub(r"\2", message), _ARGUMENT.sub(r"\2", hint)


class UsageError(AssayError):
    """A signature, a pipeline, a configuration or a command line is wrong."""


class ArtifactError(AssayError):
    """An artifact is missing, or its layout, version or digest is wrong."""


class DataError(AssayError):
    """Input data cannot be read; the message names file, row and column where they are known."""


class EngineError(AssayError):
    """An engine could not run a computation, or lost or made rows."""


class LineageError(AssayError):
    """The lineage store cannot be opened, read or written."""


class UserCodeError(AssayError):
    """Code that the user supplied raised.

    Attributes:
        user_traceback: The traceback from the user's own frames down, as text.
    """

    def __init__(self, code: str, message: str, hint: str = "", *, user_traceback: str = "") -> None:
        super().__init__(code, message, hint)
        self.user_traceback = user_traceback


def argument(name: str, value: object = None, *, option: str = "") -> str:
    """Return an argument for the message of an error: `name=value` in Python, `--name value` on a command line.

    Args:
        name: The argument of the Python function.
        value: The value to give; none is named where None.
        option: The option of the commands; `--name`, with dashes, where empty.
    """
    option = option or f"--{name.replace('_', '-')}"
    python, shell = (f"{name}=", option) if value is None else (f"{name}={value!r}", f"{option} {quote(str(value))}")
    return f"\ue000{python}\ue001{shell}\ue002"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Gives ` Did you mean 'x'?` for the closest known name, or lists the known names where none is close."""
    candidates = sorted(known)
    close = get_close_matches(name, candidates, n=1)
    if close:
        return f"Did you mean '{close[0]}'?"
    if candidates:
        return f"Known: {', '.join(candidates)}."
    return ""


def disk_full(path: Path, cause: OSError) -> ArtifactError:
    """Gives the error for a write that the file system refused (no space, quota, read-only)."""
    return ArtifactError(
        "artifact.write_failed",
        f"Could not write {path}: {cause.strerror or cause}.",
        "Free space or choose another --root (or -o), then run again: finished steps of a pipeline are kept.",
    )
