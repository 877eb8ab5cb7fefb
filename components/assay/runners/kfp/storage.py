"""Where artifacts lie: paths, KFP's mounts of object stores, and object stores themselves.

KFP mounts (or copies) `gs://bucket/key` to `/gcs/bucket/key`, `s3://` to `/s3/` and `minio://` to `/minio/`. Where
there is no such mount, files are fetched and put through fsspec.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from assay.artifacts.store import MANIFEST
from assay.errors import ArtifactError, AssayError, UsageError, disk_full
from assay.files import is_storage_failure, local_path
from assay.runners.kfp.executor_io import RuntimeArtifact

# Files in an object store or on a web server, where KFP has not brought them to a mount.
#
# fsspec opens the stores, by its package for each (`s3fs`, `gcsfs`). Where that is not installed, as `gcsfs` in our
# images, Arrow's file systems of S3 and Google Cloud Storage do. Whatever they raise becomes one error that says what
# to check.


_PACKAGES = {"gs": "gcsfs", "s3": "s3fs"}
_WEB = {"http", "https"}
_PATIENCE = dt.timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Store:
    """A folder, or a file, in an object store.

    Attributes:
        uri: Its URL.
        files: fsspec's file system.
        base: The URL as that file system knows it.
    """

    uri: str
    files: Any
    base: str

    def names(self) -> list[str]:
        """Return the files below, by their names relative to the URL; `""` where the URL is a file itself.

        Consoles of object stores keep empty objects whose names end in a slash, to show folders: these are none.
        """
        with reaching(self.uri):
            try:
                found = [str(file) for file in self.files.find(self.base)]
            except FileNotFoundError:
                return []
        return [file[len(self.base) :].lstrip("/") for file in found if not file.endswith("/")]

    def is_there(self) -> bool:
        """Return whether the bucket exists, whatever it holds."""
        bucket = self.base.partition("/")[0]
        with reaching(self.uri):
            return not bucket or bool(self.files.exists(bucket))

    def get(self, name: str, target: Path) -> None:
        """Copy a file to a path on this machine."""
        with reaching(self.uri), self.files.open(self._full(name), "rb") as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)

    def put(self, file: Path, name: str) -> None:
        """Copy a file of this machine there."""
        with reaching(self.uri), file.open("rb") as source, self.files.open(self._full(name), "wb") as copy:
            shutil.copyfileobj(source, copy)

    def read(self, name: str) -> bytes:
        """Return a small file's content."""
        with reaching(self.uri):
            return bytes(self.files.cat_file(self._full(name)))

    def write(self, name: str, content: bytes) -> None:
        """Write a small file."""
        with reaching(self.uri):
            self.files.pipe_file(self._full(name), content)

    def remove(self, names: Sequence[str]) -> None:
        """Remove files, in order."""
        with reaching(self.uri):
            for name in names:
                self.files.rm_file(self._full(name))

    def _full(self, name: str) -> str:
        return f"{self.base}/{name}" if name else self.base


def open_store(uri: str) -> Store:
    """Open a URL.

    Raises:
        UsageError: If neither fsspec nor Arrow can open it.
        ArtifactError: If the store cannot be reached.
    """
    scheme, _, rest = uri.partition("://")
    protocol, base = "s3" if scheme == "minio" else scheme, rest.rstrip("/")
    try:
        import fsspec  # noqa: PLC0415 (an extra; only where there is no mount)

        options = {"skip_instance_cache": True, "use_listings_cache": False} if protocol == "s3" else {}
        files, base = fsspec.core.url_to_fs(f"{protocol}://{base}", **options)
    except (ImportError, ValueError) as error:
        with reaching(uri):
            files = _of_arrow(protocol, rest.partition("/")[0])
        if files is None:
            package = _PACKAGES.get(protocol, "the package of that scheme")
            raise UsageError(
                "kfp.no_file_system",
                f"{uri} is not mounted, and fsspec cannot open it: {error}.",
                f"Install {package} beside fsspec in the image, or let KFP mount it.",
            ) from None
    return Store(uri, files, base)


