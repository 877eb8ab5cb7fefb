"""TFMA's own metrics on the same rows, with weights and slices: its names, conventions and values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.kernels.metrics import binary, multiclass, plots, ranking, regression
from assay.kernels.metrics.accumulator import SlicedMetrics
from assay.kernels.metrics.metric import AverageMetric
from assay.kernels.metrics.multiclass import ClassMatrixMetric
from assay.kernels.metrics.rates import RATES
from assay.kernels.metrics.rows import RowColumns
from assay.kernels.metrics.slices import SliceKey, SlicingSpec
from assay.kernels.metrics.values import AnyMetric, SlicedValues
from assay.kernels.metrics.view import View

# TFMA warns about its own use of NumPy, hundreds of thousands of times.
pytestmark = [
    pytest.mark.tensorflow,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:::tensorflow_model_analysis"),
]

SLICING = (SlicingSpec(), SlicingSpec(feature_keys=("hour",)), SlicingSpec(feature_keys=("hour", "side")))
CONFIG = """
    slicing_specs {{}} slicing_specs {{ feature_keys: "hour" }} slicing_specs {{ feature_keys: ["side", "hour"] }}
    model_specs {{ label_key: "label" prediction_key: "prediction" example_weight_key: "weight" }}
    options {{ compute_confidence_intervals {{ value: false }} min_slice_size {{ value: 1 }} }}
    {metrics}
"""
# TFMA adds in single steps of float64, from float32 predictions and weights as they are here too.
TOLERANCE = 1e-6


def frame(size: int, predictions: Any, labels: Any) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    return {
        "label": labels,
        "prediction": predictions,
        "weight": rng.choice([0.25, 0.5, 1.0, 3.0], size),
        "hour": rng.integers(0, 3, size),
        "side": rng.choice(["left", "right"], size),
    }


def of_tfma(columns: Mapping[str, Any], metrics: str) -> dict[SliceKey, dict[tuple[str, str], Any]]:
    """Gives TFMA's metrics by slice, name and sub key."""
    import pandas as pd
    import tensorflow_model_analysis as tfma
    from google.protobuf import text_format
    from tensorflow_model_analysis.proto import config_pb2

    config = text_format.Parse(CONFIG.format(metrics=metrics), config_pb2.EvalConfig())
    data = pd.DataFrame({name: list(column) for name, column in columns.items()})
    result = tfma.analyze_raw_data(data, config)
    values: dict[SliceKey, dict[tuple[str, str], Any]] = {}
    for slice_key, by_output in result.slicing_metrics:
        found = values.setdefault(tuple(slice_key), {})
        for sub_key, by_name in by_output[""].items():
            for name, value in by_name.items():
                found[name, sub_key] = value
    return values


def ours(columns: Mapping[str, Any], metrics: Sequence[AnyMetric], **more: str) -> SlicedValues:
    row_columns = RowColumns(label="label", predictions={"m": "prediction"}, weight="weight", slicing=SLICING, **more)
    accumulator = SlicedMetrics(metrics, row_columns)
    table = pa.table({name: list(column) for name, column in columns.items()})
    parts = [accumulator.add_batch(accumulator.create(), batch) for batch in table.to_batches(max_chunksize=97)]
    return accumulator.extract(accumulator.merge(parts))


def number(value: Mapping[str, Any]) -> float | list[float]:
    """Gives the number in TFMA's JSON-like value; NaN is a text there."""
    if "doubleValue" in value:
        return float(value["doubleValue"])
    if "arrayValue" in value:
        return [float(item) for item in value["arrayValue"]["float64Values"]]
    return math.nan


