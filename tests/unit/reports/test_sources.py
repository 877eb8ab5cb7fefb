"""What pages read of files that TensorFlow and TFMA write."""

from __future__ import annotations

import math
import struct
from pathlib import Path

import pytest
import scenes
from encoding import message, scalar_event, wrapped, write_records

from assay.gating.verdict import find_verdict
from assay.reports.sources.evaluation_files import Metric, read_metrics, read_plots
from assay.reports.sources.event_files import read_logs
from assay.reports.sources.wire import by_number, double_in, fields, float_in, integer_in, text_in
from raising import raises


def test_fields_of_every_kind_are_read() -> None:
    raw = message((1, 300), (2, -5), (3, 0.25), (4, "نقد")) + bytes([5 << 3 | 5]) + struct.pack("<f", 1.5)
    found = by_number(raw)
    assert (integer_in(found, 1), integer_in(found, 2), double_in(found, 3)) == (300, -5, 0.25)
    assert (text_in(found, 4), float_in(found, 5), integer_in(found, 9), text_in(found, 9)) == ("نقد", 1.5, 0, "")


@pytest.mark.parametrize("raw", [b"\x0a", b"\x0a\x05ab", b"\x09abc", b"\x0b", b"\xff" * 12])
def test_bytes_that_are_no_message_are_refused(raw: bytes) -> None:
    with raises("report.wire"):
        list(fields(raw))


def test_scalars_of_both_versions_of_tensorflow_are_read(tmp_path: Path) -> None:
    old = message(
        (1, 1.0), (2, 3), (5, message((1, message((1, "loss")) + bytes([2 << 3 | 5]) + struct.pack("<f", 0.5))))
    )
    picture = message(
        (5, message((1, message((1, "image"), (8, message((1, 7))), (9, message((1, message((1, "images")))))))))
    )
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
    auc = message(
        (1, message((1, "auc"), (4, "old"))),
        (2, message((2, message((1, wrapped(0.8)), (2, wrapped(0.9)), (3, wrapped(0.85)))))),
    )
    count = message((1, message((1, "example_count"))), (2, message((1, wrapped(12.0)))))
    interval = message((1, message((1, wrapped(0.1)))), (2, message((1, wrapped(0.3)))))
    loss = message((1, message((1, "loss"), (5, 1))), (2, message((1, wrapped(0.2)))), (3, interval))
    place = message((1, message((1, "hour"), (4, 5))), (1, message((1, "kind"), (2, "cash"))))
    write_records(tmp_path / "metrics-00000-of-00001.tfrecord", message((1, place), (51, auc), (51, count), (51, loss)))
    where = "hour=5&kind=cash"
    assert read_metrics(tmp_path) == [
        Metric(model="baseline", slice=where, name="auc", value=0.85, lower=0.8, upper=0.9, examples=12),
        Metric(model="candidate", slice=where, name="example_count", value=12.0, examples=12),
        Metric(model="change", slice=where, name="loss", value=0.2, lower=0.1, upper=0.3, examples=12),
    ]


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
