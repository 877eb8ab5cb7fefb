"""assay reads what TFX wrote: the artifacts in the testdata of the tfx wheel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from assay.artifacts import Examples, ExampleStatistics, Model, ModelBlessing, Schema, TransformGraph
from assay.components import ImportExampleGen, ImportSchemaGen, StatisticsGen
from assay.components.example_validator import ExampleValidator
from assay.runners.local import LocalDagRunner, RunResult, Silence
from assay.spec import Importer, Pipeline
from assay.spec.node import Node

pytestmark = [pytest.mark.network]

FEATURES = 18


@pytest.fixture(scope="module")
def testdata(tfx_wheel: Callable[[str], Path]) -> Path:
    return tfx_wheel("1.21.0") / "components" / "testdata"


def run(tmp_path: Path, *nodes: Node) -> RunResult:
    result = LocalDagRunner(tmp_path / "root", progress=Silence()).run(Pipeline("tfx", None, nodes))
    assert result.exit_code in {0, 3}, [step.reason for step in result.steps]
    return result


def test_examples_statistics_and_schema_are_imported_in_place(testdata: Path, tmp_path: Path) -> None:
    examples = Importer(testdata / "csv_example_gen", Examples).with_id("examples")
    theirs = Importer(testdata / "statistics_gen", ExampleStatistics).with_id("statistics")
    schema = Importer(testdata / "schema_gen", Schema).with_id("schema")
    ours = StatisticsGen(examples=examples.outputs["result"])
    validators = [
        ExampleValidator(statistics=statistics, schema=schema.outputs["result"], fail_on="never").with_id(name)
        for name, statistics in (("of_theirs", theirs.outputs["result"]), ("of_ours", ours.outputs["statistics"]))
    ]
    result = run(tmp_path, examples, theirs, schema, ours, *validators)
    imported, counted = result.output("examples", "result"), result.output("StatisticsGen", "statistics")
    assert isinstance(imported, Examples)
    assert isinstance(counted, ExampleStatistics)
    assert imported.path == testdata / "csv_example_gen"
    for split in ("train", "eval"):
        (one,) = counted.read(split).datasets
        assert one.num_examples == imported.num_rows(split) > 0
        assert len(one.features) == FEATURES
    found = result.output("of_theirs", "anomalies")
    assert found.properties["split_names"] == ["eval", "train"]


@pytest.mark.parametrize("kind", ["csv_example_gen", "external/tfrecord"])
def test_import_example_gen_reads_tfx_s_records(testdata: Path, tmp_path: Path, kind: str) -> None:
    gen = ImportExampleGen(input_base=str(testdata / kind))
    statistics = StatisticsGen(examples=gen.outputs["examples"])
    result = run(tmp_path, gen, statistics)
    examples = result.output("ImportExampleGen", "examples")
    assert isinstance(examples, Examples)
    assert set(examples.split_names) == {"train", "eval"}
    assert sum(examples.rows.values()) > 0
    if kind == "csv_example_gen":  # ready splits are kept
        theirs = Examples(testdata / kind, properties=Examples(testdata / kind).describe())
        assert examples.rows == {split: theirs.num_rows(split) for split in ("train", "eval")}


def test_import_schema_gen_reads_tfx_s_schema(testdata: Path, tmp_path: Path) -> None:
    file = testdata / "schema_gen" / "schema.pbtxt"
    schema = run(tmp_path, ImportSchemaGen(schema_file=str(file))).output("ImportSchemaGen", "schema")
    assert isinstance(schema, Schema)
    assert len(schema.read().feature) == FEATURES


def test_a_transform_graph_is_imported(testdata: Path, tmp_path: Path) -> None:
    graph = Importer(testdata / "transform" / "transform_graph", TransformGraph).with_id("graph")
    imported = run(tmp_path, graph).output("graph", "result")
    assert isinstance(imported, TransformGraph)
    assert len(imported.raw_schema().feature) == FEATURES
    assert imported.transformed_schema().feature


def test_a_model_is_imported(testdata: Path, tmp_path: Path) -> None:
    importer = Importer(testdata / "trainer" / "keras", Model)
    model = run(tmp_path, importer).output("Importer", "result")
    assert isinstance(model, Model)
    assert (model.serving_path / "saved_model.pb").is_file()


def test_a_tfx_blessing_without_a_verdict_is_read_as_a_mark(testdata: Path) -> None:
    assert ModelBlessing(testdata / "model_validator" / "blessed").describe() == {"blessed": 1}
    assert ModelBlessing(testdata / "model_validator" / "not_blessed").describe() == {"blessed": 0}
