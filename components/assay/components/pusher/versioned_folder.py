"""A folder of numbered versions, as TensorFlow Serving and its kin watch it.

A server takes any subfolder whose name is a number for a version, the moment it appears. So a version is built under a
name that is no number, forced to disk, and renamed: there is no moment at which a part of it is to be seen.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CHUNK = 1 << 20
_TEMPORARY = ".assay-push-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version in the folder.

    Attributes:
        path: Its folder.
        name: Its number.
        digest: The digest of its files.
        already_there: Whether an earlier push had made it.
    """

    path: Path
    name: str
    digest: str
    already_there: bool = False


def push_version(model: Path, base: Path, *, clock: Callable[[], float] = time.time) -> Version:
    """Copies `model` to a new version under `base`, whole or not at all.

    The version is the Unix time in seconds, or the next number that is free: it is above every version that is there,
    so that a server takes it for the newest. The model that is already the latest version is not copied again.

    Args:
        model: The folder whose contents become the version's.
        base: The folder of versions; made where it is not there.
        clock: Gives the time.

    Raises:
        ArtifactError: `model` is no folder with files in it, or `base` cannot be written. Nothing is left behind.
    """
    digest = content_digest(model)
    temporary = base / f"{_TEMPORARY}{uuid.uuid4().hex}"
    try:
        latest = latest_version(base)
        if latest is not None and any(_files(latest)) and content_digest(latest) == digest:
            return Version(path=latest, name=latest.name, digest=digest, already_there=True)
        base.mkdir(parents=True, exist_ok=True)
        _copy(model, temporary)
        path = _claim(temporary, base, clock)
    except OSError as error:
        raise ArtifactError(
            "pusher.destination",
            f"Could not push to {base}: {error.strerror or error} ({error.filename or temporary}).",
            "Nothing was pushed. See that the folder can be written and has space for the model, then run again.",
        ) from error
    finally:
        # Only a push that failed still has it. A folder that cannot be removed has no number: no server takes it.
        shutil.rmtree(temporary, ignore_errors=True)
    return Version(path=path, name=path.name, digest=digest)


def latest_version(base: Path) -> Path | None:
    """Gives the folder of the highest number, or None where there is none."""
    versions = [path for path in base.iterdir() if path.name.isdecimal() and path.is_dir()] if base.is_dir() else []
    return max(versions, key=lambda path: int(path.name), default=None)


def content_digest(folder: Path) -> str:
    """Gives `sha256:` over the names and contents of the files in a folder, as they are now.

    Raises:
        ArtifactError: The folder is missing, or holds no file.
    """
    total = hashlib.sha256()
    count = 0
    for path in _files(folder):
        count += 1
        one = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                one.update(chunk)
        total.update(f"{one.hexdigest()} {path.relative_to(folder).as_posix()}\n".encode())
    if not count:
        raise ArtifactError(
            "pusher.no_model",
            f"Expected a model at {folder}; there is {'nothing in it' if folder.is_dir() else 'no such folder'}.",
            "The Trainer must save the model for serving.",
        )
    return f"sha256:{total.hexdigest()}"


def _files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*") if path.is_file())


def _copy(source: Path, target: Path) -> None:
    """Copies a folder and forces it to disk, folders included: after the rename nothing may be missing."""
    target.mkdir()
    folders = [target]
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir()
            folders.append(copy)
        else:
            shutil.copyfile(path, copy)
            _sync(copy)
    for folder in reversed(folders):
        _sync(folder)


def _claim(temporary: Path, base: Path, clock: Callable[[], float]) -> Path:
    """Renames the finished copy to the first free number."""
    latest = latest_version(base)
    number = max(int(clock()), int(latest.name) + 1 if latest else 0)
    while True:
        path = base / str(number)
        # rename() fails on a folder with files in it, and would replace an empty one: no version is ever empty, but
        # a folder made by hand may be, and is not ours to take.
        if not path.exists():
            try:
                temporary.rename(path)
            except OSError as error:
                if error.errno not in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
                    raise
            else:
                _sync(base)
                return path
        number += 1


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems have no fsync for folders
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
