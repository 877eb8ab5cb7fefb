"""A model server's view: whatever pushes, rolls back or is killed, the newest version is always whole."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import random
import signal
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from assay.components.pusher.compute import Push, push, rollback
from assay.components.pusher.versioned_folder import VersionedFolder

pytestmark = pytest.mark.slow

ROUNDS = 100
KEEP_LAST = 6
POLLS_A_ROUND = 20  # far fewer than are seen on a loaded machine, and enough to meet a version that is half there
FILES, BYTES = 8, 40_000
FORK = multiprocessing.get_context("fork")


def write_model(folder: Path, seed: int) -> Path:
    """A folder that tells whether it is whole: `checksum` names every other file and its hash."""
    rng = random.Random(seed)
    (folder / "variables").mkdir(parents=True)
    for number in range(FILES):
        (folder / "variables" / f"shard-{number}").write_bytes(rng.randbytes(BYTES))
    (folder / "saved_model.pb").write_bytes(rng.randbytes(100))
    (folder / "checksum").write_text(json.dumps(hashes(folder)))
    return folder


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "checksum"
    }


def watch(base: Path, done: Event, report: Path) -> None:
    """Polls as a server does: the highest number is the newest version; a new one is loaded at once."""
    polls = 0
    loaded: list[int] = []
    broken: list[str] = []
    while not done.is_set():
        polls += 1
        numbers = [int(entry.name) for entry in os.scandir(base) if entry.name.isdecimal()]
        if not numbers or (loaded and max(numbers) == loaded[-1]):
            time.sleep(0)
            continue
        loaded.append(max(numbers))
        wrong = what_is_wrong(base / str(loaded[-1]))
        if wrong and not was_due_to_go(base, loaded[-1]):
            broken.append(f"{loaded[-1]}: {wrong}")
    report.write_text(json.dumps({"polls": polls, "loaded": loaded, "broken": broken}))


def what_is_wrong(folder: Path) -> str:
    try:
        return "" if json.loads((folder / "checksum").read_text()) == hashes(folder) else "files unlike their checksum"
    except (OSError, ValueError) as error:
        return str(error)


def was_due_to_go(base: Path, version: int) -> bool:
    """Whether so many came after it, while a machine at its limit let the watcher wait, that it had to be removed."""
    return sum(int(name) > version for name in versions(base)) >= KEEP_LAST


def push_one(base: Path, model: Path) -> None:
    push(Push(serving=model), VersionedFolder(path=base, keep_last=KEEP_LAST))


def seconds_of_a_push(base: Path, model: Path) -> float:
    begun = time.perf_counter()
    push_one(base, model)
    return time.perf_counter() - begun


def roll_back_one(base: Path) -> None:
    rollback(VersionedFolder(path=base, keep_last=KEEP_LAST))


def versions(base: Path) -> set[str]:
    return {path.name for path in base.iterdir() if path.name.isdecimal()}


def test_a_server_never_loads_a_broken_version(tmp_path: Path) -> None:
    rng = random.Random(11)
    base, report = tmp_path / "serving", tmp_path / "report.json"
    base.mkdir()
    models = [write_model(tmp_path / f"model-{number}", number) for number in range(12)]
    # The quickest of three, so that a slow moment of the machine does not put the kills behind the end of a push.
    whole_push = min(seconds_of_a_push(base, model) for model in models[:3])
    done = FORK.Event()
    watcher = FORK.Process(target=watch, args=(base, done, report))
    watcher.start()
    killed_midway = rollbacks = 0
    try:
        for number in range(1, ROUNDS + 1):
            if number % 5 == 0:
                roll_back_one(base)
                rollbacks += 1
            else:
                process = FORK.Process(target=push_one, args=(base, models[number % len(models)]))
                before = versions(base)
                process.start()
                if number % 3 == 0:
                    time.sleep(rng.random() * whole_push)
                    os.kill(process.pid or 0, signal.SIGKILL)
                process.join()
                killed_midway += process.exitcode == -signal.SIGKILL and versions(base) == before
                assert process.exitcode in {0, -signal.SIGKILL}
    finally:
        done.set()
        watcher.join()
    found = json.loads(report.read_text())
    print(f"{found['polls']} polls, {len(found['loaded'])} versions loaded, {killed_midway} killed midway")  # noqa: T201
    assert found["broken"] == []
    assert found["loaded"] == sorted(found["loaded"])
    assert len(found["loaded"]) > ROUNDS // 4
    assert found["polls"] > POLLS_A_ROUND * ROUNDS
    # The kills must have met pushes at work, or they show nothing.
    assert killed_midway >= 5
    assert rollbacks == ROUNDS // 5
    push_one(base, write_model(tmp_path / "last", 99))
    assert list(base.glob(".assay-push-*")) == []
    assert len(versions(base)) <= KEEP_LAST


def test_pushes_at_once_are_seen_whole(tmp_path: Path) -> None:
    base, report = tmp_path / "serving", tmp_path / "report.json"
    base.mkdir()
    models = [write_model(tmp_path / f"model-{number}", number) for number in range(9)]
    done = FORK.Event()
    watcher = FORK.Process(target=watch, args=(base, done, report))
    watcher.start()
    for start in range(0, 9, 3):
        processes = [FORK.Process(target=push_one, args=(base, model)) for model in models[start : start + 3]]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
            assert process.exitcode == 0
    done.set()
    watcher.join()
    assert json.loads(report.read_text())["broken"] == []
    receipts = (base / ".assay" / "receipts").iterdir()
    assert len({json.loads(path.read_text())["content_digest"] for path in receipts}) == 9
