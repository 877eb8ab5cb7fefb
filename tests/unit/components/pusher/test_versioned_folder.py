from __future__ import annotations

import json
import multiprocessing
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.components.pusher.compute import Push, push, rollback
from assay.components.pusher.receipt import Receipt, is_version, next_number
from assay.components.pusher.versioned_folder import VersionedFolder
from assay.errors import ArtifactError
from assay.gating.blessing import served_digest
from raising import raises

THEN = 1700000000.0


def a_model(folder: Path, weights: bytes = b"weights") -> Path:
    (folder / "variables").mkdir(parents=True)
    (folder / "assets").mkdir()
    (folder / "saved_model.pb").write_bytes(b"graph")
    (folder / "variables" / "variables.index").write_bytes(weights)
    return folder


def push_to(
    base: Path, model: Path, *, keep_last: int | None = None, clock: Callable[[], float] = time.time
) -> Receipt:
    return push(Push(serving=model), VersionedFolder(path=base, keep_last=keep_last, clock=clock))


def names(base: Path) -> list[str]:
    return sorted(path.name for path in base.iterdir() if not path.name.startswith("."))


def leftovers(base: Path) -> list[Path]:
    return list(base.glob(".assay-push-*"))


def weights(base: Path, version: str) -> bytes:
    return (base / version / "variables" / "variables.index").read_bytes()


def test_a_version_is_the_time_and_holds_the_model_with_saved_model_on_top(tmp_path: Path) -> None:
    model, base = a_model(tmp_path / "model"), tmp_path / "serving"
    receipt = push_to(base, model, clock=lambda: THEN + 0.9)
    assert receipt.destination == str(base / "1700000000")
    assert names(base / "1700000000") == ["assets", "saved_model.pb", "variables"]
    assert served_digest(base / "1700000000") == served_digest(model) == receipt.content_digest
    assert names(base) == ["1700000000"]
    assert leftovers(base) == []


