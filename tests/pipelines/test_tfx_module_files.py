"""TFX's own module files run as they are, but for the import lines that name `tfx`.

They are taken from the tfx wheel that matches the version line of the running Python: downloaded once with pip, checked
by SHA-256, and kept in `$XDG_CACHE_HOME/assay/tfx_modules`.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import zipfile
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

WHEELS = {
    "1.16.0": "967edcb295abd566e494f5dfe89810130ceb16180f34d0eb009b284a5ece22b8",
    "1.21.0": "51032ac740ac6d28185c2814ada5a7e917f3016bcd2043f03ba98e7e674e4165",
}
LINE = "1.16.0" if sys.version_info < (3, 12) else "1.21.0"
TAXI = "tfx/examples/chicago_taxi_pipeline/taxi_utils_native_keras.py"
PENGUIN = ("tfx/examples/penguin/penguin_utils_keras.py", "tfx/examples/penguin/penguin_utils_base.py")
TAXI_CSV = "tfx/examples/chicago_taxi_pipeline/data/simple/data.csv"
PENGUIN_SCHEMA = "tfx/components/testdata/penguin/schema/schema.pbtxt"
PENGUIN_DATA = "tfx/components/testdata/penguin/data/"
# The lines that name tfx, and what takes their place; every other line of the modules stays.
IMPORTS = {
    "from tfx import v1 as tfx": "from assay import v1 as tfx",
    "from tfx.components.trainer.fn_args_utils import FnArgs": "from assay.components.trainer.fn_args import FnArgs",
    "from tfx.components.trainer.fn_args_utils import DataAccessor": (
        "from assay.components.trainer.fn_args import DataAccessor"
    ),
    "from tfx.examples.penguin import penguin_utils_base as base": "import penguin_utils_base as base",
}
TYPES = {pa.int64(): schema_pb2.INT, pa.float32(): schema_pb2.FLOAT, pa.string(): schema_pb2.BYTES}


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "assay" / "tfx_modules"
    path = cache / f"tfx-{LINE}-py3-none-any.whl"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != WHEELS[LINE]:
        scratch = tmp_path_factory.mktemp("wheel")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--ignore-requires-python"]
        subprocess.run([*command, "--dest", str(scratch), f"tfx=={LINE}"], check=True)
        content = next(scratch.glob("*.whl")).read_bytes()
        assert hashlib.sha256(content).hexdigest() == WHEELS[LINE]
        cache.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return zipfile.ZipFile(path)


def port(wheel: zipfile.ZipFile, member: str, folder: Path) -> Path:
    """Copies a module file with nothing but its tfx imports replaced."""
    lines = wheel.read(member).decode().splitlines()
    ported = [IMPORTS.get(line, line) for line in lines]
    assert not [line for line in ported if re.match(r"(from|import) tfx\b", line)]
    folder.mkdir(exist_ok=True)
    target = folder / Path(member).name
    target.write_text("\n".join(ported) + "\n", encoding="utf-8")
    return target


def taxi_rows(wheel: zipfile.ZipFile) -> pa.Table:
    convert = pa_csv.ConvertOptions(strings_can_be_null=True, null_values=[""])
    table = pa_csv.read_csv(pa.py_buffer(wheel.read(TAXI_CSV)), convert_options=convert)
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

    from assay.artifacts.formats.tf_example import encode

    model = tf.saved_model.load(str(result.output("Trainer", "model").serving_path))
    assert set(model.signatures) == {"serving_default", "transform_features"}
    records = tf.constant(encode(rows.combine_chunks().to_batches()[0]))
    found: list[list[float]] = model.signatures["serving_default"](records)["outputs"].numpy().tolist()
    return found


def test_the_taxi_module(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    table = taxi_rows(wheel)
    examples = Examples(tmp_path / "examples")
    for split, part in (("train", table.slice(0, 3000)), ("eval", table.slice(3000, 600))):
        with examples.writer(split, part.schema) as writer:
            for batch in part.to_batches():
                writer.write(batch)
    (tmp_path / "schema").mkdir()
    Schema(tmp_path / "schema").write(schema_of(table))

    result = run(tmp_path, port(wheel, TAXI, tmp_path / "modules"), examples, tmp_path / "schema", steps=20)

    assert any(result.output("Trainer", "model_run").path.rglob("events.out.tfevents.*"))
    found = predictions(result, table.slice(0, 4).drop(["tips"]))
    assert len(found) == 4
    assert all(0.0 <= value <= 1.0 for row in found for value in row)


def test_the_penguin_modules(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    for member in wheel.namelist():
        if member.startswith((PENGUIN_DATA, PENGUIN_SCHEMA)) and not member.endswith("/"):
            wheel.extract(member, tmp_path / "wheel")
    examples = Examples(tmp_path / "wheel" / PENGUIN_DATA)
    module, _ = (port(wheel, member, tmp_path / "modules") for member in PENGUIN)

    schema = (tmp_path / "wheel" / PENGUIN_SCHEMA).parent
    result = run(tmp_path, module, examples, schema, steps=20)

    batch = next(examples.batches("eval"))
    rows = pa.Table.from_batches([batch.slice(0, 5)]).drop(["species"])
    assert [len(row) for row in predictions(result, rows)] == [3] * 5
