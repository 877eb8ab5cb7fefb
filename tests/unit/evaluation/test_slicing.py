"""Slices by bins and by periods, in the configuration's own `feature_keys`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.engines.embedded import EmbeddedEngine
from assay.evaluation.config import read_config
from assay.evaluation.judgement import Models, Tables, judge
from assay.evaluation.lint import lint
from assay.evaluation.slicing import slicing_of
from assay.evaluation.table_evaluation import evaluate_predictions
from assay.evaluation.tables import open_predictions
from assay.gating.metric_values import slice_name
from raising import raises

ROWS = pa.table(
    {
        "label": [0, 1, 0, 1, 1, 0],
        "score": [0.1, 0.9, 0.2, 0.8, 0.3, 0.6],
        "fare": [1.0, 12.0, 10.0, 25.0, 20.0, 3.0],
        "start": pa.array(np.array([f"2024-0{month}-05" for month in (1, 1, 2, 2, 3, 3)], "datetime64[us]")),
        "city": ["a", "b", "a", "b", "a", "b"],
    }
)
SLICES = [
    {},
    {"feature_keys": ["fare[10,20]"]},
    {"feature_keys": ["start:month"]},
    {"feature_keys": ["city", "fare[10]"]},
]


def config(*keys: str, **more: Any) -> dict[str, Any]:
    threshold = {
        "slicing_specs": [{"feature_keys": list(keys)}],
        "threshold": {"value_threshold": {"lower_bound": 0.5}},
    }
    metric = {"class_name": "BinaryAccuracy", "per_slice_thresholds": [threshold]}
    spec = {"label_key": "label", "prediction_key": "score"} | more
    return {"model_specs": [spec], "slicing_specs": SLICES, "metrics_specs": [{"metrics": [metric]}]}


def test_bins_periods_and_their_crosses() -> None:
    read = read_config(config("city", "fare[10]")).eval_config
    figures = evaluate_predictions(read, open_predictions(read, ROWS), EmbeddedEngine()).figures
    [metric] = {metric for of_slice in figures.candidate.values() for metric in of_slice}
    assert {
        slice_name(key): (of_slice[metric], figures.examples[key]) for key, of_slice in figures.candidate.items()
    } == {
        "Overall": (pytest.approx(4 / 6), 6),
        "fare=[-inf,10.0)": (0.5, 2),
        "fare=[10.0,20.0)": (1.0, 2),
        "fare=[20.0,inf]": (0.5, 2),
        "start=2024-01": (1.0, 2),
        "start=2024-02": (1.0, 2),
        "start=2024-03": (0.0, 2),
        "city=a&fare=[-inf,10.0)": (1.0, 1),
        "city=a&fare=[10.0,inf]": (0.5, 2),
        "city=b&fare=[-inf,10.0)": (0.0, 1),
        "city=b&fare=[10.0,inf]": (1.0, 2),
    }


@pytest.mark.parametrize(("keys", "failing"), [(["start:month"], ["start=2024-03"]), (["fare[10,20]"], [])])
def test_thresholds_name_the_same_slices(keys: list[str], failing: list[str]) -> None:
    tables = judge(Tables(config=config(*keys), predictions=ROWS), EmbeddedEngine()).verdict
    assert [check.slice for check in tables.checks if not check.ok] == failing

    def model(batch: pa.RecordBatch) -> Any:
        return np.asarray(batch.column(batch.schema.get_field_index("score")))

    of_model = config(*keys, prediction_key="")
    models = judge(Models(config=of_model, data=ROWS, model=model), EmbeddedEngine()).verdict
    assert [check.slice for check in models.checks if not check.ok] == failing


def test_the_lint_knows_the_feature_and_the_slice() -> None:
    assert {one.code for one in lint(read_config(config("start:month")).eval_config, ROWS.column_names)} == set()
    other = read_config(config("start:week")).eval_config
    assert {one.code for one in lint(other, ["label", "score", "start", "city"])} == {
        "slice_not_made",
        "no_such_column",
    }


def test_edges_must_ascend() -> None:
    wrong = config("city") | {"slicing_specs": [{"feature_keys": ["fare[20,10]"]}]}
    with raises("statistics.slice", "fare"):
        slicing_of(read_config(wrong).eval_config)


def test_a_threshold_on_one_bin_one_period_or_a_boolean_finds_its_slice() -> None:
    rows = ROWS.append_column("new", pa.array([True, True, True, False, False, None]))
    written = config()
    written["slicing_specs"] = [*SLICES, {"feature_keys": ["new"]}, {"feature_values": {"new": "False"}}]
    [threshold] = written["metrics_specs"][0]["metrics"][0]["per_slice_thresholds"]
    values = [{"fare": "[10.0,20.0)"}, {"start": "2024-03"}, {"new": "True"}, {"new": "false"}, {"fare": "[10.0,30.0)"}]
    threshold["slicing_specs"] = [{"feature_values": one} for one in values]
    *checks, unsliced = judge(Tables(config=written, predictions=rows), EmbeddedEngine()).verdict.checks
    assert unsliced.kind == "unsliced_rows"
    assert [(check.slice, check.observed) for check in checks] == [
        ("fare=[10.0,20.0)", 1.0),
        ("start=2024-03", 0.0),
        ("new=True", 1.0),
        ("new=False", 0.5),
        ("fare=[10.0,30.0)", None),
    ]
    assert checks[-1].sentence.endswith("Computed: fare=[-inf,10.0), fare=[10.0,20.0), fare=[20.0,inf].")
