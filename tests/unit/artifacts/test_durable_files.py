"""Every output file is written whole, or not at all, and by one function."""

from __future__ import annotations

import os
import re
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from assay.artifacts.outputs import RECORD, output_folder
from assay.data.parquet import write_table
from assay.files import write_durably
from raising import raises

LIMIT = 4096


@pytest.fixture
def small_disk() -> Iterator[None]:
    """No file may be larger than `LIMIT`: what is written beyond it fails, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_fills_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    write_durably(path, b"earlier")
    with raises("artifact.write_failed", path, "File too large"):
        write_durably(path, b"x" * (LIMIT + 1))
    with raises("artifact.write_failed", "File too large"):
        write_table(tmp_path / "t.parquet", pa.table({"x": [os.urandom(LIMIT)]}))
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
    assert path.read_bytes() == b"earlier"


@pytest.mark.usefixtures("small_disk")
def test_a_disk_that_fills_leaves_no_folder_and_no_earlier_result(tmp_path: Path) -> None:
    def write(folder: Path, size: int) -> None:
        with output_folder(folder, ["a", "b"]):
            write_durably(folder / "a", b"x")
            write_durably(folder / "b", b"x" * size)

    with raises("artifact.write_failed", "File too large"):
        write(tmp_path / "new", LIMIT + 1)
    assert not (tmp_path / "new").exists()
    write(tmp_path / "old", 1)
    with raises("artifact.write_failed", "File too large"):
        write(tmp_path / "old", LIMIT + 1)
    assert not {"a", "b", RECORD} & {each.name for each in (tmp_path / "old").iterdir()}


def test_links_stay_links_and_devices_stay_devices(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to("target")
    write_durably(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"
    write_durably(Path(os.devnull), b"x")
    assert Path(os.devnull).is_char_device()
    reader, writer = os.pipe()
    write_durably(Path(f"/dev/fd/{writer}"), b"piped")
    assert os.read(reader, 9) == b"piped"
    os.close(reader)
    os.close(writer)
    for path in (tmp_path, tmp_path / "none" / "a", tmp_path / ("n" * 255)):
        with raises("artifact.write_failed"):
            write_durably(path, b"x")


# Where assay.files cannot be imported, or is not installed: code in a container, in a graph, and beside an engine.
_ELSEWHERE = {
    "components/infra_validator/component.py",
    "components/infra_validator/fresh_process.py",
    "components/transform/analysis.py",
    "data/tfrecord.py",
    "engines/beam/worker.py",
    "files.py",
    "runners/kfp/embedded_files.py",
    "runners/kfp/storage.py",
}


def test_no_other_code_writes_files(project_root: Path) -> None:
    package = project_root / "components" / "assay"
    writes = re.compile(r"\w\)?\.write_(?:text|bytes)\(|pq\.write_table\(|\.open\(\"w")
    found = {
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if writes.search(line) and not line.lstrip().startswith(("(report.path", "pq.write_table(table, content)"))
    }
    assert found <= _ELSEWHERE
