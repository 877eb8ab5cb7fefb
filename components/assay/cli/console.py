"""The console that commands print on: colours and spinners on a terminal only, plain text anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import UnsupportedOperation
from typing import TextIO

from rich.console import Console


@contextmanager
def open_console(*, stderr: bool = False) -> Iterator[Console]:
    """Gives a console on standard output or error that still writes there while a step's output goes to its log."""
    stream = sys.stderr if stderr else sys.stdout
    own = _duplicate(stream)
    try:
        # No markup and no highlighting: names and sentences may hold brackets, and are printed as they are.
        yield Console(file=own or stream, markup=False, highlight=False, emoji=False)
    finally:
        if own is not None:
            own.close()


def _duplicate(stream: TextIO) -> TextIO | None:
    """A second way to the same terminal or file; None for a stream without one, such as a notebook's or a test's."""
    try:
        descriptor = os.dup(stream.fileno())
    except (AttributeError, OSError, UnsupportedOperation):
        return None
    stream.flush()
    return os.fdopen(descriptor, "w", encoding=stream.encoding, errors="backslashreplace", buffering=1)
