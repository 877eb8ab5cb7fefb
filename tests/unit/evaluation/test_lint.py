"""What is wrong with a configuration is found before anything is computed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.data.sources import rows_of
from assay.engines.embedded import EmbeddedEngine
from assay.evaluation.config import read_config
from assay.evaluation.judgement import Tables, evaluate_tables, judge
from assay.evaluation.lint import lint, lint_rows
from assay.evaluation.recipes import RECIPES

CHANGE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": -0.01}}
VALUE = {"value_threshold": {"lower_bound": 0.5}}
BOTH = [
    {"name": "new", "label_key": "label", "prediction_key": "score"},
    {"name": "old", "label_key": "label", "prediction_key": "old_score", "is_baseline": True},
]
COLUMNS = ["label", "score", "old_score", "sex", "race"]


def findings(metric: dict[str, Any], columns: list[str] | None = None, **more: Any) -> dict[str, str]:
    has_baseline_table, of_model = more.pop("has_baseline_table", False), more.pop("of_model", None)
    config = {
        "model_specs": more.pop("model_specs", BOTH),
        "slicing_specs": more.pop("slicing_specs", [{}, {"feature_keys": ["sex"]}]),
        "metrics_specs": [{"metrics": [metric], **more}],
    }
    found = lint(read_config(config).eval_config, columns, has_baseline_table=has_baseline_table, of_model=of_model)
    return {one.code: f"{one.severity}: {one.sentence}" for one in found}


def test_nothing_is_wrong_with_a_sound_configuration() -> None:
    per_slice = [{"slicing_specs": [{"feature_keys": ["sex"]}], "threshold": VALUE}]
    assert not findings({"class_name": "AUC", "threshold": CHANGE, "per_slice_thresholds": per_slice}, COLUMNS)


def test_a_threshold_on_a_slice_that_is_not_made() -> None:
    per_slice = [{"slicing_specs": [{"feature_keys": ["race"]}], "threshold": VALUE}]
    found = findings({"class_name": "AUC", "per_slice_thresholds": per_slice})
    assert "race=*" in found["slice_not_made"]


@pytest.mark.parametrize(("first", "other"), [("sex", "race"), ("race", "sex")])
def test_a_threshold_across_slices_that_are_not_made(first: str, other: str) -> None:
    pairs = {"baseline_spec": {"feature_keys": [first]}, "slicing_specs": [{"feature_keys": [other]}]}
    across = [{"cross_slicing_specs": [pairs], "threshold": VALUE}]
    found = findings({"class_name": "AUC", "cross_slice_thresholds": across})
    assert "race=*" in found["slice_not_made"]
    made = [{"feature_keys": ["sex"]}, {"feature_keys": ["race"]}]
    assert not findings({"class_name": "AUC", "cross_slice_thresholds": across}, slicing_specs=made)


@pytest.mark.parametrize(
    ("made", "held", "ok"),
    [
        ({"feature_keys": ["sex"]}, {"feature_values": {"sex": "F"}}, True),
        ({"feature_values": {"sex": "F"}}, {"feature_keys": ["sex"]}, True),
        ({"feature_values": {"sex": "F"}}, {"feature_values": {"sex": "M"}}, False),
        ({"feature_keys": ["sex", "race"]}, {"feature_keys": ["sex"]}, False),
    ],
)
def test_slices_are_matched_as_thresholds_match_them(made: Any, held: Any, ok: bool) -> None:
    metric = {"class_name": "AUC", "per_slice_thresholds": [{"slicing_specs": [held], "threshold": VALUE}]}
    assert ("slice_not_made" not in findings(metric, slicing_specs=[made])) == ok


def test_a_change_threshold_without_a_baseline() -> None:
    metric = {"class_name": "AUC", "threshold": CHANGE}
    assert "is_baseline" in findings(metric, model_specs=BOTH[:1])["no_baseline_spec"]
    assert not findings(metric, model_specs=BOTH[:1], has_baseline_table=True)


def test_columns_that_the_data_lacks() -> None:
    columns = ["label", "scores", "old_score", "sex"]
    found = findings({"class_name": "AUC", "threshold": VALUE}, columns)
    assert found == {
        "no_such_column": "error: eval_config.model_specs[0].prediction_key: the data has no column 'score'. "
        "Did you mean 'scores'?"
    }


def test_the_baselines_column_is_looked_for_in_its_own_table() -> None:
    metric = {"class_name": "AUC", "threshold": CHANGE}
    assert not findings(metric, ["label", "score", "sex"], has_baseline_table=True)


def test_an_unknown_metric_has_its_close_match() -> None:
    assert "Did you mean 'AUC'?" in findings({"class_name": "AUCC"})["unknown_metric"]


def test_a_threshold_on_a_plot() -> None:
    found = findings({"class_name": "CalibrationPlot", "threshold": VALUE})
    assert found["plot"].startswith("error: ")


def test_thresholds_by_name_are_for_models() -> None:
    found = findings({"class_name": "AUC"}, thresholds={"auc": VALUE})
    assert "Write the threshold with its metric" in found["threshold_by_name"]


def test_a_configuration_without_thresholds_is_warned_of() -> None:
    assert findings({"class_name": "AUC"})["no_thresholds"].startswith("warning: ")


def test_a_class_in_a_metrics_own_settings_hides_it_from_its_threshold() -> None:
    found = findings({"class_name": "Recall", "config": {"class_id": 1}, "threshold": VALUE})
    assert "binarize" in found["threshold_on_class"]


def test_models_and_outputs_that_do_not_exist() -> None:
    found = findings({"class_name": "AUC", "threshold": VALUE}, model_names=["neww"], output_names=["a"])
    assert "Did you mean 'new'?" in found["unknown_model"]
    assert "one output" in found["output_names"]


def test_a_relative_limit_in_percent() -> None:
    threshold = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "relative": -5}}
    assert "500 % of the baseline" in findings({"class_name": "AUC", "threshold": threshold})["relative_limit"]


def test_a_model_spec_must_say_where_labels_and_predictions_are() -> None:
    assert "has no label_key" in findings({"class_name": "AUC"}, model_specs=[{"prediction_key": "s"}])["no_label_key"]
    found = findings({"class_name": "AUC"}, model_specs=[{"label_key": "label"}], of_model=False)
    assert "has no prediction_key" in found["no_prediction_key"]


def test_a_models_configuration_is_linted_as_such() -> None:
    model = [{"label_key": "label"}]
    assert findings({"class_name": "AUC"}, model_specs=model).keys() == {"no_thresholds"}
    missing = findings({"class_name": "AUC"}, ["labels", "sex"], model_specs=model)
    assert "no column 'label'. Did you mean 'labels'?" in missing["no_such_column"]
    transformed = [{"label_key": "label_xf", "preprocessing_function_names": ["transform_features"]}]
    assert "no_such_column" not in findings({"class_name": "AUC"}, ["labels", "sex"], model_specs=transformed)
    assert findings({"class_name": "ExactMatch"}, model_specs=model)["tfma_only"].startswith("warning")
    assert findings({"class_name": "AUK"}, model_specs=model)["unknown_metric"].startswith("error")
    assert "label_key" in findings({"class_name": "AUC"}, model_specs=[{"signature_name": "a"}])["models"]


def test_a_column_for_each_class_is_a_prediction() -> None:
    config = read_config(
        {
            "model_specs": [
                {"name": "c", "label_key": "y", "prediction_key": "p"},
                {"name": "b", "label_key": "y", "prediction_key": "p.old", "is_baseline": True},
            ],
            "metrics_specs": [{"metrics": [{"class_name": "SparseCategoricalAccuracy", "threshold": VALUE}]}],
        }
    ).eval_config
    assert lint(config, ["y", "p.cat", "p.dog", "p.old.cat", "p.old.dog"]) == []
    [finding] = lint(config, ["y", "p.cat", "p.dog", "p.old.cat"])
    assert finding.sentence == (
        "eval_config.model_specs[1].prediction_key: the data has no column 'p.old'. A class alone has a column, "
        "'p.old.cat': write one for each of two classes or more."
    )
    assert [one.code for one in lint(config, ["y", "p.old.cat", "p.old.dog"])] == ["no_such_column"]
    sliced = read_config(
        {
            "model_specs": [{"label_key": "y", "prediction_key": "p"}],
            "slicing_specs": [{"feature_keys": ["p"]}],
            "metrics_specs": [{"metrics": [{"class_name": "SparseCategoricalAccuracy", "threshold": VALUE}]}],
        }
    ).eval_config
    assert [one.place for one in lint(sliced, ["y", "p.cat", "p.dog"])] == ["eval_config.slicing_specs[0]"]


def of_threshold(class_name: str, threshold: dict[str, Any], **more: Any) -> dict[str, str]:
    return findings({"class_name": class_name, "threshold": threshold}, **more)


@pytest.mark.parametrize(
    ("class_name", "direction", "ok"),
    [
        ("AUC", "HIGHER_IS_BETTER", True),
        ("AUC", "LOWER_IS_BETTER", False),
        ("BrierScore", "LOWER_IS_BETTER", True),
        ("BrierScore", "HIGHER_IS_BETTER", False),
        ("BinaryCrossentropy", "HIGHER_IS_BETTER", False),
        ("FPR", "HIGHER_IS_BETTER", False),
        ("RootMeanSquaredError", "HIGHER_IS_BETTER", False),
        ("MeanPrediction", "HIGHER_IS_BETTER", True),
        ("MeanPrediction", "LOWER_IS_BETTER", True),
    ],
)
@pytest.mark.parametrize("bound", ["absolute", "relative"])
def test_a_direction_that_is_not_the_metrics(class_name: str, direction: str, bound: str, ok: bool) -> None:
    found = of_threshold(class_name, {"change_threshold": {"direction": direction, bound: 0.0}})
    assert found == {} if ok else found["wrong_direction"].startswith("error: eval_config.metrics_specs[0].metrics[0].")


@pytest.mark.parametrize(
    ("class_name", "threshold", "said"),
    [
        ("AUC", {"lower_bound": 80}, "auc is always between 0 and 1, so no model passes a threshold of 80"),
        ("AUC", {"lower_bound": -0.1}, "so every model passes a threshold of -0.1"),
        ("Recall", {"upper_bound": 1.5, "lower_bound": 0.5}, "so every model passes a threshold of 1.5"),
        ("BrierScore", {"upper_bound": -0.1}, "so no model passes"),
        ("R2Score", {"lower_bound": 90}, "r2_score is always 1 or less, so no model passes a threshold of 90"),
        ("MeanAbsoluteError", {"upper_bound": -3}, "is always 0 or more, so no model passes a threshold of -3"),
        ("PearsonCorrelation", {"lower_bound": -1}, ""),
        ("MeanAbsoluteError", {"upper_bound": 1e6}, ""),
    ],
)
def test_a_bound_that_no_figure_can_reach(class_name: str, threshold: dict[str, float], said: str) -> None:
    found = of_threshold(class_name, {"value_threshold": threshold})
    assert said in found["out_of_range"] if said else found == {}


@pytest.mark.parametrize(("value", "ok"), [(-1, True), (-2, False), (-0.5, True), (2, False)])
def test_a_change_that_no_model_can_make(value: float, ok: bool) -> None:
    found = of_threshold("AUC", {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": value}})
    assert found == {} if ok else "a difference of auc is always between -1 and 1" in found["out_of_range"]


def test_bounds_that_no_model_keeps_and_bounds_that_decide_nothing() -> None:
    crossed = of_threshold("MeanPrediction", {"value_threshold": {"lower_bound": 0.6, "upper_bound": 0.4}})
    assert "the lower bound 0.6 is above the upper bound 0.4" in crossed["crossed_bounds"]
    assert not of_threshold("AUC", {"value_threshold": {"lower_bound": 0.4, "upper_bound": 0.6}})
    for value in ("NaN", "Infinity"):
        found = of_threshold("MeanPrediction", {"value_threshold": {"lower_bound": value}})
        assert "threshold of" in found["not_finite"]
    assert of_threshold("AUC", {"value_threshold": {"upper_bound": 0.9}})["wrong_bound"].startswith("warning")
    assert of_threshold("BrierScore", {"value_threshold": {"lower_bound": 0.2}})["wrong_bound"].startswith("warning")


def test_a_prediction_that_is_the_label() -> None:
    found = of_threshold("AUC", VALUE, model_specs=[{"label_key": "label", "prediction_key": "label"}])
    assert "'label' is the label's column, so the predictions would be perfect" in found["prediction_is_label"]


def test_every_direction_and_range_holds_for_any_predictions() -> None:
    # The table of directions and ranges, against the kernels: better predictions are not worse by it.
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 300)
    noise = rng.uniform(size=300)
    names = [
        name
        for name, recipe in RECIPES.items()
        if recipe.better and recipe.scope == "class" and recipe.settings.isdisjoint(_NEEDED)
    ]
    assert len(names) > 30
    metrics = [{"class_name": name, "config": f'{{"name": "{name}"}}'} for name in names]
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "metrics_specs": [{"metrics": metrics}],
    }
    values = []
    for score in (0.45 + 0.05 * label + 0.5 * (noise - 0.5), 0.3 + 0.4 * label + 0.4 * (noise - 0.5)):
        table = pa.table({"label": label, "score": score})
        _, evaluation, _ = evaluate_tables(Tables(config=config, predictions=table), EmbeddedEngine())
        values.append({key.name: value for key, value in evaluation.figures.candidate[()].items()})
    for name in names:
        worse, better, recipe = values[0][name], values[1][name], RECIPES[name]
        assert recipe.low <= worse <= recipe.high, name
        if not math.isnan(better):  # odds ratios of a table without errors
            assert (better > worse) == (recipe.better == "higher"), name


def test_slices_that_no_row_is_in() -> None:
    metric = {"class_name": "AUC", "threshold": VALUE}
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "slicing_specs": [{}, {"feature_values": {"sex": "Femal"}}, {"feature_keys": ["race"]}],
        "metrics_specs": [{"metrics": [metric]}],
    }
    rows = rows_of(pa.table({"label": [0, 1], "score": [0.1, 0.9], "sex": ["Female", "Male"], "race": ["a", "b"]}))
    [found] = lint_rows(read_config(config).eval_config, rows)
    assert (found.code, found.severity) == ("empty_slice", "error")
    assert found.message.startswith("no row is in the slice sex=Femal, so thresholds on every slice would fail")
    [check] = judge(Tables(config=config, predictions=rows_table()), EmbeddedEngine()).verdict.failed
    assert (check.kind, check.slice) == ("missing_slice", "sex=Femal")


def rows_table() -> pa.Table:
    return pa.table({"label": [0, 1], "score": [0.1, 0.9], "sex": ["Female", "Male"], "race": ["a", "a"]})


_NEEDED = {"recall", "precision", "specificity", "sensitivity", "false_positive_rate"}


def test_what_only_a_table_rules_out_is_a_warning_where_a_model_may_be_judged() -> None:
    outputs = {"metric": {"class_name": "AUC", "threshold": VALUE}, "output_names": ["one"]}
    assert findings(**outputs)["output_names"].startswith("warning")
    assert findings(**outputs, columns=COLUMNS)["output_names"].startswith("error")
    assert findings(**outputs, of_model=False)["output_names"].startswith("error")


@pytest.mark.parametrize(
    ("class_name", "config", "message"),
    [
        ("AUC", {"curve": "XX"}, "'curve' of AUC must be ROC or PR, got 'XX'"),
        ("AUC", {"num_thresholds": 1}, "a whole number from 2, got 1"),
        ("Recall", {"thresholds": "a"}, "a number, or a list of them, got 'a'"),
        ("Recall", {"top_k": 0}, "a whole number from 1, got 0"),
        ("RecallAtPrecision", {"precision": 2}, "a number from 0 to 1"),
        ("BinaryCrossEntropy", {"from_logits": "yes"}, "true or false, got 'yes'"),
        ("NDCG", {"top_k_list": 3}, "a list of whole numbers from 1, got 3"),
    ],
)
def test_a_setting_that_no_kernel_can_use_is_named(class_name: str, config: dict[str, Any], message: str) -> None:
    assert message in findings({"class_name": class_name, "config": config})["metric_config"]
