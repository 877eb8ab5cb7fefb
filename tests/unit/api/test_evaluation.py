"""`assay.evaluate` and `assay.gate` on what people have at hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import roc_auc_score

import assay
from assay.gating.verdict import read_verdict
from raising import raises

CONFIG: dict[str, Any] = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["side"]}],
    "metrics_specs": [
        {
            "metrics": [
                {
                    "class_name": "AUC",
                    "threshold": {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": {"value": -0.01}}},
                },
                {"class_name": "ExampleCount"},
            ]
        }
    ],
}


@pytest.fixture(scope="module")
def new() -> pa.Table:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 600)
    score = np.clip(0.4 * labels + 0.6 * rng.uniform(size=600), 0, 1)
    return pa.table({"id": np.arange(600), "label": labels, "score": score, "side": rng.choice(["l", "r"], 600)})


@pytest.fixture(scope="module")
def worse(new: pa.Table) -> pa.Table:
    rng = np.random.default_rng(2)
    return new.set_column(2, "score", pa.array(rng.uniform(size=600))).take(rng.permutation(600))


def test_a_figure_is_scikit_learns_whatever_holds_the_rows(new: pa.Table, tmp_path: Path) -> None:
    pq.write_table(new, tmp_path / "new.parquet")
    expected = roc_auc_score(new["label"].to_numpy(), new["score"].to_numpy())
    for predictions in (new, new.to_pandas(), pl.from_arrow(new), tmp_path / "new.parquet"):
        evaluation = assay.evaluate(CONFIG, predictions=predictions)
        assert evaluation.value("auc") == pytest.approx(expected, abs=1e-9)
        assert evaluation.value("example_count", slice="side=l") == pd.Series(new["side"].to_pylist()).eq("l").sum()
    assert len(evaluation.proto) == 3
    frame = evaluation.to_pandas()
    assert list(frame.columns) == ["model", "slice", "metric", "value", "examples"]
    assert "candidate  side=r  auc  0." in str(evaluation)
    assert evaluation._repr_html_().count("<tr>") == len(frame) + 1


def test_bounds_hold_the_figure(new: pa.Table, worse: pa.Table) -> None:
    evaluation = assay.evaluate(CONFIG, predictions=new, baseline_predictions=worse, join_on="id", bounds=True)
    rows = evaluation.metrics.to_pylist()
    assert {row["model"] for row in rows} == {"candidate", "baseline", "change"}
    assert all(row["lower"] <= row["value"] <= row["upper"] for row in rows if row["metric"] == "auc")
    assert evaluation.value("auc", model="change") > 0.2
    assert f"[{rows[0]['lower']:.6g}, " in str(evaluation)


def test_a_figure_that_is_not_there_names_the_closest(new: pa.Table) -> None:
    evaluation = assay.evaluate(CONFIG, predictions=new)
    with raises("evaluation.value", "auk", "auc"):
        evaluation.value("auk")
    with raises("evaluation.value", "side=x"):
        evaluation.value("auc", slice="side=x")
    with raises("evaluation.value", "baseline"):
        evaluation.value("auc", model="baseline")


def test_a_gate_blesses_the_better_and_refuses_the_worse(new: pa.Table, worse: pa.Table, tmp_path: Path) -> None:
    good = assay.gate(CONFIG, predictions=new, baseline_predictions=worse, join_on="id", output=tmp_path / "verdict")
    assert good.ok
    assert good.blessing is None, "a table is no model that could be pushed"
    assert read_verdict(tmp_path / "verdict") == good.verdict
    assert good.proto.validation_ok
    bad = assay.gate(CONFIG, predictions=worse, baseline_predictions=new, join_on="id", significant="regression")
    assert not bad.ok
    assert not bad.proto.validation_ok
    assert bad.flips is not None
    assert {"FAIL  auc"} == {line[:9] for line in str(bad).splitlines()[1:] if line.startswith("FAIL")}
    assert repr(bad) == str(bad)
    logits = new.set_column(2, "score", pa.array(5 * new["score"].to_numpy()))
    accuracy = {"class_name": "BinaryAccuracy", "threshold": {"value_threshold": {"lower_bound": 0.1}}}
    doubtful = assay.gate(CONFIG | {"metrics_specs": [{"metrics": [accuracy]}]}, predictions=logits)
    assert doubtful.ok
    assert "warn  The candidate's predictions" in repr(doubtful)
    for shown in (str(doubtful.evaluation), doubtful.evaluation._repr_html_()):
        assert "predictions" not in shown, "the verdict tells it"
    assert (
        "warning: The candidate&#x27;s predictions"
        in assay.evaluate(CONFIG | {"metrics_specs": [{"metrics": [accuracy]}]}, predictions=logits)._repr_html_()
    )
    assert "not blessed" in bad._repr_html_()
    assert bad.to_markdown().startswith("## Model gate: ")
    assert list(bad.to_pandas()["ok"]) == [check.ok for check in bad.checks]


def test_an_earlier_runs_pass_is_not_left_behind(new: pa.Table, tmp_path: Path) -> None:
    assay.gate(CONFIG, predictions=new, output=tmp_path, first_run="bless")
    assert read_verdict(tmp_path).ok
    with raises("evaluator.no_examples"):
        assay.gate(CONFIG, predictions=new.slice(0, 0), output=tmp_path)
    assert not (tmp_path / "verdict.json").exists()


def test_a_function_is_a_model(new: pa.Table) -> None:
    def model(batch: pa.RecordBatch) -> Any:
        return batch.column("score").to_numpy()

    config = CONFIG | {"model_specs": [{"label_key": "label"}]}
    report = assay.gate(config, model=model, data=new.to_pandas(), first_run="bless")
    expected = roc_auc_score(new["label"].to_numpy(), new["score"].to_numpy())
    assert report.evaluation.value("auc") == pytest.approx(expected, abs=1e-6), "float32, as a model's outputs are"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ("gate.what",)),
        ({"predictions": "p.csv", "model": "m"}, ("gate.what",)),
        ({"predictions": "p.csv", "data": "d.csv"}, ("gate.what",)),
        ({"model": "m", "data": "d.csv", "join_on": "id"}, ("gate.what", "join_on")),
        ({"model": "."}, ("gate.data", "data")),
    ],
)
def test_arguments_that_contradict_each_other(given: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        assay.gate(CONFIG, **given)


def test_of_thousands_of_slices_a_prompt_shows_what_failed_and_how_many_more_there_are(new: pa.Table) -> None:
    users = new.append_column("user", pa.array(np.arange(600) // 2))
    accuracy = {"class_name": "BinaryAccuracy", "threshold": {"value_threshold": {"lower_bound": 0.6}}}
    metrics = {"slicing_specs": [{"feature_keys": ["user"]}], "metrics_specs": [{"metrics": [accuracy]}]}
    report = assay.gate(CONFIG | metrics, predictions=users)
    failed = sum(not check.ok for check in report.checks)
    lines = str(report).splitlines()
    assert 0 < failed < 200
    assert [line.startswith("FAIL") for line in lines[1:-1]] == [True] * failed + [False] * (200 - failed)
    assert lines[-1] == "... and 100 more, in to_pandas()"
    assert str(report.evaluation).splitlines()[200] == "... and 100 more, in metrics"
    for shown in (report, report.evaluation):
        assert shown._repr_html_().count("<tr>") == 201


def test_booleans_of_pandas_are_labels() -> None:
    frame = pd.DataFrame({"label": [False, True, False, True], "score": [0.1, 0.9, 0.4, 0.6], "side": [*"aaab"]})
    config = CONFIG | {"metrics_specs": [{"metrics": [{"class_name": "AUC"}]}], "slicing_specs": [{}]}
    assert assay.evaluate(config, predictions=frame).value("auc") == 1.0