def _of_arrow(protocol: str, bucket: str) -> Any:
    """Arrow's file system in the place of fsspec's; None for other stores, and where fsspec is missing altogether."""
    if protocol not in _PACKAGES:
        return None
    try:
        from fsspec.implementations.arrow import ArrowFSWrapper  # noqa: PLC0415 (as above)
        from pyarrow import fs  # noqa: PLC0415 (as above)
    except ImportError:
        return None
    if protocol == "gs":
        return ArrowFSWrapper(fs.GcsFileSystem(retry_time_limit=_PATIENCE))
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if endpoint:
        server = urlsplit(endpoint)
        return ArrowFSWrapper(fs.S3FileSystem(endpoint_override=server.netloc, scheme=server.scheme, region=region))
    return ArrowFSWrapper(fs.S3FileSystem(region=region or fs.resolve_s3_region(bucket)))


def download_page(uri: str, target: Path) -> bool:
    """Copy what a web server has at a URL to a path; return False if it has nothing.

    Raises:
        ArtifactError: If the server cannot be reached, or refuses.
    """
    from urllib.error import HTTPError  # noqa: PLC0415 (few steps need it, and it loads much)
    from urllib.request import urlopen  # noqa: PLC0415 (as above)

    with reaching(uri):
        try:
            with urlopen(uri, timeout=60) as source, target.open("wb") as copy:  # noqa: S310 (http alone)
                shutil.copyfileobj(source, copy)
        except HTTPError as error:
            if error.code in {404, 410}:
                return False
            raise
    return True


def is_web(uri: str) -> bool:
    """Tells a web server's URL from an object store's."""
    return uri.partition("://")[0] in _WEB


@contextlib.contextmanager
def reaching(uri: str) -> Iterator[None]:
    """Turn what a store's package raises into one error.

    Raises:
        ArtifactError: If the store cannot be reached, or refuses; or if this machine's disk is full.
    """
    try:
        yield
    except AssayError:
        raise
    except Exception as error:
        # botocore's, aiohttp's and Google's errors have no base of their own, and are no OSErrors.
        if isinstance(error, OSError) and is_storage_failure(error):
            raise disk_full(Path(error.filename or "/tmp"), error) from error  # noqa: S108 (a name for the message)
        raise ArtifactError(
            "kfp.unreachable",
            f"{uri} could not be reached: {type(error).__name__}: {str(error).strip().rstrip('.')}.",
            "Check the credentials and the endpoint (for example AWS_ENDPOINT_URL) of the step's container.",
        ) from error


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
        """Return a local path of an input artifact, which KFP may have put elsewhere than its URI says."""
        mounted = self._local(artifact.uri)
        if artifact.custom_path:
            path = Path(artifact.custom_path)
        elif artifact.metadata.get(_IN_WORKSPACE) is True and mounted is not None:
            path = self.root / _WORKSPACE / mounted.relative_to(self.root)
        else:
            return self.fetch(artifact.uri)
        return path if _is_there(path) else None

    def fetch(self, uri: str) -> Path | None:
        """Return a local path of a file or folder; None if it does not exist."""
        path = self._local(uri)
        if path is not None and _is_there(path):
            return path
        return None if "://" not in uri else self._download(uri)

    def holds(self, uri: str, name: str) -> bool:
        """Return whether the folder at a path or URL has a file of that name."""
        folder = self._local(uri)
        if folder is not None and ("://" not in uri or self._is_mounted(uri)):
            return _is_there(folder / name)
        return "://" in uri and name in open_store(uri).names()

    def publish(self, made: Path, uri: str) -> None:
        """Put a sealed folder, or a file, where KFP wants it; the manifest is the last file to appear.

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
                f"Check the free space of the step's container, and give its user ({os.getuid()}) "
                "permission to write there.",
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
        # Made again each time: a killed attempt may have left half of it.
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
    """Return whether a path exists; unlike `Path.exists`, a path that may not be read counts as existing.

    Raises:
        OSError: If the path may not be looked at.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _split(uri: str) -> tuple[str, str]:
    """Return scheme and rest, which may hold any character; a path, and `file://`, have no scheme."""
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
    """Rename; across file systems, and on mounts that cannot rename folders, copy with the manifest last."""
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
