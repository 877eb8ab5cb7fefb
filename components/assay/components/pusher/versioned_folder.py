"""A folder of numbered versions, as TensorFlow Serving and its kin watch it.

A server takes any subfolder whose name is a number for a version, the moment it appears. So a version is built under a
name that is not a number, forced to disk, and renamed: a partial version is never visible. A version
that is removed is renamed first, for the same reason.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import time
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.components.pusher.receipt import (
    OWN_FOLDER,
    Receipt,
    Version,
    is_version,
    next_number,
    read_receipt,
    removable,
)
from assay.errors import ArtifactError
from assay.files import write_durably
from assay.gating.blessing import served_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

TEMPORARY = ".assay-push-"
_HELD = "held"


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock of a file, which is made if need be; wait for whoever has it.

    A file system without locks (some network mounts) is not an error: the rename that follows is still atomic.
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
    """Return a new folder below `base` that `sweep` keeps as long as this process lives."""
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
    """Remove the folders below `base` whose owners are dead; the caller must have the lock of `base`."""
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


_MODEL = "model"
_REMOVING = "removing"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionedFolder:
    """A destination on this machine.

    Attributes:
        path: The folder of versions; made where it is not there.
        keep_last: How many versions to keep; None keeps all.
        inside: The folder within a version that holds the model; the version itself where it is empty.
        clock: Gives the time.
    """

    path: Path
    keep_last: int | None = None
    inside: str = ""
    clock: Callable[[], float] = time.time

    @property
    def base(self) -> str:
        """The folder as text."""
        return str(self.path)

    def versions(self) -> Sequence[Version]:
        """Return the versions, by number, with their receipts."""
        names = [path.name for path in self.path.iterdir() if path.is_dir()] if self.path.is_dir() else []
        return tuple(self._version(name) for name in sorted(filter(is_version, names), key=int))

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Return a folder on the same file system as the versions, so that a rename can publish it.

        Raises:
            ArtifactError: The folder of versions cannot be written.
        """
        with self._storage_failures():
            with locked(self._lock):
                sweep(self.path)
                self._finish_removals()
            with held_folder(self.path, self._lock) as held:
                staged = held / _MODEL / self.inside
                staged.mkdir(parents=True)
                yield staged

    def publish(self, staged: Path, receipt: Receipt) -> Receipt:
        """Rename the staged model to the first free number.

        Raises:
            ArtifactError: The folder of versions cannot be written.
        """
        folder = staged.parent if self.inside else staged
        with self._storage_failures():
            _sync_tree(folder)
            with locked(self._lock):
                current = self.versions()[-1:]
                if current and self._is(current[0], receipt.content_digest):
                    return self._already_there(current[0], receipt)
                published = self._claim(folder, receipt)
                return replace(published, removed=self._remove_old())

    def fetch(self, version: Version, folder: Path) -> None:
        """Copy a version's model."""
        copy_model(Path(version.location) / self.inside, folder)

    def digest(self, version: Version) -> str:
        """Return the digest of a version's model."""
        return served_digest(Path(version.location) / self.inside)

    @property
    def _lock(self) -> Path:
        return self.path / OWN_FOLDER / "lock"

    def _receipt(self, name: str) -> Path:
        return self.path / OWN_FOLDER / "receipts" / f"{name}.json"

    def _version(self, name: str) -> Version:
        file = self._receipt(name)
        receipt = read_receipt(file.read_bytes(), str(file)) if file.is_file() else None
        return Version(name=name, location=str(self.path / name), receipt=receipt)

    def _is(self, version: Version, digest: str) -> bool:
        try:
            return self.digest(version) == digest
        except ArtifactError:  # an empty folder that someone made, or one that nothing can vouch for
            return False

    def _already_there(self, version: Version, receipt: Receipt) -> Receipt:
        return replace(receipt, base=self.base, version=version.name, destination=version.location, already_there=True)

    def _claim(self, folder: Path, receipt: Receipt) -> Receipt:
        now = self.clock()
        # A file or an empty folder of that name is not ours to take either.
        number = next_number([path.name for path in self.path.iterdir() if is_version(path.name)], now)
        while True:
            target = self.path / str(number)
            made = replace(
                receipt, base=self.base, version=target.name, destination=str(target), pushed_at=round(now, 3)
            )
            file = self._receipt(target.name)
            file.parent.mkdir(parents=True, exist_ok=True)
            # The receipt is there before the version: no version of ours is ever without one.
            write_durably(file, made.to_json())
            # rename() fails on a folder with files in it, and would replace an empty one.
            if not target.exists():
                try:
                    folder.rename(target)
                except OSError as error:
                    file.unlink(missing_ok=True)
                    if error.errno not in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
                        raise
                else:
                    _sync(self.path)
                    return made
            number = next_number([str(number)], now)

    def _remove_old(self) -> tuple[str, ...]:
        """Remove versions beyond `keep_last`; what cannot be removed stays, since the push itself has succeeded."""
        removing, removed = self.path / OWN_FOLDER / _REMOVING, []
        for version in removable(self.versions(), self.keep_last):
            with suppress(OSError):
                removing.mkdir(exist_ok=True)
                Path(version.location).rename(removing / version.name)
                removed.append(version.name)
        self._finish_removals()
        return tuple(removed)

    def _finish_removals(self) -> None:
        """Finish the removals of a killed push; receipts stay, as the record of what was once pushed."""
        shutil.rmtree(self.path / OWN_FOLDER / _REMOVING, ignore_errors=True)

    @contextmanager
    def _storage_failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ArtifactError(
                "pusher.destination",
                f"Could not push to {self.path}: {error.strerror or error} ({error.filename or self.path}).",
                "Check that the folder is writable and has space for the model, then run again; nothing was pushed.",
            ) from error


def copy_model(source: Path, target: Path) -> None:
    """Copy the files of a model to an existing empty folder: contents only, no modes, no links."""
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(exist_ok=True)
        else:
            shutil.copyfile(path, copy)


def _sync_tree(folder: Path) -> None:
    """Force a folder to disk, subfolders included: after the rename nothing may be missing."""
    for path in sorted(folder.rglob("*"), reverse=True):
        _sync(path)
    _sync(folder)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems have no fsync for folders
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
