from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.components.schema_gen import ImportSchemaGen, SchemaGen
from assay.components.statistics_gen import StatisticsGen
from assay.runners.local import RunResult
from assay.spec import Importer

RunSteps = Callable[..., RunResult]
WriteExamples = Callable[..., Importer]


def _schema_of(run_steps: RunSteps, write_examples: WriteExamples, **arguments: Any) -> schema_pb2.Schema:
    examples = write_examples(train=pa.table({"c": ["a", "b"]}), eval=pa.table({"c": ["z", None]}))
    statistics = StatisticsGen(examples=examples.outputs["result"])
    step = SchemaGen(statistics=statistics.outputs["statistics"], **arguments)
    return run_steps(examples, statistics, step).output("SchemaGen", "schema").read()


def test_every_split_widens_the_schema(run_steps: RunSteps, write_examples: WriteExamples) -> None:
    schema = _schema_of(run_steps, write_examples)
    assert list(schema.string_domain[0].value) == ["a", "b", "z"]
    assert schema.feature[0].presence.min_fraction == 0.5


def test_an_excluded_split_does_not_shape_the_schema(run_steps: RunSteps, write_examples: WriteExamples) -> None:
    schema = _schema_of(run_steps, write_examples, exclude_splits=["eval"])
    assert list(schema.string_domain[0].value) == ["a", "b"]
    assert schema.feature[0].presence.min_fraction == 1


def test_options_reach_the_inference(run_steps: RunSteps, write_examples: WriteExamples) -> None:
    schema = _schema_of(
        run_steps, write_examples, exclude_splits=["eval"], max_string_domain_size=1, infer_feature_shape=False
    )
    assert not schema.string_domain
    assert not schema.feature[0].HasField("shape")


def test_an_imported_schema_is_the_file_s(run_steps: RunSteps, tmp_path: Path) -> None:
    file = tmp_path / "kept.pbtxt"
    file.write_text('feature { name: "age" type: INT }')
    schema = run_steps(ImportSchemaGen(schema_file=str(file))).output("ImportSchemaGen", "schema").read()
    assert schema == text_format.Parse(file.read_text(), schema_pb2.Schema())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'feature {\n  name: "age"\n  type: INTEGER\n}', "line 3"),
        (b"feature {\n  nam", "line 2"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_schema_that_does_not_parse_names_the_place(
    run_steps: RunSteps, tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "bad.pbtxt"
    file.write_bytes(content)
    result = run_steps(ImportSchemaGen(schema_file=str(file)))
    assert result.exit_code == 1
    assert message in result.step("ImportSchemaGen").reason
    assert str(file) in result.step("ImportSchemaGen").reason


def test_a_missing_schema_file_is_said(run_steps: RunSteps, tmp_path: Path) -> None:
    result = run_steps(ImportSchemaGen(schema_file=str(tmp_path / "none.pbtxt")))
    assert "there is none" in result.step("ImportSchemaGen").reason


def test_an_edited_schema_file_is_read_again(run_steps: RunSteps, tmp_path: Path) -> None:
    file = tmp_path / "kept.pbtxt"
    for name in ("age", "fare"):
        file.write_text(f'feature {{ name: "{name}" type: INT }}')
        step = run_steps(ImportSchemaGen(schema_file=str(file))).step("ImportSchemaGen")
        assert step.status == "complete"
        assert step.outputs["schema"][0].read().feature[0].name == name


PATCH = """
version: 1
entries:
- feature: fare
  set: {float_domain: {min: 0}}
  reason: Fares are not negative.
  date: 2026-01-01
"""


def _patched(write_examples: WriteExamples, patch: Path) -> tuple[Any, ...]:
    examples = write_examples(train=pa.table({"company": ["a", "b"] * 10, "fare": [1.0, 2.0] * 10}))
    statistics = StatisticsGen(examples=examples.outputs["result"])
    return examples, statistics, SchemaGen(statistics=statistics.outputs["statistics"], patch_file=str(patch))


def test_a_patch_survives_the_next_inference(
    run_steps: RunSteps, write_examples: WriteExamples, tmp_path: Path
) -> None:
    (tmp_path / "patch.yaml").write_text(PATCH)
    steps = _patched(write_examples, tmp_path / "patch.yaml")
    first = run_steps(*steps).output("SchemaGen", "schema").read()
    assert next(each for each in first.feature if each.name == "fare").float_domain.min == 0
    (tmp_path / "patch.yaml").write_text(PATCH.replace("min: 0", "min: -5"))
    edited = run_steps(*steps)
    assert edited.step("StatisticsGen").status == "cached"
    assert edited.step("SchemaGen").status == "complete"
    fare = next(each for each in edited.output("SchemaGen", "schema").read().feature if each.name == "fare")
    assert fare.float_domain.min == -5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("feature: fare", "feature: fares"), "The patch does not fit the schema. Entry 1"),
        (("{min: 0}", "{min: 5, max: 3}"), "the schema contradicts itself"),
    ],
)
def test_a_patch_that_does_not_fit_stops_the_run(
    run_steps: RunSteps, write_examples: WriteExamples, tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    (tmp_path / "patch.yaml").write_text(PATCH.replace(*change))
    result = run_steps(*_patched(write_examples, tmp_path / "patch.yaml"))
    assert result.exit_code == 1
    assert message in result.step("SchemaGen").reason


def test_an_imported_schema_that_contradicts_itself_is_told(run_steps: RunSteps, tmp_path: Path) -> None:
    (tmp_path / "schema.pbtxt").write_text('feature { name: "n" type: INT int_domain { min: 5 max: 3 } }')
    result = run_steps(ImportSchemaGen(schema_file=str(tmp_path / "schema.pbtxt")))
    assert result.exit_code == 0
    log = result.step("ImportSchemaGen").log
    assert log is not None
    assert "contradicts itself" in log.read_text()
