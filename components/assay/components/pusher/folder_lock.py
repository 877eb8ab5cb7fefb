"""Locks that the kernel gives back when their owner dies, however it dies, and staging folders that are held by one."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEMPORARY = ".assay-push-"
_HELD = "held"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Holds the lock of a file, which is made if need be; waits for whoever has it.

    A file system without locks (some network mounts) is no error: the rename that follows is still atomic.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def held_folder(base: Path, lock: Path) -> Iterator[Path]:
    """Gives a new folder below `base` that `sweep` leaves alone as long as this process lives."""
    folder = base / f"{TEMPORARY}{uuid.uuid4().hex}"
    with locked(lock):  # so that no sweep sees the folder before it is held
        folder.mkdir()
        descriptor = os.open(folder / _HELD, os.O_RDWR | os.O_CREAT, 0o644)
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        yield folder
    finally:
        os.close(descriptor)
        # A folder that cannot be removed has no number: no server takes it, and the next push tries again.
        shutil.rmtree(folder, ignore_errors=True)


def sweep(base: Path) -> None:
    """Removes the folders below `base` whose owners are dead; call it under the lock of `base`."""
    for folder in base.glob(f"{TEMPORARY}*"):
        if not _is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_held(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / _HELD, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # held, or this file system has no locks: then nobody can tell
        return True
    finally:
        os.close(descriptor)
    return False
