from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from assay.errors import LineageError
from assay.lineage import LineageStore, NewArtifact
from raising import raises

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

EXECUTIONS = 200


def record_a_run(path: Path, run_id: str, barrier: Barrier) -> None:
    barrier.wait(timeout=300)
    with LineageStore.open(path) as store:
        store.start_run(run_id, "taxi", {}, owner=run_id)
        previous: list[int] = []
        for number in range(EXECUTIONS):
            execution = store.start_execution(run_id, f"node-{number}", "Step", run_id, {}, {"examples": previous})
            made = NewArtifact(type="Examples", uri=str(path.parent / str(execution)), digest=f"{run_id}-{number}")
            outputs = store.complete_execution(execution, {"examples": [made]}, {}, {})
            previous = [record.id for record in outputs["examples"]]
        store.finish_run(run_id, "COMPLETE", 0)


def test_two_processes_open_one_new_store_and_write_at_once(tmp_path: Path) -> None:
    path = tmp_path / "lineage.db"
    # Not "spawn": a fresh interpreter cannot import this module, since test folders are not packages.
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    runs = [context.Process(target=record_a_run, args=(path, run_id, barrier)) for run_id in ("one", "two")]
    for run in runs:
        run.start()
    for run in runs:
        run.join(timeout=600)
    assert [run.exitcode for run in runs] == [0, 0]
    with LineageStore.open(path) as store:
        for run_id in ("one", "two"):
            executions = store.executions_of(run_id)
            assert [each.node_id for each in executions] == [f"node-{number}" for number in range(EXECUTIONS)]
            assert {each.state for each in executions} == {"COMPLETE"}
            last = store.artifact_by_digest(f"{run_id}-{EXECUTIONS - 1}")
            assert last is not None
            assert {each.run_id for each in store.ancestors(last.id).executions.values()} == {run_id}
            assert len(store.ancestors(last.id).artifacts) == EXECUTIONS


KILLED_IN_A_TRANSACTION = """
import sys, time
from assay.lineage import NewArtifact, LineageStore
from assay.lineage.recording import add_artifact, end_execution

store = LineageStore.open(sys.argv[1])
store.start_run("killed", "taxi", {}, owner="dead")
execution = store.start_execution("killed", "Gen", "CsvExampleGen", "f", {}, {})
made = NewArtifact(type="Examples", uri="/examples", digest="sha256:1")
with store._database.writing() as connection:
    end_execution(connection, execution, {"state": "COMPLETE"})
    add_artifact(connection, made, store._root, store._clock(), execution, "examples")
    print("inside", flush=True)
    time.sleep(60)
"""


def test_a_process_killed_inside_a_transaction_leaves_the_state_before_it(tmp_path: Path) -> None:
    path = tmp_path / "lineage.db"
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED_IN_A_TRANSACTION), str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "inside\n"
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=300)
    with LineageStore.open(path, lock_timeout=5) as store:
        assert store.artifacts(state=None) == ()
        (execution,) = store.executions_of("killed")
        assert execution.state == "RUNNING"
        assert [each.id for each in store.abandon_executions(lambda owner: owner != "dead")] == [execution.id]
        store.start_run("next", "taxi", {}, owner="alive")


def test_a_store_is_opened_again_as_it_was(tmp_path: Path) -> None:
    with LineageStore.open(tmp_path / "new" / "lineage.db") as store:
        started = store.start_run("run-1", "taxi", {"name": "Müller"}, owner="alive")
    with LineageStore.open(f"sqlite:///{tmp_path}/new/lineage.db", create=False) as store:
        assert store.run("run-1") == started


def test_a_missing_store_is_not_made_for_a_reader(tmp_path: Path) -> None:
    with raises("lineage.no_store"):
        LineageStore.open(tmp_path / "lineage.db", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lineage.db"
    path.write_text("pickup_hour,fare\n" * 100)
    with raises("lineage.not_a_database", "SQLite", kind=LineageError):
        LineageStore.open(path)
    assert path.read_text().startswith("pickup_hour")


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "metadata.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE Artifact (id INTEGER)")
    connection.close()
    before = path.read_bytes()
    with raises("lineage.not_a_store"):
        LineageStore.open(path)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "lineage.db"
    with LineageStore.open(path) as store, store._database.writing() as connection:
        connection.exec_driver_sql("UPDATE schema_version SET version = 99")
    with raises("lineage.schema_version", "99", "1"):
        LineageStore.open(path)


