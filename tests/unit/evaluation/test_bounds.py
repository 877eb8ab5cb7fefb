"""Bounds in `metrics.parquet` are those of the closed forms, by counts made here."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.engines.embedded import EmbeddedEngine
from assay.evaluation.decision import Sampling
from assay.evaluation.files import write_metrics
from assay.evaluation.judgement import Tables, evaluate_tables
from assay.kernels.uncertainty.intervals import PairedShares, wilson_interval

MODELS = [
    {"name": "new", "label_key": "label", "prediction_key": "new"},
    {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
]


@pytest.mark.parametrize("metric", ["BinaryAccuracy", "Recall", "FPR", "SparseCategoricalAccuracy"])
def test_changes_of_rates_are_tangos_and_rates_wilsons(tmp_path: Path, metric: str) -> None:
    rng = np.random.default_rng(8)
    label = rng.integers(0, 2, 400)
    old = np.clip(0.3 * label + 0.7 * rng.uniform(size=400), 0, 1)
    new = np.clip(old - 0.15 * label + rng.normal(0, 0.01, 400), 0, 1)
    table = pa.table({"label": label, "new": new, "old": old})
    of = {"Recall": label == 1, "FPR": label == 0}.get(metric, np.ones(400, dtype=bool))
    ours, theirs = (scores > 0.5 if metric in {"Recall", "FPR"} else (scores > 0.5) == label for scores in (new, old))
    config = {"model_specs": MODELS, "metrics_specs": [{"metrics": [{"class_name": metric}]}]}
    if metric.startswith("Sparse"):
        for name, scores in (("new", new), ("old", old)):
            column = pa.array(np.stack([1 - scores, scores], axis=1).tolist())
            table = table.set_column(table.column_names.index(name), name, column)
    _, evaluation, _ = evaluate_tables(
        Tables(config=config, predictions=table), EmbeddedEngine(), Sampling(num_replicates=100)
    )
    found = {row["model"]: row for row in pq.read_table(write_metrics(tmp_path, evaluation, 0.9)).to_pylist()}
    first, second, trials = (of & ours & ~theirs).sum(), (of & theirs & ~ours).sum(), of.sum()
    change = PairedShares(first_only=int(first), second_only=int(second), trials=int(trials)).interval(0.9)
    assert (found["change"]["lower"], found["change"]["upper"]) == pytest.approx((change.lower, change.upper))
    for name, hits in (("candidate", ours), ("baseline", theirs)):
        bounds = wilson_interval((of & hits).sum(), trials, 0.9)
        assert (found[name]["lower"], found[name]["upper"]) == pytest.approx((bounds.lower, bounds.upper))


def test_a_perfect_score_of_few_rows_has_no_bounds_that_show_it_certain(tmp_path: Path) -> None:
    table = pa.table({"label": [0.0, 1.0, 0.0, 1.0], "new": [0.0, 1.0, 0.0, 1.0]})
    names = ["AUC", "MeanSquaredError", "F1Score", "BinaryAccuracy"]
    config = {"model_specs": MODELS[:1], "metrics_specs": [{"metrics": [{"class_name": name} for name in names]}]}
    _, evaluation, _ = evaluate_tables(
        Tables(config=config, predictions=table), EmbeddedEngine(), Sampling(num_replicates=100)
    )
    rows = pq.read_table(write_metrics(tmp_path, evaluation, 0.95)).to_pylist()
    bounds = {row["metric"]: (row["lower"], row["upper"]) for row in rows}
    assert bounds.pop("binary_accuracy") == pytest.approx((0.5101, 1.0), abs=1e-4)  # Wilson's, of 4 of 4
    assert set(bounds.values()) == {(None, None)}


def test_bounds_of_an_area_over_classes_stay_within_0_and_1(tmp_path: Path) -> None:
    # More than 256 scores fall into bins, whose rounding took the upper bound of this one to 1.00002.
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 400)
    score = 1 / (1 + np.exp(-rng.normal((2 * label - 1) * 5, 2)))
    table = pa.table({"label": label, "new": np.stack([1 - score, score], axis=1).tolist()})
    config = {"model_specs": MODELS[:1], "metrics_specs": [{"metrics": [{"class_name": "AUC"}]}]}
    _, evaluation, _ = evaluate_tables(
        Tables(config=config, predictions=table), EmbeddedEngine(), Sampling(num_replicates=200)
    )
    [row] = pq.read_table(write_metrics(tmp_path, evaluation, 0.95)).to_pylist()
    assert row["lower"] < row["value"] <= row["upper"] <= 1
