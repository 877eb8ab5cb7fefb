"""The latest blessed model across runs: a folder, an object store, a lineage store."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from typer.testing import CliRunner

from assay.artifacts import Model, ModelBlessing
from assay.artifacts.store import open_artifact
from assay.cli.main import app
from assay.gating.verdict import Verdict, write_verdict
from assay.lineage import LineageStore, queries
from assay.runners.kfp import ExampleValidator, ImportSchemaGen, LatestBlessedModel, StatisticsGen, component_of
from assay.runners.kfp.blessed_models import VARIABLE, FinishedStep, StepRecord, latest_blessed
from assay.runners.kfp.control_steps import Condition
from assay.runners.kfp.inputs import EMPTY
from assay.spec import Input, Output, component
from raising import raises

MakeTask = Callable[..., Any]


@component
def Train(model: Output[Model], *, weights: str) -> None:  # noqa: N802
    """Writes a model."""
    if not weights:
        raise ValueError("no weights")
    model.serving_path.mkdir()
    (model.serving_path / "saved_model.pb").write_text(weights)


@component
def Judge(model: Input[Model], blessing: Output[ModelBlessing], *, good: bool = True) -> None:  # noqa: N802
    """Blesses a model, or not."""
    blessing.mark(blessed=good)
    blessing.properties["current_model_digest"] = model.digest
    write_verdict(Verdict(ok=good, summary="It is as it is."), blessing.path)


PLACES = ["folder", "s3", "sqlite", "postgresql"]


@pytest.fixture(params=["folder", "sqlite"])
def registry(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A place that all runs share."""
    if request.param == "s3":
        request.getfixturevalue("s3")
        return "s3://store/registry"
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_url"))
    return f"sqlite:///{tmp_path / 'lineage.db'}" if request.param == "sqlite" else str(tmp_path / "registry")


@pytest.fixture
def judged(task: MakeTask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dsl.Artifact]:
    """Gives a function that trains a model and blesses it, or not, with a registry in the environment."""

    def run(registry: str, weights: str, *, good: bool = True) -> dsl.Artifact:
        monkeypatch.setenv(VARIABLE, registry)
        model = task(component_of(Train, pipeline="taxi"), weights=weights).run().outputs["model"]
        task(component_of(Judge, pipeline="taxi"), model=model, good=good).run()
        found: dsl.Artifact = model
        return found

    return run


def latest(task: MakeTask, registry: str, **arguments: Any) -> dict[str, Any]:
    made = task(LatestBlessedModel.configured(pipeline="taxi"), registry=registry, **arguments).run()
    outputs: dict[str, Any] = made.outputs
    return outputs


def test_nothing_was_ever_blessed(registry: str, task: MakeTask, judged: Callable[..., dsl.Artifact]) -> None:
    judged(registry, "bad", good=False)
    outputs = latest(task, registry)
    assert outputs["found"] is False
    assert (Path(outputs["model"].path) / EMPTY).is_file()


@pytest.mark.parametrize("registry", PLACES, indirect=True)
def test_the_last_one_is_found_with_its_blessing(
    registry: str, task: MakeTask, judged: Callable[..., dsl.Artifact]
) -> None:
    judged(registry, "first")
    second = judged(registry, "second")
    judged(registry, "bad", good=False)
    outputs = latest(task, registry)
    assert outputs["found"] is True
    model = open_artifact(Path(outputs["model"].path), Model)
    assert model.digest == second.metadata["digest"]
    blessing = open_artifact(Path(outputs["model_blessing"].path), ModelBlessing)
    assert blessing.blessed
    assert blessing.properties["current_model_digest"] == model.digest


@pytest.mark.parametrize("registry", ["folder", "sqlite", "postgresql"], indirect=True)
@pytest.mark.slow
def test_steps_that_end_at_once(registry: str, task: MakeTask, step_path: str) -> None:
    """Of one run, and of several: none is lost, and none stands in the way of another."""
    models = [task(component_of(Train, pipeline="taxi"), weights=f"w{n}").run().outputs["model"] for n in range(4)]
    judging = [task(component_of(Judge, pipeline="taxi"), model=model) for model in models]
    environment = os.environ | {"PYTHONPATH": step_path, VARIABLE: registry}
    started = []
    for number, each in enumerate(judging):
        each.command[each.command.index("--run-id") + 1] = f"run-{number // 2}"
        command = [sys.executable, *each.command[1:]]
        started.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    said = [process.communicate(timeout=300)[1] for process in started]
    assert [process.returncode for process in started] == [0] * 4, said
    seen: set[str] = set()
    while (found := latest_blessed(registry, "taxi", seen)) is not None:
        seen.add(found.model.digest)
    assert seen == {model.metadata["digest"] for model in models}


