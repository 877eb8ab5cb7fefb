"""TFX's own module files run as they are, but for the import lines that name `tfx`.

They are taken from the tfx wheel that matches the version line of the running Python.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.artifacts import Examples, Schema
from assay.components.trainer import EvalArgs, TrainArgs, Trainer
from assay.components.transform import Transform
from assay.runners.local import LocalDagRunner, RunResult, Silence
from assay.spec import Importer, Pipeline

pytestmark = [pytest.mark.tensorflow, pytest.mark.network, pytest.mark.slow]

TAXI = "tfx/examples/chicago_taxi_pipeline/taxi_utils_native_keras.py"
PENGUIN = ("tfx/examples/penguin/penguin_utils_keras.py", "tfx/examples/penguin/penguin_utils_base.py")
TAXI_CSV = "tfx/examples/chicago_taxi_pipeline/data/simple/data.csv"
PENGUIN_SCHEMA = "tfx/components/testdata/penguin/schema/schema.pbtxt"
PENGUIN_DATA = "tfx/components/testdata/penguin/data/"
# The one line that names a module of the example itself, which lies beside the other file here.
NEIGHBOUR = ("from tfx.examples.penguin import penguin_utils_base", "import penguin_utils_base")
TYPES = {pa.int64(): schema_pb2.INT, pa.float32(): schema_pb2.FLOAT, pa.string(): schema_pb2.BYTES}


@pytest.fixture(scope="module")
def release(matching_tfx: Path) -> Path:
    """The unpacked wheel."""
    return matching_tfx.parent


def ported(port: Callable[[str], str], source: Path, folder: Path) -> Path:
    """Copies a module file with nothing but its tfx imports replaced."""
    folder.mkdir(exist_ok=True)
    target = folder / source.name
    target.write_text(port(source.read_text(encoding="utf-8").replace(*NEIGHBOUR)), encoding="utf-8")
    return target


def taxi_rows(release: Path) -> pa.Table:
    convert = pa_csv.ConvertOptions(strings_can_be_null=True, null_values=[""])
    table = pa_csv.read_csv(release / TAXI_CSV, convert_options=convert)
    narrow = {pa.float64(): pa.float32(), pa.null(): pa.string()}
    return table.cast(pa.schema([(each.name, narrow.get(each.type, each.type)) for each in table.schema]))


def schema_of(table: pa.Table) -> schema_pb2.Schema:
    schema = schema_pb2.Schema()
    for column, field in zip(table.columns, table.schema, strict=True):
        feature = schema.feature.add(name=field.name, type=TYPES[field.type])
        if column.null_count == 0:
            feature.presence.min_fraction = 1.0
            feature.shape.dim.add(size=1)
    return schema


def run(folder: Path, module: Path, examples: Examples, schema: Path, steps: int) -> RunResult:
    properties = {"split_names": ["train", "eval"], "file_format": examples.file_format}
    rows = Importer(examples.path, Examples, properties=properties).with_id("examples")
    schema_step = Importer(schema, Schema).with_id("schema")
    transform = Transform(
        examples=rows.outputs["result"], schema=schema_step.outputs["result"], module_file=str(module)
    )
    trainer = Trainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema_step.outputs["result"],
        module_file=str(module),
        train_args=TrainArgs(num_steps=steps),
        eval_args=EvalArgs(num_steps=5),
    )
    pipeline = Pipeline("tfx-modules", folder / "root", [rows, schema_step, transform, trainer])
    result = LocalDagRunner(progress=Silence()).run(pipeline)
    assert result.exit_code == 0, [step.reason for step in result.steps]
    return result


def predictions(result: RunResult, rows: pa.Table) -> list[list[float]]:
    """Asks the saved model, as TensorFlow Serving would: serialised examples in, `outputs` out."""
    import tensorflow as tf

    from assay.data.tf_example import encode

    model = tf.saved_model.load(str(result.output("Trainer", "model").serving_path))
    assert set(model.signatures) == {"serving_default", "transform_features"}
    records = tf.constant(encode(rows.combine_chunks().to_batches()[0]))
    found: list[list[float]] = model.signatures["serving_default"](records)["outputs"].numpy().tolist()
    return found


def test_the_taxi_module(release: Path, port: Callable[[str], str], tmp_path: Path) -> None:
    table = taxi_rows(release)
    examples = Examples(tmp_path / "examples")
    for split, part in (("train", table.slice(0, 3000)), ("eval", table.slice(3000, 600))):
        with examples.writer(split, part.schema) as writer:
            for batch in part.to_batches():
                writer.write(batch)
    (tmp_path / "schema").mkdir()
    Schema(tmp_path / "schema").write(schema_of(table))

    result = run(tmp_path, ported(port, release / TAXI, tmp_path / "modules"), examples, tmp_path / "schema", steps=20)

    assert any(result.output("Trainer", "model_run").path.rglob("events.out.tfevents.*"))
    found = predictions(result, table.slice(0, 4).drop(["tips"]))
    assert len(found) == 4
    assert all(0.0 <= value <= 1.0 for row in found for value in row)


def test_the_penguin_modules(release: Path, port: Callable[[str], str], tmp_path: Path) -> None:
    examples = Examples(release / PENGUIN_DATA)
    module, _ = (ported(port, release / member, tmp_path / "modules") for member in PENGUIN)

    schema = (release / PENGUIN_SCHEMA).parent
    result = run(tmp_path, module, examples, schema, steps=20)

    batch = next(examples.batches("eval"))
    rows = pa.Table.from_batches([batch.slice(0, 5)]).drop(["species"])
    assert [len(row) for row in predictions(result, rows)] == [3] * 5
