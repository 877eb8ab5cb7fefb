"""The names of pipeline, run and task on a cluster, whose server leaves placeholders in arguments as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kfp import dsl
from kfp.compiler import Compiler

from assay.artifacts import Model, ModelBlessing
from assay.artifacts.store import MANIFEST
from assay.gating.verdict import Verdict, write_verdict
from assay.lineage import LineageStore
from assay.runners.kfp import LatestBlessedModel, component_of
from assay.runners.kfp.blessed_models import VARIABLE
from assay.runners.kfp.step import TaskNames
from assay.spec import Input, Output, component
from raising import raises

MakeTask = Callable[..., Any]
RUN = "5f3b9a36-0e4c-4f2f-9d43-0c3ce0b1a1aa"
SALT = "0d0cf10d-5a3f-4b41-a9cb-6f1f7a0f3d0b"
PLACEHOLDERS = TaskNames("{{$.pipeline_job_name}}", "{{$.pipeline_job_uuid}}", "{{$.pipeline_task_name}}")


@component
def Train(model: Output[Model], *, weights: str) -> None:  # noqa: N802
    """Writes a model."""
    model.serving_path.mkdir()
    (model.serving_path / "saved_model.pb").write_text(weights)


@component
def Judge(model: Input[Model], blessing: Output[ModelBlessing]) -> None:  # noqa: N802
    """Blesses a model."""
    blessing.mark(blessed=True)
    blessing.properties["current_model_digest"] = model.digest
    write_verdict(Verdict(ok=True, summary="It is as it is."), blessing.path)


@pytest.mark.parametrize("after", [f"{SALT}/model", "model"])
def test_outputs_tell_the_names(after: str) -> None:
    uri = f"minio://mlpipeline/v2/artifacts/daily-check/{RUN}/trainer-2/{after}"
    assert PLACEHOLDERS.filled([uri]) == TaskNames("daily-check", RUN, "trainer-2")


def test_names_that_came_are_kept() -> None:
    names = TaskNames("daily", "run-1", "Trainer")
    assert names.filled([f"s3://b/other/{RUN}/t/{SALT}/model"]) == names


@pytest.mark.parametrize("outputs", [[], ["/tmp/root/daily-2026/trainer/model"], [RUN]])
def test_what_cannot_be_told_is_empty(outputs: list[str]) -> None:
    assert PLACEHOLDERS.filled(outputs) == TaskNames("", "", "")


def on_cluster(made: Any, folder: Path, pipeline: str, run_id: str) -> Any:
    """The task as the open-source server starts it: of all placeholders in the arguments only `{{$}}` is filled in."""
    made.command = [*made.template]
    made.command[made.command.index("{{$}}")] = ""
    made.placed(f"minio://mlpipeline/v2/artifacts/{pipeline}/{run_id}/{made.component.spec.name.lower()}/{SALT}")
    (folder / "minio").mkdir(exist_ok=True)
    made.mounts = folder
    return made.run()


def test_a_manifest_names_the_run(task: MakeTask, tmp_path: Path) -> None:
    made = on_cluster(task(component_of(Train), weights="w"), tmp_path, "daily-check", RUN)
    found = tmp_path / made.outputs["model"].uri.replace("://", "/") / MANIFEST
    producer = json.loads(found.read_text(encoding="utf-8"))["producer"]
    assert (producer["pipeline"], producer["run_id"], producer["node_id"]) == ("daily-check", RUN, "train")


@pytest.mark.parametrize("kind", ["folder", "sqlite"])
def test_pipelines_do_not_share_their_blessed_models(
    kind: str, task: MakeTask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry = f"sqlite:///{tmp_path / 'lineage.db'}" if kind == "sqlite" else str(tmp_path / "registry")
    monkeypatch.setenv(VARIABLE, registry)
    runs = [("daily", RUN), ("weekly", RUN[:-1] + "b"), ("daily", RUN[:-1] + "c")]
    for number, (pipeline, run_id) in enumerate(runs[:2]):
        model = on_cluster(task(component_of(Train), weights=str(number)), tmp_path, pipeline, run_id).outputs["model"]
        on_cluster(task(component_of(Judge), model=model), tmp_path, pipeline, run_id)
    monkeypatch.chdir(tmp_path)
    looking = task(LatestBlessedModel.configured(pipeline="monthly"))
    assert on_cluster(looking, tmp_path, *runs[2]).outputs["found"] is False
    if kind == "sqlite":
        with LineageStore.open(registry, root="/") as store:
            assert [each.node_id for each in store.executions_of(RUN)] == ["train", "judge"]
    else:
        assert sorted(each.name for each in (tmp_path / "registry").iterdir()) == ["daily", "weekly"]


def test_the_default_is_the_pipeline_that_the_step_is_declared_in(tmp_path: Path) -> None:
    """Each run has another job name, under which no later run would find what was blessed."""

    def declared():  # type: ignore[no-untyped-def]  # noqa: ANN202 (KFP reads no annotations that are text)
        LatestBlessedModel(registry="s3://ml/registry")
        component_of(Train, pipeline="mine")(weights="x")

    Compiler().compile(dsl.pipeline(name="Daily check")(declared), str(tmp_path / "p.yaml"))
    executors = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))["deploymentSpec"]["executors"]
    named = {
        name: each["container"]["args"][each["container"]["args"].index("--pipeline") + 1]
        for name, each in executors.items()
    }
    assert named == {"exec-latest-blessed-model": "daily-check", "exec-train": "mine"}


@component
def Nameless(model: Output[Model]) -> None:  # noqa: N802
    """Says that it ran."""
    raise AssertionError


def test_a_registry_without_a_pipelines_name(task: MakeTask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "registry"))
    made = task(component_of(Nameless, pipeline=PLACEHOLDERS.pipeline))
    made.command[made.command.index("--pipeline") + 1] = PLACEHOLDERS.pipeline
    with raises("kfp.no_pipeline_name", "Nameless"):
        made.run()
