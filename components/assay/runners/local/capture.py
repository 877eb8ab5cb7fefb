"""Sends what a step prints, on any level, to its log."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from assay.errors import disk_full


@contextlib.contextmanager
def output_to(log: Path) -> Iterator[None]:
    """Redirects the process's standard output and error to the end of `log` while the block runs.

    Libraries in C++ write to the file descriptors, Python code to `sys.stdout` and `sys.stderr` (which a notebook or a
    test runner replaces), so both are redirected.

    Raises:
        ArtifactError: If the log cannot be opened.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        stream = log.open("a", encoding="utf-8", errors="backslashreplace", buffering=1)
    except OSError as error:
        raise disk_full(log, error) from error
    saved = os.dup(1), os.dup(2)
    with stream, contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        _flush_standard_streams()
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)
        try:
            yield
        finally:
            _flush_standard_streams()
            for descriptor, original in zip((1, 2), saved, strict=True):
                os.dup2(original, descriptor)
                os.close(original)


def _flush_standard_streams() -> None:
    """Flushes the redirected and the original streams; a closed or full one has nothing to lose."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        if stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
