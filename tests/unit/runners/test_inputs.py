"""Importers and resolvers: where a step's inputs come from when no step of the run made them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.artifacts import Examples, Model, ModelBlessing, Schema
from assay.gating.blessing import REVOKED, Revocation
from assay.lineage import LineageStore
from assay.runners.local import RunResult
from assay.spec import (
    Channel,
    Importer,
    LatestArtifactStrategy,
    LatestBlessedModelStrategy,
    RangeConfig,
    Resolver,
    RollingRange,
    SpanRangeStrategy,
    StaticRange,
)
from raising import raises

Statuses = Callable[[RunResult], dict[str, str]]


def text_of(result: RunResult, node_id: str, key: str) -> str:
    return (result.output(node_id, key).path / "schema.pbtxt").read_text()


def recorded(root: Any, type_name: str) -> int:
    with LineageStore.open(root.path / "lineage.db") as store:
        return len(store.artifacts(type_name, state=None))


def imported(toys: Any, folder: Path, **options: Any) -> list[Any]:
    importer = Importer(folder, Schema, **options)
    return [importer, toys.Pass(text=importer.outputs["result"])]


def test_an_imported_folder_stays_in_place_and_is_registered_once(
    root: Any, toys: Any, tmp_path: Path, statuses: Statuses
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "schema.pbtxt").write_text("x")
    first = root.run(*imported(toys, folder))
    second = root.run(*imported(toys, folder))
    assert statuses(first) == {"Importer": "imported", "Pass": "complete"}
    assert statuses(second) == {"Importer": "imported", "Pass": "cached"}
    assert first.output("Importer", "result").path == folder
    assert first.output("Importer", "result").id == second.output("Importer", "result").id
    assert [path.name for path in folder.iterdir()] == ["schema.pbtxt"]
    assert recorded(root, "Schema") == 2
    root.run(*imported(toys, folder, reimport=True))
    assert recorded(root, "Schema") == 3
    (folder / "schema.pbtxt").write_text("y")
    changed = root.run(*imported(toys, folder))
    assert statuses(changed)["Pass"] == "complete"
    assert text_of(changed, "Pass", "passed") == "y"


def test_a_sealed_artifact_keeps_its_digest_when_it_is_imported(root: Any, toys: Any) -> None:
    sealed = root.run(toys.Text(content="x")).output("Text", "text")
    result = root.run(*imported(toys, sealed.path))
    assert result.output("Importer", "result").digest == sealed.digest
    (sealed.path / "schema.pbtxt").write_text("edited")
    again = root.run(*imported(toys, sealed.path))
    assert again.step("Importer").error_code == "artifact.changed"
    assert "was changed after it was sealed: schema.pbtxt" in again.step("Importer").reason


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: None, "Expected a folder at"),
        (lambda folder: folder.mkdir(), "is not a complete Schema: expected schema.pbtxt; found nothing"),
        (lambda folder: folder.touch(), "Expected a folder at"),
    ],
)
def test_a_folder_that_is_not_of_the_type_fails_the_importer(
    root: Any, toys: Any, tmp_path: Path, statuses: Statuses, make: Any, message: str
) -> None:
    make(tmp_path / "mine")
    result = root.run(*imported(toys, tmp_path / "mine"))
    assert statuses(result) == {"Importer": "failed", "Pass": "skipped"}
    assert message in result.step("Importer").reason


def test_the_latest_artifact_is_not_the_step_s_own_input(root: Any, toys: Any) -> None:
    def steps(content: str) -> list[Any]:
        text = toys.Text(content=content)
        before = Resolver(LatestArtifactStrategy, text=text.outputs["text"]).with_id("before")
        return [text, before, toys.Pass(text=text.outputs["text"], more=before.outputs["text"])]

    assert text_of(root.run(*steps("a")), "Pass", "passed") == "a"
    assert text_of(root.run(*steps("b")), "Pass", "passed") == "ba"
    assert text_of(root.run(*steps("c")), "Pass", "passed") == "cb"


def test_a_resolver_finds_what_an_earlier_pipeline_left(root: Any, toys: Any, statuses: Statuses) -> None:
    def step() -> list[Any]:
        found = Resolver(LatestArtifactStrategy, text=Channel(type=Schema, producer_component_id="Text"))
        return [found, toys.Pass(text=found.outputs["text"])]

    nothing = root.run(*step())
    assert statuses(nothing) == {"Resolver": "resolved", "Pass": "failed"}
    assert nothing.step("Pass").error_code == "run.no_input"
    assert "Pass needs text (Schema), and Resolver.outputs['text'] found none" in nothing.step("Pass").reason
    folder = root.run(toys.Text(content="x")).output("Text", "text").path
    root.run(toys.Text(content="y"))
    assert text_of(root.run(*step()), "Pass", "passed") == "y"
    with LineageStore.open(root.path / "lineage.db") as store:
        latest = Path(store.artifacts("Schema", node_id="Text")[0].location)
    shutil.rmtree(latest)
    assert text_of(root.run(*step()), "Pass", "passed") == "x"
    (folder / "schema.pbtxt").write_text("edited")
    assert root.run(*step()).step("Pass").error_code == "run.no_input"


def judged(toys: Any, weights: str, *, bless: bool = True) -> list[Any]:
    baseline = Resolver(
        LatestBlessedModelStrategy, model=Channel(type=Model), model_blessing=Channel(type=ModelBlessing)
    ).with_id("baseline")
    train = toys.Train(weights=weights)
    judge = toys.Judge(
        model=train.outputs["model"],
        baseline=baseline.outputs["model"],
        baseline_blessing=baseline.outputs["model_blessing"],
        bless=bless,
    )
    return [train, baseline, judge]


def baseline_of(result: RunResult) -> str:
    return text_of(result, "Judge", "baseline_text")


def test_the_baseline_is_the_latest_blessed_other_model(root: Any, toys: Any, statuses: Statuses) -> None:
    first = root.run(*judged(toys, "1"))
    assert "baseline_text" not in first.step("Judge").outputs
    assert statuses(root.run(*judged(toys, "1"))) == {"Train": "cached", "baseline": "resolved", "Judge": "cached"}
    # The blessing that comes with the baseline names that very model.
    assert baseline_of(root.run(*judged(toys, "2", bless=False))) == "1 True"
    assert baseline_of(root.run(*judged(toys, "3"))) == "1 True"
    assert baseline_of(root.run(*judged(toys, "4"))) == "3 True"


def test_a_lost_baseline_is_not_a_first_run(root: Any, toys: Any, tmp_path: Path) -> None:
    model = root.run(*judged(toys, "1")).output("Train", "model").path
    model.rename(tmp_path / "kept")
    for _ in range(2):  # before anything is trained
        with raises("resolver.baseline_lost", model):
            root.run(*judged(toys, "2"))
        assert recorded(root, "Model") == 1
    (tmp_path / "kept").rename(model)
    assert baseline_of(root.run(*judged(toys, "2"))) == "1 True"


def test_an_edited_baseline_is_refused(root: Any, toys: Any) -> None:
    model = root.run(*judged(toys, "1")).output("Train", "model").path
    (model / "Format-Serving" / "saved_model.pb").write_text("better")
    with raises("resolver.baseline_lost", "Format-Serving/saved_model.pb"):
        root.run(*judged(toys, "2"))


def test_a_revoked_blessing_makes_the_one_before_the_baseline(root: Any, toys: Any) -> None:
    root.run(*judged(toys, "1"))
    second = root.run(*judged(toys, "2"))
    revocation = Revocation(reason="its labels were wrong", revoked_at="2026-12-01T00:00:00+00:00")
    (second.output("Judge", "blessing").path / REVOKED).write_bytes(revocation.to_json())
    shutil.rmtree(second.output("Train", "model").path)  # a lost model that is revoked stops nothing
    assert baseline_of(root.run(*judged(toys, "3", bless=False))) == "1 True"


@pytest.mark.parametrize(
    ("config", "spans"),
    [
        (RangeConfig(static_range=StaticRange(start_span_number=2, end_span_number=3)), "3 2"),
        (RangeConfig(rolling_range=RollingRange(num_spans=2)), "5"),
        (RangeConfig(rolling_range=RollingRange(num_spans=3)), "5 3"),
        (RangeConfig(rolling_range=RollingRange(num_spans=2, skip_num_recent_spans=2)), "3 2"),
        (RangeConfig(rolling_range=RollingRange(num_spans=9, start_span_number=3)), "5 3"),
    ],
)
def test_a_span_range_gives_the_spans_in_it_newest_first(root: Any, toys: Any, config: RangeConfig, spans: str) -> None:
    for span in (2, 5, 1, 3):
        root.run(toys.Span(span=span))
    found = Resolver(SpanRangeStrategy, {"range_config": config}, examples=Channel(type=Examples))
    result = root.run(found, toys.Spans(examples=found.outputs["examples"]))
    assert text_of(result, "Spans", "text") == spans


def test_a_range_needs_exactly_one_kind(root: Any, toys: Any) -> None:
    found = Resolver(SpanRangeStrategy, {"range_config": RangeConfig()}, examples=Channel(type=Examples))
    result = root.run(found, toys.Spans(examples=found.outputs["examples"]))
    assert result.step("Spans").error_code == "resolver.range"


def test_several_artifacts_for_an_input_that_takes_one_are_refused(root: Any, toys: Any) -> None:
    text = toys.Text()
    several = Resolver(
        SpanRangeStrategy,
        {"range_config": RangeConfig(rolling_range=RollingRange(num_spans=5))},
        examples=Channel(type=Examples),
    )
    for span in (1, 2):
        root.run(toys.Span(span=span))
    result = root.run(text, several, toys.Spans(examples=several.outputs["examples"]))
    assert text_of(result, "Spans", "text") == "2 1"
