"""TFDV, TFMA, TFT and TensorFlow read what a run wrote."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

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
from assay.components.trainer import EvalArgs, TrainArgs
from assay.runners.local import LocalDagRunner, RunResult, Silence
from assay.spec import Pipeline

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

MODULE = """
import keras
import tensorflow as tf
import tensorflow_transform as tft
from tfx_bsl.tfxio.dataset_options import TensorFlowDatasetOptions

def preprocessing_fn(inputs):
    return {
        "amount_xf": tft.scale_to_z_score(tf.cast(inputs["amount"], tf.float32)),
        "city_xf": tft.compute_and_apply_vocabulary(inputs["city"], vocab_filename="city"),
        "label_xf": tf.cast(inputs["label"], tf.int64),
    }

def run_fn(fn_args):
    graph = tft.TFTransformOutput(fn_args.transform_graph_path)
    amount = keras.Input((1,), name="amount_xf")
    model = keras.Model({"amount_xf": amount}, keras.layers.Dense(1, activation="sigmoid")(amount))
    model.compile(loss="binary_crossentropy", optimizer=keras.optimizers.SGD(1.0))
    options = TensorFlowDatasetOptions(batch_size=32, label_key="label_xf")
    rows = fn_args.data_accessor.tf_dataset_factory(fn_args.train_files, options, graph.transformed_metadata.schema)
    model.fit(rows.map(lambda x, y: ({"amount_xf": x["amount_xf"]}, y)), steps_per_epoch=fn_args.train_steps, verbose=0)
    bundle = tf.Module()
    bundle.model, bundle.preprocessing = model, graph.transform_features_layer()
    spec = [tf.TensorSpec([None], tf.string, name="examples")]

    @tf.function(input_signature=spec, autograph=False)
    def serve(examples):
        raw = tf.io.parse_example(examples, graph.raw_feature_spec())
        return {"outputs": bundle.model({"amount_xf": bundle.preprocessing(raw)["amount_xf"]})}

    @tf.function(input_signature=spec, autograph=False)
    def transform_features(examples):
        return bundle.preprocessing(tf.io.parse_example(examples, graph.raw_feature_spec()))

    signatures = {"serving_default": serve, "transform_features": transform_features}
    tf.saved_model.save(bundle, fn_args.serving_model_dir, signatures)
