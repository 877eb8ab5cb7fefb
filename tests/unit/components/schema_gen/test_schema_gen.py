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
