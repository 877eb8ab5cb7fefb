from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from assay.artifacts.blessing import InfraBlessing, ModelBlessing
from assay.artifacts.model import Model
from assay.artifacts.pushed_model import PushedModel
from assay.components.pusher import PushDestination, Pusher
from assay.components.pusher.compute import still_pushed
from assay.engines.embedded import EmbeddedEngine
from assay.errors import UsageError
from assay.gate.verdict import Verdict, write_verdict
from assay.spec import ExecutionContext
from assay.spec.values import canonical, typed

DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def model(tmp_path: Path) -> Model:
    serving = tmp_path / "model" / "Format-Serving"
    serving.mkdir(parents=True)
    (serving / "saved_model.pb").write_bytes(b"graph")
    return Model(tmp_path / "model", digest=DIGEST)


def blessing(folder: Path, *, blessed: bool = True, digest: str = DIGEST) -> ModelBlessing:
    folder.mkdir()
    artifact = ModelBlessing(folder, digest="sha256:blessing")
    artifact.mark(blessed=blessed)
    artifact.properties["current_model_digest"] = digest
    write_verdict(Verdict(ok=blessed, summary="Not blessed: auc fell."), folder)
    return artifact


def push(
    tmp_path: Path, model: Model, base: Path | None = None, **blessings: Any
) -> tuple[Any, PushedModel, list[str]]:
    folder = tmp_path / f"pushed-{len(list(tmp_path.glob('pushed-*')))}"
    folder.mkdir()
    pushed, said = PushedModel(folder), []
    destination = PushDestination(
        filesystem=PushDestination.Filesystem(base_directory=str(base or tmp_path / "serving"))
    )
    context = ExecutionContext(engine=EmbeddedEngine(), temp_dir=tmp_path, log=said.append)
    outcome = Pusher.spec.function(
        context=context, model=model, pushed_model=pushed, push_destination=destination, **blessings
    )
    return outcome, pushed, said


def test_a_blessed_model_is_pushed_and_the_receipt_says_on_whose_word(tmp_path: Path, model: Model) -> None:
    outcome, pushed, _ = push(tmp_path, model, model_blessing=blessing(tmp_path / "blessing"))
    [version] = (tmp_path / "serving").iterdir()
    assert outcome == (True, version.name)
    assert (version / "saved_model.pb").read_bytes() == b"graph"
    assert (pushed.path / "saved_model.pb").read_bytes() == b"graph"
    assert dict(pushed.properties) == {
        "pushed": 1,
        "pushed_destination": str(version),
        "pushed_version": version.name,
    }
    receipt = pushed.receipt()
    assert receipt["model_digest"] == DIGEST
    assert receipt["blessings"] == {"model_blessing": "sha256:blessing"}
    assert receipt["reason"] == f"Pushed as version {version.name}."


def test_a_model_that_is_not_blessed_is_not_pushed_and_the_reason_is_the_verdict(tmp_path: Path, model: Model) -> None:
    outcome, pushed, said = push(tmp_path, model, model_blessing=blessing(tmp_path / "blessing", blessed=False))
    assert outcome == (False, "")
    assert dict(pushed.properties) == {"pushed": 0}
    assert said == ["The model_blessing does not bless the model: Not blessed: auc fell."]
    assert pushed.receipt()["reason"] == said[0]
    assert [path.name for path in pushed.path.iterdir()] == ["receipt.json"]
    assert not (tmp_path / "serving").exists()


def test_a_blessing_of_another_model_pushes_nothing(tmp_path: Path, model: Model) -> None:
    other = blessing(tmp_path / "blessing", digest="sha256:" + "b" * 64)
    outcome, _, said = push(tmp_path, model, model_blessing=other)
    assert not outcome.pushed
    assert said == [
        (
            "The model_blessing is for another model: it names sha256:bbbbbbbbbbbb, the model to push is "
            "sha256:aaaaaaaaaaaa."
        )
    ]
    assert not (tmp_path / "serving").exists()


def test_every_blessing_that_is_wired_must_bless(tmp_path: Path, model: Model) -> None:
    (tmp_path / "infra").mkdir()
    infra = InfraBlessing(tmp_path / "infra")
    outcome, _, said = push(tmp_path, model, model_blessing=blessing(tmp_path / "blessing"), infra_blessing=infra)
    assert (outcome.pushed, said) == (False, ["The infra_blessing does not bless the model."])
    (tmp_path / "infra" / "INFRA_BLESSED").touch()
    assert push(tmp_path, model, infra_blessing=infra)[0].pushed


def test_without_a_blessing_the_receipt_says_that_nothing_vouched(tmp_path: Path, model: Model) -> None:
    outcome, pushed, _ = push(tmp_path, model)
    assert outcome.pushed
    assert "nothing vouched for this model" in pushed.receipt()["reason"]


def test_the_same_model_again_makes_no_second_version(tmp_path: Path, model: Model) -> None:
    first, *_ = push(tmp_path, model)
    again, pushed, _ = push(tmp_path, model)
    assert again == first
    assert pushed.receipt()["already_there"] is True
    assert "already holds this very model" in pushed.receipt()["reason"]


def test_a_cached_push_stands_only_while_the_world_holds_it(tmp_path: Path, model: Model) -> None:
    _, pushed, _ = push(tmp_path, model)
    receipt = pushed.receipt()
    version = Path(receipt["destination"])
    assert still_pushed(receipt) is None
    assert Pusher.spec.still_valid is not None
    assert Pusher.spec.still_valid({}, {"pushed_model": pushed}) is None
    shutil.copytree(version, version.with_name(str(int(version.name) + 1)))
    assert "was pushed after" in (still_pushed(receipt) or "")
    (version / "saved_model.pb").write_bytes(b"other")
    assert "was changed" in (still_pushed(receipt) or "")
    (version / "saved_model.pb").unlink()
    assert "was changed" in (still_pushed(receipt) or "")
    shutil.rmtree(version)
    assert "is gone" in (still_pushed(receipt) or "")
    assert still_pushed({"pushed": False}) is None


@pytest.mark.parametrize(
    "given",
    [
        PushDestination(filesystem=PushDestination.Filesystem(base_directory="/models")),
        {"filesystem": {"base_directory": "/models"}},
        {"filesystem": {"base_directory": "/models", "versioning": "AUTO"}},
    ],
)
def test_a_destination_is_written_as_in_tfx(given: Any) -> None:
    hint = Pusher.spec.parameters["push_destination"].type
    assert typed(canonical(given, "x"), hint, "x").filesystem.base_directory == "/models"


@pytest.mark.parametrize("folder", ["", "gs://bucket/models"])
def test_a_destination_that_is_no_folder_is_refused(tmp_path: Path, model: Model, folder: str) -> None:
    destination = PushDestination(filesystem=PushDestination.Filesystem(base_directory=folder))
    with pytest.raises(UsageError, match="must be a folder on this machine"):
        Pusher.spec.function(
            context=ExecutionContext(engine=EmbeddedEngine(), temp_dir=tmp_path),
            model=model,
            pushed_model=PushedModel(tmp_path),
            push_destination=destination,
        )
