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
from typing import Any
from urllib.parse import urlsplit

from assay.artifacts.local_copy import local_path
from assay.artifacts.store import MANIFEST
from assay.errors import ArtifactError, UsageError, disk_full

_MOUNTS = {"gs": "gcs", "s3": "s3", "minio": "minio"}
_PACKAGES = {"gs": "gcsfs", "s3": "s3fs"}


@dataclass(frozen=True, slots=True)
class Places:
    """Finds and keeps files by path or URL.

    Attributes:
        scratch: A folder for what is fetched; the caller removes it.
        root: Where the mounts lie; `/` in a container.
    """

    scratch: Path
    root: Path = Path("/")

    def fetch(self, uri: str) -> Path | None:
        """Gives a local path of a file or folder; None where nothing lies there."""
        path = self._local(uri)
        if path is not None and path.exists():
            return path
        return None if "://" not in uri else self._download(uri)

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
            raise disk_full(path, error) from error

    def _local(self, uri: str) -> Path | None:
        scheme, rest = _split(uri)
        if not scheme:
            return Path(rest)
        return self.root / _MOUNTS[scheme] / rest if scheme in _MOUNTS else None

    def _is_mounted(self, uri: str) -> bool:
        scheme, _ = _split(uri)
        return scheme in _MOUNTS and (self.root / _MOUNTS[scheme]).is_dir()

    def _download(self, uri: str) -> Path | None:
        filesystem, base = open_url(uri)
        files = _remote_files(filesystem, base, uri)
        if not files:
            return None
        # Made anew each time: a killed attempt may have left half of it.
        target = Path(tempfile.mkdtemp(dir=self.scratch)) / base.rsplit("/", 1)[-1]
        for file in files:
            local = local_path(target, file[len(base) :]) if file != base else target
            local.parent.mkdir(parents=True, exist_ok=True)
            try:
                filesystem.get_file(file, str(local))
            except OSError as error:
                raise _unreachable(uri, error) from error
        return target

    def _upload(self, made: Path, uri: str) -> None:
        filesystem, base = open_url(uri)
        try:
            for file in _manifest_last(made):
                inside = file.relative_to(made).as_posix()
                filesystem.put_file(str(file), base if inside == "." else f"{base}/{inside}")
        except OSError as error:
            raise _unreachable(uri, error) from error


def _split(uri: str) -> tuple[str, str]:
    """Gives scheme and rest; a path, and `file://`, have no scheme."""
    if "://" not in uri:
        return "", uri
    parts = urlsplit(uri)
    rest = f"{parts.netloc}{parts.path}"
    return ("", rest) if parts.scheme == "file" else (parts.scheme, rest)


def open_url(uri: str) -> tuple[Any, str]:
    """Gives the file system of a URL and the path in it.

    Raises:
        UsageError: If fsspec, or its package for the scheme, is not installed.
    """
    scheme, rest = _split(uri)
    protocol = "s3" if scheme == "minio" else scheme
    try:
        import fsspec  # noqa: PLC0415 (an extra; only where there is no mount)

        options = {"skip_instance_cache": True, "use_listings_cache": False} if protocol == "s3" else {}
        return fsspec.filesystem(protocol, **options), rest.rstrip("/")
    except (ImportError, ValueError) as error:
        package = _PACKAGES.get(protocol, "the package of that scheme")
        raise UsageError(
            "kfp.no_file_system",
            f"{uri} is not mounted at /{_MOUNTS.get(scheme, scheme)}, and fsspec cannot open it: {error}.",
            f"Install {package} beside fsspec in the image, or let KFP mount it.",
        ) from None


def _remote_files(filesystem: Any, base: str, uri: str) -> list[str]:
    try:
        return [str(file) for file in filesystem.find(base)]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreachable(uri, error) from error


def _unreachable(uri: str, error: OSError) -> ArtifactError:
    return ArtifactError(
        "kfp.unreachable",
        f"{uri} could not be reached: {type(error).__name__}: {error}.",
        "Check the credentials and the endpoint (AWS_ENDPOINT_URL, say) of the step's container.",
    )


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
