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

from assay.artifacts import Model, ModelBlessing
from assay.artifacts.store import open_artifact
from assay.errors import ArtifactError, UsageError
from assay.gating.verdict import Verdict, write_verdict
from assay.lineage import SqlLineageStore, queries
from assay.runners.kfp import LatestBlessedModel, component_of
from assay.runners.kfp.registry import VARIABLE, latest_blessed
from assay.runners.kfp.step_inputs import EMPTY
from assay.spec import Input, Output, component

MakeTask = Callable[..., Any]


@component
def Train(model: Output[Model], *, weights: str) -> None:  # noqa: N802
    """Writes a model."""
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
def test_steps_that_end_at_once(registry: str, task: MakeTask, project_root: Path) -> None:
    """Of one run, and of several: none is lost, and none stands in the way of another."""
    models = [task(component_of(Train, pipeline="taxi"), weights=f"w{n}").run().outputs["model"] for n in range(4)]
    judging = [task(component_of(Judge, pipeline="taxi"), model=model) for model in models]
    # What runs the tests may be on the path alone, as it is inside our images.
    paths = [str(project_root / "components"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), VARIABLE: registry}
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
    with pytest.raises(ArtifactError, match=r"The Model that was recorded last, .*, (is gone|was changed after)"):
        latest(task, registry)


def test_a_lineage_store_records_every_step(
    tmp_path: Path, task: MakeTask, judged: Callable[..., dsl.Artifact]
) -> None:
    url = f"sqlite:///{tmp_path / 'lineage.db'}"
    model = judged(url, "first")
    with SqlLineageStore.open(url, root="/") as store:
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
    with pytest.raises(ArtifactError, match=r"1\.json in the registry is no record of a blessed model"):
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
    with pytest.raises(ArtifactError, match=rf"registry .* cannot be there: {why}"):
        latest(task, registry)
    with pytest.raises(ArtifactError, match=r"cannot be there|could not be reached"):
        judged(registry, "first")


def test_no_registry_is_not_a_first_run(task: MakeTask) -> None:
    with pytest.raises(UsageError, match=r"LatestBlessedModel needs a registry"):
        task(LatestBlessedModel).run()


def test_unless_the_author_says_so(task: MakeTask) -> None:
    assert task(LatestBlessedModel, without_registry=True).run().outputs["found"] is False


def test_a_folders_record_names_the_digest(tmp_path: Path, judged: Callable[..., dsl.Artifact]) -> None:
    model = judged(str(tmp_path / "registry"), "first")
    (record,) = (tmp_path / "registry" / "taxi").glob("*.json")
    assert record.stem.endswith(model.metadata["digest"].removeprefix("sha256:")[:12])
    content = hashlib.sha256(b"first").hexdigest()
    assert content in (Path(model.path) / "manifest.json").read_text()
