"""The one exception tree of assay.

Every error that a user can cause is an [`AssayError`][assay.errors.AssayError] with a stable code, a message that says
what was expected, where, and what was found, and a hint that names one thing to do. The command line prints both and
exits with 1 (2 for `UsageError`); nothing else in the library decides about exit codes.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from difflib import get_close_matches
from importlib.util import find_spec
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# What our extras bring, by the name that Python imports: the distribution, and what pip installs it by.
_TFX: Final = "'assay[tfx]'"
_OPTIONAL: Final = {
    "absl": ("absl-py", _TFX),
    "apache_beam": ("apache-beam", _TFX),
    "cryptography": ("cryptography", "'assay[sign]'"),
    "dill": ("dill", _TFX),
    "fsspec": ("fsspec", "'assay[remote]'"),
    "keras": ("keras", _TFX),
    "keras_tuner": ("keras-tuner", _TFX),
    "kfp": ("kfp", "'assay[kfp]'"),
    "pandas": ("pandas", _TFX),
    "PIL": ("pillow", "'assay[images]'"),
    "psycopg": ("psycopg", "'assay[postgres]'"),
    "s3fs": ("s3fs", "'assay[s3]'"),
    "tensorboard": ("tensorboard", _TFX),
    "tensorflow": ("tensorflow", _TFX),
    "tensorflow_data_validation": ("tensorflow-data-validation", _TFX),
    "tensorflow_model_analysis": ("tensorflow-model-analysis", _TFX),
    "tensorflow_transform": ("tensorflow-transform", _TFX),
    "tf_keras": ("tf-keras", _TFX),
    "tfx_bsl": ("tfx-bsl", _TFX),
}


_FIRST_ARROW_FOR_NUMPY_2: Final = 16

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
        self.message = in_python(message)
        self.hint = in_python(hint)

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def on_command_line(self) -> tuple[str, str]:
        """Return the message and the hint with options of the command line in place of Python's arguments."""
        _, message, hint = self.args[:3]
        return on_command_line(message), on_command_line(hint)


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


_URL: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(.*)", re.DOTALL)  # the drive of "C:/" has one letter
_LOCAL_COPY: Final = "Mount the storage, or copy the files (for example with aws s3 cp, gsutil cp or curl -O)."


def argument(name: str, value: object = None, *, option: str = "", words: str = "") -> str:
    """Return an argument for the message of an error: `name=value` in Python, `--name value` on a command line.

    Args:
        name: The argument of the Python function.
        value: The value to give; none is named where None.
        option: The option of the commands; `--name`, with dashes, where empty.
        words: The value as the option has it; `value` as text where empty.
    """
    option = option or f"--{name.replace('_', '-')}"
    python = f"{name}=" if value is None else f"{name}={value!r}"
    written = words or str(value)
    quoted = quote(written) if any(map(str.isalnum, written)) else f"'{written}'"  # a mark alone is easily overlooked
    command = option if value is None else f"{option} {quoted}"
    return f"\ue000{python}\ue001{command}\ue002"


def in_python(text: str) -> str:
    """Return a text with its arguments as Python writes them."""
    return _ARGUMENT.sub(r"\1", text)


def on_command_line(text: str) -> str:
    """Return a text with its arguments as options of the command line."""
    return _ARGUMENT.sub(r"\2", text)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` Did you mean 'x'?` for the closest known name, or a list of the known names if none is close."""
    candidates = sorted(known)
    close = get_close_matches(name, candidates, n=1)
    if close:
        return f"Did you mean '{close[0]}'?"
    if candidates:
        return f"Known: {', '.join(candidates)}."
    return ""


def disk_full(path: Path, cause: OSError) -> ArtifactError:
    """Return the error for a write that the file system refused (no space, quota, read-only)."""
    return ArtifactError(
        "artifact.write_failed",
        f"Could not write {path}: {cause.strerror or cause}.",
        "Free space or choose another --root (or -o), then run again: finished steps of a pipeline are kept.",
    )


def check_not_url(path: object, what: str) -> None:
    """Check that a path is not a URL: only local files are read and written.

    Args:
        path: The path as it was given; `pathlib` has made one slash of the two of a URL.
        what: The argument or the thing that it names, as the subject of a sentence.

    Raises:
        UsageError: It is a URL, and not the name of an existing local file.
    """
    found = _URL.fullmatch(str(path))
    if found is None or Path(str(path)).exists():
        return
    scheme, rest = found.groups()
    hint = f"Give the path: /{rest}" if scheme == "file" else _LOCAL_COPY
    raise UsageError("path.url", f"{what} must be a local path, and {scheme}://{rest} is a URL.", hint)


def missing_packages(what: str, modules: Iterable[str]) -> UsageError | None:
    """Return the error for optional packages that are not installed; None where all are there.

    Args:
        what: What uses them, as the subject of a sentence, such as `Transform`.
        modules: Names that Python imports, of packages of assay's extras.
    """
    lacking = [name for name in modules if name in _OPTIONAL and find_spec(name) is None]
    if not lacking:
        return None
    names = [_OPTIONAL[name][0] for name in lacking]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
    extras = " ".join(dict.fromkeys(_OPTIONAL[name][1] for name in lacking))
    return UsageError(
        "package.missing",
        f"{what} requires {listed}, which {'is' if len(names) == 1 else 'are'} not installed in this environment.",
        f"Run: pip install {extras}",
    )


def missing_package(what: str, error: BaseException) -> UsageError | None:
    """Return the error for an import that failed since an optional package is not installed; else None.

    Args:
        what: What was done, as the subject of a sentence.
        error: What was raised; the error that it was raised from is looked at as well.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ModuleNotFoundError) and cause.name:
            return missing_packages(what, [cause.name.partition(".")[0]])
        cause = cause.__cause__
    return None


@contextmanager
def optional_packages(what: str) -> Iterator[None]:
    """Raise the error of `missing_package` where an optional package is not installed; also a decorator.

    Args:
        what: What is done, as the subject of a sentence.

    Raises:
        UsageError: An import failed since a package is not installed; the message names it and the command to run.
    """
    try:
        yield
    except ImportError as error:
        raise missing_package(what, error) or error from error


def check_arrow_and_numpy() -> None:
    """Check that the installed pyarrow can be imported beside the installed NumPy, before it is tried.

    pyarrow before 16 is built for NumPy 1: beside NumPy 2, which another package may have brought, its import prints
    pages and fails.

    Raises:
        UsageError: If it cannot.
    """
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  (errors are imported everywhere)

    try:
        arrow, numpy = version("pyarrow"), version("numpy")
        fits = int(arrow.partition(".")[0]) >= _FIRST_ARROW_FOR_NUMPY_2 or int(numpy.partition(".")[0]) < 2
    except (PackageNotFoundError, ValueError):  # not installed as packages, or of a version that says nothing
        return
    if not fits:
        raise UsageError(
            "package.numpy_2",
            f"pyarrow {arrow} is built for NumPy 1, but NumPy {numpy} is installed in this environment, for example by "
            "an unpinned pip install pandas.",
            "Run: pip install 'numpy<2' 'pandas<2', or install the versions of requirements/ again; `assay doctor` "
            "lists what does not fit.",
        )
