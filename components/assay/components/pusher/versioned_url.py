"""Versions below a URL that fsspec can open: object stores, mostly, which have no rename.

A number is claimed by creating its claim, which only one can. Then the files are uploaded, `saved_model.pb` last, by
which TensorFlow Serving tells a model that is complete; then the receipt. A version with a claim and no receipt is
being pushed, or was killed: it is not a version to anything here, and a later push removes it when it is a day old.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import msgspec

from assay.components.pusher.receipt import (
    OWN_FOLDER,
    Receipt,
    Version,
    is_version,
    next_number,
    read_receipt,
    removable,
)
from assay.errors import ArtifactError, UsageError
from assay.files import local_path
from assay.gating.blessing import served_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_DAY = 86_400
_LAST = "saved_model.pb"


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionedUrl:
    """A destination behind fsspec.

    Attributes:
        url: The URL of versions.
        files: fsspec's file system.
        path: The URL as that file system knows it.
        keep_last: How many versions to keep; None keeps all.
        inside: The folder within a version that holds the model; the version itself where it is empty.
        clock: Gives the time.
    """

    url: str
    files: Any
    path: str
    keep_last: int | None = None
    inside: str = ""
    clock: Callable[[], float] = time.time

    @property
    def base(self) -> str:
        """The URL."""
        return self.url

    def versions(self) -> Sequence[Version]:
        """Return the complete versions, by number."""
        with self._storage_failures():
            claimed, found = set(self._names(f"{OWN_FOLDER}/claims")), set(self._names(f"{OWN_FOLDER}/receipts"))
            names = [name for name in self._names("") if is_version(name)]
            # A version that has neither claim nor receipt was put there by something else.
            complete = [name for name in names if f"{name}.json" in found or name not in claimed]
            return tuple(self._version(name, f"{name}.json" in found) for name in sorted(complete, key=int))

    @contextmanager
    def staging(self) -> Iterator[Path]:
        """Return a local temporary folder, from which `publish` uploads."""
        with tempfile.TemporaryDirectory(prefix="assay-push-") as folder:
            yield Path(folder)

    def publish(self, staged: Path, receipt: Receipt) -> Receipt:
        """Upload the staged model under the first number that can be claimed.

        Raises:
            ArtifactError: The store refused; whatever had been uploaded is removed.
        """
        with self._storage_failures():
            self._remove_abandoned()
            current = self.versions()[-1:]
            if current and self._is(current[0], receipt.content_digest):
                version = current[0]
                return replace(
                    receipt, base=self.url, version=version.name, destination=version.location, already_there=True
                )
            name = self._claim()
            made = replace(
                receipt,
                base=self.url,
                version=name,
                destination=f"{self.url.rstrip('/')}/{name}",
                pushed_at=round(self.clock(), 3),
            )
            try:
                self._upload(staged, name)
                self.files.pipe_file(self._at(OWN_FOLDER, "receipts", f"{name}.json"), made.to_json())
            except BaseException:
                self._remove(name)
                raise
            return replace(made, removed=self._remove_old())

    def fetch(self, version: Version, folder: Path) -> None:
        """Download a version's model."""
        with self._storage_failures():
            root = self._at(version.name, self.inside)
            for path in self.files.find(root):
                target = local_path(folder, PurePosixPath(path).relative_to(PurePosixPath(root)).as_posix())
                target.parent.mkdir(parents=True, exist_ok=True)
                self.files.get_file(path, str(target))

    def digest(self, version: Version) -> str:
        """Return the digest of a version's files, from the bytes in the store."""
        with tempfile.TemporaryDirectory(prefix="assay-push-") as folder:
            self.fetch(version, Path(folder))
            return served_digest(Path(folder))

    def _at(self, *parts: str) -> str:
        return "/".join([self.path.rstrip("/"), *(part for part in parts if part)])

    def _names(self, folder: str) -> list[str]:
        self.files.invalidate_cache()  # a listing that is remembered would show the store as it was
        try:
            return [PurePosixPath(path).name for path in self.files.ls(self._at(folder), detail=False)]
        except FileNotFoundError:
            return []

    def _version(self, name: str, with_receipt: bool) -> Version:  # noqa: FBT001 (private)
        location = f"{self.url.rstrip('/')}/{name}"
        if not with_receipt:
            return Version(name=name, location=location)
        file = self._at(OWN_FOLDER, "receipts", f"{name}.json")
        return Version(name=name, location=location, receipt=read_receipt(self.files.cat_file(file), file))

    def _is(self, version: Version, digest: str) -> bool:
        try:
            return self.digest(version) == digest
        except ArtifactError:
            return False

    def _claim(self) -> str:
        claims = f"{OWN_FOLDER}/claims"
        self.files.makedirs(self._at(claims), exist_ok=True)
        self.files.makedirs(self._at(OWN_FOLDER, "receipts"), exist_ok=True)
        number = next_number(
            [name for name in (*self._names(""), *self._names(claims)) if is_version(name)], self.clock()
        )
        while True:
            claim = msgspec.json.encode({"claimed_at": self.clock()})
            try:
                self.files.pipe_file(self._at(claims, str(number)), claim, mode="create")
            except FileExistsError:
                number = next_number([str(number)], self.clock())
            else:
                return str(number)

    def _upload(self, staged: Path, name: str) -> None:
        paths = sorted(
            (path for path in staged.rglob("*") if path.is_file()), key=lambda path: (path.name == _LAST, path)
        )
        for path in paths:
            target = self._at(name, self.inside, path.relative_to(staged).as_posix())
            self.files.makedirs(target.rpartition("/")[0], exist_ok=True)
            self.files.put_file(str(path), target)

    def _remove(self, name: str) -> None:
        """Remove a version: its completion mark first, its claim last."""
        for path in (self._at(name, self.inside, _LAST), self._at(name), self._at(OWN_FOLDER, "claims", name)):
            if self.files.exists(path):
                with suppress(FileNotFoundError):  # another push removes the same version at this moment
                    self.files.rm(path, recursive=True)

    def _remove_old(self) -> tuple[str, ...]:
        """Remove versions beyond `keep_last`; what cannot be removed stays, since the push itself has succeeded."""
        removed = []
        with suppress(OSError, ArtifactError):
            for version in removable(self.versions(), self.keep_last):
                self._remove(version.name)
                removed.append(version.name)
        return tuple(removed)

    def _remove_abandoned(self) -> None:
        done = set(self._names(f"{OWN_FOLDER}/receipts"))
        for name in self._names(f"{OWN_FOLDER}/claims"):
            if f"{name}.json" in done or not is_version(name):
                continue
            try:
                claim = msgspec.json.decode(self.files.cat_file(self._at(OWN_FOLDER, "claims", name)))
            except FileNotFoundError:  # another push removed it at this moment
                continue
            if self.clock() - float(claim["claimed_at"]) > _DAY:
                self._remove(name)

    @contextmanager
    def _storage_failures(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise ArtifactError(
                "pusher.destination",
                f"Could not push to {self.url}: {error}.",
                "Check that the store is reachable and writable, then run again; nothing was pushed.",
            ) from error


def open_url(url: str, *, keep_last: int | None, inside: str = "") -> VersionedUrl:
    """Open a URL of versions.

    Raises:
        UsageError: fsspec, or its package for this kind of URL, is not installed; or it does not know the kind.
    """
    try:
        import fsspec
    except ImportError:
        raise UsageError(
            "pusher.no_fsspec", f"Pushing to {url} needs the package `fsspec`.", "pip install 'assay[remote]'"
        ) from None
    try:
        files, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise UsageError("pusher.url", f"Cannot push to {url}: {error}.") from error
    return VersionedUrl(url=url, files=files, path=str(path), keep_last=keep_last, inside=inside)
