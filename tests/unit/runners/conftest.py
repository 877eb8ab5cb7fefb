# ruff: noqa: N802 (components have the names of types)
"""Small components, so that a run takes milliseconds, and a runner that prints nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from assay.artifacts import ExampleAnomalies, Examples, HyperParameters, Model, ModelBlessing, Schema
from assay.gating.verdict import Check, Verdict, write_verdict
from assay.runners.local import LocalDagRunner, RunResult, Silence
from assay.spec import ExecutionContext, Input, Inputs, Output, Pipeline, component


class Length(NamedTuple):
    length: int


@component
def Text(context: ExecutionContext, text: Output[Schema], *, content: str = "a", span: int = 0) -> Length:
    (text.path / "schema.pbtxt").write_text(content)
    print("writing", content)  # noqa: T201 (what a step prints is under test)
    context.log(f"seed {context.seed}")
    context.count_rows("all", read=len(content), written=len(content))
    text.rows["all"] = len(content)
    return Length(len(content))


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    width: float = 1.0
    height: float = 2.0


@component
def Sized(text: Output[Schema], *, size: Size, scale: float = 1.0) -> None:
    (text.path / "schema.pbtxt").write_text(f"{size.width * scale} {size.height * scale}")


@component
def Join(texts: Inputs[Schema], joined: Output[Schema], *, by: str = " ") -> None:
    (joined.path / "schema.pbtxt").write_text(by.join(one.file.read_text() for one in texts))


@component
def Pass(text: Input[Schema], passed: Output[Schema], *, more: Input[Schema] | None = None) -> None:
    (passed.path / "schema.pbtxt").write_text(text.file.read_text() + (more.file.read_text() if more else ""))


@component
def Fail(text: Input[Schema], failed: Output[Schema], *, kind: str = "user") -> None:
    (failed.path / "schema.pbtxt").write_text("half")
    if kind == "user":
        raise ValueError("the user's mistake")
    if kind == "layout":
        (failed.path / "schema.pbtxt").unlink()


@component
def Returns(text: Output[Schema], *, value: str = "right") -> Length:
    (text.path / "schema.pbtxt").touch()
    return {"right": Length(1), "wrong": {"width": 1}, "type": {"length": "long"}, "none": None}[value]  # type: ignore[return-value]  # the point


@component
def Span(examples: Output[Examples], *, span: int, version: int | None = None) -> None:
    examples.properties["span"] = span
    examples.properties["version"] = version
    examples.properties["split_names"] = ["train"]
    examples.properties["file_format"] = "parquet"
    (examples.path / "Split-train").mkdir()
    (examples.path / "Split-train" / "data.parquet").write_text(f"{span} {version}")


@component
def Spans(examples: Inputs[Examples], text: Output[Schema]) -> None:
    (text.path / "schema.pbtxt").write_text(" ".join(str(one.span) for one in examples))


@component
def Train(model: Output[Model], *, weights: str) -> None:
    (model.path / "Format-Serving").mkdir()
    (model.path / "Format-Serving" / "saved_model.pb").write_text(weights)


@component
def Judge(
    model: Input[Model],
    blessing: Output[ModelBlessing],
    *,
    baseline: Input[Model] | None = None,
    baseline_blessing: Input[ModelBlessing] | None = None,
    baseline_text: Output[Schema] | None = None,
    bless: bool = True,
) -> None:
    check = Check(id="c", kind="k", ok=bless, subject="auc", sentence="auc fell by 0.1")
    write_verdict(Verdict(ok=bless, summary="blessed" if bless else "auc fell by 0.1", checks=(check,)), blessing.path)
    blessing.mark(blessed=bless)
    blessing.properties["current_model_digest"] = model.digest
    if baseline is not None and baseline_text is not None:
        text = (baseline.serving_path / "saved_model.pb").read_text()
        if baseline_blessing is not None:
            text += f" {baseline_blessing.properties['current_model_digest'] == baseline.digest}"
        (baseline_text.path / "schema.pbtxt").write_text(text)


@component
def Validate(
    text: Input[Schema], anomalies: Output[ExampleAnomalies], *, ok: bool = True, fail_on: str = "error"
) -> None:
    (anomalies.path / "Split-eval").mkdir()
    (anomalies.path / "Split-eval" / "SchemaDiff.pb").touch()
    write_verdict(Verdict(ok=ok, summary="no anomalies" if ok else "2 anomalies"), anomalies.path)


@component(still_valid=lambda parameters, outputs: None if Path(parameters["target"]).is_file() else "it is gone")
def Push(text: Input[Schema], receipt: Output[HyperParameters], *, target: str) -> None:
    Path(target).write_text(text.file.read_text())
    (receipt.path / "best_hyperparameters.txt").write_text("{}")


class Toys:
    Text, Join, Pass, Fail, Returns, Span, Spans = Text, Join, Pass, Fail, Returns, Span, Spans
    Train, Judge, Validate, Push = Train, Judge, Validate, Push
    Sized, Size = Sized, Size


@pytest.fixture(scope="session")
def toys() -> type[Toys]:
    return Toys


@dataclass(frozen=True)
class Root:
    """A root folder and what lies in it."""

    path: Path

    def run(
        self, *nodes: Any, parameters: dict[str, Any] | None = None, force: tuple[str, ...] = (), **more: Any
    ) -> RunResult:
        pipeline = Pipeline("p", None, nodes, **more)
        return LocalDagRunner(self.path, progress=Silence()).run(pipeline, parameters, force=force)

    def artifacts(self) -> list[str]:
        """Every folder that a reader could take for an artifact."""
        found = [path.parent for path in self.path.rglob("manifest.json") if "runs" not in path.parts]
        return sorted(path.relative_to(self.path).as_posix() for path in found)

    def staged(self) -> list[Path]:
        return [path for path in self.path.glob(".staging/*") if path]


@pytest.fixture
def root(tmp_path: Path) -> Root:
    return Root(tmp_path / "root")


def statuses(result: RunResult) -> dict[str, str]:
    return {step.node_id: step.status for step in result.steps}


@pytest.fixture(scope="session", name="statuses")
def statuses_fixture() -> Callable[[RunResult], dict[str, str]]:
    return statuses
