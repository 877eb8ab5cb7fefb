"""Models evaluated by the kernels against TFMA's records of the same models; and what the kernels leave to TFMA."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.errors import ArtifactError
from assay.evaluation.config import read_config
from assay.evaluation.model_evaluation import evaluate
from assay.evaluation.request import EvaluationRequest, EvaluationResult
from raising import raises

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:::tensorflow_model_analysis"),
]

SPEC = """model_specs {
  signature_name: "serving_default" label_key: "benign_xf" preprocessing_function_names: "transform_features" MORE
}
slicing_specs {} slicing_specs { feature_keys: "size" } slicing_specs { feature_keys: ["size", "site"] }
"""
CHANGE = "change_threshold { direction: HIGHER_IS_BETTER absolute { value: -0.02 } }"
METRICS = """metrics_specs {
  metrics { class_name: "ExampleCount" }
  metrics { class_name: "AUC" config: '{"num_thresholds": 10000}' threshold { CHANGE } }
  metrics { class_name: "AUCPrecisionRecall" config: '{"num_thresholds": 10000}' }
  metrics { class_name: "Recall" config: '{"thresholds": [0.3, 0.6]}' }
  metrics { class_name: "FPR" }
  metrics { class_name: "MeanPrediction" }
  metrics { class_name: "Calibration" }
  metrics { class_name: "MeanSquaredError" }
  metrics { class_name: "ConfusionMatrixAtThresholds" config: '{"thresholds": [0.25, 0.5]}' }
  metrics { class_name: "BooleanFlipRates" config: '{"threshold": 0.5}' }
  metrics { class_name: "SymmetricPredictionDifference" }
  metrics { class_name: "ConfusionMatrixPlot" }
  metrics { class_name: "CalibrationPlot" }
}""".replace("CHANGE", CHANGE)


def run(judged: Any, folder: Path, text: str = SPEC.replace("MORE", "") + METRICS, **more: Any) -> EvaluationResult:
    folder.mkdir()
    more = {"model": judged.candidate, "baseline": judged.baseline} | more
    work = EvaluationRequest(
        config=read_config(text).eval_config, batches=[judged.records[:300], judged.records[300:]], **more
    )
    return evaluate(work, folder)


def flattened(value: Any, *, of_tfma: bool) -> list[float]:
    """A metric's numbers, whatever it is; where TFMA 0.47 divides by nothing, what TFMA 0.52 has instead."""
    kind = value.WhichOneof("type")
    if kind == "double_value":
        return [value.double_value.value]
    if kind == "array_value":
        return [*value.array_value.shape, *value.array_value.float64_values]
    if kind == "confusion_matrix_at_thresholds":
        fields = ("threshold", "true_positives", "false_positives", "true_negatives", "false_negatives")
        fields += ("precision", "recall", "f1", "accuracy", "false_positive_rate", "false_omission_rate")
        matrices = value.confusion_matrix_at_thresholds.matrices
        return [
            of_nothing(one)[field] if of_tfma and field in of_nothing(one) else getattr(one, field)
            for one in matrices
            for field in fields
        ]
    raise AssertionError(kind)


def of_nothing(one: Any) -> dict[str, float]:
    """The rates whose denominator is not positive, as TFMA 0.52 states them."""
    positives, negatives = one.true_positives + one.false_negatives, one.true_negatives + one.false_positives
    denominators = {
        "f1": (one.precision + one.recall, 0.0),
        "accuracy": (positives + negatives, 0.0),
        "false_positive_rate": (negatives, 0.0),
        "false_omission_rate": (one.true_negatives + one.false_negatives, float("nan")),
    }
    return {name: stated for name, (count, stated) in denominators.items() if not count > 0}


def records(folder: Path, *, of_tfma: bool = False) -> dict[tuple[str, str], list[float]]:
    """TFMA's metrics by slice and key, as TFMA reads them."""
    import tensorflow_model_analysis as tfma

    return {
        (str(record.slice_key), str(item.key)): flattened(item.value, of_tfma=of_tfma)
        for record in tfma.load_metrics(str(folder))
        for item in record.metric_keys_and_values
    }


