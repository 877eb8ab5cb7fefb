"""Arrow without pandas: half a second less for a command that takes one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


def keep_pandas_out() -> None:
    """Lets pyarrow find no pandas, in this process, if none is loaded yet.

    pyarrow imports pandas on the first conversion of Python values, to recognise pandas' own, which a command line
    never holds; it looks once and remembers. Whoever imports pandas later still gets it, but no data frames from
    pyarrow: not for processes that run a user's module.
    See docs/decisions/0051-pandas-is-kept-out-of-the-command-line.md.
    """
    if "pandas" in sys.modules:
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
