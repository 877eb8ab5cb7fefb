"""Which kernels a configuration asks for, under which keys, and what there are none for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from assay.evaluation.config import read_config
from assay.evaluation.plan import metric_name, plan_of
from assay.evaluation.recipes import PLOTS, RECIPES, TFMA_ONLY
from assay.evaluation.slicing import slicing_of
from assay.gating.thresholds import limits_of
from assay.kernels.metrics.metric import AverageMetric, CurveMetric
from assay.kernels.metrics.slices import SlicingSpec

RunPython = Callable[..., "subprocess.CompletedProcess[str]"]


def config_with(metrics: list[dict[str, Any]], **more: Any) -> Any:
    return read_config(
        {
            "model_specs": [{"label_key": "label", "prediction_key": "score", **more.pop("model", {})}],
            "slicing_specs": more.pop("slicing", [{}]),
            "metrics_specs": [{"metrics": metrics, **more}],
        }
    ).eval_config


def test_settings_name_metrics_and_choose_the_exact_area_or_tfmas() -> None:
    config = config_with(
        [{"class_name": "AUC"}, {"class_name": "AUC", "config": {"name": "pr", "curve": "PR", "num_thresholds": 500}}]
    )
    exact, gridded = (one.metric for one in plan_of(config).metrics)
    assert isinstance(exact, CurveMetric)
    assert isinstance(gridded, CurveMetric)
    assert (exact.name, exact.exact) == ("auc", True)
    assert (gridded.name, gridded.num_thresholds) == ("pr", 500)


def test_settings_may_be_the_inside_of_an_object_as_for_tfma() -> None:
    config = config_with([])
    config.metrics_specs[0].metrics.add(class_name="Recall", config='"name": "found", "thresholds": [0.2]')
    assert [one.key.name for one in plan_of(config).metrics] == ["found"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"binarize": {"class_ids": {"values": [0, 1]}, "k_list": {"values": [1]}, "top_k_list": {"values": [2]}}},
        {"aggregate": {"micro_average": True}},
        {"aggregate": {"macro_average": True, "class_weights": {0: 1.0, 1: 2.0}}},
        {"aggregate": {"weighted_macro_average": True, "top_k_list": {"values": [2]}}},
        {"example_weights": {"weighted": True, "unweighted": True}},
    ],
)
def test_every_threshold_finds_its_metric(options: dict[str, Any]) -> None:
    threshold = {"value_threshold": {"lower_bound": 0.5}}
    config = config_with([{"class_name": "Precision", "threshold": threshold}], model={"example_weight_key": "w"},
                         **options)  # fmt: skip
    planned = {one.key for one in plan_of(config).metrics}
    assert planned == {limit.metric for limit in limits_of(config, metric_name)}


def test_macro_averages_weigh_their_classes() -> None:
    config = config_with(
        [{"class_name": "Recall"}], aggregate={"macro_average": True, "class_weights": {1: 1.0, 0: 0.5}}
    )
    [planned] = plan_of(config).metrics
    assert isinstance(planned.metric, AverageMetric)
    assert planned.metric.weights == (0.5, 1.0)


@pytest.mark.parametrize(
    ("metric", "options", "code", "message"),
    [
        ({"class_name": "BinaryAcuracy"}, {}, "unknown_metric", "'BinaryAcuracy'"),
        ({"class_name": "ExactMatch"}, {}, "tfma_only", "ExactMatch has no kernel"),
        ({"class_name": "AUC", "module": "my.metrics"}, {}, "own_metric", "'my'"),
        ({"class_name": "BinaryCrossentropy", "module": "tf_keras.losses"}, {}, "tfma_only", "has no kernel"),
        ({"class_name": "ScoreDistributionPlot"}, {}, "plot", "TFMA makes this plot"),
        ({"class_name": "AUC", "config": {"num_treshholds": 5}}, {}, "setting", "no setting 'num_treshholds'"),
        ({"class_name": "RecallAtPrecision"}, {}, "setting", "needs the setting 'precision'"),
        ({"class_name": "Recall"}, {"aggregate": {"macro_average": True}}, "setting", "class_weights"),
        ({"class_name": "CalibrationPlot"}, {"aggregate": {"macro_average": True, "class_weights": {0: 1.0}}},
         "setting", "is a plot, which cannot be averaged"),
        ({"class_name": "CategoricalAccuracy"}, {"binarize": {"class_ids": {"values": [1]}}}, "setting",
         "cannot be binarized"),
        ({"class_name": "Recall", "config": {"class_id": 1}}, {"binarize": {"class_ids": {"values": [1]}}}, "setting",
         "exclude binarize"),
    ],
)  # fmt: skip
def test_what_the_kernels_lack_is_said(
    metric: dict[str, Any], options: dict[str, Any], code: str, message: str
) -> None:
    plan = plan_of(config_with([metric, {"class_name": "ExampleCount"}], **options))
    [lacking] = plan.lacking
    assert (lacking.code, lacking.place) == (code, "eval_config.metrics_specs[0].metrics[0]")
    assert message in lacking.message
    assert [one.key.name for one in plan.metrics] == ["example_count"]


def test_close_matches_are_given() -> None:
    [lacking] = plan_of(config_with([{"class_name": "BinaryAcuracy"}])).lacking
    assert lacking.hint == "Did you mean 'BinaryAccuracy'?"


def test_without_slicing_specs_the_whole_data_is_the_slice() -> None:
    assert slicing_of(config_with([], slicing=[])) == (SlicingSpec(),)
    given = slicing_of(config_with([], slicing=[{"feature_keys": ["b", "a"], "feature_values": {"c": "1"}}]))
    assert given == (SlicingSpec(feature_keys=("b", "a"), feature_values=(("c", "1"),)),)


PLAN = """
import sys
from assay.evaluation.config import read_config
from assay.evaluation.plan import plan_of
loss = {"class_name": "BinaryCrossentropy", "module": "tf_keras.losses"}
config = read_config({"metrics_specs": [{"metrics": [loss]}]}).eval_config
print(plan_of(config).lacking[0].code, "tf_keras" in sys.modules)
"""


def test_a_loss_of_keras_is_told_without_importing_keras(run_python: RunPython) -> None:
    assert run_python(PLAN).stdout == "tfma_only False\n"


@pytest.mark.tensorflow
def test_every_class_of_tfma_and_keras_is_accounted_for() -> None:
    from tensorflow_model_analysis.metrics import metric_specs, metric_types

    keras = {name for name, value in vars(metric_specs.tf_keras.metrics).items() if isinstance(value, type)}
    known = {*metric_types.registered_metrics(), *keras} - {"MeanMetricWrapper", "Metric"}
    assert known <= {*RECIPES, *PLOTS, *TFMA_ONLY}


@pytest.mark.tensorflow
def test_names_are_tfmas() -> None:
    from assay.evaluation import tfma_config

    settings = {
        "PrecisionAtRecall": {"recall": 0.5}, "RecallAtPrecision": {"precision": 0.5},
        "SensitivityAtSpecificity": {"specificity": 0.5}, "SpecificityAtSensitivity": {"sensitivity": 0.5},
        "RecallAtFalsePositiveRate": {"false_positive_rate": 0.5}, "ThresholdAtRecall": {"recall": 0.5},
        "ConfusionMatrixAtThresholds": {"thresholds": [0.5]}, "NDCG": {"gain_key": "gain"},
    }  # fmt: skip
    # Kernels that TFMA has no class for, and classes of several metrics.
    without = {"BrierScore", "PearsonCorrelation", "MeanReciprocalRank"}
    without |= {"FairnessIndicators", "BooleanFlipRates", "QueryStatistics"}
    for name in sorted(set(RECIPES) - without):
        config = config_with([{"class_name": name, "config": settings.get(name, {})}])
        metric = config.metrics_specs[0].metrics[0]
        assert metric_name(metric) == tfma_config.metric_name(metric), name