def test_binary_and_regression_metrics() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 400).astype(float)
    predictions = np.clip(0.2 * labels + rng.uniform(0.001, 0.799, 400), 0, 1).astype(np.float32)
    columns = frame(400, predictions, labels)
    classes = {"".join(part.title() for part in name.split("_")) if len(name) > 3 else name.upper(): name
               for name in RATES}  # fmt: skip
    metrics: dict[str, AnyMetric] = {class_name: binary.rate(name) for class_name, name in classes.items()}
    metrics |= {
        "AUC": binary.auc(num_thresholds=10_000),
        "AUCPrecisionRecall": binary.auc(curve="PR", num_thresholds=10_000),
        "BinaryCrossEntropy": binary.binary_crossentropy(),
        "Calibration": binary.calibration(),
        "MeanLabel": binary.mean_label(),
        "MeanPrediction": binary.mean_prediction(),
        "CoefficientOfDiscrimination": binary.coefficient_of_discrimination(),
        "RelativeCoefficientOfDiscrimination": binary.coefficient_of_discrimination(relative=True),
        "WeightedExampleCount": binary.example_count(weighted=True),
        "MeanSquaredError": regression.mean_squared_error(),
        "MeanAbsoluteError": regression.mean_absolute_error(),
        "MeanAbsolutePercentageError": regression.mean_absolute_percentage_error(),
        "MeanSquaredLogarithmicError": regression.mean_squared_logarithmic_error(),
        "SquaredPearsonCorrelation": regression.squared_pearson_correlation(),
    }
    parameters: dict[str, tuple[str, AnyMetric]] = {
        "SpecificityAtSensitivity": ("sensitivity", binary.best_at("specificity_at_sensitivity", [0.7])),
        "SensitivityAtSpecificity": ("specificity", binary.best_at("sensitivity_at_specificity", [0.7])),
        "PrecisionAtRecall": ("recall", binary.best_at("precision_at_recall", [0.7], num_thresholds=10_000)),
        "RecallAtPrecision": ("precision", binary.best_at("recall_at_precision", [0.7], num_thresholds=10_000)),
    }
    text = "".join(f'metrics {{ class_name: "{name}" }}' for name in metrics)
    text += "".join(
        f'metrics {{ class_name: "{name}" config: \'"{parameter}": 0.7\' }}'
        for name, (parameter, _) in parameters.items()
    )
    text += 'metrics { class_name: "Recall" config: \'"name": "recalls", "thresholds": [0.3, 0.6]\' }'
    every = [
        *metrics.values(),
        *(metric for _, metric in parameters.values()),
        binary.rate("recall", thresholds=[0.3, 0.6], name="recalls"),
    ]
    theirs, values = of_tfma(columns, f"metrics_specs {{ {text} }}"), ours(columns, every)
    assert set(theirs) == set(values.slices)
    for key in values.slices:
        for position, metric in enumerate(every):
            wanted = number(theirs[key][metric.name, ""])
            found = values.value("m", position, key)
            np.testing.assert_allclose(found, wanted, atol=TOLERANCE, rtol=TOLERANCE, err_msg=f"{metric.name} {key}")


def test_exact_areas_differ_from_tfmas_by_its_grid_only() -> None:
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 2, 300).astype(float)
    columns = frame(300, rng.uniform(size=300), labels)
    on_grid = ours(columns, [binary.auc(num_thresholds=10_000), binary.auc(curve="PR", num_thresholds=10_000)])
    exact = ours(columns, [binary.auc(), binary.auc(curve="PR")])
    for position in range(2):
        for key in exact.slices:
            assert on_grid.value("m", position, key) == pytest.approx(exact.value("m", position, key), abs=2e-3)


def test_metrics_of_classes() -> None:
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, 300)
    predictions = rng.dirichlet(np.ones(4), 300) * 0.6 + 0.4 * np.eye(4)[labels] * rng.integers(0, 2, (300, 1))
    predictions /= predictions.sum(axis=1, keepdims=True)
    columns = frame(300, list(predictions), labels)

    def averages(options: str) -> str:
        return f"""metrics_specs {{ {options}
            metrics {{ class_name: "Precision" }} metrics {{ class_name: "AUC" }} metrics {{ class_name: "F1Score" }}
        }}"""

    def three(view: View) -> list[AnyMetric]:
        grid = binary.auc(view=view, num_thresholds=10_000)
        return [binary.rate("precision", view=view), grid, binary.rate("f1_score", view=view)]

    def macro(*, by_labels: bool, weights: Mapping[int, float]) -> list[AnyMetric]:
        average = [
            multiclass.macro_average(
                lambda view, position=position: three(view)[position],  # type: ignore[misc]  # a loop variable
                {View(class_id=class_id): weight for class_id, weight in weights.items()},
                by_labels=by_labels,
            )
            for position in range(3)
        ]
        return list(average)

    weights = {0: 1.0, 1: 1.0, 2: 1.0, 3: 0.5}
    text_weights = "".join(f"class_weights {{ key: {key} value: {value} }}" for key, value in weights.items())
    cases: list[tuple[str, list[AnyMetric]]] = [
        (averages("binarize { class_ids { values: [2] } }"), three(View(class_id=2))),
        (averages("binarize { k_list { values: [2] } }"), three(View(k=2))),
        (averages(f"aggregate {{ micro_average: true {text_weights} }}"),
         three(View(class_weights=tuple(weights.items())))),
        (averages(f"aggregate {{ macro_average: true {text_weights} }}"), macro(by_labels=False, weights=weights)),
        (averages(f"aggregate {{ weighted_macro_average: true {text_weights} }}"),
         macro(by_labels=True, weights=weights)),
        ("""metrics_specs { metrics { class_name: "SparseCategoricalAccuracy" }
            metrics { class_name: "SparseTopKCategoricalAccuracy" config: '"k": 2' }
            metrics { class_name: "SparseCategoricalCrossentropy" }
            metrics { class_name: "Precision" config: '"top_k": 2, "name": "p2"' }
            metrics { class_name: "Recall" config: '"top_k": 2, "name": "r2"' } }""",
         [
            multiclass.categorical_accuracy(name="sparse_categorical_accuracy"),
            multiclass.top_k_categorical_accuracy(2, name="sparse_top_k_categorical_accuracy"),
            multiclass.categorical_crossentropy(clip=1e-7, name="sparse_categorical_crossentropy"),
            binary.rate("precision", view=View(top_k=2), name="p2"),
            binary.rate("recall", view=View(top_k=2), name="r2"),
        ]),
    ]  # fmt: skip
    for text, metrics in cases:
        theirs, values = of_tfma(columns, text), ours(columns, metrics)
        assert set(theirs) == set(values.slices)
        for key in values.slices:
            for position, metric in enumerate(metrics):
                name = metric.name
                wanted = [
                    number(value)
                    for (found, _), value in theirs[key].items()
                    if found == name or found.endswith(f"_average: true\n_{name}")
                ]
                assert len(wanted) == 1, (name, theirs[key].keys())
                # Keras computes in float32.
                tolerance = 1e-6 if isinstance(metric, AverageMetric) or "sparse" not in name else 2e-6
                assert values.value("m", position, key) == pytest.approx(wanted[0], abs=tolerance, nan_ok=True), (
                    name,
                    key,
                    text[:80],
                )