def test_a_revoked_blessing_is_passed_over(registry: str, task: MakeTask, judged: Callable[..., dsl.Artifact]) -> None:
    first = judged(registry, "first")
    judged(registry, "second")
    blessed = latest_blessed(registry, "taxi", [])
    assert blessed is not None
    assert CliRunner().invoke(app, ["revoke", blessed.blessing.uri, "--reason", "wrong labels"]).exit_code == 0
    assert latest(task, registry)["model"].metadata["digest"] == first.metadata["digest"]


def test_a_candidate_is_not_its_own_baseline(
    registry: str, task: MakeTask, judged: Callable[..., dsl.Artifact]
) -> None:
    first = judged(registry, "first")
    second = judged(registry, "second")
    outputs = latest(task, registry, candidate=second)
    assert outputs["model"].metadata["digest"] == first.metadata["digest"]


def test_other_pipelines_have_their_own(registry: str, task: MakeTask, judged: Callable[..., dsl.Artifact]) -> None:
    judged(registry, "first")
    assert latest(task, registry, pipeline="another")["found"] is False


@pytest.mark.parametrize("harm", ["removed", "changed"])
def test_a_lost_baseline_is_an_error(
    harm: str, registry: str, task: MakeTask, judged: Callable[..., dsl.Artifact]
) -> None:
    model = judged(registry, "first")
    if harm == "removed":
        shutil.rmtree(model.path)
    else:
        (Path(model.path) / "Format-Serving" / "saved_model.pb").write_text("other")
    with raises("kfp.baseline_lost"):
        latest(task, registry)


def test_a_lineage_store_records_every_step(
    tmp_path: Path, task: MakeTask, judged: Callable[..., dsl.Artifact]
) -> None:
    url = f"sqlite:///{tmp_path / 'lineage.db'}"
    model = judged(url, "first")
    with LineageStore.open(url, root="/") as store:
        assert [execution.node_id for execution in store.executions_of("run-1")] == ["Train", "Judge"]
        recorded = store.artifact_by_digest(model.metadata["digest"])
        assert recorded is not None
        assert recorded.location == model.uri
        maker = queries.producer(store, recorded.id)
        assert maker is not None
        assert maker.parameters == {"weights": "first"}
        judges = store.descendants(recorded.id).executions.values()
        assert [execution.node_id for execution in judges] == ["Judge"]


def test_a_record_of_something_else(tmp_path: Path, task: MakeTask) -> None:
    (tmp_path / "registry" / "taxi").mkdir(parents=True)
    (tmp_path / "registry" / "taxi" / "1.json").write_text("{}")
    with raises("kfp.registry_record", "1.json"):
        latest(task, str(tmp_path / "registry"))


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_a_registry_that_is_nowhere_is_not_a_first_run(
    kind: str, task: MakeTask, tmp_path: Path, request: pytest.FixtureRequest, judged: Callable[..., dsl.Artifact]
) -> None:
    """A volume that is not mounted, or a bucket with a typing mistake, looks empty."""
    if kind == "s3":
        request.getfixturevalue("s3")
    registry = "s3://stroe/registry" if kind == "s3" else str(tmp_path / "not-mounted" / "registry")
    why = "there is no such bucket" if kind == "s3" else "its parent folder does not exist"
    with raises("kfp.registry_missing", why):
        latest(task, registry)
    with raises("kfp.unreachable" if kind == "s3" else "kfp.registry_missing"):
        judged(registry, "first")


def test_no_registry_is_not_a_first_run(task: MakeTask) -> None:
    with raises("kfp.registry", "LatestBlessedModel"):
        task(LatestBlessedModel).run()


def test_unless_the_author_says_so(task: MakeTask) -> None:
    assert task(LatestBlessedModel, without_registry=True).run().outputs["found"] is False


def test_a_folders_record_names_the_digest(tmp_path: Path, judged: Callable[..., dsl.Artifact]) -> None:
    model = judged(str(tmp_path / "registry"), "first")
    (record,) = (tmp_path / "registry" / "taxi").glob("*.json")
    assert record.stem.endswith(model.metadata["digest"].removeprefix("sha256:")[:12])
    content = hashlib.sha256(b"first").hexdigest()
    assert content in (Path(model.path) / "manifest.json").read_text()