def test_a_lock_held_too_long_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lineage.db"
    with LineageStore.open(path) as holder, LineageStore.open(path, lock_timeout=0.2) as waiting:
        with (
            holder._database.writing(),
            raises("lineage.locked", "0.2", kind=LineageError),
        ):
            waiting.start_run("run-1", "taxi", {}, owner="alive")
        waiting.start_run("run-1", "taxi", {}, owner="alive")


def test_a_read_only_store_answers_and_refuses_writes(tmp_path: Path) -> None:
    path = tmp_path / "lineage.db"
    with LineageStore.open(path) as store:
        store.start_run("run-1", "taxi", {}, owner="alive")
    with LineageStore.open(f"sqlite:///file:{path}?mode=ro&uri=true", create=False) as store:
        assert store.run("run-1").pipeline == "taxi"
        with raises("lineage.read_only", kind=LineageError):
            store.finish_run("run-1", "COMPLETE", 0)


@pytest.fixture
def mounted_read_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store in a folder that says what a read-only mount says, and holds nothing that SQLite's readers leave."""
    path = tmp_path / "a #mount" / "lineage.db"
    with LineageStore.open(path) as store:
        store.start_run("run-1", "taxi", {}, owner="alive")
    mount = os.statvfs(path)
    flags = (*mount[:8], mount.f_flag | os.ST_RDONLY, mount.f_namemax)
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(flags))
    return path


def test_a_store_on_a_read_only_mount_answers_and_is_left_alone(mounted_read_only: Path) -> None:
    with LineageStore.open(mounted_read_only, create=False) as store:
        assert store.run("run-1").pipeline == "taxi"
        assert [each.name for each in mounted_read_only.parent.iterdir()] == ["lineage.db"]
        with raises("lineage.read_only", kind=LineageError):
            store.finish_run("run-1", "COMPLETE", 0)


def test_a_log_on_a_read_only_mount_is_not_passed_over(mounted_read_only: Path) -> None:
    mounted_read_only.with_name("lineage.db-wal").write_bytes(b"commits that the file lacks")
    with LineageStore.open(mounted_read_only, create=False) as store:
        store.run("run-1")
        assert {each.name for each in mounted_read_only.parent.iterdir()} > {"lineage.db"}  # opened as one that changes


@pytest.mark.parametrize("name", ["", "file/below"])
def test_a_place_where_no_file_can_be_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with raises("lineage.cannot_open", kind=LineageError):
        LineageStore.open(tmp_path / name)


@pytest.mark.parametrize("url", ["nosuchdb://me:secret@host/name", "sqlite://me:secret@host:port/x", "://"])
def test_a_bad_url_is_an_error_that_keeps_the_password_to_itself(url: str) -> None:
    with raises("lineage.bad_url") as caught:
        LineageStore.open(url)
    assert "secret" not in str(caught.value)


def test_threads_share_a_store(tmp_path: Path) -> None:
    with LineageStore.open(tmp_path / "lineage.db") as store, ThreadPoolExecutor(8) as pool:
        store.start_run("run-1", "taxi", {}, owner="alive")
        ids = list(
            pool.map(lambda number: store.start_execution("run-1", str(number), "Step", "f", {}, {}), range(100))
        )
        assert len(set(ids)) == 100
        assert len(store.executions_of("run-1")) == 100


def test_a_full_disk_is_named_and_loses_nothing(tmp_path: Path) -> None:
    with LineageStore.open(tmp_path / "lineage.db") as store:
        with store._database.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            # SQLite's own limit on the file gives the error that a full disk gives.
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with raises("lineage.write_failed", kind=LineageError):
            store.start_run("run-1", "taxi", {"long": "x" * 100_000}, owner="alive")
        assert store.runs() == ()


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "lineage.db"
    with LineageStore.open(path) as store:
        store.start_run("run-1", "taxi", {}, owner="alive")
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with raises("lineage.not_a_database", kind=LineageError), LineageStore.open(path) as store:
        store.runs()
