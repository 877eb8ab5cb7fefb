"""Where artifacts lie: paths, KFP's mounts of object stores, and object stores themselves.

KFP mounts (or copies) `gs://bucket/key` to `/gcs/bucket/key`, `s3://` to `/s3/` and `minio://` to `/minio/`. Where
there is no such mount, files are fetched and put through fsspec.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from assay.artifacts.local_copy import local_path
from assay.artifacts.store import MANIFEST
from assay.errors import ArtifactError
from assay.runners.kfp.executor_io import RuntimeArtifact
from assay.runners.kfp.object_store import download_page, is_web, open_store

_MOUNTS = {"gs": "gcs", "s3": "s3", "minio": "minio"}
# Where KFP keeps what an importer brought into a run's workspace, by metadata that it sets.
_WORKSPACE = "kfp-workspace/.artifacts"
_IN_WORKSPACE = "_kfp_workspace"


@dataclass(frozen=True, slots=True)
class Places:
    """Finds and keeps files by path or URL.

    Attributes:
        scratch: A folder for what is fetched; the caller removes it.
        root: Where the mounts lie; `/` in a container.
    """

    scratch: Path
    root: Path = Path("/")

    def find(self, artifact: RuntimeArtifact) -> Path | None:
        """Gives a local path of an input artifact, which KFP may have put elsewhere than its URI says."""
        mounted = self._local(artifact.uri)
        if artifact.custom_path:
            path = Path(artifact.custom_path)
        elif artifact.metadata.get(_IN_WORKSPACE) is True and mounted is not None:
            path = self.root / _WORKSPACE / mounted.relative_to(self.root)
        else:
            return self.fetch(artifact.uri)
        return path if _is_there(path) else None

    def fetch(self, uri: str) -> Path | None:
        """Gives a local path of a file or folder; None where nothing lies there."""
        path = self._local(uri)
        if path is not None and _is_there(path):
            return path
        return None if "://" not in uri else self._download(uri)

    def holds(self, uri: str, name: str) -> bool:
        """Whether the folder at a path or URL has a file of that name."""
        folder = self._local(uri)
        if folder is not None and ("://" not in uri or self._is_mounted(uri)):
            return _is_there(folder / name)
        return "://" in uri and name in open_store(uri).names()

    def publish(self, made: Path, uri: str) -> None:
        """Puts a sealed folder, or a file, where KFP wants it; the manifest is the last file to appear.

        Raises:
            ArtifactError: If it cannot be written there.
        """
        path = self._local(uri)
        if path is None or ("://" in uri and not self._is_mounted(uri)):
            self._upload(made, uri)
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.exists():  # of an earlier attempt of the same task
                _remove(path)
            _move(made, path)
        except OSError as error:
            raise ArtifactError(
                "kfp.not_written",
                f"{path} could not be written: {error.strerror or error}.",
                f"Give the step's container room, and its user ({os.getuid()}) the right to write there.",
            ) from error

    def _local(self, uri: str) -> Path | None:
        scheme, rest = _split(uri)
        if not scheme:
            return Path(rest)
        if scheme == "oci":  # an image whose files a sidecar of KFP's shows
            return self.root / "oci" / rest.replace("/", "_") / "models"
        return self.root / _MOUNTS[scheme] / rest if scheme in _MOUNTS else None

    def _is_mounted(self, uri: str) -> bool:
        scheme, _ = _split(uri)
        return scheme in _MOUNTS and (self.root / _MOUNTS[scheme]).is_dir()

    def _download(self, uri: str) -> Path | None:
        # Made anew each time: a killed attempt may have left half of it.
        path = urlsplit(uri).path if is_web(uri) else _split(uri)[1]
        target = Path(tempfile.mkdtemp(dir=self.scratch)) / (path.rstrip("/").rsplit("/", 1)[-1] or "index")
        if is_web(uri):
            return target if download_page(uri, target) else None
        store = open_store(uri)
        names = store.names()
        for name in names:
            local = local_path(target, name) if name else target
            local.parent.mkdir(parents=True, exist_ok=True)
            store.get(name, local)
        return target if names else None

    def _upload(self, made: Path, uri: str) -> None:
        store = open_store(uri)
        if made.is_dir():  # what an earlier attempt of the task left must not mix with this one
            store.remove(sorted(store.names(), key=lambda name: name != MANIFEST))
        for file in _manifest_last(made):
            store.put(file, file.relative_to(made).as_posix() if made.is_dir() else "")


def _is_there(path: Path) -> bool:
    """Whether something lies at a path; unlike `Path.exists`, what may not be looked at is no nothing.

    Raises:
        OSError: If the path may not be looked at.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _split(uri: str) -> tuple[str, str]:
    """Gives scheme and rest, which may hold any character; a path, and `file://`, have no scheme."""
    scheme, found, rest = uri.partition("://")
    if not found:
        return "", uri
    return ("", unquote(urlsplit(uri).path)) if scheme == "file" else (scheme, rest)


def _manifest_last(made: Path) -> list[Path]:
    if made.is_file():
        return [made]
    files = sorted(path for path in made.rglob("*") if path.is_file())
    return sorted(files, key=lambda path: path == made / MANIFEST)


def _move(made: Path, path: Path) -> None:
    """Renames; across file systems, and on mounts that cannot rename folders, copies with the manifest last."""
    try:
        made.rename(path)
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.ENOTSUP, errno.ENOSYS, errno.EMFILE}:
            raise
        for file in _manifest_last(made):
            target = path / file.relative_to(made) if made.is_dir() else path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            with target.open("rb") as stream:
                os.fsync(stream.fileno())
        _remove(made)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()
