"""Pushing to URLs, with fsspec's file systems in memory and on disk."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.local import LocalFileSystem

from assay.components.pusher.compute import Push, push, rollback, still_pushed
from assay.components.pusher.places import open_base
from assay.components.pusher.versioned_folder import VersionedFolder
from assay.components.pusher.versioned_url import VersionedUrl, open_url
from raising import raises

THEN = 1700000000.0


def a_model(folder: Path, weights: bytes = b"weights") -> Push:
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(weights)
    return Push(serving=folder)


@pytest.fixture
def url() -> Iterator[str]:
    name = f"memory://{uuid.uuid4().hex}"
    yield name
    files = fsspec.filesystem("memory")
    files.rm(name, recursive=True)


def opened(url: str, **changed: Any) -> VersionedUrl:
    plain = open_url(url, keep_last=None)
    settings: dict[str, Any] = {"clock": lambda: THEN, "files": plain.files, "keep_last": None} | changed
    return VersionedUrl(url=url, path=plain.path, **settings)


def test_a_model_is_pushed_listed_and_rolled_back(tmp_path: Path, url: str) -> None:
    destination = opened(url)
    first, second = (push(a_model(tmp_path / name, name.encode()), destination) for name in ("a", "b"))
    assert (first.version, second.version) == ("1700000000", "1700000001")
    assert second.destination == f"{url}/1700000001"
    again = push(Push(serving=tmp_path / "b"), destination)
    assert (again.already_there, again.version) == (True, second.version)
    back = rollback(destination)
    assert (back.version, back.restores) == ("1700000002", first.version)
    assert [version.name for version in destination.versions()] == ["1700000000", "1700000001", "1700000002"]
    target = tmp_path / "fetched"
    target.mkdir()
    destination.fetch(destination.versions()[-1], target)
    assert (target / "variables" / "variables.index").read_bytes() == b"a"
    assert still_pushed(back, destination) is None
    assert "was pushed after" in (still_pushed(first, destination) or "")


def test_the_oldest_versions_go(tmp_path: Path, url: str) -> None:
    destination = opened(url, keep_last=2)
    receipts = [push(a_model(tmp_path / str(n), str(n).encode()), destination) for n in range(3)]
    assert receipts[-1].removed == ("1700000000",)
    assert [version.name for version in destination.versions()] == ["1700000001", "1700000002"]


class Recorder:
    """A store that notes what is uploaded, and stops at a file."""

    def __init__(self, files: Any, stop_at: str = "") -> None:
        self._files, self._stop_at, self.uploaded = files, stop_at, []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._files, name)

    def put_file(self, source: str, target: str) -> None:
        self.uploaded.append(target.rpartition("/")[2])
        if self.uploaded[-1] == self._stop_at:
            raise OSError("the store is gone")
        self._files.put_file(source, target)


def test_saved_model_is_uploaded_last(tmp_path: Path, url: str) -> None:
    files = Recorder(fsspec.filesystem("memory"))
    push(a_model(tmp_path / "model"), opened(url, files=files))
    assert files.uploaded == ["variables.index", "saved_model.pb"]


def test_a_push_that_fails_leaves_no_version(tmp_path: Path, url: str) -> None:
    files = Recorder(fsspec.filesystem("memory"), stop_at="saved_model.pb")
    with raises("pusher.destination"):
        push(a_model(tmp_path / "model"), opened(url, files=files))
    assert opened(url).versions() == ()
    assert [path for path in fsspec.filesystem("memory").find(url) if "variables" in path] == []
    assert push(Push(serving=tmp_path / "model"), opened(url)).version == "1700000000"


def test_a_version_that_is_being_pushed_is_none_and_an_abandoned_one_goes(tmp_path: Path, url: str) -> None:
    files = fsspec.filesystem("memory")
    files.pipe_file(f"{url}/.assay/claims/1700000000", b'{"claimed_at": 1700000000.0}', mode="create")
    files.pipe_file(f"{url}/1700000000/variables/variables.index", b"half")
    assert opened(url).versions() == ()
    assert push(a_model(tmp_path / "a", b"a"), opened(url)).version == "1700000001"
    assert files.exists(f"{url}/1700000000")
    tomorrow = opened(url, clock=lambda: THEN + 90_000)
    push(a_model(tmp_path / "b", b"b"), tomorrow)
    assert not files.exists(f"{url}/1700000000")
    assert [version.name for version in tomorrow.versions()] == ["1700000001", "1700090000"]


def test_a_local_store_behind_fsspec_works_as_well(tmp_path: Path) -> None:
    destination = VersionedUrl(
        url=str(tmp_path / "store"), files=fsspec.filesystem("file"), path=str(tmp_path / "store"), clock=lambda: THEN
    )
    push(a_model(tmp_path / "a", b"a"), destination)
    push(a_model(tmp_path / "b", b"b"), destination)
    assert rollback(destination).restores == "1700000000"


def test_a_file_url_is_a_folder(tmp_path: Path) -> None:
    assert open_base(f"file://{tmp_path}") == VersionedFolder(path=tmp_path)


def test_an_unknown_kind_of_url_is_refused() -> None:
    with raises("pusher.url"):
        open_base("nowhere://x")


class Racing(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A store in which another process removes each version at the moment at which this one does."""

    def rm(self, path: Any, recursive: bool = False, maxdepth: int | None = None) -> None:
        super().rm(path, recursive=recursive, maxdepth=maxdepth)
        raise FileNotFoundError(path)


def test_a_push_has_succeeded_though_another_removed_the_old_versions(tmp_path: Path) -> None:
    def destination(files: Any) -> VersionedUrl:
        url = f"file://{tmp_path}/store"
        return VersionedUrl(url=url, files=files, path=f"{tmp_path}/store", keep_last=1, clock=lambda: THEN)

    push(a_model(tmp_path / "a", b"a"), destination(LocalFileSystem()))
    receipt = push(a_model(tmp_path / "b", b"b"), destination(Racing(skip_instance_cache=True)))
    assert receipt.pushed
    assert [version.name for version in destination(LocalFileSystem()).versions()] == [receipt.version]
