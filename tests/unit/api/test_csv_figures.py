"""Cells of a CSV are the doubles that their text names: joins, row rules, figures and verdicts are those of Parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import mean_absolute_error, precision_score

import assay

SERVING = pd.DataFrame({"id": [1, 2, 3], "ts": [1700000000.5, 1700000010.5, 1700000020.25], "amount": [0.1, 0.2, 0.3]})
TRAINING = SERVING.assign(ts=SERVING["ts"] + [50, 30.25, 43])


def write(table: pd.DataFrame, path: Path) -> Path:
    (table.to_csv if path.suffix == ".csv" else table.to_parquet)(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_seconds_since_1970_are_compared_to_the_fraction(tmp_path: Path, suffix: str) -> None:
    serving, training = write(SERVING, tmp_path / f"a{suffix}"), write(TRAINING, tmp_path / f"b{suffix}")
    skew = assay.skew(training, serving, join_on="id")
    assert {feature.feature_name: feature.diff_count for feature in skew.skewed} == {"ts": 3}
    (pair,) = assay.leakage({"serving": serving, "training": training}, by=["ts"])
    assert pair.num_shared == (0, 0)
    (tmp_path / "rules.yaml").write_text("rules: [{kind: unique, columns: [ts]}]")
    report = assay.validate(serving, assay.infer_schema(serving), checks=tmp_path / "rules.yaml")
    assert report.quarantine(tmp_path / "sorted").rejected == 0
    assert pq.read_table(tmp_path / "sorted" / "clean.parquet")["ts"].to_pylist() == list(SERVING["ts"])


def config(metric: dict[str, Any]) -> dict[str, Any]:
    return {"model_specs": [{"label_key": "label", "prediction_key": "p"}], "metrics_specs": [{"metrics": [metric]}]}


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_metrics_are_those_of_scikit_learn(tmp_path: Path, suffix: str) -> None:
    random = np.random.default_rng(0)
    times = 1.7e9 + random.uniform(0, 9e4, 300).round(1)
    arrivals = pd.DataFrame({"label": times, "p": times + random.normal(0, 30, 300).round(1)})
    scores = random.integers(0, 11, 300) / 10  # 0.3 as a float32 is above the threshold 0.3, and as a double is not
    tied = pd.DataFrame({"label": (random.random(300) < scores).astype(int), "p": scores})
    mae = assay.evaluate(
        config({"class_name": "MeanAbsoluteError"}), predictions=write(arrivals, tmp_path / f"a{suffix}")
    )
    assert mae.value("mean_absolute_error") == pytest.approx(mean_absolute_error(times, arrivals["p"]), rel=1e-9)
    precision = {"class_name": "Precision", "config": '{"thresholds": [0.3]}'}
    found = assay.evaluate(config(precision), predictions=write(tied, tmp_path / f"b{suffix}"))
    assert found.value("precision") == pytest.approx(precision_score(tied["label"], scores > 0.3))
