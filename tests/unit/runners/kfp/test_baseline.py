"""How a compiled pipeline finds the latest blessed model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from assay.artifacts import Model, ModelBlessing, Schema
from assay.runners.kfp import compile_pipeline
from assay.spec import (
    Channel,
    Importer,
    Input,
    LatestArtifactStrategy,
    Output,
    Pipeline,
    Resolver,
    component,
    latest_blessed_model,
)
from assay.spec.node import Node
from raising import raises


@component
def Judge(model: Input[Model], blessing: Output[ModelBlessing], baseline: Input[Model] | None = None) -> None:  # noqa: N802
    """Judges one."""


@component
def Take(schema: Input[Schema]) -> None:  # noqa: N802
    """Takes one."""


def compiled(nodes: list[Node], folder: Path, **options: Any) -> dict[str, Any]:
    compile_pipeline(Pipeline("my_pipeline", components=nodes), folder / "p.yaml", **options)
    found: dict[str, Any] = yaml.safe_load((folder / "p.yaml").read_text(encoding="utf-8"))
    return found


def tasks(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["root"]["dag"]["tasks"]
    return found


def arguments(document: dict[str, Any], executor: str) -> list[str]:
    listed: list[str] = document["deploymentSpec"]["executors"][executor]["container"]["args"]
    return listed


class TestBaseline:
    @pytest.fixture
    def nodes(self) -> list[Node]:
        importer, baseline = Importer("s3://b/model", Model), latest_blessed_model()
        judge = Judge(model=importer.outputs["result"], baseline=baseline.outputs["model"])
        return [importer, baseline, judge]

    def test_the_resolver_is_a_step_that_passes_over_the_candidate(self, nodes: list[Node], tmp_path: Path) -> None:
        document = compiled(nodes, tmp_path, registry="s3://ml/registry")
        wired = tasks(document)["latest-blessed-model-resolver"]["inputs"]
        assert wired["artifacts"]["candidate"]["taskOutputArtifact"]["producerTask"] == "importer"
        assert wired["parameters"]["registry"] == {"runtimeValue": {"constant": "s3://ml/registry"}}
        assert tasks(document)["judge"]["inputs"]["artifacts"]["baseline"]["taskOutputArtifact"] == {
            "outputArtifactKey": "model",
            "producerTask": "latest-blessed-model-resolver",
        }
        listed = arguments(document, "exec-judge")
        assert listed[listed.index("--registry") + 1] == "s3://ml/registry"

    def test_a_registry_from_the_environment_stands_nowhere(self, nodes: list[Node], tmp_path: Path) -> None:
        document = compiled(nodes, tmp_path, registry="env")
        assert "--registry" not in arguments(document, "exec-judge")
        assert "parameters" not in tasks(document)["latest-blessed-model-resolver"]["inputs"]

    def test_none_is_needed_to_do_without(self, nodes: list[Node], tmp_path: Path) -> None:
        with raises("kfp.no_registry", "latest_blessed_model_resolver"):
            compiled(nodes, tmp_path)
        wired = tasks(compiled(nodes, tmp_path, registry="none"))["latest-blessed-model-resolver"]["inputs"]
        assert wired["parameters"] == {"without_registry": {"runtimeValue": {"constant": True}}}

    def test_other_strategies(self, tmp_path: Path) -> None:
        resolver = Resolver(strategy_class=LatestArtifactStrategy, schema=Channel(type=Schema))
        with raises("kfp.resolver", "LatestArtifactStrategy"):
            compiled([resolver, Take(schema=resolver.outputs["schema"])], tmp_path, registry="env")