"""
EVAL_CONFIG = {
    "model_specs": [
        {
            "signature_name": "serving_default",
            "label_key": "label_xf",
            "preprocessing_function_names": ["transform_features"],
        }
    ],
    "slicing_specs": [{}, {"feature_keys": ["city"]}],
    "metrics_specs": [
        {
            "metrics": [
                {"class_name": "ExampleCount"},
                {
                    "class_name": "BinaryAccuracy",
                    "per_slice_thresholds": [
                        {"slicing_specs": [{}], "threshold": {"value_threshold": {"lower_bound": 0.7}}}
                    ],
                },
            ]
        }
    ],
}


def write_csv(folder: Path) -> None:
    rng = random.Random(3)
    folder.mkdir()
    with (folder / "data.csv").open("w") as stream:
        stream.write("amount,city,label\n")
        for _ in range(900):
            amount = rng.uniform(-10, 10)
            stream.write(f"{amount:.4f},{rng.choice(['Graz', 'Linz', 'Wien'])},{int(amount > 0)}\n")


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    folder = tmp_path_factory.mktemp("interchange")
    write_csv(folder / "data")
    module = folder / "module.py"
    module.write_text(MODULE)
    gen = CsvExampleGen(input_base=str(folder / "data"))
    statistics = StatisticsGen(examples=gen.outputs["examples"])
    schema = SchemaGen(statistics=statistics.outputs["statistics"], exclude_splits=["eval"])
    validator = ExampleValidator(statistics=statistics.outputs["statistics"], schema=schema.outputs["schema"])
    transform = Transform(examples=gen.outputs["examples"], schema=schema.outputs["schema"], module_file=str(module))
    trainer = Trainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema.outputs["schema"],
        module_file=str(module),
        train_args=TrainArgs(num_steps=30),
        eval_args=EvalArgs(num_steps=1),
    )
    evaluator = Evaluator(examples=gen.outputs["examples"], model=trainer.outputs["model"], eval_config=EVAL_CONFIG)
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        push_destination={"filesystem": {"base_directory": str(folder / "serving")}},
    )
    steps = [gen, statistics, schema, validator, transform, trainer, evaluator, pusher]
    done = LocalDagRunner(folder / "root", progress=Silence()).run(Pipeline("interchange", None, steps))
    assert done.ok, [(step.node_id, step.reason, step.user_traceback) for step in done.steps if step.reason]
    return done


def path_of(result: RunResult, node_id: str, key: str) -> Path:
    return result.output(node_id, key).path


@pytest.mark.parametrize("split", ["train", "eval"])
def test_tfdv_loads_statistics(result: RunResult, split: str) -> None:
    import tensorflow_data_validation as tfdv

    statistics = path_of(result, "StatisticsGen", "statistics") / f"Split-{split}" / "FeatureStats.pb"
    view = tfdv.DatasetListView(tfdv.load_stats_binary(str(statistics))).get_default_slice_or_die()
    assert view.proto().num_examples == result.output("CsvExampleGen", "examples").rows[split]
    assert {str(feature) for feature in view.list_features()} == {"amount", "city", "label"}


def test_tfdv_loads_the_schema_and_finds_no_anomaly_with_it(result: RunResult) -> None:
    import tensorflow_data_validation as tfdv

    schema = tfdv.load_schema_text(str(path_of(result, "SchemaGen", "schema") / "schema.pbtxt"))
    assert [domain.name for domain in schema.string_domain] == ["city"]
    folder = path_of(result, "StatisticsGen", "statistics") / "Split-train"
    statistics = tfdv.load_stats_binary(str(folder / "FeatureStats.pb"))
    assert not tfdv.validate_statistics(statistics, schema).anomaly_info


@pytest.mark.parametrize("split", ["train", "eval"])
def test_tfdv_loads_anomalies(result: RunResult, split: str) -> None:
    from tensorflow_data_validation.utils.anomalies_util import load_anomalies_binary  # not exported by tfdv 1.16.1

    folder = path_of(result, "ExampleValidator", "anomalies") / f"Split-{split}"
    anomalies = load_anomalies_binary(str(folder / "SchemaDiff.pb"))
    assert not anomalies.anomaly_info
    assert [feature.name for feature in anomalies.baseline.feature] == ["amount", "city", "label"]


def test_tfma_loads_the_metrics(result: RunResult) -> None:
    import tensorflow_model_analysis as tfma

    loaded = tfma.load_eval_result(str(path_of(result, "Evaluator", "evaluation")))
    by_slice: dict[Any, Any] = loaded.get_metrics_for_all_slices()
    rows = result.output("CsvExampleGen", "examples").rows["eval"]
    assert set(by_slice) == {(), (("city", "Graz"),), (("city", "Linz"),), (("city", "Wien"),)}
    assert by_slice[()]["example_count"]["doubleValue"] == rows
    assert by_slice[()]["binary_accuracy"]["doubleValue"] > 0.7
    assert sum(one["example_count"]["doubleValue"] for key, one in by_slice.items() if key) == rows
    assert loaded.config.metrics_specs[0].metrics[1].class_name == "BinaryAccuracy"


def test_tfma_loads_the_validation(result: RunResult) -> None:
    import tensorflow_model_analysis as tfma

    validation = tfma.load_validation_result(str(path_of(result, "Evaluator", "evaluation")))
    assert validation.validation_ok
    assert (path_of(result, "Evaluator", "blessing") / "BLESSED").is_file()


def test_tft_loads_the_transform_graph(result: RunResult) -> None:
    import tensorflow as tf
    import tensorflow_transform as tft

    graph = tft.TFTransformOutput(str(path_of(result, "Transform", "transform_graph")))
    assert set(graph.transformed_feature_spec()) == {"amount_xf", "city_xf", "label_xf"}
    assert set(graph.raw_feature_spec()) == {"amount", "city", "label"}
    assert sorted(graph.vocabulary_by_name("city")) == [b"Graz", b"Linz", b"Wien"]
    raw = {"amount": tf.constant([[0.0]]), "city": tf.constant([["Graz"]]), "label": tf.constant([[1]], tf.int64)}
    assert set(graph.transform_features_layer()(raw)) == {"amount_xf", "city_xf", "label_xf"}


def test_tensorflow_serving_finds_a_version(result: RunResult) -> None:
    import tensorflow as tf

    receipt = result.output("Pusher", "pushed_model").properties
    version = Path(receipt["pushed_destination"])
    assert version.name == receipt["pushed_version"]
    assert version.name.isdigit()
    assert [one.name for one in version.parent.iterdir() if one.name.isdigit()] == [version.name]
    model = tf.saved_model.load(str(version))
    feature = tf.train.Feature
    example = tf.train.Example(
        features=tf.train.Features(
            feature={
                "amount": feature(float_list=tf.train.FloatList(value=[9.0])),
                "city": feature(bytes_list=tf.train.BytesList(value=[b"Graz"])),
                "label": feature(int64_list=tf.train.Int64List(value=[1])),
            }
        )
    )
    serve = model.signatures["serving_default"]
    assert float(serve(examples=tf.constant([example.SerializeToString()]))["outputs"][0, 0]) > 0.5
