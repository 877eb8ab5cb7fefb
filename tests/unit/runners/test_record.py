"""What a run leaves for people and programs: run.json, logs, links, lineage; and what it clears away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from assay.artifacts import Schema
from assay.artifacts.store import Producer, seal
from assay.lineage import LineageStore
from assay.lineage.queries import producer
from assay.runners.local import LocalDagRunner, Silence
from assay.runners.local.liveness import Standing, is_alive, owned
from assay.spec import Pipeline
from raising import raises


def test_run_json_says_how_each_step_ended(root: Any, toys: Any) -> None:
    text = toys.Text(content="hello")
    fail = toys.Fail(text=text.outputs["text"])
    result = root.run(text, fail)
    record = json.loads((result.folder / "run.json").read_text())
    assert {key: record[key] for key in ("schema_version", "pipeline", "state", "exit_code", "parameters")} == {
        "schema_version": 1,
        "pipeline": "p",
        "state": "failed",
        "exit_code": 1,
        "parameters": {},
    }
    assert record["root"] == str(root.path)
    first, second = record["steps"]
    assert (first["id"], first["component"], first["status"]) == ("Text", "Text", "complete")
    assert first["rows"] == {"all": {"read": 5, "written": 5, "rejected": 0}}
    assert first["output_parameters"] == {"length": 5}
    assert first["outputs"]["text"][0]["uri"] == str(result.output("Text", "text").path)
    assert first["outputs"]["text"][0]["digest"].startswith("sha256:")
    assert first["log"].endswith("logs/Text.log")
    assert second["error_code"] == "user_code.raised"
    assert "ValueError" in second["user_traceback"]


def test_a_closed_gate_is_in_run_json(root: Any, toys: Any) -> None:
    text = toys.Text()
    result = root.run(text, toys.Validate(text=text.outputs["text"], ok=False))
    record = json.loads((result.folder / "run.json").read_text())
    assert (record["state"], record["exit_code"]) == ("complete", 3)
    assert record["steps"][1]["closed_gate"] == {"summary": "2 anomalies", "exit_code": 3}


def test_ids_sort_runs_by_when_they_began_within_a_second_too(root: Any, toys: Any) -> None:
    begun = [root.run(toys.Text(content="x")).run_id for _ in range(5)]
    assert sorted(begun) == begun


def test_the_run_folder_links_to_the_artifacts(root: Any, toys: Any, tmp_path: Path) -> None:
    result = root.run(toys.Text(content="x"))
    link = result.folder / "artifacts" / "Text" / "text"
    assert link.resolve() == result.output("Text", "text").path
    root.path.rename(tmp_path / "moved")
    moved = tmp_path / "moved" / link.relative_to(root.path)
    assert (moved / "schema.pbtxt").read_text() == "x"


def test_each_artifact_says_what_made_it(root: Any, toys: Any) -> None:
    text = toys.Text()
    result = root.run(text, toys.Pass(text=text.outputs["text"]))
    artifact = result.output("Pass", "passed")
    made_by = json.loads((artifact.path / "manifest.json").read_text())["producer"]
    assert (made_by["pipeline"], made_by["node_id"], made_by["output_key"]) == ("p", "Pass", "passed")
    assert made_by["run_id"] == result.run_id
    assert made_by["fingerprint"] == result.step("Pass").fingerprint
    with LineageStore.open(root.path / "lineage.db") as store:
        execution = producer(store, artifact.id)
        assert execution is not None
        assert (execution.id, execution.state) == (made_by["execution_id"], "COMPLETE")
        assert store.inputs_of(execution.id)["text"][0].digest == result.output("Text", "text").digest
        run = store.run(result.run_id)
        assert (run.state, run.exit_code, run.parameters) == ("COMPLETE", 0, {})


def test_skipped_and_failed_steps_are_in_the_lineage(root: Any, toys: Any) -> None:
    text = toys.Text()
    fail = toys.Fail(text=text.outputs["text"])
    result = root.run(text, fail, toys.Pass(text=fail.outputs["failed"]))
    with LineageStore.open(root.path / "lineage.db") as store:
        states = {one.node_id: (one.state, one.error_code) for one in store.executions_of(result.run_id)}
        assert store.run(result.run_id).state == "FAILED"
    assert states == {
        "Text": ("COMPLETE", ""),
        "Fail": ("FAILED", "user_code.raised"),
        "Pass": ("SKIPPED", "run.skipped"),
    }


def test_unknown_steps_and_outputs_of_a_result_are_named(root: Any, toys: Any) -> None:
    result = root.run(toys.Text())
    with raises("run.unknown_step", "Txt", "Text"):
        result.step("Txt")
    with raises("run.unknown_output", "Text", "txt", "text"):
        result.output("Text", "txt")


def test_what_a_dead_run_left_is_cleared_away(root: Any, toys: Any) -> None:
    """Made as a kill leaves it: a RUNNING execution, its staging folder, and a sealed output without a record."""
    sealed = root.run(toys.Text()).output("Text", "text").path
    with LineageStore.open(root.path / "lineage.db") as store:
        store.start_run("dead", "p", {}, "dead")
        execution = store.start_execution("dead", "Text", "Text", "f", {}, {})
        done = store.start_execution("dead", "Text", "Text", "g", {}, {})
        store.complete_execution(done, {}, {}, {})
    for identity in (execution, done):
        (root.path / ".staging" / str(identity) / ".temp").mkdir(parents=True)
    record = root.path / "runs" / "dead" / "run.json"
    record.parent.mkdir()
    record.write_text('{"state": "running", "exit_code": null, "steps": []}')
    orphan = sealed.with_name(str(execution))
    staged = Schema(root.path / "staged")
    staged.path.mkdir()
    (staged.path / "schema.pbtxt").touch()
    seal(staged, orphan, Producer(run_id="dead", execution_id=execution))
    (root.path / ".staging" / "not-ours").mkdir()
    root.run(toys.Text())
    assert json.loads(record.read_text()) == {"state": "interrupted", "exit_code": 1, "steps": []}
    assert not orphan.exists()
    assert sealed.exists()
    assert [path.name for path in (root.path / ".staging").iterdir()] == ["not-ours"]
    with LineageStore.open(root.path / "lineage.db") as store:
        assert store.execution(execution).state == "ABANDONED"
        assert store.run("dead").state == "ABANDONED"


def test_a_run_that_lives_is_left_alone(root: Any, toys: Any) -> None:
    root.run(toys.Text())
    locks = root.path / ".locks"
    with owned(locks, "other"), LineageStore.open(root.path / "lineage.db") as store:
        store.start_run("other", "p", {}, "other")
        execution = store.start_execution("other", "Text", "Text", "f", {}, {})
        staging = root.path / ".staging" / str(execution)
        staging.mkdir(parents=True)
        root.run(toys.Text())
        assert staging.is_dir()
        assert store.execution(execution).state == "RUNNING"
        assert is_alive(locks, "other")
    assert not is_alive(locks, "other")
    assert list(locks.iterdir()) == []


def test_a_dead_process_is_told_without_touching_what_it_left(root: Any, toys: Any) -> None:
    root.run(toys.Text())
    locks = root.path / ".locks"
    with LineageStore.open(root.path / "lineage.db") as store:
        run = store.start_run("other", "p", {}, "other")
        artifact = store.artifacts()[0].id
        execution = store.execution(store.start_execution("other", "Pass", "Pass", "f", {}, {"text": [artifact]}))
        standing = Standing(store, locks)
        with owned(locks, "other"):
            assert standing.run(run) == run
            assert standing.execution(execution) == execution
            assert is_alive(locks, "other"), "whoever asks does not pass for the owner"
        (locks / "other.lock").touch()  # as a killed process leaves it
        assert standing.run(run).state == "ABANDONED"
        assert standing.execution(execution).state == "ABANDONED"
        assert standing.graph(store.descendants(artifact)).executions[execution.id].state == "ABANDONED"
        assert store.run("other").state == "RUNNING"
        assert [path.name for path in locks.iterdir()] == ["other.lock"]
        store.finish_run("other", "COMPLETE", 0)
        assert standing.run(run).state == "COMPLETE", "it ended between the two looks"


def test_pipelines_that_share_a_store_see_each_other_alive(tmp_path: Path, toys: Any) -> None:
    """Liveness and locations belong to the store, not to the root: TFX pipelines may share one metadata file."""
    shared = tmp_path / "shared" / "metadata.db"
    runner = LocalDagRunner(tmp_path / "one", progress=Silence())
    runner.run(Pipeline("one", None, [toys.Text()], metadata_connection_config=shared))
    with owned(shared.parent / ".locks", "other"), LineageStore.open(shared) as store:
        store.start_run("other", "two", {}, "other")
        execution = store.start_execution("other", "Text", "Text", "f", {}, {})
        two = LocalDagRunner(tmp_path / "two", progress=Silence())
        two.run(Pipeline("two", None, [toys.Text()], metadata_connection_config=shared))
        assert store.execution(execution).state == "RUNNING"
        assert {Path(one.location).is_dir() for one in store.artifacts()} == {True}
        assert len(store.artifacts()) == 2


def test_an_interrupted_step_leaves_nothing_and_says_so(root: Any, toys: Any, run_python: Any) -> None:
    code = """
import sys
from assay import *
from assay.artifacts import Schema
@component
def Stop(schema: Output[Schema]) -> None:
    (schema.path / "schema.pbtxt").touch()
    raise KeyboardInterrupt
try:
    LocalDagRunner(sys.argv[1]).run(Pipeline("p", None, [Stop()]))
except KeyboardInterrupt:
    print("interrupted")
"""
    assert run_python(code, str(root.path)).stdout == "interrupted\n"
    assert root.artifacts() == []
    assert root.staged() == []
    (record,) = root.path.glob("runs/*/run.json")
    found = json.loads(record.read_text())
    assert (found["state"], found["exit_code"]) == ("interrupted", 1)
    with LineageStore.open(root.path / "lineage.db") as store:
        (run,) = store.runs()
        assert (run.state, [one.error_code for one in store.executions_of(run.id)]) == ("FAILED", ["run.interrupted"])
