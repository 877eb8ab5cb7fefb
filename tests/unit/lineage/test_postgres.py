"""What a store in PostgreSQL does where two processes meet, or where the server says no."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from sqlalchemy import create_engine

from assay.errors import LineageError
from assay.lineage import LineageStore, NewArtifact
from raising import raises

if TYPE_CHECKING:
    from multiprocessing.synchronize import Barrier
    from pathlib import Path

EXECUTIONS = 50


def record_a_run(url: str, run_id: str, barrier: Barrier) -> None:
    barrier.wait(timeout=300)
    with LineageStore.open(url) as store:
        store.start_run(run_id, "taxi", {}, owner=run_id)
        previous: list[int] = []
        for number in range(EXECUTIONS):
            # Both register what both see: look, then write.
            store.register_artifact(NewArtifact(type="Schema", uri=f"/schemas/{number}", digest=f"{number}"))
            execution = store.start_execution(run_id, f"node-{number}", "Step", run_id, {}, {"examples": previous})
            made = NewArtifact(type="Examples", uri=f"/{run_id}/{execution}", digest=f"{run_id}-{number}")
            outputs = store.complete_execution(execution, {"examples": [made]}, {}, {})
            previous = [record.id for record in outputs["examples"]]
        store.finish_run(run_id, "COMPLETE", 0)


def test_two_runs_at_once_on_a_new_database(postgres_url: str) -> None:
    # Not "spawn": a fresh interpreter cannot import this module, since test folders are not packages.
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)
    processes = [context.Process(target=record_a_run, args=(postgres_url, name, barrier)) for name in ("one", "two")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=600)
    assert [process.exitcode for process in processes] == [0, 0]
    with LineageStore.open(postgres_url) as store:
        assert [(record.uri, record.digest) for record in store.artifacts("Schema")] == [
            (f"schemas/{number}", f"{number}") for number in reversed(range(EXECUTIONS))
        ]
        for run_id in ("one", "two"):
            executions = store.executions_of(run_id)
            assert [each.node_id for each in executions] == [f"node-{number}" for number in range(EXECUTIONS)]
            assert {each.state for each in executions} == {"COMPLETE"}
            last = store.artifact_by_digest(f"{run_id}-{EXECUTIONS - 1}")
            assert last is not None
            assert last.location == f"/{last.uri}"
            assert {each.run_id for each in store.ancestors(last.id).executions.values()} == {run_id}


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


def test_a_process_killed_inside_a_transaction_leaves_the_state_before_it(postgres_url: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED_IN_A_TRANSACTION), postgres_url],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "inside\n"
    with (
        LineageStore.open(postgres_url, lock_timeout=0.2) as store,
        raises("lineage.locked", "0.2", kind=LineageError),
    ):
        store.start_run("next", "taxi", {}, owner="alive")
    child.send_signal(signal.SIGKILL)
    child.communicate(timeout=300)
    with LineageStore.open(postgres_url) as store:
        assert store.artifacts(state=None) == ()
        (execution,) = store.executions_of("killed")
        assert execution.state == "RUNNING"
        assert [each.id for each in store.abandon_executions(lambda owner: owner != "dead")] == [execution.id]
        store.start_run("next", "taxi", {}, owner="alive")


def statement(url: str, sql: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(sql)
    engine.dispose()


def test_a_database_that_holds_no_store_is_not_made_into_one_by_a_reader(postgres_url: str) -> None:
    with raises("lineage.no_store"):
        LineageStore.open(postgres_url, create=False)


def test_somebody_elses_database_is_left_alone(postgres_url: str) -> None:
    statement(postgres_url, "CREATE TABLE artifact (id INTEGER)")
    with raises("lineage.not_a_store"):
        LineageStore.open(postgres_url)


def test_a_read_only_store_answers_and_refuses_writes(postgres_url: str) -> None:
    with LineageStore.open(postgres_url) as store:
        store.start_run("run-1", "taxi", {}, owner="alive")
    with LineageStore.open(f"{postgres_url}+-cdefault_transaction_read_only%3Don", create=False) as store:
        assert store.run("run-1").pipeline == "taxi"
        with raises("lineage.read_only", kind=LineageError):
            store.finish_run("run-1", "COMPLETE", 0)


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    with raises("lineage.cannot_reach", kind=LineageError) as caught:
        LineageStore.open("postgresql+psycopg://me:secret@127.0.0.1:1/lineage")
    assert "secret" not in str(caught.value)


def test_a_database_that_does_not_exist_is_named(postgres_server: str) -> None:
    with raises("lineage.cannot_reach", "nowhere", kind=LineageError):
        LineageStore.open(f"{postgres_server}/nowhere")
