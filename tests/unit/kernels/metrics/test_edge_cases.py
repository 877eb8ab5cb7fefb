"""What each odd input gives: a stated value, NaN where there is none, never an exception and never a wrong number."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.metrics import binary, comparison, multiclass, plots, ranking, regression
from assay.kernels.metrics.accumulator import SlicedMetrics
from assay.kernels.metrics.metric import CustomMetric
from assay.kernels.metrics.multiclass import ClassMatrixMetric
from assay.kernels.metrics.rows import Floats, RowColumns
from assay.kernels.metrics.values import AnyMetric, SlicedValues
from assay.kernels.metrics.view import View
from raising import raises

NAN = math.nan


def values_of(columns: dict[str, Any], metrics: list[AnyMetric], **more: str) -> SlicedValues:
    weight = "w" if "w" in columns else None
    row_columns = RowColumns(label="y", predictions={"m": "p"}, weight=weight, **more)
    accumulator = SlicedMetrics(metrics, row_columns)
    batch = pa.record_batch(
        [column if isinstance(column, pa.Array) else pa.array(column) for column in columns.values()],
        names=list(columns),
    )
    return accumulator.extract(accumulator.add_batch(accumulator.create(), batch))


def value_of(metric: AnyMetric, y: Any, p: Any, w: Any = None) -> Any:
    columns = {"y": pa.array(y, pa.float64()), "p": p if isinstance(p[0], list) else pa.array(p, pa.float64())}
    return values_of(columns if w is None else columns | {"w": pa.array(w, pa.float64())}, [metric]).value("m", 0)


BINARY = {
    "accuracy": binary.rate("binary_accuracy"),
    "precision": binary.rate("precision"),
    "recall": binary.rate("recall"),
    "f1": binary.rate("f1_score"),
    "mcc": binary.rate("matthews_correlation_coefficient"),
    "auc": binary.auc(),
    "pr": binary.auc(curve="PR"),
    "grid": binary.auc(num_thresholds=200),
    "ap": binary.average_precision(),
    "p@r": binary.best_at("precision_at_recall", [0.5]),
    "loss": binary.binary_crossentropy(),
    "brier": binary.brier_score(),
    "mean": binary.mean_prediction(),
}


@pytest.mark.parametrize(
    ("y", "p", "expected"),
    [
        # all negative: nothing to recall, nothing to rank
        ([0, 0], [0.25, 0.75], {"accuracy": 0.5, "precision": 0, "recall": NAN, "f1": 0, "mcc": NAN, "auc": NAN,
                                "pr": NAN, "grid": NAN, "ap": NAN, "p@r": NAN, "brier": 0.3125, "mean": 0.5}),
        # all positive
        ([1, 1], [0.25, 0.75], {"accuracy": 0.5, "precision": 1, "recall": 0.5, "auc": NAN, "grid": NAN, "pr": 1,
                                "ap": 1, "p@r": 1, "mcc": NAN}),
        # one row
        ([1], [0.75], {"accuracy": 1, "auc": NAN, "pr": 1, "recall": 1}),
        # nothing predicted positive
        ([0, 1], [0.1, 0.2], {"precision": NAN, "recall": 0, "f1": 0, "auc": 1, "accuracy": 0.5}),
        # all scores tied
        ([0, 1, 1], [0.5, 0.5, 0.5], {"auc": 0.5, "ap": 2 / 3, "accuracy": 1 / 3}),
        # a missing prediction: nothing is known, except what does not need it
        ([0, 1, 1], [0.5, None, 0.7], dict.fromkeys(BINARY, NAN)),
        # a missing label
        ([0, None, 1], [0.5, 0.6, 0.7], {name: NAN for name in BINARY if name != "mean"} | {"mean": 0.6}),
        # a label that is no class
        ([0, 2, 1], [0.5, 0.6, 0.7], {name: NAN for name in BINARY if name not in {"mean", "brier"}}),
        # infinite scores rank, but are no probabilities
        ([0, 1, 1], [-math.inf, math.inf, 0.7], {"auc": 1, "accuracy": 1, "loss": NAN, "brier": math.inf}),
        # certain and right costs nothing; certain and wrong costs everything
        ([0, 1], [0.0, 1.0], {"loss": 0, "brier": 0}),
        ([0, 1], [1.0, 1.0], {"loss": math.inf, "brier": 0.5}),
    ],
)  # fmt: skip
def test_binary_metrics(y: list[Any], p: list[Any], expected: dict[str, float]) -> None:
    found = {name: value_of(BINARY[name], y, p) for name in expected}
    assert found == pytest.approx(expected, nan_ok=True)


def test_a_row_of_weight_0_is_masked_whatever_it_holds() -> None:
    for name, metric in BINARY.items():
        masked = value_of(metric, [0, 1, 1, None], [0.2, 0.4, 0.9, None], [1, 2, 1, 0])
        assert masked == pytest.approx(value_of(metric, [0, 1, 1], [0.2, 0.4, 0.9], [1, 2, 1])), name
        assert not math.isnan(masked), name


def test_rows_that_all_weigh_nothing_have_no_value() -> None:
    for name, metric in BINARY.items():
        assert math.isnan(value_of(metric, [0, 1], [0.2, 0.4], [0, 0])), name


@pytest.mark.parametrize("weight", [-1.0, None])
def test_a_negative_or_missing_weight_makes_values_unknown(weight: float | None) -> None:
    for name, metric in BINARY.items():
        assert math.isnan(value_of(metric, [0, 1, 1], [0.2, 0.4, 0.9], [1, weight, 1])), name


def test_no_rows_make_no_slices() -> None:
    accumulator = SlicedMetrics(list(BINARY.values()), RowColumns(label="y", predictions={"m": "p"}))
    assert accumulator.extract(accumulator.create()).slices == ()
    empty = pa.record_batch([pa.array([], pa.float64()), pa.array([], pa.float64())], names=["y", "p"])
    assert accumulator.extract(accumulator.add_batch(accumulator.create(), empty)).slices == ()


@pytest.mark.parametrize(
    ("metric", "y", "p", "expected"),
    [
        (regression.mean_squared_error(), [1, None], [1, 2], NAN),
        (regression.mean_squared_error(), [1, 2], [1, math.inf], math.inf),
        (regression.mean_absolute_percentage_error(), [0, 2], [5, 1], 50),
        (regression.mean_absolute_percentage_error(), [0, 0], [5, 1], NAN),
        (regression.mean_squared_logarithmic_error(), [0, 0], [0, -2], NAN),
        (regression.r2_score(), [3, 3], [3, 4], NAN),
        (regression.r2_score(), [1e200, -1e200], [1e200, 1e200], NAN),
        (regression.mean_squared_error(), [1e200, 0], [-1e200, 0], math.inf),
        (regression.pearson_correlation(), [0.1, 0.1, 0.1], [1, 2, 3], NAN),
        (regression.pearson_correlation(), [1, 2], [2, 1], -1),
        (binary.calibration(), [0, 0], [0.5, 0.5], NAN),
        (binary.calibration(), [0, 1], [0.5, 0.5], 1),
        (binary.coefficient_of_discrimination(), [1, 1], [0.5, 0.5], NAN),
        (binary.binary_crossentropy(from_logits=True), [1, 0], [800, -800], 0),
        (multiclass.categorical_accuracy(), [0, 1, 1], [0.2, 0.9, 0.3], 2 / 3),
        (multiclass.categorical_accuracy(), [0, None], [[0.9, 0.1], [0.1, 0.9]], NAN),
        (multiclass.categorical_accuracy(), [-1, 1], [[0.9, 0.1], [0.1, 0.9]], 0.5),
        (multiclass.categorical_crossentropy(), [0, 1], [[1.0, 0.0], [0.0, 1.0]], 0),
        (multiclass.categorical_crossentropy(), [1], [[1.0, 0.0]], math.inf),
        (multiclass.categorical_crossentropy(from_logits=True), [0], [[1000.0, 0.0]], 0),
        # the second label shares the second and third place with another class
        (multiclass.top_k_categorical_accuracy(2), [0, 2], [[0.1, 0.2, 0.3], [0.3, 0.2, 0.2]], 0.25),
        (multiclass.top_k_categorical_accuracy(3), [4], [[0.1] * 10], 0.3),
    ],
)
def test_other_metrics(metric: AnyMetric, y: list[Any], p: list[Any], expected: float) -> None:
    assert value_of(metric, y, p) == pytest.approx(expected, nan_ok=True)


def test_a_class_that_never_occurs_makes_a_macro_average_unknown() -> None:
    macro = multiclass.macro_average(lambda view: binary.auc(view=view), {View(class_id=one): 1.0 for one in range(3)})
    assert math.isnan(value_of(macro, [0, 1], [[0.9, 0.1, 0], [0.2, 0.8, 0]]))


@pytest.mark.parametrize("view", [View(class_id=3), View(k=4), View(k=0), View(top_k=9)])
def test_a_class_that_the_predictions_lack(view: View) -> None:
    with raises("metrics.missing_class", "3"):
        value_of(binary.rate("precision", view=view), [0, 1], [[0.9, 0.1, 0], [0.2, 0.8, 0]])


def test_fractional_labels_are_both() -> None:
    split = value_of(binary.rate("precision"), [1, 0], [0.7, 0.7], [0.25, 0.75])
    assert value_of(binary.rate("precision"), [0.25], [0.7]) == split == 0.25
    assert value_of(binary.auc(), [0.25, 0.75], [0.2, 0.7]) == pytest.approx(0.75)


def test_the_confusion_matrix_of_classes_shows_what_is_not_known() -> None:
    matrix = value_of(ClassMatrixMetric(), [0, None, 1], [[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])[0.5]
    assert matrix[0, 0] == 1
    assert matrix[1, -1] == 1
    assert math.isnan(matrix[-1, -1])


def test_rankings() -> None:
    columns = {
        "y": [1.0, 0.0, 0.0, 0.0, 0.0, 1.0],
        "p": [0.5, 0.5, 0.1, 0.3, 0.9, 0.2],
        "q": ["a", "a", "a", "b", "b", "b"],
    }
    metrics: list[AnyMetric] = [
        ranking.mean_reciprocal_rank(), ranking.mean_reciprocal_rank(2), ranking.min_label_position(), ranking.ndcg(3),
    ]  # fmt: skip
    values = values_of(columns, metrics, query="q")
    # Tied with a negative in query a: the positive ranks second. In query b it ranks third.
    assert values.value("m", 0) == pytest.approx((1 / 2 + 1 / 3) / 2)
    assert values.value("m", 1) == pytest.approx(1 / 4)
    assert values.value("m", 2) == 2.5
    nothing = values_of(columns | {"y": [0.0] * 6}, metrics, query="q")
    assert nothing.value("m", 0) == 0
    assert math.isnan(nothing.value("m", 2))
    assert math.isnan(nothing.value("m", 3))
    uneven = values_of(columns | {"w": [1.0, 2.0, 1.0, 1.0, 1.0, 1.0]}, metrics, query="q")
    assert all(math.isnan(uneven.value("m", position)) for position in range(4))
    missing = values_of(columns | {"p": [None, 0.5, 0.1, 0.3, 0.9, 0.2]}, metrics, query="q")
    assert all(math.isnan(missing.value("m", position)) for position in range(4))


def test_rankings_need_a_query() -> None:
    with raises("metrics.no_query"):
        value_of(ranking.ndcg(3), [1.0], [0.5])


def test_a_users_metric() -> None:
    class Largest:
        name = "largest"

        def create(self) -> float:
            return -math.inf

        def add(self, state: float, labels: Floats, predictions: Floats, weights: Floats) -> float:
            return max(state, float((weights * np.abs(predictions - labels)).max()))

        def merge(self, states: list[float]) -> float:
            return max(states)

        def extract(self, state: float) -> float:
            return state

    assert isinstance(Largest(), CustomMetric)
    assert value_of(Largest(), [0, 1], [0.25, 0.5]) == 0.5


def test_paired_metrics_of_a_model_without_predictions() -> None:
    columns = RowColumns(label=None, predictions={"a": "a", "b": "b"})
    accumulator = SlicedMetrics([*comparison.boolean_flip_rates()], columns, baseline="b")
    batch = pa.record_batch([pa.array([0.9, None]), pa.array([0.1, 0.2])], names=["a", "b"])
    values = accumulator.extract(accumulator.add_batch(accumulator.create(), batch))
    assert all(math.isnan(values.value("a", position)) for position in range(5))


def test_confusion_matrices_at_thresholds() -> None:
    at = value_of(plots.confusion_matrix_at_thresholds([0.3, 0.5]), [0, 1, 0, 1], [0.1, 0.4, 0.35, 0.8])
    assert at.tolist() == [[2, 1, 1, 0], [1, 2, 0, 1]]


def test_summation_methods_bound_the_area() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 50)
    p = (rng.uniform(size=50) + 0.3 * y) / 1.3
    low, middle, high = (
        value_of(binary.auc(summation_method=method, num_thresholds=20), y, p)
        for method in ("minoring", "interpolation", "majoring")
    )
    assert low < middle < high


def test_a_constraint_that_nothing_meets_gives_0() -> None:
    metric = binary.best_at("recall_at_precision", [0.9, 0.5])
    assert value_of(metric, [0, 1], [0.9, 0.8]).tolist() == [0, 1]


def test_unknown_names_are_refused() -> None:
    with raises("metrics.unknown_rate", "precision"):
        binary.rate("precison")
    with raises("metrics.unknown_rate", "precision_at_recall"):
        binary.best_at("precision_at_recal", [0.5])


def test_lists_are_numbers_or_classes_and_empty_ones_are_missing() -> None:
    one = values_of({"y": [[0], [1], [1]], "p": [[0.25], [0.75], [0.5]]}, [binary.auc(), binary.mean_label()])
    assert [one.value("m", 0), one.value("m", 1)] == [1, pytest.approx(2 / 3)]
    for nothing in (None, []):
        missing = values_of({"y": [[0], [1]], "p": [[0.25], nothing]}, [binary.auc(), binary.mean_label()])
        assert math.isnan(missing.value("m", 0))
        assert missing.value("m", 1) == 0.5
        classes = values_of({"y": [0, 1], "p": [[0.9, 0.1], nothing]}, [multiclass.categorical_accuracy()])
        assert math.isnan(classes.value("m", 0))
    fixed = pa.FixedSizeListArray.from_arrays(pa.array([0.9, 0.1, 0.2, 0.8]), 2)
    assert values_of({"y": [0, 1], "p": fixed}, [multiclass.categorical_accuracy()]).value("m", 0) == 1


def test_columns_that_do_not_fit() -> None:
    with raises("metrics.missing_column", "p", "y", "q"):
        values_of({"y": [0.0], "q": [0.0]}, [binary.auc()])
    with raises("metrics.not_numeric", "p", "string"):
        values_of({"y": [0.0], "p": ["x"]}, [binary.auc()])
    with raises("metrics.ragged_column", "p"):
        values_of({"y": [0.0, 1.0], "p": [[0.1, 0.2], [0.3]]}, [binary.auc()])
