"""The taxi pipeline around a model that is there already, on the Beam runner that the environment names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from assay import Pipeline
from assay.artifacts import Model
from assay.components import CsvExampleGen, Evaluator, ExampleValidator, SchemaGen, StatisticsGen, Transform
from assay.spec import Importer, latest_blessed_model

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples" / "chicago_taxi"))
from data import taxi_trips
from pipeline import HERE, MODULE, SPLITS


def create_pipeline() -> Pipeline:
    """Declares the steps that Beam can run as the taxi pipeline does."""
    examples = CsvExampleGen(input_base=str(taxi_trips()), output_config=SPLITS)
    statistics = StatisticsGen(examples=examples.outputs["examples"])
    schema = SchemaGen(statistics=statistics.outputs["statistics"], exclude_splits=["eval"])
    anomalies = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"], fail_on="never"
    )
    transform = Transform(examples=examples.outputs["examples"], schema=schema.outputs["schema"], module_file=MODULE)
    model = Importer(source_uri=os.environ["MODEL"], artifact_type=Model).with_id("Trainer")
    baseline = latest_blessed_model()
    evaluator = Evaluator(
        examples=examples.outputs["examples"],
        model=model.outputs["result"],
        baseline_model=baseline.outputs["model"],
        eval_config=HERE / "eval_config.yaml",
    )
    return Pipeline(
        "taxi_on_beam",
        components=[examples, statistics, schema, anomalies, transform, model, baseline, evaluator],
        beam_pipeline_args=os.environ["BEAM_ARGUMENTS"].split(),
    )