def test_the_receipt_lies_beside_the_versions_where_no_server_looks(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    receipt = push_to(base, a_model(tmp_path / "model"), clock=lambda: THEN)
    kept = json.loads((base / ".assay" / "receipts" / "1700000000.json").read_text())
    assert (kept["version"], kept["content_digest"]) == ("1700000000", receipt.content_digest)
    [version] = VersionedFolder(path=base).versions()
    assert version.receipt is not None
    assert version.receipt.pushed_at == THEN


def test_two_pushes_in_one_second_are_two_versions_in_order(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    pushed = [
        push_to(base, a_model(tmp_path / str(index), str(index).encode()), clock=lambda: THEN).version
        for index in range(3)
    ]
    assert pushed == ["1700000000", "1700000001", "1700000002"]


def test_a_version_is_above_every_other_even_if_the_clock_is_behind(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    push_to(base, a_model(tmp_path / "1", b"1"), clock=lambda: 2000000000.0)
    assert push_to(base, a_model(tmp_path / "2", b"2"), clock=lambda: THEN).version == "2000000001"


def test_the_same_model_makes_no_second_version(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    first = push_to(base, a_model(tmp_path / "model"))
    again = push_to(base, a_model(tmp_path / "copy"))
    assert (again.version, again.already_there) == (first.version, True)
    assert "already holds this very model" in again.reason
    assert names(base) == [first.version]


def test_a_model_that_is_no_longer_the_latest_is_a_new_version(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    old = a_model(tmp_path / "old", b"old")
    first, _, third = (push_to(base, model) for model in (old, a_model(tmp_path / "new", b"new"), old))
    assert int(third.version) > int(first.version)
    assert not third.already_there


def test_what_someone_made_is_not_taken(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    (base / "1700000000").mkdir(parents=True)
    (base / "1700000001").touch()
    (base / "notes").mkdir()
    assert push_to(base, a_model(tmp_path / "model"), clock=lambda: THEN).version == "1700000002"
    assert names(base / "1700000000") == []


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: None], ids=["empty", "missing"])
def test_no_model_is_an_error_and_leaves_nothing(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "model")
    with raises("model.none"):
        push_to(tmp_path / "serving", tmp_path / "model")
    assert not (tmp_path / "serving").exists()


def test_a_destination_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "serving").write_text("here already")
    with raises("pusher.destination"):
        push_to(tmp_path / "serving", a_model(tmp_path / "model"))


def test_the_oldest_versions_go_and_the_current_one_never(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    (base / "7").mkdir(parents=True)  # not pushed by assay, so not assay's to remove
    versions = [
        push_to(base, a_model(tmp_path / str(index), str(index).encode()), keep_last=2, clock=lambda: THEN)
        for index in range(4)
    ]
    assert names(base) == ["1700000002", "1700000003", "7"]
    assert [receipt.removed for receipt in versions] == [(), (), ("1700000000",), ("1700000001",)]
    assert "Removed 1700000001." in versions[-1].reason
    push_to(base, a_model(tmp_path / "last", b"last"), keep_last=1, clock=lambda: THEN)
    assert names(base) == ["1700000004", "7"]
    assert len(list((base / ".assay" / "receipts").iterdir())) == 5


def test_a_rollback_is_a_new_version_with_the_files_of_the_one_before(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    for index in range(3):
        push_to(base, a_model(tmp_path / str(index), str(index).encode()), clock=lambda: THEN)
    folder = VersionedFolder(path=base, clock=lambda: THEN)
    back = rollback(folder)
    assert (back.version, back.restores) == ("1700000003", "1700000001")
    assert back.reason == "Rolled back: version 1700000003 has the files of version 1700000001."
    again = rollback(folder)
    assert (again.version, again.restores, weights(base, again.version)) == ("1700000004", "1700000000", b"0")
    with raises("rollback.no_version", "1700000000", "1700000004"):
        rollback(folder)
    push_to(base, a_model(tmp_path / "bad", b"bad"), clock=lambda: THEN)
    undone = rollback(folder)
    assert (undone.restores, weights(base, undone.version)) == ("1700000000", b"0")
    chosen = rollback(folder, "1700000002")
    assert (chosen.restores, weights(base, chosen.version)) == ("1700000002", b"2")


def test_a_rollback_to_changed_files_or_without_a_receipt_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    folder = VersionedFolder(path=base, clock=lambda: THEN)
    with raises("rollback.no_version"):
        rollback(folder)
    a_model(base / "5")
    for index in range(2):
        push_to(base, a_model(tmp_path / str(index), str(index).encode()), clock=lambda: THEN)
    (base / "1700000000" / "saved_model.pb").write_bytes(b"other")
    with raises("rollback.changed", "1700000000"):
        rollback(folder)
    with raises("rollback.no_receipt", "5"):
        rollback(folder, "5")
    with raises("rollback.unknown", "17"):
        rollback(folder, "17")
    assert names(base) == ["1700000000", "1700000001", "5"]
    assert leftovers(base) == []


def _push_with_little_space(model: Path, base: Path, said: Path) -> None:
    # A limit on file size refuses writes as a full disk does, in this process only.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
    try:
        push_to(base, model)
    except ArtifactError as error:
        said.write_text(error.message[:900])


def test_a_write_that_the_disk_refuses_leaves_nothing(tmp_path: Path) -> None:
    base, said = tmp_path / "serving", tmp_path / "said"
    earlier = push_to(base, a_model(tmp_path / "small"))
    model = a_model(tmp_path / "large", b"x" * 100_000)
    process = multiprocessing.get_context("fork").Process(target=_push_with_little_space, args=(model, base, said))
    process.start()
    process.join()
    assert "Could not push to" in said.read_text()
    assert "File too large" in said.read_text()
    assert names(base) == [earlier.version]
    assert leftovers(base) == []


def _hold_staging(base: Path, ready: Path) -> None:
    with VersionedFolder(path=base).staging() as staged:
        (staged / "half").write_bytes(b"of a model")
        ready.touch()
        time.sleep(60)


def test_what_a_killed_push_left_is_swept_and_what_a_living_one_holds_is_not(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    context = multiprocessing.get_context("fork")
    processes = []
    for index in range(2):
        processes.append(context.Process(target=_hold_staging, args=(base, tmp_path / f"ready-{index}")))
        processes[-1].start()
    while not all((tmp_path / f"ready-{index}").exists() for index in range(2)):
        time.sleep(0.01)
    assert len(leftovers(base)) == 2
    os.kill(processes[0].pid or 0, signal.SIGKILL)
    processes[0].join()
    push_to(base, a_model(tmp_path / "model"))
    assert len(leftovers(base)) == 1
    os.kill(processes[1].pid or 0, signal.SIGKILL)
    processes[1].join()
    push_to(base, a_model(tmp_path / "other", b"other"))
    assert leftovers(base) == []


def _push_many(source: Path, base: Path, process: int) -> None:
    for index in range(10):
        model = source / f"{process}-{index}"
        a_model(model, f"{process}-{index}".encode())
        push_to(base, model, clock=lambda: THEN)
        shutil.rmtree(model)


def _together(target: Callable[..., None], *arguments: tuple[object, ...]) -> None:
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=target, args=one) for one in arguments]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert {process.exitcode for process in processes} == {0}


def test_processes_that_push_at_once_make_one_version_each(tmp_path: Path) -> None:
    base = tmp_path / "serving"
    _together(_push_many, *((tmp_path, base, index) for index in range(3)))
    contents = {weights(base, name) for name in names(base)}
    assert len(names(base)) == len(contents) == 30
    assert names(base)[-1] == "1700000029"


def _push_one(base: Path, model: Path) -> None:
    push_to(base, model)


def test_processes_that_push_the_same_model_at_once_make_one_version(tmp_path: Path) -> None:
    base, model = tmp_path / "serving", a_model(tmp_path / "model")
    _together(_push_one, *((base, model) for _ in range(6)))
    assert len(names(base)) == 1


def test_a_number_that_no_server_reads_is_not_a_version(tmp_path: Path) -> None:
    largest = (1 << 63) - 1
    (tmp_path / str(largest + 1)).mkdir()
    destination = VersionedFolder(path=tmp_path)
    assert [version.name for version in destination.versions()] == []
    assert next_number([], 1e9) == 10**9
    assert next_number([str(largest - 1)], 1e9) == largest
    with raises("pusher.no_number", largest):
        next_number([str(largest)], 1e9)
    for name in (str(largest + 1), "9" * 5000, "-1", "1.0", "\N{ARABIC-INDIC DIGIT ONE}"):
        assert not is_version(name)
