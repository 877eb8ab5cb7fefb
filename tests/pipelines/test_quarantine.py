"""The rows that ExampleValidator finds clean are what Transform learns from."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.components import CsvExampleGen, ExampleValidator, ImportSchemaGen, StatisticsGen, Transform
from assay.runners.local import LocalDagRunner, Silence
from assay.spec import Pipeline

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

PREPROCESSING = """
import tensorflow_transform as tft

def preprocessing_fn(inputs):
    return {"city_id": tft.compute_and_apply_vocabulary(inputs["city"], vocab_filename="cities")}
"""
SCHEMA = """
feature { name: "city" type: BYTES string_domain { value: "a" value: "b" }
          presence { min_fraction: 1 min_count: 1 } shape { dim { size: 1 } } }
feature { name: "fare" type: FLOAT float_domain { min: 0 } presence { min_fraction: 1 } shape { dim { size: 1 } } }
"""


def test_transform_learns_from_clean_rows(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = [f"{'ab'[i % 2]},{i}.5" for i in range(200)] + ["Atlantis,3.5", "a,-1.5", "b,"]
    (data / "trips.csv").write_text("\n".join(["city,fare", *rows]) + "\n")
    (tmp_path / "schema.pbtxt").write_text(SCHEMA)
    (tmp_path / "preprocessing.py").write_text(PREPROCESSING)

    examples = CsvExampleGen(input_base=str(data))
    statistics = StatisticsGen(examples=examples.outputs["examples"])
    schema = ImportSchemaGen(schema_file=str(tmp_path / "schema.pbtxt"))
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"],
        schema=schema.outputs["schema"],
        examples=examples.outputs["examples"],
        rows="quarantine",
        max_rejected_share=0.1,
    )
    transform = Transform(
        examples=validator.outputs["clean_examples"],
        schema=schema.outputs["schema"],
        module_file=str(tmp_path / "preprocessing.py"),
    )
    steps = [examples, statistics, schema, validator, transform]
    result = LocalDagRunner(progress=Silence()).run(Pipeline("quarantine", tmp_path / "root", steps))

    assert result.exit_code == 0
    assert result.step("ExampleValidator").output_parameters["num_rejected"] == 3
    quarantine = result.output("ExampleValidator", "quarantine")
    counts = [quarantine.counts(split) for split in quarantine.split_names]
    assert (sum(each.read for each in counts), sum(each.rejected for each in counts)) == (203, 3)
    transformed = result.output("Transform", "transformed_examples")
    assert sum(transformed.num_rows(split) for split in transformed.split_names) == 200
    vocabulary = result.output("Transform", "transform_graph").path / "transform_fn" / "assets" / "cities"
    assert sorted(vocabulary.read_text().split()) == ["a", "b"]
