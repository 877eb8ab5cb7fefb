"""Pipelines of several roots, as of several machines, that record in one PostgreSQL database."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

from assay.lineage import LineageStore
from assay.runners.local import LocalDagRunner, Silence
from assay.runners.local.session import RootLayout
from assay.spec import Pipeline


def run(root: Path, name: str, url: str, toys: Any) -> int:
    text = toys.Text(content=name)
    pipeline = Pipeline(name, None, [text, toys.Pass(text=text.outputs["text"])], metadata_connection_config=url)
    return LocalDagRunner(root, progress=Silence()).run(pipeline).exit_code


def test_two_runs_at_once(tmp_path: Path, postgres_url: str, toys: Any) -> None:
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(2)

    def at_once(name: str) -> None:
        barrier.wait(timeout=300)
        raise SystemExit(run(tmp_path / name, name, postgres_url, toys))

    processes = [context.Process(target=at_once, args=(name,)) for name in ("one", "two")]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=300)
    assert [process.exitcode for process in processes] == [0, 0]
    with LineageStore.open(postgres_url, create=False) as store:
        assert {each.pipeline: each.state for each in store.runs()} == {"one": "COMPLETE", "two": "COMPLETE"}
        assert len(store.artifacts()) == 4
        assert all(Path(each.location).is_dir() for each in store.artifacts())


def test_a_run_of_another_machine_is_not_taken_for_dead(tmp_path: Path, postgres_url: str, toys: Any) -> None:
    with LineageStore.open(postgres_url) as store:
        store.start_run("elsewhere", "two", {}, "elsewhere")
        execution = store.start_execution("elsewhere", "Text", "Text", "f", {}, {})
        assert run(tmp_path, "one", postgres_url, toys) == 0
        assert store.execution(execution).state == "RUNNING"


def test_a_killed_run_of_the_same_root_is_cleared_away(tmp_path: Path, postgres_url: str, toys: Any) -> None:
    RootLayout(tmp_path, postgres_url).run("killed").mkdir(parents=True)
    with LineageStore.open(postgres_url) as store:
        store.start_run("killed", "one", {}, "killed")
        execution = store.start_execution("killed", "Text", "Text", "f", {}, {})
        assert run(tmp_path, "one", postgres_url, toys) == 0
        assert store.execution(execution).state == "ABANDONED"


def test_the_cache_serves_a_second_run(tmp_path: Path, postgres_url: str, toys: Any) -> None:
    assert run(tmp_path, "one", postgres_url, toys) == run(tmp_path, "one", postgres_url, toys) == 0
    with LineageStore.open(postgres_url) as store:
        second, first = store.runs()
        assert [each.state for each in store.executions_of(first.id)] == ["COMPLETE", "COMPLETE"]
        assert [each.state for each in store.executions_of(second.id)] == ["CACHED", "CACHED"]
