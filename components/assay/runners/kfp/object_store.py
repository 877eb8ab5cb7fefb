"""Files in an object store or on a web server, where KFP has not brought them to a mount.

fsspec opens the stores, by its package for each (`s3fs`, `gcsfs`). Where that is not installed, as `gcsfs` in our
images, Arrow's file systems of S3 and Google Cloud Storage do. Whatever they raise becomes one error that says what to
check.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from assay.artifacts.store import is_storage_failure
from assay.errors import ArtifactError, AssayError, UsageError, disk_full

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
        """The files below, by their names relative to the URL; `""` where the URL is a file itself.

        Consoles of object stores keep empty objects whose names end in a slash, to show folders: these are none.
        """
        with reaching(self.uri):
            try:
                found = [str(file) for file in self.files.find(self.base)]
            except FileNotFoundError:
                return []
        return [file[len(self.base) :].lstrip("/") for file in found if not file.endswith("/")]

    def is_there(self) -> bool:
        """Whether the bucket exists, whatever it holds."""
        bucket = self.base.partition("/")[0]
        with reaching(self.uri):
            return not bucket or bool(self.files.exists(bucket))

    def get(self, name: str, target: Path) -> None:
        """Copies a file to a path on this machine."""
        with reaching(self.uri), self.files.open(self._full(name), "rb") as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)

    def put(self, file: Path, name: str) -> None:
        """Copies a file of this machine there."""
        with reaching(self.uri), file.open("rb") as source, self.files.open(self._full(name), "wb") as copy:
            shutil.copyfileobj(source, copy)

    def read(self, name: str) -> bytes:
        """Gives a small file's content."""
        with reaching(self.uri):
            return bytes(self.files.cat_file(self._full(name)))

    def write(self, name: str, content: bytes) -> None:
        """Writes a small file."""
        with reaching(self.uri):
            self.files.pipe_file(self._full(name), content)

    def remove(self, names: Sequence[str]) -> None:
        """Removes files, in order."""
        with reaching(self.uri):
            for name in names:
                self.files.rm_file(self._full(name))

    def _full(self, name: str) -> str:
        return f"{self.base}/{name}" if name else self.base


def open_store(uri: str) -> Store:
    """Opens a URL.

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
    """Copies what a web server has at a URL to a path; False where it has nothing.

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
    """Turns what a store's package raises into one error.

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
            "Check the credentials and the endpoint (AWS_ENDPOINT_URL, say) of the step's container.",
        ) from error
