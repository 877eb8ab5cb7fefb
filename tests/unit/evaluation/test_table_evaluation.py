"""Figures of one model's predictions: exact, weighted and not, by slice."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import log_loss, roc_auc_score

from assay.engines.embedded.engine import EmbeddedEngine
from assay.evaluation.judgement import Tables, evaluate_tables
from assay.evaluation.table_evaluation import TableEvaluation
from assay.gating.metric_values import MetricKey

RARE = (("side", "rare"),)
WEIGHTED = {"label_key": "label", "prediction_key": "score", "example_weight_key": "weight"}


@pytest.fixture(scope="module")
def rows() -> pa.Table:
    rng = np.random.default_rng(8)
    size = 3000
    labels = rng.integers(0, 2, size)
    return pa.table(
        {
            "label": labels,
            "score": np.clip(0.3 * labels + 0.7 * rng.uniform(0.001, 0.999, size), 0, 1),
            "side": rng.choice(["left", "right", "rare"], size, p=[0.5, 0.497, 0.003]),
            "weight": rng.uniform(0.5, 2, size),
        }
    )


def evaluated(rows: pa.Table, *classes: str, model: dict[str, str] | None = None, **more: Any) -> TableEvaluation:
    spec = {"metrics": [{"class_name": name} for name in classes], **more.pop("spec", {})}
    config = {"model_specs": [model or WEIGHTED], "slicing_specs": [{}, {"feature_keys": ["side"]}], **more}
    tables = Tables(config=config | {"metrics_specs": [spec]}, predictions=rows)
    return evaluate_tables(tables, EmbeddedEngine(threads=2))[1]


def test_figures_are_scikit_learns(rows: pa.Table) -> None:
    evaluation = evaluated(rows, "AUC", "BinaryCrossEntropy", "ExampleCount")
    sides = rows.column("side").to_numpy()
    assert len(evaluation.figures.candidate) == 4
    for key, metrics in evaluation.figures.candidate.items():
        chosen = np.ones(len(sides), dtype=bool) if not key else sides == key[0][1]
        labels, scores, weights = (rows.column(name).to_numpy()[chosen] for name in ("label", "score", "weight"))
        found = {metric.name: value for metric, value in metrics.items()}
        assert found["auc"] == pytest.approx(roc_auc_score(labels, scores, sample_weight=weights), abs=1e-9)
        loss = log_loss(labels, scores, sample_weight=weights)
        assert found["binary_crossentropy"] == pytest.approx(loss, abs=1e-9)
        assert found["example_count"] == pytest.approx(weights.sum())
        assert evaluation.figures.examples[key] == chosen.sum()


def test_weighted_and_unweighted_figures_stand_side_by_side(rows: pa.Table) -> None:
    evaluation = evaluated(rows, "AUC", spec={"example_weights": {"weighted": True, "unweighted": True}})
    labels, scores, weights = (rows.column(name).to_numpy() for name in ("label", "score", "weight"))
    for weighted, sample_weight in ((True, weights), (False, None)):
        key = MetricKey(name="auc", example_weighted=weighted)
        wanted = roc_auc_score(labels, scores, sample_weight=sample_weight)
        assert evaluation.figures.candidate[()][key] == pytest.approx(wanted, abs=1e-9)


def test_a_slice_below_the_smallest_size_has_no_figures(rows: pa.Table) -> None:
    unweighted = {"label_key": "label", "prediction_key": "score"}
    evaluation = evaluated(rows, "AUC", "F1Score", model=unweighted, options={"min_slice_size": 100})
    assert RARE not in evaluation.figures.candidate
    assert evaluation.figures.examples[RARE] < 100
