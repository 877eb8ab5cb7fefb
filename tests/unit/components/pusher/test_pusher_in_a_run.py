"""Pusher as a step of a pipeline: what is wired, what is cached, what stands."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.artifacts import Model, ModelBlessing
from assay.components import Pusher
from assay.components.pusher import PushDestination
from assay.runners.local import RunResult
from assay.spec import Channel, Importer, LatestBlessedModelStrategy, Resolver

RunSteps = Callable[..., RunResult]
MakeModel = Callable[..., Model]
BlessModel = Callable[..., ModelBlessing]


def steps(tmp_path: Path, model: Model, blessing: ModelBlessing | None = None) -> tuple[Any, ...]:
    imported = Importer(model.path, Model).with_id("model")
    if blessing is None:
        source: Any = Resolver(
            strategy_class=LatestBlessedModelStrategy,
            model=Channel(type=Model),
            model_blessing=Channel(type=ModelBlessing),
        ).with_id("blessed")
        wired = source.outputs["model_blessing"]
    else:
        source = Importer(blessing.path, ModelBlessing).with_id("blessing")
        wired = source.outputs["result"]
    pusher = Pusher(
        model=imported.outputs["result"],
        model_blessing=wired,
        push_destination=PushDestination(
            filesystem=PushDestination.Filesystem(base_directory=str(tmp_path / "serving"))
        ),
    )
    return imported, source, pusher


def versions(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "serving").glob("*") if path.name.isdecimal()]


def test_a_blessing_that_no_resolver_finds_is_none(tmp_path: Path, run_steps: RunSteps, make_model: MakeModel) -> None:
    model = make_model()
    result = run_steps(*steps(tmp_path, model))
    [pusher] = [step for step in result.steps if step.node_id == "Pusher"]
    assert pusher.output_parameters["pushed"] is False
    assert pusher.outputs["pushed_model"][0].receipt()["reason"] == "A model_blessing is required, and there is none."
    assert versions(tmp_path) == []
    assert (result.exit_code, pusher.idle) == (5, True)
    assert pusher.reason == "A model_blessing is required, and there is none."
    again = run_steps(*steps(tmp_path, model))  # a cached step would say nothing of it
    assert (again.exit_code, again.step("Pusher").status) == (5, "complete")


def test_a_model_that_nothing_vouches_for_is_pushed_with_a_remark(
    tmp_path: Path, run_steps: RunSteps, make_model: MakeModel
) -> None:
    imported = Importer(make_model().path, Model).with_id("model")
    destination = PushDestination(filesystem=PushDestination.Filesystem(base_directory=str(tmp_path / "serving")))
    result = run_steps(imported, Pusher(model=imported.outputs["result"], push_destination=destination))
    assert (result.exit_code, len(versions(tmp_path))) == (0, 1)
    assert "nothing vouched for this model" in result.step("Pusher").reason


@pytest.mark.parametrize("changed", [False, True])
def test_a_push_is_cached_as_long_as_it_stands(
    tmp_path: Path, run_steps: RunSteps, make_model: MakeModel, bless_model: BlessModel, changed: bool
) -> None:
    model = make_model()
    blessing = bless_model(model)
    first = run_steps(*steps(tmp_path, model, blessing))
    assert first.step("Pusher").output_parameters["pushed"] is True
    [version] = versions(tmp_path)
    if changed:
        shutil.rmtree(version)
    again = run_steps(*steps(tmp_path, model, blessing))
    assert again.step("Pusher").status == ("complete" if changed else "cached")
    assert len(versions(tmp_path)) == 1
