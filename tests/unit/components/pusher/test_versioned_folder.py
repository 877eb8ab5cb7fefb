from __future__ import annotations

import multiprocessing
import resource
import shutil
import signal
from pathlib import Path

import pytest

from assay.components.pusher.versioned_folder import content_digest, latest_version, push_version
from assay.errors import ArtifactError


def a_model(folder: Path, weights: bytes = b"weights") -> Path:
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(weights)
    return folder


def names(base: Path) -> list[str]:
    return sorted(path.name for path in base.iterdir())


def test_a_version_is_the_time_and_holds_the_model_with_saved_model_on_top(tmp_path: Path) -> None:
    model = a_model(tmp_path / "model")
    version = push_version(model, tmp_path / "serving", clock=lambda: 1700000000.9)
    assert version.path == tmp_path / "serving" / "1700000000"
    assert names(version.path) == ["assets", "saved_model.pb", "variables"]
    assert content_digest(version.path) == content_digest(model) == version.digest
    assert names(tmp_path / "serving") == ["1700000000"]


def test_two_pushes_in_one_second_are_two_versions_in_order(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    pushed = [
        push_version(a_model(tmp_path / str(index), str(index).encode()), base, clock=lambda: 1700000000.0).name
        for index in range(3)
    ]
    assert pushed == ["1700000000", "1700000001", "1700000002"]


def test_a_version_is_above_every_other_even_if_the_clock_is_behind(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    push_version(a_model(tmp_path / "1", b"1"), base, clock=lambda: 2000000000.0)
    assert push_version(a_model(tmp_path / "2", b"2"), base, clock=lambda: 1700000000.0).name == "2000000001"


def test_the_same_model_is_not_copied_again(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    first = push_version(a_model(tmp_path / "model"), base)
    again = push_version(a_model(tmp_path / "copy"), base)
    assert (again.name, again.already_there) == (first.name, True)
    assert names(base) == [first.name]


def test_a_model_that_is_no_longer_the_latest_is_a_new_version(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    old = a_model(tmp_path / "old", b"old")
    first, _, third = (push_version(model, base) for model in (old, a_model(tmp_path / "new", b"new"), old))
    assert int(third.name) > int(first.name)
    assert not third.already_there


def test_a_folder_that_someone_made_is_not_taken(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    (base / "1700000000").mkdir(parents=True)
    (base / "notes").mkdir()
    assert push_version(a_model(tmp_path / "model"), base, clock=lambda: 1700000000.0).name == "1700000001"
    assert names(base / "1700000000") == []


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: None], ids=["empty", "missing"])
def test_no_model_is_an_error_and_leaves_nothing(tmp_path: Path, make: object) -> None:
    make(tmp_path / "model")  # type: ignore[operator]  # one of the two callables above
    with pytest.raises(ArtifactError, match="Expected a model at"):
        push_version(tmp_path / "model", tmp_path / "serving")
    assert not (tmp_path / "serving").exists()


def test_a_destination_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "serving").write_text("here already")
    with pytest.raises(ArtifactError, match=r"Could not push to .*serving: File exists"):
        push_version(a_model(tmp_path / "model"), tmp_path / "serving")


def _push_with_little_space(model: Path, base: Path, said: Path) -> None:
    # A limit on file size refuses writes as a full disk does, in this process only.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        push_version(model, base)
    except ArtifactError as error:
        said.write_text(error.message[:900])


def test_a_write_that_the_disk_refuses_leaves_nothing(tmp_path: Path) -> None:
    base, said = tmp_path / "serving", tmp_path / "said"
    earlier = push_version(a_model(tmp_path / "small"), base)
    model = a_model(tmp_path / "large", b"x" * 100_000)
    process = multiprocessing.get_context("fork").Process(target=_push_with_little_space, args=(model, base, said))
    process.start()
    process.join()
    assert "Could not push to" in said.read_text()
    assert "File too large" in said.read_text()
    assert names(base) == [earlier.name]


def _push_many(source: Path, base: Path, process: int) -> None:
    for index in range(10):
        model = source / f"{process}-{index}"
        a_model(model, f"{process}-{index}".encode())
        push_version(model, base, clock=lambda: 1700000000.0)
        shutil.rmtree(model)


def test_processes_that_push_at_once_make_one_version_each(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    base.mkdir()
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_push_many, args=(tmp_path, base, index)) for index in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    contents = {(path / "variables" / "variables.index").read_bytes() for path in base.iterdir()}
    assert len(names(base)) == len(contents) == 30
    assert latest_version(base) == base / "1700000029"
