"""Arrow without pandas: half a second less for a command that takes one."""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from typing import Final

import typer

OWN_PROCESS: Final = "own process"
"""The context's object when the console script runs the command, and not a test or another program."""


def keep_pandas_out(context: typer.Context) -> None:
    """Lets pyarrow find no pandas in this process, if the process is the command's own and has not loaded it yet.

    pyarrow imports pandas on the first conversion of Python values, to recognise pandas' own, which a command line
    never holds. Not for processes that run a user's module, which may want pandas.
    See docs/decisions/0051-pandas-import-in-commands.md.
    """
    if context.find_root().obj == OWN_PROCESS and "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas())


class _NoPandas(MetaPathFinder):
    """Makes the import of pandas fail.

    None in `sys.modules` would do so in Python code, but pyarrow 25 takes that None for the module.
    """

    def find_spec(self, fullname: str, *_: object) -> None:
        """Return None for other modules, so that the other finders look for them."""
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is disabled in this process", name=fullname)
