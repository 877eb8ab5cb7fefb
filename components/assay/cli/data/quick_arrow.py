"""Arrow without pandas: half a second less for a command that takes one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import typer

OWN_PROCESS: Final = "own process"
"""The context's object when the console script runs the command, and not a test or another program."""


def keep_pandas_out(context: typer.Context) -> None:
    """Lets pyarrow find no pandas in this process, if the process is the command's own and has not loaded it yet.

    pyarrow imports pandas on the first conversion of Python values, to recognise pandas' own, which a command line
    never holds; it looks once and remembers. Whoever imports pandas later still gets it, but no data frames from
    pyarrow: not for processes that run a user's module.
    See docs/decisions/0051-pandas-is-kept-out-of-the-command-line.md.
    """
    if context.find_root().obj != OWN_PROCESS or "pandas" in sys.modules:
        return
    with _absent("pandas"):
        import pyarrow as pa

        pa.array([0])


@contextmanager
def _absent(name: str) -> Iterator[None]:
    sys.modules[name] = None  # type: ignore[assignment]  # Python's own way to make an import fail
    try:
        yield
    finally:
        del sys.modules[name]