class TestRunsInALineageStore:
    """What a lineage store says of a run of which each step sees itself alone."""

    @pytest.fixture
    def url(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
        url = f"sqlite:///{tmp_path / 'lineage.db'}"
        monkeypatch.setenv(VARIABLE, url)
        return url

    @staticmethod
    def recorded(url: str, run: str = "run-1") -> tuple[str, int | None, list[tuple[str, str]]]:
        with LineageStore.open(url, root="/") as store:
            found = store.run(run)
            return found.state, found.exit_code, [(each.node_id, each.state) for each in store.executions_of(run)]

    @staticmethod
    def trained(task: MakeTask, **weights: str) -> Any:
        return task(component_of(Train, pipeline="taxi"), **(weights or {"weights": "w"}))

    def test_a_gate_that_closed(self, url: str, task: MakeTask, examples: dsl.Artifact, schema: dsl.Artifact) -> None:
        statistics = task(StatisticsGen, examples=examples).run().outputs["statistics"]
        strict = task(ImportSchemaGen, schema_file=strict_schema(schema)).run().outputs["schema"]
        for gate in ("outputs", "none"):
            step = ExampleValidator.configured(gate=gate)
            task(step, statistics=statistics, schema=strict).run()
            assert self.recorded(url)[:2] == ("COMPLETE", 3)
        self.trained(task).run()
        assert self.recorded(url)[:2] == ("COMPLETE", 3), "a later step does not open it"

    def test_a_gate_that_never_fails(
        self, url: str, task: MakeTask, examples: dsl.Artifact, schema: dsl.Artifact
    ) -> None:
        statistics = task(StatisticsGen, examples=examples).run().outputs["statistics"]
        strict = task(ImportSchemaGen, schema_file=strict_schema(schema)).run().outputs["schema"]
        task(ExampleValidator, statistics=statistics, schema=strict, fail_on="never").run()
        assert self.recorded(url)[:2] == ("COMPLETE", 0)

    def test_a_model_that_is_not_blessed(self, url: str, judged: Callable[..., dsl.Artifact]) -> None:
        judged(url, "bad", good=False)
        assert self.recorded(url) == ("COMPLETE", 4, [("Train", "COMPLETE"), ("Judge", "COMPLETE")])

    def test_a_step_that_fails_and_is_tried_again(self, url: str, task: MakeTask) -> None:
        with raises("user_code.raised", "weights"):
            self.trained(task, weights="").run()
        assert self.recorded(url) == ("FAILED", 1, [("Train", "FAILED")])
        with LineageStore.open(url, root="/") as store:
            (failed,) = store.executions_of("run-1")
        assert (failed.error_code, failed.parameters) == ("user_code.raised", {"weights": ""})
        assert "no weights" in failed.error_message
        self.trained(task).run()
        assert self.recorded(url) == ("COMPLETE", 0, [("Train", "FAILED"), ("Train", "COMPLETE")])

    def test_a_step_without_its_input(self, url: str, task: MakeTask) -> None:
        model = self.trained(task).run().outputs["model"]
        shutil.rmtree(model.path)
        with raises("kfp.input_missing"):
            task(component_of(Judge, pipeline="taxi"), model=model).run()
        assert self.recorded(url) == ("FAILED", 1, [("Train", "COMPLETE"), ("Judge", "FAILED")])

    def test_a_step_that_runs_or_was_killed(self, url: str, task: MakeTask) -> None:
        record = StepRecord(registry=url, pipeline="taxi", run_id="run-1", node="Train", component="Train")
        record.start({}, {})
        assert self.recorded(url) == ("RUNNING", None, [("Train", "RUNNING")])
        self.trained(task).run()
        assert self.recorded(url)[:2] == ("COMPLETE", 0), "its next attempt"

    def test_a_step_that_another_runner_took_for_dead(self, url: str) -> None:
        record = StepRecord(registry=url, pipeline="taxi", run_id="run-1", node="Train", component="Train")
        record.start({}, {"weights": "w"})
        with LineageStore.open(url, root="/") as store:
            store.abandon_executions(lambda owner: False)
        record.complete(FinishedStep(inputs={}, outputs={}, output_parameters={}))
        assert self.recorded(url) == ("COMPLETE", 0, [("Train", "ABANDONED"), ("Train", "COMPLETE")])

    def test_steps_that_kfp_took_from_its_cache(self, url: str, task: MakeTask) -> None:
        """Nothing runs of them, so what reads of them records them."""
        model = self.trained(task).run().outputs["model"]
        step = task(component_of(Judge, pipeline="taxi"), model=model)
        step.command[step.command.index("--run-id") + 1] = "run-2"
        step.run()
        assert self.recorded(url, "run-2") == ("COMPLETE", 0, [("Train", "CACHED"), ("Judge", "COMPLETE")])
        with LineageStore.open(url, root="/") as store:
            (first,) = store.executions_of("run-1")
            assert store.executions_of("run-2")[0].source_execution_id == first.id

    def test_steps_that_only_steer_record_nothing(self, url: str, task: MakeTask, tmp_path: Path) -> None:
        task(component_of(Condition), predicate={"compare": [1, "==", 1]}).run()
        assert not (tmp_path / "lineage.db").exists()


def strict_schema(schema: dsl.Artifact) -> str:
    """A schema that the trips do not match."""
    path = Path(schema.path) / "schema.pbtxt"
    text = path.read_text(encoding="utf-8").replace('value: "Blue Cab"', "")
    strict = path.parent.parent / "strict.pbtxt"
    strict.write_text(text, encoding="utf-8")
    return str(strict)
