"""What pages read of files that TensorFlow and TFMA write."""

from __future__ import annotations

import math
from pathlib import Path

import scenes
from scenes import scalar_event, write_records

from assay.data.tfrecord import TFRecordWriter
from assay.gating.verdict import find_verdict
from assay.protos import tensorflow, tfma
from assay.reports.sources.evaluation_files import Metric, read_metrics, read_plots
from assay.reports.sources.event_files import read_logs
from raising import raises


def test_scalars_of_both_versions_of_tensorflow_are_read(tmp_path: Path) -> None:
    old = tensorflow.Event(wall_time=1.0, step=3, summary={"value": [{"tag": "loss", "simple_value": 0.5}]})
    image = {"tag": "image", "tensor": {"dtype": "DT_FLOAT"}, "metadata": {"plugin_data": {"plugin_name": "images"}}}
    picture = tensorflow.Event(summary={"value": [image]})
    write_records(tmp_path / "train" / "events.out.tfevents.1", old, picture, scalar_event("auc", 4, 0.75))
    [log] = read_logs(tmp_path)
    assert log.name == "train"
    assert [(each.tag, each.step, each.value) for each in log.scalars] == [("loss", 3, 0.5), ("auc", 4, 0.75)]


def test_the_log_of_a_killed_run_is_read_up_to_where_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    write_records(path, scalar_event("loss", 1, 0.5), scalar_event("loss", 2, 0.25))
    path.write_bytes(path.read_bytes()[:-3])
    [log] = read_logs(tmp_path)
    assert log.is_cut
    assert [each.step for each in log.scalars] == [1]


def test_metrics_of_tfma_are_read_with_their_bounds(tmp_path: Path) -> None:
    (tmp_path / "eval_config.json").write_text('{"evalConfig": {"modelSpecs": [{"name": "old", "isBaseline": true}]}}')
    bounded = {"lower_bound": {"value": 0.8}, "upper_bound": {"value": 0.9}, "value": {"value": 0.85}}
    interval = {
        "lower_bound": {"double_value": {"value": 0.1}},
        "upper_bound": {"double_value": {"value": 0.3}},
    }
    message = tfma.MetricsForSlice(
        slice_key={
            "single_slice_keys": [{"column": "hour", "int64_value": 5}, {"column": "kind", "bytes_value": b"cash"}]
        },
        metric_keys_and_values=[
            {"key": {"name": "auc", "model_name": "old"}, "value": {"bounded_value": bounded}},
            {"key": {"name": "example_count"}, "value": {"double_value": {"value": 12.0}}},
            {
                "key": {"name": "loss", "is_diff": True},
                "value": {"double_value": {"value": 0.2}},
                "confidence_interval": interval,
            },
        ],
    )
    pair = tfma.MetricsForSlice(
        cross_slice_key={},
        metric_keys_and_values=[{"key": {"name": "auc"}, "value": {"double_value": {"value": 0.1}}}],
    )
    write_records(tmp_path / "metrics-00000-of-00001.tfrecord", message, pair)
    where = "hour=5&kind=cash"
    assert read_metrics(tmp_path) == [
        Metric(model="baseline", slice=where, name="auc", value=0.85, lower=0.8, upper=0.9, examples=12),
        Metric(model="candidate", slice=where, name="example_count", value=12.0, examples=12),
        Metric(model="change", slice=where, name="loss", value=0.2, lower=0.1, upper=0.3, examples=12),
    ]


def test_a_file_of_other_records_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "plots-00000-of-00001.tfrecord"
    with TFRecordWriter(path, compress=False) as writer:
        writer.write(b"\x0a\x05ab")
    with raises("report.evaluation_file", path):
        read_plots(tmp_path)


def test_plots_are_read_by_model_and_slice(tmp_path: Path) -> None:
    evaluation = scenes.make_evaluation(tmp_path / "evaluation")
    plots = read_plots(evaluation.path)
    assert [(plot.slice, plot.model) for plot in plots] == [
        ("Overall", "candidate"), ("Overall", "baseline"), ("trips=3", "candidate"), ("trips=3", "baseline")
    ]  # fmt: skip
    first = plots[0]
    assert first.thresholds[0] == (0.0, 0.0, 0.0, 700.0, 300.0)
    assert first.calibration[2][0] == 0.2
    assert math.isclose(first.calibration[2][4], 0.24)
    assert first.classes is not None
    assert (first.classes[1, 1], first.classes[1, 2]) == (95.0, 5.0)


def test_a_verdict_is_read_as_plain_json_and_refused_where_it_is_none(tmp_path: Path) -> None:
    assert find_verdict(tmp_path) is None
    blessing = scenes.make_blessing(tmp_path / "blessing")
    verdict = find_verdict(blessing.path)
    assert verdict is not None
    assert repr([check.observed for check in verdict.checks]) == "[0.93, 0.7, nan]"
    (blessing.path / "verdict.json").write_text('{"ok": "perhaps"}')
    with raises("verdict.malformed", blessing.path):
        find_verdict(blessing.path)
