"""Event files and plots as TensorFlow and TFMA themselves write and read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.reports.sources.evaluation_files import read_metrics, read_plots
from assay.reports.sources.event_files import read_logs

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


def test_scalars_are_those_that_tensorflow_wrote(tmp_path: Path) -> None:
    import tensorflow as tf

    expected = []
    with tf.summary.create_file_writer(str(tmp_path / "train")).as_default():
        for step in range(5):
            for tag, value in (("loss", 1 / (step + 1)), ("auc", tf.constant(step, tf.float64)), ("count", step * 7)):
                tf.summary.scalar(tag, value, step=step)
                expected.append((tag, step, pytest.approx(float(value), rel=1e-6)))
            tf.summary.histogram("weights", [1.0, 2.0], step=step)
            tf.summary.text("note", "hello", step=step)
    with tf.compat.v1.Graph().as_default():
        writer = tf.compat.v1.summary.FileWriter(str(tmp_path / "old"))
        value = tf.compat.v1.Summary.Value(tag="loss", simple_value=0.5)
        writer.add_summary(tf.compat.v1.Summary(value=[value]), 9)
        writer.close()
    old, train = read_logs(tmp_path)
    assert (old.name, train.name) == ("old", "train")
    assert [(each.tag, each.step, each.value) for each in train.scalars] == expected
    assert [(each.tag, each.step, each.value) for each in old.scalars] == [("loss", 9, 0.5)]


def test_metrics_and_plots_are_those_that_tfma_reads(tmp_path: Path) -> None:
    import pandas as pd
    import tensorflow_model_analysis as tfma
    from google.protobuf import text_format
    from tensorflow_model_analysis.proto import config_pb2  # TFMA 0.52 no longer exports its messages

    config = text_format.Parse(CONFIG, config_pb2.EvalConfig())
    rows = [{"label": float(at % 2), "prediction": (at * 7 % 10) / 10, "side": "ab"[at % 2]} for at in range(200)]
    tfma.analyze_raw_data(pd.DataFrame(rows), config, output_path=str(tmp_path))
    loaded = tfma.load_eval_result(str(tmp_path))
    metrics = {(each.slice, each.name): each.value for each in read_metrics(tmp_path)}
    slices = {(): "Overall", (("side", "a"),): "side=a", (("side", "b"),): "side=b"}
    assert {where for where, _ in metrics} == set(slices.values())
    for key, where in slices.items():
        theirs = loaded.get_metrics_for_slice(key)
        for name in ("mean_label", "example_count"):
            assert metrics[where, name] == pytest.approx(theirs[name]["doubleValue"])
        plots = next(found for found_key, found in loaded.plots if found_key == key)[""][""]
        [ours] = [plot for plot in read_plots(tmp_path) if plot.slice == where]
        matrices = plots["confusionMatrixAtThresholds"]["matrices"]
        assert len(ours.thresholds) == len(matrices)
        for mine, other in zip(ours.thresholds, matrices, strict=True):
            fields = ("threshold", "falseNegatives", "trueNegatives", "falsePositives", "truePositives")
            assert mine == pytest.approx([other.get(field, 0.0) for field in fields])
        buckets = plots["calibrationHistogramBuckets"]["buckets"]
        filled = [each for each in buckets if each.get("numWeightedExamples")]
        assert [each[2] for each in ours.calibration] == pytest.approx([each["numWeightedExamples"] for each in filled])


CONFIG = """
model_specs { label_key: "label" prediction_key: "prediction" }
slicing_specs {}
slicing_specs { feature_keys: "side" }
metrics_specs {
  metrics { class_name: "ExampleCount" }
  metrics { class_name: "MeanLabel" }
  metrics { class_name: "ConfusionMatrixPlot" }
  metrics { class_name: "CalibrationPlot" }
}
"""
