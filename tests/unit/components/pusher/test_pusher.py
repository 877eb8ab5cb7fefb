from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.artifacts.blessing import InfraBlessing, ModelBlessing
from assay.artifacts.model import Model
from assay.artifacts.pushed_model import PushedModel
from assay.components.pusher import PushDestination, Pusher
from assay.engines.embedded import EmbeddedEngine
from assay.spec import ExecutionContext
from assay.spec.values import canonical, typed
from raising import raises

MakeModel = Callable[..., Model]
BlessModel = Callable[..., ModelBlessing]
BlessInfra = Callable[..., InfraBlessing]


@pytest.fixture
def model(make_model: MakeModel) -> Model:
    return make_model()


def push(
    tmp_path: Path, model: Model | None, *, wired: tuple[str, ...] = (), **arguments: Any
) -> tuple[Any, PushedModel, list[str]]:
    folder = tmp_path / f"pushed-{len(list(tmp_path.glob('pushed-*')))}"
    folder.mkdir()
    pushed, said = PushedModel(folder), []
    destination = PushDestination(filesystem=PushDestination.Filesystem(base_directory=str(tmp_path / "serving")))
    context = ExecutionContext(engine=EmbeddedEngine(), temp_dir=tmp_path, log=said.append, wired=frozenset(wired))
    outcome = Pusher.spec.function(
        context=context, model=model, pushed_model=pushed, push_destination=destination, **arguments
    )
    return outcome, pushed, said


def versions(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "serving").glob("*") if path.name.isdecimal()]


def test_a_blessed_model_is_pushed_and_the_receipt_says_on_whose_word(
    tmp_path: Path, model: Model, bless_model: BlessModel
) -> None:
    blessing = bless_model(model)
    outcome, pushed, _ = push(tmp_path, model, model_blessing=blessing)
    [version] = versions(tmp_path)
    assert outcome == (True, version.name)
    assert (version / "saved_model.pb").read_bytes() == b"graph"
    assert (pushed.path / "saved_model.pb").read_bytes() == b"graph"
    assert dict(pushed.properties) == {
        "pushed": 1,
        "pushed_destination": str(version),
        "pushed_version": version.name,
    }
    receipt = pushed.receipt()
    assert receipt["model_digest"] == model.digest
    assert receipt["blessings"] == {"model_blessing": blessing.digest}
    assert receipt["reason"] == f"Pushed as version {version.name}."


def test_a_model_that_is_not_blessed_is_not_pushed_and_the_reason_is_the_verdict(
    tmp_path: Path, model: Model, bless_model: BlessModel
) -> None:
    outcome, pushed, said = push(tmp_path, model, model_blessing=bless_model(model, blessed=False))
    assert outcome == (False, "")
    assert dict(pushed.properties) == {"pushed": 0}
    assert said == ["The model_blessing does not bless the model: Not blessed: auc fell."]
    assert pushed.receipt()["reason"] == said[0]
    assert [path.name for path in pushed.path.iterdir()] == ["receipt.json"]
    assert not (tmp_path / "serving").exists()


def test_a_blessing_of_another_model_pushes_nothing(
    tmp_path: Path, model: Model, make_model: MakeModel, bless_model: BlessModel
) -> None:
    other = make_model("other", b"other")
    outcome, _, [said] = push(tmp_path, model, model_blessing=bless_model(other))
    assert not outcome.pushed
    assert said == (
        f"The model_blessing is for another model: it names {other.digest[:19]}, the model to push is "
        f"{model.digest[:19]}."
    )
    assert not (tmp_path / "serving").exists()


def test_every_blessing_that_is_wired_must_bless(
    tmp_path: Path, model: Model, bless_model: BlessModel, bless_infra: BlessInfra
) -> None:
    good, bad = bless_infra(model), bless_infra(model, "bad", blessed=False)
    outcome, _, said = push(tmp_path, model, model_blessing=bless_model(model), infra_blessing=bad)
    assert (outcome.pushed, said) == (False, ["The infra_blessing does not bless the model: Not blessed: auc fell."])
    assert push(tmp_path, model, infra_blessing=good)[0].pushed


def test_without_a_blessing_the_receipt_says_that_nothing_vouched(tmp_path: Path, model: Model) -> None:
    outcome, pushed, _ = push(tmp_path, model)
    assert outcome.pushed
    assert "nothing vouched for this model" in pushed.receipt()["reason"]


def test_a_blessing_that_was_wired_and_did_not_come_pushes_nothing(tmp_path: Path, model: Model) -> None:
    outcome, _, said = push(tmp_path, model, wired=("model", "model_blessing"))
    assert (outcome.pushed, said) == (False, ["A model_blessing is required, and there is none."])


def test_the_model_with_warm_up_requests_is_pushed_where_no_other_is_wired(
    tmp_path: Path, model: Model, bless_model: BlessModel, bless_infra: BlessInfra
) -> None:
    infra = bless_infra(model, warmup=b"requests")
    outcome, *_ = push(tmp_path, None, model_blessing=bless_model(model), infra_blessing=infra)
    [version] = versions(tmp_path)
    assert outcome.pushed
    assert (version / "assets.extra" / "tf_serving_warmup_requests").read_bytes() == b"requests"


def test_a_push_without_any_model_is_a_mistake(tmp_path: Path, model: Model, bless_infra: BlessInfra) -> None:
    with raises("pusher.no_model"):
        push(tmp_path, None)
    with raises("pusher.no_stamped_model", "infra_blessing"):
        push(tmp_path, None, infra_blessing=bless_infra(model))


def test_a_cached_push_stands_only_while_the_world_holds_it(tmp_path: Path, model: Model) -> None:
    _, pushed, _ = push(tmp_path, model)
    version = Path(pushed.receipt()["destination"])
    destination = {"push_destination": {"filesystem": {"base_directory": str(tmp_path / "serving")}}}
    still_valid = Pusher.spec.still_valid
    assert still_valid is not None
    assert still_valid(destination, {"pushed_model": pushed}) is None
    shutil.copytree(version, version.with_name(str(int(version.name) + 1)))
    assert "was pushed after" in (still_valid(destination, {"pushed_model": pushed}) or "")
    (version / "saved_model.pb").write_bytes(b"other")
    assert "was changed" in (still_valid(destination, {"pushed_model": pushed}) or "")
    shutil.rmtree(version)
    assert "is gone" in (still_valid(destination, {"pushed_model": pushed}) or "")


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


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: PushDestination.Filesystem(base_directory=""), ("push_destination.folder",)),
        (
            lambda: PushDestination.Filesystem(base_directory="/m", keep_last=0),
            ("push_destination.keep_last", "keep_last", "1", "0"),
        ),
        (PushDestination, ("push_destination.one", "filesystem", "kserve")),
        (lambda: PushDestination.KServe(base_directory="/m", manifest="m", name="taxi"), ("push_destination.kserve",)),
        (
            lambda: PushDestination.KServe(base_directory="gs://m", manifest="m", name="Taxi_1"),
            ("push_destination.kserve",),
        ),
        (
            lambda: PushDestination.KServe(
                base_directory="gs://m", manifest="m", name="taxi", canary_traffic_percent=101
            ),
            ("push_destination.kserve", "0", "100", "101"),
        ),
    ],
)
def test_a_destination_that_cannot_work_is_refused(make: Callable[[], Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        make()
