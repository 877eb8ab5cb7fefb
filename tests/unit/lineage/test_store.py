from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from assay.errors import LineageError
from assay.lineage import LineageStore, NewArtifact
from raising import raises

if TYPE_CHECKING:
    from pathlib import Path


def examples(uri: str = "examples", digest: str = "sha256:1", **properties: object) -> NewArtifact:
    return NewArtifact(type="Examples", uri=uri, digest=digest, properties=properties)


def run_node(store: LineageStore, fingerprint: str = "f", run_id: str = "run-1", node_id: str = "Gen") -> int:
    return store.start_execution(run_id, node_id, "CsvExampleGen", fingerprint, {"span": 1}, {})


def test_a_run_starts_running_and_ends_as_told(store: LineageStore) -> None:
    started = store.run("run-1")
    assert (started.pipeline, started.state, started.parameters, started.finished_at) == (
        "taxi",
        "RUNNING",
        {"steps": 10},
        None,
    )
    finished = store.finish_run("run-1", "COMPLETE", 4)
    assert (finished.state, finished.exit_code) == ("COMPLETE", 4)
    assert store.run("run-1") == finished


def test_times_come_from_the_clock_in_utc(store: LineageStore) -> None:
    assert store.run("run-1").started_at == datetime(2026, 3, 1, 10, 0, 1, tzinfo=timezone.utc)
    assert store.run("run-1").started_at.tzinfo is timezone.utc


def test_runs_come_latest_first_and_by_pipeline(store: LineageStore) -> None:
    store.start_run("run-2", "penguin", {}, owner="alive")
    store.start_run("run-3", "taxi", {}, owner="alive")
    assert [run.id for run in store.runs()] == ["run-3", "run-2", "run-1"]
    assert [run.id for run in store.runs("taxi")] == ["run-3", "run-1"]


def test_a_run_id_is_used_once(store: LineageStore) -> None:
    with raises("lineage.run_exists", "run-1"):
        store.start_run("run-1", "taxi", {}, owner="alive")


def test_an_execution_id_is_above_those_that_the_caller_found_in_use(store: LineageStore) -> None:
    first = run_node(store)
    above = store.start_execution("run-1", "Gen", "CsvExampleGen", "f", {}, {}, after=first + 40)
    assert above == first + 41
    assert run_node(store) == above + 1
    assert store.start_execution("run-1", "Gen", "CsvExampleGen", "f", {}, {}, after=first) == above + 2


def test_complete_execution_records_outputs_in_order(store: LineageStore) -> None:
    execution = run_node(store)
    outputs = store.complete_execution(
        execution,
        {"examples": [examples("a", span=3), examples("b")], "none": []},
        {"blessed": True},
        {"train": {"read": 5, "written": 5}},
    )
    assert [record.uri.rpartition("/")[2] for record in outputs["examples"]] == ["a", "b"]
    assert outputs["none"] == ()
    first = outputs["examples"][0]
    assert (first.type, first.state, first.properties, first.producer_id, first.output_key) == (
        "Examples",
        "LIVE",
        {"span": 3},
        execution,
        "examples",
    )
    record = store.execution(execution)
    assert (record.state, record.output_parameters, record.rows) == (
        "COMPLETE",
        {"blessed": True},
        {"train": {"read": 5, "written": 5}},
    )
    assert record.finished_at is not None
    assert record.finished_at > record.started_at
    assert store.outputs_of(execution) == {"examples": outputs["examples"]}


def test_inputs_and_events_keep_their_keys_and_order(store: LineageStore) -> None:
    one, two = (store.register_artifact(examples(name)).id for name in "ab")
    execution = store.start_execution("run-1", "Trainer", "Trainer", "f", {}, {"examples": [two, one], "hint": [one]})
    assert [record.id for record in store.inputs_of(execution)["examples"]] == [two, one]
    assert [(event.key, event.index, event.artifact_id, event.direction) for event in store.events_of(execution)] == [
        ("examples", 0, two, "INPUT"),
        ("examples", 1, one, "INPUT"),
        ("hint", 0, one, "INPUT"),
    ]


def test_a_resolver_hands_on_an_artifact_without_becoming_its_producer(store: LineageStore) -> None:
    maker = run_node(store)
    (made,) = store.complete_execution(maker, {"examples": [examples()]}, {}, {})["examples"]
    resolver = run_node(store, node_id="Resolver")
    assert store.complete_execution(resolver, {"examples": [made.id]}, {}, {}) == {"examples": (made,)}
    assert store.artifact(made.id).producer_id == maker


def test_an_execution_ends_once(store: LineageStore) -> None:
    execution = run_node(store)
    store.fail_execution(execution, "csv.ragged_row", "Row 3 has 4 cells.")
    with raises("lineage.not_running", execution, "COMPLETE", "FAILED"):
        store.complete_execution(execution, {"examples": [examples()]}, {}, {})
    assert store.artifacts() == ()
    record = store.execution(execution)
    assert (record.state, record.error_code, record.error_message) == ("FAILED", "csv.ragged_row", "Row 3 has 4 cells.")


def test_a_refused_output_leaves_nothing_behind(store: LineageStore) -> None:
    execution = run_node(store)
    with raises("lineage.unknown_artifact", "99", kind=LineageError):
        store.complete_execution(execution, {"examples": [examples(), 99]}, {}, {})
    assert store.execution(execution).state == "RUNNING"
    assert store.artifacts() == ()


def test_an_unknown_input_starts_nothing(store: LineageStore) -> None:
    with raises("lineage.unknown_artifact", "7", kind=LineageError):
        store.start_execution("run-1", "Trainer", "Trainer", "f", {}, {"examples": [7]})
    assert store.executions_of("run-1") == ()


