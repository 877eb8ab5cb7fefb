"""Every metric on rows that leave little to measure: scikit-learn's value, or none and the reason why."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as oracle

from assay.evaluation.recipes import RECIPES
from assay.kernels.metrics.accumulator import SlicedMetrics
from assay.kernels.metrics.metric import BINARY
from assay.kernels.metrics.rows import RowColumns
from assay.kernels.metrics.values import SlicedValues

_LIMITS = ("recall", "precision", "specificity", "sensitivity", "false_positive_rate")
NAMES = [
    name
    for name, recipe in RECIPES.items()
    if recipe.name != "confusion_matrix_at_thresholds"
    and "flip" not in recipe.name
    and recipe.scope == "class"
    and not recipe.settings & set(_LIMITS)
]
KERNELS = {name: RECIPES[name].make({}, name, BINARY)[0] for name in NAMES}
Oracle = Callable[[Any, Any, Any], float]
OF_SCORES: Mapping[str, Oracle] = {
    "BinaryAccuracy": lambda y, _, hard: oracle.accuracy_score(y, hard),
    "Precision": lambda y, _, hard: oracle.precision_score(y, hard, zero_division=0.0),
    "Recall": lambda y, _, hard: oracle.recall_score(y, hard, zero_division=0.0),
    "F1Score": lambda y, _, hard: oracle.f1_score(y, hard, zero_division=0.0),
    "MatthewsCorrelationCoefficient": lambda y, _, hard: oracle.matthews_corrcoef(y, hard),
    "BalancedAccuracy": lambda y, _, hard: oracle.balanced_accuracy_score(y, hard),
    "ThreatScore": lambda y, _, hard: oracle.jaccard_score(y, hard, zero_division=0.0),
    "AUC": lambda y, p, _: oracle.roc_auc_score(y, p),
    "BrierScore": lambda y, p, _: oracle.brier_score_loss(y, p),
    "BinaryCrossEntropy": lambda y, p, _: oracle.log_loss(y, p, labels=[0, 1]),
    "MeanSquaredError": lambda y, p, _: oracle.mean_squared_error(y, p),
    "MeanAbsoluteError": lambda y, p, _: oracle.mean_absolute_error(y, p),
    "MeanSquaredLogarithmicError": lambda y, p, _: oracle.mean_squared_log_error(y, p),
    "R2Score": lambda y, p, _: oracle.r2_score(y, p),
}


def values_of(label: list[float], score: list[float]) -> SlicedValues:
    metrics = SlicedMetrics(list(KERNELS.values()), RowColumns(label="label", predictions={"model": "score"}))
    batch = pa.RecordBatch.from_pydict({"label": pa.array(label, pa.float64()), "score": pa.array(score, pa.float64())})
    return metrics.extract(metrics.add_batch(metrics.create(), batch))


FEW = st.sampled_from([0.0, 0.25, 0.5, 0.5 + 1e-12, 1.0])
DEGENERATE = st.one_of(
    # One class, or few rows of both, with scores of which many tie, or are exactly 0 or 1.
    st.lists(st.tuples(st.just(0), FEW), min_size=1, max_size=6),
    st.lists(st.tuples(st.just(1), FEW), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 1), FEW), min_size=1, max_size=6),
    st.tuples(FEW, st.lists(st.integers(0, 1), min_size=1, max_size=6)).map(lambda p: [(y, p[0]) for y in p[1]]),
    st.lists(st.integers(0, 1).map(lambda y: (y, float(y))), min_size=1, max_size=6),
)


@given(DEGENERATE)
def test_a_value_is_scikit_learns_or_none_for_a_reason(rows: list[tuple[int, float]]) -> None:
    label, score = [row[0] for row in rows], [row[1] for row in rows]
    hard = [int(one > 0.5) for one in score]
    found = values_of([float(one) for one in label], score)
    for position, name in enumerate(NAMES):
        value = float(found.value("model", position))
        if math.isnan(value):
            assert found.why.get(("model", position, 0)), name
            continue
        assert math.isfinite(value), name
        assert RECIPES[name].low <= value <= RECIPES[name].high, name
        if name in OF_SCORES:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # scikit-learn warns of a class that lacks
                expected = OF_SCORES[name](label, score, hard)
            assert value == pytest.approx(expected, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize(
    ("name", "label", "score", "why"),
    [
        ("AUC", [1, 1], [0.2, 0.3], "no row is labelled 0"),
        ("Recall", [0, 0], [0.2, 0.7], "no row is labelled 1"),
        ("Precision", [0, 1], [0.2, 0.3], "no prediction is above 0.5"),
        ("NPV", [0, 1], [0.7, 0.8], "no prediction is at or below 0.5"),
        ("MatthewsCorrelationCoefficient", [0, 0], [0.1, 0.2], "no row is labelled 1 and no prediction is above 0.5"),
        ("PositiveLikelihoodRatio", [0, 1], [0.1, 0.9], "a rate that it divides by is 0"),
        ("MeanAbsolutePercentageError", [0, 0], [0.1, 0.9], "every label is 0"),
        ("Calibration", [0, 0], [0.1, 0.9], "the labels add up to 0"),
        ("CoefficientOfDiscrimination", [1, 1], [0.1, 0.9], "no row is labelled 0"),
        ("R2Score", [0.1, 0.1, 0.1], [0.1, 0.2, 0.3], "all labels are equal"),
        ("PearsonCorrelation", [1, 1], [0.3, 0.3], "all labels and all predictions are equal"),
        ("BinaryCrossEntropy", [0, 1], [0.1, 1.5], "some rows have no number, or one that the metric has no value for"),
        ("AUC", [0, 1], [0.1, math.nan], "some rows have no number, or one that the metric has no value for"),
    ],
)
def test_the_reason_names_what_lacks(name: str, label: list[float], score: list[float], why: str) -> None:
    found = values_of(label, score)
    assert np.isnan(found.value("model", NAMES.index(name)))
    assert found.why["model", NAMES.index(name), 0] == why
