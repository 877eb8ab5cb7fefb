"""Every metric says which way it improves and what it can be, and other libraries' names lead to it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from assay.engines.embedded.engine import EmbeddedEngine
from assay.evaluation.config import read_config
from assay.evaluation.recipes import RECIPES, metric_hint
from assay.evaluation.table_evaluation import evaluate_predictions
from assay.evaluation.tables import open_predictions

# A number that neither direction suits, a matrix or curve, several figures at once, or what a table of one score lacks.
LIMITS = {"recall": 0.5, "precision": 0.5, "specificity": 0.5, "sensitivity": 0.5, "false_positive_rate": 0.5}


def figure(class_name: str, labels: list[int], scores: list[float]) -> float | None:
    recipe = RECIPES[class_name]
    config = {key: value for key, value in LIMITS.items() if key in recipe.settings}
    metric = {"class_name": class_name, "config": config}
    spec = {"metrics": [metric], "query_key": "query"}
    read = read_config(
        {"model_specs": [{"label_key": "label", "prediction_key": "score"}], "metrics_specs": [spec]}
    ).eval_config
    table = pa.table({"label": labels, "score": scores, "query": [row % 4 for row in range(len(labels))]})
    found = evaluate_predictions(read, open_predictions(read, table), EmbeddedEngine())
    return next(iter(found.figures.candidate.get((), {}).values()), None)


@pytest.mark.parametrize("class_name", [name for name, recipe in RECIPES.items() if recipe.scope != "classes"])
def test_a_figure_is_in_its_range_and_better_predictions_have_the_better_one(class_name: str) -> None:
    recipe, random = RECIPES[class_name], np.random.default_rng(7)
    labels = [row // 4 % 2 for row in range(64)]
    good = [0.8 * label + 0.2 * noise for label, noise in zip(labels, random.random(64).tolist(), strict=True)]
    good[:8] = [0.9, *random.random(7).tolist()]  # no ratio of these divides by zero
    bad = [1 - score for score in good]
    ours, theirs = figure(class_name, labels, good), figure(class_name, labels, bad)
    if ours is None or theirs is None or np.isnan(ours) or np.isnan(theirs):
        return  # it compares two models, or is not a number
    assert recipe.low <= min(ours, theirs)
    assert max(ours, theirs) <= recipe.high
    if recipe.better == "higher":
        assert ours >= theirs
    if recipe.better == "lower":
        assert ours <= theirs


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Auc", "AUC"),
        ("roc_auc_score", "AUC"),
        ("LogLoss", "BinaryCrossEntropy"),
        ("RSquared", "R2Score"),
        ("average_precision", "AUCPrecisionRecall"),
        ("mean_squared_error", "MeanSquaredError"),
        ("BinaryAcuracy", "BinaryAccuracy"),
    ],
)
def test_a_name_from_elsewhere_leads_to_the_class(name: str, meant: str) -> None:
    assert meant in metric_hint(name)
    assert "Known" not in metric_hint(name)