def assert_same(ours: Path, theirs: Path, tolerance: float = 1e-6) -> int:
    mine, its = records(ours), records(theirs, of_tfma=True)
    assert mine.keys() == its.keys()
    for key, value in its.items():
        assert mine[key] == pytest.approx(value, rel=tolerance, abs=tolerance, nan_ok=True), key
    return len(its)


@pytest.mark.parametrize("weight", ["", 'example_weight_key: "weight"'], ids=["unweighted", "weighted"])
def test_every_kind_of_metric_plot_and_difference_is_tfmas(judged: Any, tmp_path: Path, weight: str) -> None:
    import tensorflow_model_analysis as tfma

    text = SPEC.replace("MORE", weight) + METRICS
    ours = run(judged, tmp_path / "ours", text)
    run(judged, tmp_path / "theirs", text, metrics_engine="tfma")
    assert ours.by_tfma == ours.notes == ()
    assert assert_same(tmp_path / "ours", tmp_path / "theirs") > 400
    results = [tfma.load_validation_result(str(tmp_path / name)) for name in ("ours", "theirs")]
    assert results[0].validation_ok == results[1].validation_ok == ours.verdict.ok
    for plots in (list(tfma.load_plots(str(tmp_path / "ours"))), list(tfma.load_plots(str(tmp_path / "theirs")))):
        assert len(plots) == 13
        assert {len(one.plot_keys_and_values) for one in plots} == {2}


def test_what_has_no_kernel_is_tfmas_and_the_output_says_so(judged: Any, tmp_path: Path) -> None:
    import tensorflow_model_analysis as tfma

    text = (
        SPEC.replace("MORE", "")
        + """metrics_specs {
      metrics { class_name: "BinaryAccuracy" }
      metrics { class_name: "Hinge" threshold { value_threshold { upper_bound { value: 0.9 } } } }
      metrics { class_name: "ScoreDistributionPlot" }
    }"""
    )
    evaluated = run(judged, tmp_path / "ours", text)
    run(judged, tmp_path / "theirs", text, metrics_engine="tfma")
    assert evaluated.by_tfma == ("Hinge", "ScoreDistributionPlot")
    assert evaluated.notes == ("TFMA computed Hinge, ScoreDistributionPlot, which have no kernel.",)
    assert json.loads((tmp_path / "ours" / "computed_by.json").read_text()) == {
        "kernel": ["BinaryAccuracy"],
        "tfma": ["Hinge", "ScoreDistributionPlot"],
    }
    assert_same(tmp_path / "ours", tmp_path / "theirs")
    assert {check.subject for check in evaluated.verdict.checks} == {"hinge"}
    plots = [len(next(iter(tfma.load_plots(str(tmp_path / name)))).plot_keys_and_values) for name in ("ours", "theirs")]
    assert plots == [2, 2]  # one for each model
    with raises("evaluator.kernel", "kernel", "Hinge"):
        run(judged, tmp_path / "strict", text, metrics_engine="kernel")


def test_on_beam_the_same_accumulators_give_the_same_records(judged: Any, tmp_path: Path) -> None:
    from assay.engines.beam.engine import BeamEngine

    run(judged, tmp_path / "beam", engine=BeamEngine(("--runner=DirectRunner",)))
    run(judged, tmp_path / "here")
    names = [path.name for path in (tmp_path / "here").iterdir()]
    assert len(names) == 9
    for name in set(names) - {"metrics.parquet"}:
        assert (tmp_path / "beam" / name).read_bytes() == (tmp_path / "here" / name).read_bytes(), name