def test_only_json_is_recorded(store: LineageStore) -> None:
    execution = run_node(store)
    for value in (math.nan, {1, 2}):
        with raises("lineage.not_json"):
            store.complete_execution(execution, {}, {"accuracy": value}, {})
    assert store.execution(execution).state == "RUNNING"


def test_skipped_executions_say_why(store: LineageStore) -> None:
    skipped = store.skip_execution("run-1", "Pusher", "Pusher", "run.upstream_failed", "Trainer failed.")
    assert (skipped.state, skipped.error_code, skipped.error_message) == (
        "SKIPPED",
        "run.upstream_failed",
        "Trainer failed.",
    )
    assert skipped.finished_at == skipped.started_at


def test_cache_finds_the_latest_complete_execution_of_the_pipeline(store: LineageStore) -> None:
    first = run_node(store)
    store.complete_execution(first, {"examples": [examples()]}, {}, {})
    second = run_node(store)
    store.complete_execution(second, {"examples": [examples()]}, {}, {})
    run_node(store)
    store.fail_execution(run_node(store), "x", "y")
    found = store.find_cached("taxi", "CsvExampleGen", "f")
    assert found is not None
    assert found.id == second
    assert store.find_cached("taxi", "CsvExampleGen", "f", node_id="Other") is None
    assert store.find_cached("taxi", "CsvExampleGen", "g") is None
    assert store.find_cached("taxi", "ImportExampleGen", "f") is None
    assert store.find_cached("penguin", "CsvExampleGen", "f") is None


def test_cache_passes_over_executions_whose_outputs_are_gone(store: LineageStore) -> None:
    first, second = run_node(store), run_node(store)
    store.complete_execution(first, {"examples": [examples("a")]}, {}, {})
    gone = store.complete_execution(second, {"examples": [examples("b")]}, {}, {})["examples"]
    store.mark_deleted([record.id for record in gone])
    found = store.find_cached("taxi", "CsvExampleGen", "f")
    assert found is not None
    assert found.id == first


def test_a_cached_execution_links_the_earlier_outputs(store: LineageStore) -> None:
    source = run_node(store)
    outputs = store.complete_execution(
        source, {"examples": [examples("b"), examples("a")]}, {"blessed": 1}, {"train": 9}
    )
    store.start_run("run-2", "taxi", {}, owner="alive")
    cached = store.record_cached("run-2", "Gen", "CsvExampleGen", "f", {"span": 1}, {}, source)
    assert (cached.state, cached.source_execution_id) == ("CACHED", source)
    assert (cached.output_parameters, cached.rows) == ({"blessed": 1}, {"train": 9})
    assert store.outputs_of(cached.id) == outputs
    assert store.executions_of("run-2") == (cached,)


def test_only_complete_executions_serve_the_cache(store: LineageStore) -> None:
    with raises("lineage.not_complete", "RUNNING", "COMPLETE"):
        store.record_cached("run-1", "Gen", "CsvExampleGen", "f", {}, {}, run_node(store))


def test_executions_and_runs_of_dead_owners_are_abandoned_once(store: LineageStore) -> None:
    alive = run_node(store)
    store.start_run("run-2", "taxi", {}, owner="dead")
    done = run_node(store, run_id="run-2")
    store.complete_execution(done, {}, {}, {})
    lost = [run_node(store, run_id="run-2"), run_node(store, run_id="run-2")]
    asked: list[str] = []

    def is_alive(owner: str) -> bool:
        asked.append(owner)
        return owner == "alive"

    assert [record.id for record in store.abandon_executions(is_alive)] == lost
    assert sorted(asked) == ["alive", "dead"]
    assert [store.execution(each).state for each in (alive, done, *lost)] == [
        "RUNNING",
        "COMPLETE",
        "ABANDONED",
        "ABANDONED",
    ]
    assert (store.run("run-1").state, store.run("run-2").state) == ("RUNNING", "ABANDONED")
    assert store.abandon_executions(is_alive) == []
    with raises("lineage.not_running", "COMPLETE", "ABANDONED"):
        store.complete_execution(lost[0], {}, {}, {})


def test_an_importer_reuses_the_same_content_at_the_same_place(store: LineageStore) -> None:
    execution = run_node(store)
    first = store.register_artifact(examples(), execution_id=execution, output_key="result")
    assert (first.producer_id, first.output_key) == (execution, "result")
    assert store.register_artifact(examples(), execution_id=run_node(store)) == first
    assert store.register_artifact(examples(), reimport=True).id > first.id
    assert store.register_artifact(examples(digest="sha256:2")).id > first.id
    store.mark_deleted([record.id for record in store.artifacts()])
    assert store.register_artifact(examples()).state == "LIVE"


def test_ids_are_never_given_twice(tmp_path: Path) -> None:
    with LineageStore.open(tmp_path / "lineage.db") as store:
        store.start_run("run-1", "taxi", {}, owner="alive")
        last = run_node(store)
        with store._database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM executions")
        assert run_node(store) > last


@pytest.mark.parametrize("kind", ["run", "execution", "artifact"])
def test_unknown_ids_are_named(store: LineageStore, kind: str) -> None:
    question = {"run": store.executions_of, "execution": store.outputs_of, "artifact": store.ancestors}[kind]
    # A run's id is text, and a server with types does not compare it with a number.
    unknown = "404" if kind == "run" else 404
    with raises(f"lineage.unknown_{kind}", f"{unknown!r}", kind=LineageError):
        question(unknown)  # type: ignore[arg-type] # the union of the three signatures
