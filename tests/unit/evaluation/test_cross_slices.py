"""Slices compared with each other: the records that TFMA's loaders find, and its decision on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assay.data.tfrecord import read_records
from assay.engines.embedded import EmbeddedEngine
from assay.evaluation.files import write_tfma_files
from assay.evaluation.judgement import Tables, judge
from assay.protos import tfma

ROWS = pa.table(
    {
        "label": [1, 1, 0, 0, 1, 1, 0, 0],
        "new": [0.9, 0.8, 0.2, 0.1, 0.9, 0.2, 0.7, 0.1],
        "old": [0.9, 0.2, 0.2, 0.1, 0.9, 0.2, 0.1, 0.1],
        "sex": ["f", "f", "f", "f", "m", "m", "m", "m"],
    }
)
PAIR = {
    "baseline_spec": {"feature_values": {"sex": "f"}},
    "slicing_specs": [{"feature_values": {"sex": "m"}}],
}


def evaluated(folder: Path, threshold: dict[str, Any], pair: dict[str, Any]) -> tuple[Any, Any, list[Any]]:
    metric = {"class_name": "BinaryAccuracy"}
    held = {"cross_slice_thresholds": [{"cross_slicing_specs": [pair], "threshold": threshold}]} if threshold else {}
    config = {
        "model_specs": [
            {"name": "new", "label_key": "label", "prediction_key": "new"},
            {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
        ],
        "slicing_specs": [{}],
        "cross_slicing_specs": [pair],
        "metrics_specs": [{"metrics": [metric | held]}],
    }
    judged = judge(Tables(config=config, predictions=ROWS), EmbeddedEngine())
    write_tfma_files(folder, judged.evaluation)
    [record] = read_records(folder / "validations.tfrecord")
    metrics = read_records(folder / "metrics-00000-of-00001.tfrecord")
    messages = [tfma.MetricsForSlice.FromString(one) for one in metrics]
    return judged.verdict, tfma.ValidationResult.FromString(record), messages


def test_the_figures_of_a_pair_are_the_firsts_less_the_seconds(tmp_path: Path) -> None:
    _, _, messages = evaluated(tmp_path, {}, PAIR)
    assert len(messages) == 4  # the whole, each of the compared slices, and the pair
    [pair] = [one for one in messages if one.HasField("cross_slice_key")]
    assert pair.cross_slice_key.baseline_slice_key.single_slice_keys[0].bytes_value == b"f"
    assert pair.cross_slice_key.comparison_slice_key.single_slice_keys[0].bytes_value == b"m"
    figures = {
        (item.key.model_name, item.key.is_diff): item.value.double_value.value for item in pair.metric_keys_and_values
    }
    # new: 1 among f and 0.5 among m; old: 0.75 and 0.75
    assert figures == {("new", False): 0.5, ("old", False): 0.0, ("new", True): 0.5}


@pytest.mark.parametrize(
    ("threshold", "ok"),
    [
        ({"value_threshold": {"upper_bound": 0.6}}, True),
        ({"value_threshold": {"upper_bound": 0.4}}, False),
        ({"change_threshold": {"direction": "LOWER_IS_BETTER", "absolute": 0.5}}, True),
        ({"change_threshold": {"direction": "LOWER_IS_BETTER", "absolute": 0.1}}, False),
    ],
)
def test_the_record_and_the_gate_decide_alike(tmp_path: Path, threshold: dict[str, Any], ok: bool) -> None:
    verdict, result, _ = evaluated(tmp_path, threshold, PAIR)
    assert verdict.ok == result.validation_ok == ok
    failed = [one for one in result.metric_validations_per_slice if one.HasField("cross_slice_key")]
    assert len(failed) == (0 if ok else 1)
    assert not result.missing_thresholds


def test_a_pair_that_is_not_there_fails(tmp_path: Path) -> None:
    other = PAIR | {"baseline_spec": {"feature_values": {"sex": "x"}}}
    verdict, result, messages = evaluated(tmp_path, {"value_threshold": {"upper_bound": 0.6}}, other)
    assert not verdict.ok
    assert not result.validation_ok
    assert len(result.missing_cross_slices) == 1
    assert not any(one.HasField("cross_slice_key") for one in messages)