def test_one_model_without_a_baseline_is_a_first_run_as_in_tfma(judged: Any, tmp_path: Path) -> None:
    import tensorflow_model_analysis as tfma

    text = SPEC.replace("MORE", "") + METRICS.replace("BooleanFlipRates", "MeanLabel").replace(
        """config: '{"threshold": 0.5}'""", ""
    ).replace("SymmetricPredictionDifference", "BinaryAccuracy")
    ours = run(judged, tmp_path / "ours", text, baseline=None)
    run(judged, tmp_path / "theirs", text, baseline=None, metrics_engine="tfma")
    assert_same(tmp_path / "ours", tmp_path / "theirs")
    assert ours.verdict.ok  # held against nothing, and says so; TFMA leaves such a model without a decision
    for name in ("ours", "theirs"):
        result = tfma.load_validation_result(str(tmp_path / name))
        assert (result.validation_ok, result.missing_thresholds) == (False, True)


def test_a_model_that_only_pythons_tensorflow_runs(judged: Any, tmp_path: Path) -> None:
    """A Keras model that is an attribute of a module: its saved graph reads variables that nothing restores."""
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1, activation="sigmoid")])
    model.layers[0].set_weights([np.ones((6, 1)) / 6, np.zeros(1)])
    bundle = tf.Module()
    bundle.model = model

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        return {
            "output": model(
                tf.io.parse_example(examples, {"measures": tf.io.FixedLenFeature([6], tf.float32)})["measures"]
            )
        }

    bundle.serve = serve
    tf.saved_model.save(bundle, str(tmp_path / "model"), {"serving_default": serve})
    model.save(tmp_path / "model.keras")
    text = 'model_specs { label_key: "benign" } metrics_specs { metrics { class_name: "AUC" } }'
    folder = run(judged, tmp_path / "folder", text, model=tmp_path / "model", baseline=None)
    [warning, note] = folder.notes
    assert "there is no threshold" in warning
    assert "TensorFlow's C API, as TensorFlow Serving, cannot run the model" in note
    assert "variable" in note

    def function(batch: Any) -> Any:
        measures = np.array(batch.column(batch.schema.get_field_index("measures")).to_pylist())
        return 1 / (1 + np.exp(-measures.mean(axis=1)))

    called = run(judged, tmp_path / "function", text, model=function, baseline=None)
    assert called.notes == (warning,)
    assert_same(tmp_path / "folder", tmp_path / "function", 1e-5)


def test_a_keras_file_takes_feature_tensors(judged: Any, tmp_path: Path) -> None:
    import keras

    inputs = keras.Input((6,), name="measures")
    model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(inputs))
    model.save(tmp_path / "model.keras")
    text = 'model_specs { label_key: "benign" } metrics_specs { metrics { class_name: "MeanPrediction" } }'
    run(judged, tmp_path / "out", text, model=tmp_path / "model.keras", baseline=None)
    [found] = records(tmp_path / "out").values()
    from assay.data.tf_example import decode

    measures = np.array(decode(judged.records).column("measures").to_pylist(), dtype=np.float32)
    assert found == pytest.approx([float(model.predict(measures, verbose=0).mean())], rel=1e-6)


def test_signatures_and_damage_are_named(judged: Any, tmp_path: Path) -> None:
    wrong = SPEC.replace("MORE", "").replace("serving_default", "serving_defalt") + METRICS
    with raises("eval_config.signature", "serving_defalt"):
        run(judged, tmp_path / "a", wrong)
    wrong = SPEC.replace("MORE", "").replace("transform_features", "transform_feature") + METRICS
    with raises("eval_config.signature", "transform_feature"):
        run(judged, tmp_path / "b", wrong)
    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "saved_model.pb").write_bytes((judged.baseline / "saved_model.pb").read_bytes()[:500])
    with raises("evaluator.baseline_unloadable", kind=ArtifactError):
        run(judged, tmp_path / "c", baseline=damaged)
    with raises("evaluator.model_failed", "serving_default"):
        evaluate(
            EvaluationRequest(
                config=read_config(
                    'model_specs { label_key: "y" } metrics_specs { metrics { class_name: "AUC" } }'
                ).eval_config,
                batches=[[b"\x0a\x0d\x0a\x0b\x0a\x01y\x12\x06\x1a\x04\x0a\x02\x00\x01"[:15]]],
                model=judged.candidate,
            ),
            tmp_path,
        )
