"""The Chicago taxi pipeline: from trips as CSV to a pushed model that predicts big tips.

Run it with `assay run examples/chicago_taxi/pipeline.py`.
"""

from __future__ import annotations

from pathlib import Path

from data import taxi_trips

from assay import Pipeline, RuntimeParameter
from assay.components import (
    CsvExampleGen,
    Evaluator,
    ExampleValidator,
    Pusher,
    SchemaGen,
    StatisticsGen,
    Trainer,
    Transform,
)
from assay.spec import latest_blessed_model

HERE = Path(__file__).resolve().parent
MODULE = str(HERE / "taxi_module.py")
# The model learns from the past and is judged on what came after, as in production: the newest fourth of the trips.
SPLITS = {
    "split_config": {
        "time_feature_name": "trip_start_timestamp",
        "splits": [{"name": "train", "before": "2015-05-11"}, {"name": "eval"}],
    }
}


def create_pipeline() -> Pipeline:
    """Declare the nine steps; nothing runs, and no TensorFlow is loaded."""
    train_steps = RuntimeParameter("train_steps", int, 200, "Batches of 256 trips to train on.")
    serving_dir = RuntimeParameter("serving_dir", str, "build/serving/chicago_taxi", "Where models are pushed to.")

    example_gen = CsvExampleGen(input_base=str(taxi_trips()), output_config=SPLITS)
    statistics_gen = StatisticsGen(examples=example_gen.outputs["examples"])
    # The training split alone says what is expected: a schema that has seen the evaluation split finds nothing in it.
    schema_gen = SchemaGen(statistics=statistics_gen.outputs["statistics"], exclude_splits=["eval"])
    # The real data has anomalies (companies and a payment type that the training split lacks). A pipeline that guards
    # a product keeps the default, fail_on="error", and stops here; this one shows what was found and goes on.
    example_validator = ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"], fail_on="never"
    )
    transform = Transform(
        examples=example_gen.outputs["examples"], schema=schema_gen.outputs["schema"], module_file=MODULE
    )
    trainer = Trainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema_gen.outputs["schema"],
        module_file=MODULE,
        train_args={"num_steps": train_steps},
        eval_args={},  # the whole evaluation split, once
    )
    baseline = latest_blessed_model()
    evaluator = Evaluator(
        examples=example_gen.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=baseline.outputs["model"],
        eval_config=HERE / "eval_config.yaml",
    )
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination={"filesystem": {"base_directory": serving_dir}},
    )
    return Pipeline(
        "chicago_taxi",
        components=[
            example_gen,
            statistics_gen,
            schema_gen,
            example_validator,
            transform,
            trainer,
            baseline,
            evaluator,
            pusher,
        ],
    )
