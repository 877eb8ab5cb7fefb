"""Slices against slices: the same differences as TFMA's, and the same pairs that break their limit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.engines.embedded.engine import EmbeddedEngine
from assay.evaluation.judgement import Tables, judge

pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:::tensorflow_model_analysis"),
]

PAIRS = {"baseline_spec": {}, "slicing_specs": [{"feature_keys": ["side"]}]}
NAMED = {"baseline_spec": {"feature_values": {"side": "a"}}, "slicing_specs": [{"feature_values": {"side": "b"}}]}


def config(bound: str, limit: float) -> dict[str, Any]:
    threshold = {"value_threshold": {bound: limit}}
    held = [{"cross_slicing_specs": [PAIRS, NAMED], "threshold": threshold}]
    return {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_keys": ["side"]}],
        "cross_slicing_specs": [PAIRS, NAMED],
        "metrics_specs": [
            {
                "metrics": [
                    {"class_name": "MeanLabel", "cross_slice_thresholds": held},
                    {"class_name": "BinaryAccuracy", "cross_slice_thresholds": held},
                ]
            }
        ],
    }


@pytest.mark.parametrize(("bound", "limit"), [("upper_bound", 0.0), ("lower_bound", -0.02), ("upper_bound", 0.9)])
def test_differences_and_the_pairs_that_break_a_limit(bound: str, limit: float, tmp_path: Path) -> None:
    import tensorflow_model_analysis as tfma
    from google.protobuf import json_format
    from tensorflow_model_analysis.proto import config_pb2  # TFMA 0.52 no longer exports its messages

    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 400).astype(float)
    score = np.clip(0.25 * label + 0.75 * rng.uniform(size=400), 0, 1)
    table = pa.table({"label": label, "score": score, "side": rng.choice(["a", "b", "c"], 400)})
    theirs = tfma.analyze_raw_data(
        table.to_pandas(),
        json_format.ParseDict(config(bound, limit), config_pb2.EvalConfig()),
        output_path=str(tmp_path),
    )
    differences = {
        (_name(key[0]), _name(key[1]), metric): value["doubleValue"]
        for key, metrics in theirs.slicing_metrics
        if len(key) == 2 and all(isinstance(part, tuple) and (not part or isinstance(part[0], tuple)) for part in key)
        for metric, value in metrics[""][""].items()
    }
    verdict = judge(Tables(config=config(bound, limit), predictions=table), EmbeddedEngine(threads=1)).verdict
    found = {(*check.slice.split(" vs "), check.subject): check for check in verdict.checks}
    assert len(found) == 8
    for place, check in found.items():
        assert check.observed == pytest.approx(differences[place], abs=1e-9), place
    validation = tfma.load_validation_result(str(tmp_path))
    failed = {
        (
            _pair(one.cross_slice_key.baseline_slice_key),
            _pair(one.cross_slice_key.comparison_slice_key),
            failure.metric_key.name,
        )
        for one in validation.metric_validations_per_slice
        for failure in one.failures
    }
    # TFMA 0.47 counts every pair as missing besides, because it looks for it among single slices: its `validation_ok`
    # is false whatever the figures are, so the pairs that fail are what can be compared.
    assert {place for place, check in found.items() if not check.ok} == failed
    assert verdict.ok == (not failed)


def _name(key: Any) -> str:
    return "&".join(f"{feature}={value}" for feature, value in key) or "Overall"


def _pair(key: Any) -> str:
    return _name([(one.column, one.bytes_value.decode()) for one in key.single_slice_keys])
