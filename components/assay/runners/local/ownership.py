"""Who is alive: a lock file for each process that runs a pipeline, held as long as the process lives.

The operating system drops the lock when a process ends, however it ends, so a killed run is told from a slow one
without a time-out.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import disk_full


@contextmanager
def owned(folder: Path, token: str) -> Iterator[None]:
    """Holds the lock of `token` while the block runs.

    Raises:
        ArtifactError: If the lock file cannot be written.
    """
    path = _lock(folder, token)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise disk_full(path, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def is_alive(folder: Path, token: str) -> bool:
    """Tells whether the process that holds the lock of `token` still runs; changes nothing."""
    try:
        descriptor = os.open(_lock(folder, token), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        # Shared, so that two that ask at once do not take each other for the owner.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)


def forget(folder: Path, token: str) -> None:
    """Removes the lock file that a dead process left."""
    _lock(folder, token).unlink(missing_ok=True)


def _lock(folder: Path, token: str) -> Path:
    return folder / f"{token}.lock"
