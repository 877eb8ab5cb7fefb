"""The one exception tree of assay.

Every error that a user can cause is an [`AssayError`][assay.errors.AssayError] with a stable code, a message that says
what was expected, where, and what was found, and a hint that names one thing to do. The command line prints both and
exits with 1 (2 for `UsageError`); nothing else in the library decides about exit codes.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


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
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


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
