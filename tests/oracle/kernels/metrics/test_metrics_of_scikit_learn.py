"""Exact values equal scikit-learn's to 1e-9, overall and in every slice, with and without weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import scale

from assay.kernels.metrics import binary, multiclass, ranking, regression
from assay.kernels.metrics.accumulator import SlicedMetrics
from assay.kernels.metrics.rows import RowColumns
from assay.kernels.metrics.slices import SliceKey, SlicingSpec
from assay.kernels.metrics.values import AnyMetric
from assay.kernels.metrics.view import View

Array: TypeAlias = np.ndarray[Any, Any]
SLICING = (SlicingSpec(), SlicingSpec(feature_keys=("group",)), SlicingSpec(feature_keys=("group", "side")))
TOLERANCE = 1e-9


def evaluate(
    metrics: Sequence[AnyMetric], labels: Array, predictions: Array, weights: Array, group: Array, side: Array
) -> Iterator[tuple[SliceKey, Array, list[float]]]:
    """Gives the metrics by slice, from rows in three batches; and each slice's rows."""
    table = {"label": list(labels), "p": list(predictions), "weight": weights, "group": group, "side": side}
    batches = pa.table(table).to_batches(max_chunksize=len(labels) // 3 + 1)
    columns = RowColumns(label="label", predictions={"model": "p"}, weight="weight", slicing=SLICING)
    accumulator = SlicedMetrics(metrics, columns)
    state = accumulator.create()
    for batch in batches:
        state = accumulator.add_batch(state, batch)
    values = accumulator.extract(state)
    for key in values.slices:
        wanted = dict(key)
        rows = np.ones(len(labels), dtype=bool)
        if "group" in wanted:
            rows &= group == wanted["group"]
        if "side" in wanted:
            rows &= side == wanted["side"]
        yield key, rows, [values.value("model", position, key) for position in range(len(metrics))]


def slices_and_weights(size: int, *, weighted: bool) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(5)
    weights = rng.uniform(0.2, 3, size) if weighted else np.ones(size)
    return weights, rng.integers(0, 3, size), rng.choice(["left", "right"], size)


@pytest.mark.parametrize("weighted", [False, True])
def test_binary_metrics(weighted: bool) -> None:
    data = load_breast_cancer()
    x = scale(data.data[:, :4])
    scores = LogisticRegression(C=0.05).fit(x, data.target).predict_proba(x)[:, 1].round(3)  # rounding makes ties
    y = data.target
    weights, group, side = slices_and_weights(len(y), weighted=weighted)
    expected = {
        "binary_accuracy": lambda y, p, w: sk.accuracy_score(y, p > 0.5, sample_weight=w),
        "precision": lambda y, p, w: sk.precision_score(y, p > 0.5, sample_weight=w),
        "recall": lambda y, p, w: sk.recall_score(y, p > 0.5, sample_weight=w),
        "specificity": lambda y, p, w: sk.recall_score(1 - y, p <= 0.5, sample_weight=w),
        "f1_score": lambda y, p, w: sk.f1_score(y, p > 0.5, sample_weight=w),
        "balanced_accuracy": lambda y, p, w: sk.balanced_accuracy_score(y, p > 0.5, sample_weight=w),
        "matthews_correlation_coefficient": lambda y, p, w: sk.matthews_corrcoef(y, p > 0.5, sample_weight=w),
        "threat_score": lambda y, p, w: sk.jaccard_score(y, p > 0.5, sample_weight=w),
        "auc": lambda y, p, w: sk.roc_auc_score(y, p, sample_weight=w),
        "average_precision": lambda y, p, w: sk.average_precision_score(y, p, sample_weight=w),
        "binary_crossentropy": lambda y, p, w: sk.log_loss(y, p, sample_weight=w),
        "brier_score": lambda y, p, w: sk.brier_score_loss(y, p, sample_weight=w),
        "mean_label": lambda y, p, w: np.average(y, weights=w),
        "mean_prediction": lambda y, p, w: np.average(p, weights=w),
    }
    special = {
        "auc": binary.auc(),
        "average_precision": binary.average_precision(),
        "binary_crossentropy": binary.binary_crossentropy(),
        "brier_score": binary.brier_score(),
        "mean_label": binary.mean_label(),
        "mean_prediction": binary.mean_prediction(),
    }
    metrics = [special.get(name) or binary.rate(name) for name in expected]
    for key, rows, values in evaluate(metrics, y, scores, weights, group, side):
        for metric, value in zip(metrics, values, strict=True):
            wanted = expected[metric.name](y[rows], scores[rows], weights[rows])
            assert value == pytest.approx(wanted, abs=TOLERANCE), (metric.name, key)


@pytest.mark.parametrize("weighted", [False, True])
def test_best_rates_under_a_constraint(weighted: bool) -> None:
    rng = np.random.default_rng(8)
    y = rng.integers(0, 2, 400)
    scores = np.clip(0.3 * y + rng.uniform(0, 0.7, 400), 0, 1).round(2)
    weights, group, side = slices_and_weights(len(y), weighted=weighted)
    metrics = [
        binary.best_at("precision_at_recall", [0.7]),
        binary.best_at("recall_at_precision", [0.8]),
        binary.best_at("sensitivity_at_specificity", [0.9]),
        binary.best_at("recall_at_false_positive_rate", [0.05]),
    ]
    for key, rows, values in evaluate(metrics, y, scores, weights, group, side):
        precision, recall, _ = sk.precision_recall_curve(y[rows], scores[rows], sample_weight=weights[rows])
        precision, recall = precision[:-1], recall[:-1]  # the last point is scikit-learn's convention, not a threshold
        fpr, tpr, _ = sk.roc_curve(y[rows], scores[rows], sample_weight=weights[rows], drop_intermediate=False)
        wanted = [
            precision[recall >= 0.7].max(),
            recall[precision >= 0.8].max(initial=0),
            tpr[1 - fpr >= 0.9].max(),
            tpr[fpr <= 0.05].max(),
        ]
        assert values == pytest.approx(wanted, abs=TOLERANCE), key


@pytest.mark.parametrize("weighted", [False, True])
def test_multiclass_metrics(weighted: bool) -> None:
    data = load_wine()
    x = scale(data.data[:, [0, 9]])
    scores = LogisticRegression().fit(x, data.target).predict_proba(x)
    y, classes = data.target, [0, 1, 2]
    alike = {View(class_id=class_id): 1.0 for class_id in classes}
    weights, group, side = slices_and_weights(len(y), weighted=weighted)
    metrics = [
        multiclass.categorical_accuracy(),
        multiclass.top_k_categorical_accuracy(2),
        multiclass.categorical_crossentropy(),
        multiclass.macro_average(lambda view: binary.auc(view=view), alike),
        multiclass.macro_average(lambda view: binary.auc(view=view), alike, by_labels=True),
        binary.auc(view=View(), aggregation="micro"),
        binary.auc(view=View(class_id=1)),
        multiclass.macro_average(lambda view: binary.rate("f1_score", view=view), alike),
        binary.rate("precision", view=View(top_k=1)),
    ]
    for key, rows, values in evaluate(metrics, y, scores, weights, group, side):
        actual, p, w = y[rows], scores[rows], weights[rows]
        one_hot = np.eye(3)[actual]
        areas = [sk.roc_auc_score(actual == c, p[:, c], sample_weight=w) for c in classes]
        shares = [w[actual == c].sum() / w.sum() for c in classes]
        wanted = [
            sk.accuracy_score(actual, p.argmax(axis=1), sample_weight=w),
            sk.top_k_accuracy_score(actual, p, k=2, sample_weight=w, labels=classes),
            sk.log_loss(actual, p, sample_weight=w, labels=classes),
            np.mean(areas),
            np.average(areas, weights=shares),
            sk.roc_auc_score(one_hot.ravel(), p.ravel(), sample_weight=np.repeat(w, 3)),
            areas[1],
            np.mean([sk.f1_score(actual == c, p[:, c] > 0.5, sample_weight=w) for c in classes]),
            sk.accuracy_score(actual, p.argmax(axis=1), sample_weight=w),
        ]
        assert values == pytest.approx(wanted, abs=TOLERANCE), key


@pytest.mark.parametrize("weighted", [False, True])
def test_regression_metrics(weighted: bool) -> None:
    data = load_diabetes()
    y = data.target
    p = np.maximum(LinearRegression().fit(data.data, y).predict(data.data), 0)
    weights, group, side = slices_and_weights(len(y), weighted=weighted)
    metrics = [
        regression.mean_squared_error(),
        regression.root_mean_squared_error(),
        regression.mean_absolute_error(),
        regression.mean_absolute_percentage_error(),
        regression.mean_squared_logarithmic_error(),
        regression.r2_score(),
        regression.pearson_correlation(),
        regression.squared_pearson_correlation(),
    ]
    for key, rows, values in evaluate(metrics, y, p, weights, group, side):
        a, b, w = y[rows], p[rows], weights[rows]
        covariance = np.cov(a, b, aweights=w)
        correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
        wanted = [
            sk.mean_squared_error(a, b, sample_weight=w),
            np.sqrt(sk.mean_squared_error(a, b, sample_weight=w)),
            sk.mean_absolute_error(a, b, sample_weight=w),
            100 * sk.mean_absolute_percentage_error(a, b, sample_weight=w),
            sk.mean_squared_log_error(a, b, sample_weight=w),
            sk.r2_score(a, b, sample_weight=w),
            correlation,
            correlation**2,
        ]
        assert values == pytest.approx(wanted, rel=TOLERANCE), key


def test_ndcg() -> None:
    rng = np.random.default_rng(3)
    queries, size = 20, 7
    gains, scores = rng.integers(0, 4, (queries, size)).astype(float), rng.uniform(size=(queries, size))
    weight = np.repeat(rng.uniform(0.5, 2, queries), size)
    table = pa.table(
        {
            "gain": gains.ravel(),
            "p": scores.ravel(),
            "query": np.repeat(np.arange(queries), size),
            "weight": weight,
        }
    ).take(pa.array(rng.permutation(queries * size)))
    columns = RowColumns(label=None, predictions={"m": "p"}, query="query", gain="gain", weight="weight")
    accumulator = SlicedMetrics([ranking.ndcg(3), ranking.ndcg()], columns)
    parts = [accumulator.add_batch(accumulator.create(), batch) for batch in table.to_batches(max_chunksize=31)]
    values = accumulator.extract(accumulator.merge(parts))
    for position, k in enumerate([3, None]):
        wanted = [sk.ndcg_score([g], [s], k=k) for g, s in zip(gains, scores, strict=True)]
        expected = np.average(wanted, weights=weight[::size])
        assert values.value("m", position) == pytest.approx(expected, abs=TOLERANCE)
