"""The container entry point: KFP's files in, KFP's files out, and nothing half-done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from kfp import dsl
from kfp.dsl.executor import Executor

from assay.artifacts.examples import Examples
from assay.artifacts.statistics import ExampleStatistics
from assay.artifacts.store import MANIFEST, open_artifact
from assay.gating.verdict import read_verdict
from assay.runners.kfp import (
    BulkInferrer,
    CsvExampleGen,
    ExampleValidator,
    ImportSchemaGen,
    SchemaGen,
    StatisticsGen,
    component_of,
)
from assay.runners.kfp.executor_io import parse_executor_input
from assay.runners.kfp.inputs import EMPTY
from assay.spec import ExecutionContext, Input, Output, component
from raising import raises

MakeTask = Callable[..., Any]


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


class TestOutputs:
    def test_artifacts_are_sealed_where_kfp_wants_them(self, examples: dsl.Artifact) -> None:
        opened = open_artifact(Path(examples.path), Examples)
        assert sum(opened.rows.values()) == 90
        assert examples.metadata["artifact_type"] == "Examples"
        assert examples.metadata["digest"] == opened.digest

    def test_the_next_step_reads_them(self, statistics: dsl.Artifact) -> None:
        opened = open_artifact(Path(statistics.path), ExampleStatistics)
        assert sum(opened.read(split).datasets[0].num_examples for split in opened.split_names) == 90

    def test_the_manifest_names_the_run_and_the_step(self, examples: dsl.Artifact) -> None:
        producer = json.loads((Path(examples.path) / MANIFEST).read_text())["producer"]
        assert (producer["run_id"], producer["node_id"], producer["output_key"]) == (
            "run-1",
            "CsvExampleGen",
            "examples",
        )

    def test_views_are_there(self, examples: dsl.Artifact, task: MakeTask) -> None:
        outputs = task(StatisticsGen, examples=examples).run().outputs
        page = Path(outputs["html_report"].path).read_text(encoding="utf-8")
        assert page.startswith("<!doctype html>")
        assert "company" in page
        assert outputs["metrics"].metadata["statistics_rows_train"] + outputs["metrics"].metadata[
            "statistics_rows_eval"
        ] == pytest.approx(90)

    def test_numbers_keep_their_types(self, statistics: dsl.Artifact, schema: dsl.Artifact, task: MakeTask) -> None:
        outputs = task(ExampleValidator, statistics=statistics, schema=schema).run().outputs
        assert (outputs["blessed"], outputs["num_errors"], outputs["num_warnings"]) == (True, 0, 0)
        assert type(outputs["blessed"]) is bool
        assert type(outputs["num_errors"]) is int
        assert "blessed" in Path(outputs["markdown_summary"].path).read_text(encoding="utf-8")

    def test_the_document_has_the_shape_that_kfps_executor_writes(self, examples: dsl.Artifact, task: MakeTask) -> None:
        mine = task(StatisticsGen, examples=examples).run()
        written = json.loads(Path(mine.given.outputs.output_file).read_text(encoding="utf-8"))

        def same(
            examples: dsl.Input[dsl.Dataset],
            statistics: dsl.Output[dsl.Artifact],
            html_report: dsl.Output[dsl.HTML],
            metrics: dsl.Output[dsl.Metrics],
        ) -> None:
            for name, artifact in (("statistics", statistics), ("metrics", metrics)):
                artifact.metadata.update(written["artifacts"][name]["artifacts"][0]["metadata"])

        same.__annotations__ = {  # text under `from __future__ import annotations`, which KFP's executor cannot read
            "examples": dsl.Input[dsl.Dataset],
            "statistics": dsl.Output[dsl.Artifact],
            "html_report": dsl.Output[dsl.HTML],
            "metrics": dsl.Output[dsl.Metrics],
        }
        path = Executor(mine.given_dict, same).execute()
        assert path is not None
        assert json.loads(Path(path).read_text(encoding="utf-8")) == written

    def test_output_parameters_have_the_shape_that_kfps_executor_writes(self, tmp_path: Path, task: MakeTask) -> None:
        mine = task(component_of(Count), word="four", times=2, half=0.5, deep={"a": [1, {"b": 2.5}]}).run()
        written = json.loads(Path(mine.given.outputs.output_file).read_text(encoding="utf-8"))
        assert written["parameterValues"] == {"letters": 8, "share": 4.0, "any": True, "echo": {"a": [1, {"b": 2.5}]}}
        assert mine.outputs["letters"] == 8

    def test_an_output_that_is_left_empty_says_so(self, examples: dsl.Artifact, task: MakeTask) -> None:
        outputs = task(component_of(Maybe), examples=examples).run().outputs
        assert json.loads((Path(outputs["copy"].path) / EMPTY).read_text())["left_empty_by"] == "Maybe"
        assert task(component_of(Wants), examples=outputs["copy"]).run().outputs["given"] is False
        with raises("kfp.no_input", "StatisticsGen.examples", "Examples"):
            task(StatisticsGen, examples=outputs["copy"]).run()

    def test_a_second_attempt_of_a_task_replaces_the_first(self, examples: dsl.Artifact, task: MakeTask) -> None:
        mine = task(StatisticsGen, examples=examples).run()
        before = mine.outputs["statistics"].metadata["digest"]
        assert mine.run().outputs["statistics"].metadata["digest"] == before


class TestWrongArtifacts:
    def test_one_of_another_type(self, schema: dsl.Artifact, task: MakeTask) -> None:
        with raises("kfp.wrong_artifact", "StatisticsGen.examples", "Examples", "Schema", "SchemaGen"):
            task(StatisticsGen, examples=schema).run()

    def test_a_file_of_another_author(self, tmp_path: Path, task: MakeTask) -> None:
        (tmp_path / "data").write_text("a,b\n1,2\n")
        foreign = dsl.Dataset(name="data", uri=str(tmp_path / "data"))
        with raises("kfp.not_an_artifact", "manifest.json", "CsvExampleGen"):
            task(StatisticsGen, examples=foreign).run()

    def test_one_that_is_not_there(self, tmp_path: Path, task: MakeTask) -> None:
        lost = dsl.Dataset(name="data", uri=str(tmp_path / "lost"))
        with raises("kfp.input_missing", "Examples", "lost"):
            task(StatisticsGen, examples=lost).run()

    def test_one_that_lost_a_file(self, examples: dsl.Artifact, task: MakeTask) -> None:
        next(Path(examples.path).glob("Split-train/*.parquet")).unlink()
        with raises("kfp.incomplete"):
            task(StatisticsGen, examples=examples).run()

    def test_the_process_prints_the_message_and_no_traceback(
        self, schema: dsl.Artifact, task: MakeTask, step_path: str
    ) -> None:
        mine = task(StatisticsGen, examples=schema)
        done = in_process(step_path, *mine.command[1:])
        assert done.returncode == 1
        assert done.stderr.startswith("Error: StatisticsGen.examples takes Examples, but")
        assert "Trace" not in done.stderr
        assert files(mine.folder) == []

    def test_a_folder_of_tfx_comes_in_by_its_metadata(self, examples: dsl.Artifact, task: MakeTask) -> None:
        (Path(examples.path) / MANIFEST).unlink()
        foreign = dsl.Dataset(name="x", uri=examples.uri, metadata={"artifact_type": "Examples", "span": 7.0})
        outputs = task(StatisticsGen, examples=foreign).run().outputs
        assert open_artifact(Path(outputs["statistics"].path), ExampleStatistics).properties["span"] == 7


class TestGates:
    @pytest.fixture
    def strict(self, schema: dsl.Artifact, tmp_path: Path, task: MakeTask) -> dsl.Artifact:
        """A schema that the trips break."""
        text = (Path(schema.path) / "schema.pbtxt").read_text(encoding="utf-8").replace('value: "Blue Cab"\n', "")
        (tmp_path / "strict.pbtxt").write_text(text, encoding="utf-8")
        return task(ImportSchemaGen, schema_file=str(tmp_path / "strict.pbtxt")).run().outputs["schema"]

    def test_a_closed_gate_leaves_everything_and_then_fails(
        self, statistics: dsl.Artifact, strict: dsl.Artifact, task: MakeTask
    ) -> None:
        mine = task(ExampleValidator, statistics=statistics, schema=strict).run()
        assert mine.exit_code == 3
        assert (mine.outputs["blessed"], mine.outputs["num_errors"]) == (False, 2)
        assert not read_verdict(Path(mine.outputs["anomalies"].path)).ok
        assert "Blue Cab" in Path(mine.outputs["html_report"].path).read_text(encoding="utf-8")
        assert "not blessed" in Path(mine.outputs["markdown_summary"].path).read_text(encoding="utf-8")

    def test_fail_on_never_lets_the_step_pass(
        self, statistics: dsl.Artifact, strict: dsl.Artifact, task: MakeTask
    ) -> None:
        mine = task(ExampleValidator, statistics=statistics, schema=strict, fail_on="never").run()
        assert (mine.exit_code, mine.outputs["num_errors"], mine.outputs["blessed"]) == (0, 2, False)
        shown = Path(mine.outputs["markdown_summary"].path).read_text(encoding="utf-8")
        assert shown.startswith("## ")
        assert shown.splitlines()[0].endswith(": not blessed")
        assert "<" not in shown, "KFP shows tags as text"


class TestFailures:
    def test_a_step_that_fails_leaves_nothing(self, examples: dsl.Artifact, task: MakeTask) -> None:
        mine = task(SchemaGen, statistics=examples)
        with raises("kfp.wrong_artifact", "ExampleStatistics"):
            mine.run()
        assert files(mine.folder) == []

    @pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
    def test_a_step_that_is_killed_leaves_no_artifact(
        self, signal_number: signal.Signals, task: MakeTask, step_path: str, tmp_path: Path
    ) -> None:
        mine = task(component_of(Slow), ready=str(tmp_path / "ready"))
        process = subprocess.Popen([sys.executable, *mine.command[1:]], env=os.environ | {"PYTHONPATH": step_path})
        deadline = time.monotonic() + 300
        while not (tmp_path / "ready").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal_number)
        assert process.wait(timeout=300) != 0
        assert files(mine.folder) == []

    def test_users_see_their_own_traceback(self, examples: dsl.Artifact, task: MakeTask, step_path: str) -> None:
        mine = task(component_of(Broken), examples=examples)
        done = in_process(step_path, *mine.command[1:])
        assert done.returncode == 1
        assert "the user's mistake" in done.stderr
        assert "assay/runners" not in done.stderr

    def test_something_else_than_kfps_json(self) -> None:
        with raises("kfp.executor_input", "--executor-input"):
            parse_executor_input("{{$}}")

    def test_a_model_step_without_a_model(self, examples: dsl.Artifact, task: MakeTask) -> None:
        with raises("kfp.no_input", "BulkInferrer.model"):
            task(BulkInferrer, examples=examples).run()


class TestLightness:
    def test_a_data_step_loads_neither_kfp_nor_tensorflow(
        self, examples: dsl.Artifact, task: MakeTask, step_path: str
    ) -> None:
        mine = task(StatisticsGen, examples=examples)
        code = (
            "import sys; from assay.runners.kfp.step import main; assert main() == 0\n"
            "print(sorted(name for name in sys.modules if name in "
            "{'kfp', 'tensorflow', 'apache_beam', 'sqlalchemy', 'fsspec'}))"
        )
        done = in_process(step_path, "-c", code, *mine.command[3:])
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[-1] == "[]"


def test_a_csv_of_another_authors_step(trips: Path, task: MakeTask) -> None:
    raw = dsl.Dataset(name="raw", uri=str(trips / "trips.csv"))
    outputs = task(CsvExampleGen, input_base_artifact=raw).run().outputs
    assert sum(open_artifact(Path(outputs["examples"].path), Examples).rows.values()) == 90


def in_process(step_path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
        env=os.environ | {"PYTHONPATH": step_path},
    )


class Counted(NamedTuple):
    letters: int
    share: float
    any: bool
    echo: dict[str, Any]


@component
def Count(*, word: str, times: int = 1, half: float = 1.0, deep: dict[str, Any] | None = None) -> Counted:  # noqa: N802
    letters = len(word) * times
    return Counted(letters, letters * half, letters > 0, deep or {})


@component
def Maybe(examples: Input[Examples], copy: Output[Examples] | None = None) -> None:  # noqa: N802
    assert copy is not None


class Given(NamedTuple):
    given: bool


@component
def Wants(examples: Input[Examples] | None = None) -> Given:  # noqa: N802
    return Given(examples is not None)


@component
def Slow(context: ExecutionContext, examples: Output[Examples], *, ready: str) -> None:  # noqa: N802
    (examples.path / "Split-train").mkdir()
    (examples.path / "Split-train" / "half").write_text("half")
    Path(ready).touch()
    time.sleep(120)


@component
def Broken(examples: Input[Examples], copy: Output[Examples]) -> None:  # noqa: N802
    raise ValueError("the user's mistake")