def test_the_confusion_matrix_of_classes() -> None:
    rng = np.random.default_rng(6)
    columns = frame(200, list(rng.dirichlet(np.ones(3), 200)), rng.integers(0, 3, 200))
    text = """metrics_specs { metrics { class_name: "MultiClassConfusionMatrixAtThresholds"
        config: '"thresholds": [0.45]' } }"""
    theirs = of_tfma(columns, text)
    values = ours(columns, [ClassMatrixMetric(thresholds=(0.45,))])
    for key in values.slices:
        (value,) = theirs[key].values()
        entries = value["multiClassConfusionMatrixAtThresholds"]["matrices"][0]["entries"]
        wanted = {
            (entry.get("actualClassId", 0), entry.get("predictedClassId", 0)): entry["numWeightedExamples"]
            for entry in entries
        }
        assert values.value("m", 0, key)[0.45] == pytest.approx(wanted)


def test_rankings() -> None:
    rng = np.random.default_rng(9)
    size = 6
    queries = np.repeat(np.arange(40), size)
    columns = {
        "label": rng.integers(0, 2, 240),
        "prediction": rng.permutation(240) / 240,
        "weight": np.repeat(rng.choice([0.5, 1.0, 2.0], 40), size),
        "hour": np.repeat(rng.integers(0, 3, 40), size),
        "side": np.repeat(rng.choice(["left", "right"], 40), size),
        "query": queries,
        "gain": rng.integers(0, 4, 240).astype(float),
    }
    text = """metrics_specs { query_key: "query"
        metrics { class_name: "NDCG" config: '"gain_key": "gain", "top_k_list": [1, 3]' }
        metrics { class_name: "MinLabelPosition" } metrics { class_name: "QueryStatistics" } }"""
    theirs = of_tfma(columns, text)
    metrics: list[AnyMetric] = [
        ranking.ndcg(1), ranking.ndcg(3), ranking.min_label_position(), *ranking.query_statistics(),
    ]  # fmt: skip
    values = ours(columns, metrics, query="query", gain="gain")
    for key in values.slices:
        for position, metric in enumerate(metrics):
            sub_key = getattr(metric, "sub_key", "")
            wanted = number(theirs[key][metric.name, sub_key])
            assert values.value("m", position, key) == pytest.approx(wanted, abs=1e-9), (metric.name, key)


def test_plots() -> None:
    import tensorflow_model_analysis as tfma
    from google.protobuf import text_format
    from tensorflow_model_analysis.proto import config_pb2

    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 300).astype(float)
    columns = frame(300, rng.uniform(size=300), labels)
    text = """metrics_specs { metrics { class_name: "ConfusionMatrixPlot" config: '"num_thresholds": 100' }
        metrics { class_name: "CalibrationPlot" config: '"num_buckets": 20' } }"""
    import pandas as pd

    config = text_format.Parse(CONFIG.format(metrics=text), config_pb2.EvalConfig())
    result = tfma.analyze_raw_data(pd.DataFrame({k: list(v) for k, v in columns.items()}), config)
    theirs = {tuple(key): by_output[""][""] for key, by_output in result.plots}
    values = ours(columns, [plots.confusion_matrix_plot(100), plots.calibration_plot(20)])
    assert set(theirs) == set(values.slices)
    for key in values.slices:
        matrices = values.value("m", 0, key)
        wanted = theirs[key]["confusionMatrixAtThresholds"]["matrices"]
        for name, found in (("truePositives", matrices.tp), ("falsePositives", matrices.fp),
                            ("trueNegatives", matrices.tn), ("falseNegatives", matrices.fn)):  # fmt: skip
            assert [matrix.get(name, 0.0) for matrix in wanted] == pytest.approx(found.tolist()), (name, key)
        buckets = values.value("m", 1, key)
        wanted = theirs[key]["calibrationHistogramBuckets"]["buckets"]
        for name, found in (("totalWeightedLabel", buckets.labels), ("numWeightedExamples", buckets.weights),
                            ("totalWeightedRefinedPrediction", buckets.predictions)):  # fmt: skip
            assert [bucket.get(name) or 0.0 for bucket in wanted] == pytest.approx(found.tolist(), abs=1e-6), (
                name,
                key,
            )
