"""What a person is told of the rows: labels and predictions that a metric does not mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from assay.engines.embedded import EmbeddedEngine
from assay.evaluation.decision import Rules
from assay.evaluation.judgement import Tables, evaluate_tables, judge
from assay.evaluation.remarks import remarks_on
from assay.gating.markdown import to_markdown
from assay.gating.policy import WrittenPolicy
from assay.gating.verdict import Verdict, to_json
from raising import raises

ENGINE = EmbeddedEngine()
LABELS = [0, 1, 0, 1, 1]
SCORES = [0.1, 0.9, 0.6, 0.4, 0.7]
LOGITS = [-2.5, 3.0, 0.4, -0.2, 1.1]


def config(*metrics: dict[str, Any], weight: str = "") -> dict[str, Any]:
    spec = {"label_key": "label", "prediction_key": "score"} | ({"example_weight_key": weight} if weight else {})
    return {"model_specs": [spec], "slicing_specs": [{}], "metrics_specs": [{"metrics": list(metrics)}]}


def said(written: dict[str, Any], **columns: Any) -> list[str]:
    table = pa.table({"label": LABELS, "score": SCORES} | columns)
    _, evaluation, _ = evaluate_tables(Tables(config=written, predictions=table), ENGINE)
    return [check.sentence for check in remarks_on(evaluation)]


@pytest.mark.parametrize(
    "metric",
    [
        {"class_name": "BinaryAccuracy"},
        {"class_name": "BinaryCrossentropy"},
        {"class_name": "Precision", "config": '{"thresholds": [0.3]}'},
        {"class_name": "AUC", "config": '{"num_thresholds": 100}'},
    ],
)
def test_logits_are_told_from_probabilities(metric: dict[str, Any]) -> None:
    [sentence] = said(config(metric), score=LOGITS)
    assert "candidate's predictions 'score' run from -2.5 to 3; probabilities" in sentence
    assert said(config(metric)) == []


@pytest.mark.parametrize(
    "metric",
    [
        {"class_name": "AUC"},
        {"class_name": "BinaryAccuracy", "config": '{"threshold": 0}'},
        {"class_name": "BinaryCrossentropy", "config": '{"from_logits": true}'},
        {"class_name": "MeanSquaredError"},
    ],
)
def test_metrics_that_logits_suit_say_nothing(metric: dict[str, Any]) -> None:
    assert said(config(metric), score=LOGITS) == []


def test_labels_of_other_numbers() -> None:
    [sentence] = said(config({"class_name": "AUC"}, {"class_name": "BinaryAccuracy"}), label=[-1, 1, -1, 1, 1])
    assert sentence == (
        "The labels 'label' run from -1 to 1; labels between 0 and 1 are expected (by auc, binary_accuracy). Write "
        "1 for the positive class and 0 for the other."
    )
    assert said(config({"class_name": "MeanSquaredError"}), label=[-1, 1, -1, 1, 1]) == []


def test_class_numbers_beside_a_prediction_a_class_are_labels() -> None:
    classes = [[0.2, 0.3, 0.5]] * 5
    assert said(config({"class_name": "CategoricalAccuracy"}), label=[0, 1, 2, 1, 2], score=classes) == []


def test_two_columns_of_a_binary_model_are_told() -> None:
    # What scikit-learn's predict_proba gives: an area over both columns is another figure than that of one.
    columns = [[1 - score, score] for score in SCORES]
    [sentence] = said(config({"class_name": "AUC"}, {"class_name": "SparseCategoricalAccuracy"}), score=columns)
    assert sentence.startswith("The candidate's predictions 'score' are several a row, of which each class is")
    assert "as in a micro average, by auc." in sentence
    for option in ({"binarize": {"class_ids": {"values": [1]}}}, {"aggregate": {"micro_average": True}}):
        written = config({"class_name": "AUC"})
        written["metrics_specs"][0] |= option
        assert said(written, score=columns) == []
    many = [[float(label), 1.0 - label] for label in LABELS]
    assert said(config({"class_name": "BinaryAccuracy"}), label=many, score=columns) == []


CLASSES = [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.4, 0.5, 0.1]]
HIT = {"class_name": "SparseCategoricalAccuracy"}


def test_classes_that_count_from_1_are_told() -> None:
    [sentence] = said(config(HIT), label=[1, 2, 3, 1, 2], score=CLASSES)
    assert sentence.startswith("The labels 'label' run from 1 to 3; the predictions have 3 classes, which are numbered")
    assert said(config(HIT), label=[0, 1, 2, -1, 1], score=CLASSES) == []


def test_a_predicted_class_is_no_probability() -> None:
    [sentence] = said(config(HIT), label=[0, 1, 1, 0, 1], score=[0, 1, 2, 0, 1])
    assert "run from 0 to 2, one number a row; the probability of class 1 is expected" in sentence
    assert said(config(HIT), score=[0, 1, 0, 1, 1]) == []


def test_logits_of_classes_are_told() -> None:
    loss = {"class_name": "SparseCategoricalCrossentropy"}
    logits = [[10 * one for one in row] for row in CLASSES]
    [sentence] = said(config(loss, HIT), label=[0, 1, 2, 0, 1], score=logits)
    assert "probabilities between 0 and 1 are expected (by sparse_categorical_crossentropy)" in sentence
    assert said(config(loss | {"config": '{"from_logits": true}'}), label=[0, 1, 2, 0, 1], score=logits) == []


def test_one_class() -> None:
    [sentence] = said(config({"class_name": "AUC"}), label=[1] * 5)
    assert "Every label 'label' is 1: there is one class only" in sentence


def test_rows_without_a_number_are_counted_and_masked_ones_are_not() -> None:
    score = [0.1, np.nan, 0.6, np.nan, 0.7]
    [sentence] = said(config({"class_name": "AUC"}), score=score)
    assert sentence.startswith("2 of 5 rows have no number for the candidate's prediction 'score'")
    weight = {"weight": [1.0, 0.0, 1.0, 0.0, 1.0]}
    [masked] = said(config({"class_name": "AUC"}, weight="weight"), score=score, **weight)
    assert masked == "2 of 5 rows have a weight of 0 in 'weight' and do not count."


def test_weights_of_zero() -> None:
    [sentence] = said(config({"class_name": "AUC"}, weight="weight"), weight=[0.0] * 5)
    assert sentence == "All 5 rows have a weight of 0 in 'weight': no row counts."


def test_weights_that_weigh_nothing_or_less() -> None:
    sentence, _ = said(config({"class_name": "AUC"}, weight="weight"), weight=[np.inf, -1.0, np.nan, 0.0, 2.0])
    assert sentence.startswith("3 of 5 rows have a weight in 'weight' that is negative, above 1e+100 or no number")


def test_a_remark_blocks_nothing_and_stands_in_the_verdict_once() -> None:
    metric = {"class_name": "BinaryAccuracy", "threshold": {"value_threshold": {"lower_bound": 0.1}}}
    table = pa.table({"label": LABELS, "score": LOGITS})
    verdict = judge(Tables(config=config(metric), predictions=table), ENGINE).verdict
    assert verdict.ok
    assert [check.kind for check in verdict.failed] == ["values"]
    missing = pa.table({"label": LABELS, "score": [0.1, np.nan, 0.6, 0.2, 0.7]})
    verdict = judge(Tables(config=config(metric), predictions=missing), ENGINE).verdict
    assert [check.kind for check in verdict.failed] == ["value_threshold", "missing_values"]
    assert "row 1 first" in verdict.failed[-1].sentence


HELD = {"threshold": {"value_threshold": {"lower_bound": 0.0}}}


def blessed(written: dict[str, Any], **columns: Any) -> Verdict:
    verdict = judge(Tables(config=written, predictions=pa.table(columns)), ENGINE).verdict
    assert verdict.ok, verdict.summary
    return verdict


def kinds(verdict: Verdict) -> list[str]:
    return [check.kind for check in verdict.checks if not check.ok]


@pytest.mark.parametrize("lacking", [None, float("nan")])
def test_rows_in_no_slice_are_counted_in_the_first_sentence(lacking: Any) -> None:
    groups: list[Any] = [1.0, 2.0, 1.0, lacking, lacking]
    written = config({"class_name": "BinaryAccuracy"} | HELD) | {"slicing_specs": [{"feature_keys": ["g"]}]}
    verdict = blessed(written, label=LABELS, score=SCORES, g=groups)
    assert kinds(verdict) == ["unjudged_rows"]
    assert "2 of 5 rows are in no slice, so no metric and no threshold looks at them: slices are by 'g'" in (
        verdict.summary
    )
    whole = blessed(written | {"slicing_specs": [{}, {"feature_keys": ["g"]}]}, label=LABELS, score=SCORES, g=groups)
    assert kinds(whole) == ["unsliced_rows"]
    assert whole.checks[-1].sentence == "2 of 5 rows are in no slice by 'g': they have no value of it."
    assert whole.summary == "Blessed: 3 checks passed, none failed."


def test_rows_of_other_values_and_of_small_slices_are_counted() -> None:
    metric = config({"class_name": "BinaryAccuracy"} | HELD)
    one = blessed(
        metric | {"slicing_specs": [{"feature_values": {"g": "a"}}]}, label=LABELS, score=SCORES, g=[*"aabbb"]
    )
    assert "3 of 5 rows are in no slice" in one.summary
    small = metric | {"slicing_specs": [{"feature_keys": ["g"]}], "options": {"min_slice_size": 3}}
    assert "2 of 5 rows are only in slices of fewer than 3 rows" in (
        blessed(small, label=LABELS, score=SCORES, g=[*"aabbb"]).summary
    )


def test_rows_without_a_percentage_are_counted_in_the_first_sentence() -> None:
    written = config({"class_name": "MeanAbsolutePercentageError"} | HELD)
    verdict = blessed(written, label=[0, 0, 10, 10], score=[5000, -5000, 11, 9])
    assert kinds(verdict) == ["left_out_rows"]
    assert "on Overall leaves out 2 of 4 rows, whose label is 0" in verdict.summary
    weighed = config({"class_name": "MeanAbsolutePercentageError"} | HELD, weight="w")
    verdict = blessed(weighed, label=[0, 0, 10, 10], score=[5000, -5000, 11, 9], w=[0.0, 2.5, 1.0, 1.0])
    assert "on Overall leaves out rows that weigh 2.5, whose label is 0" in verdict.summary
    assert kinds(blessed(written, label=[1, 2], score=[1, 3])) == []


def test_queries_without_a_relevance_are_counted() -> None:
    written = config({"class_name": "NDCG"} | HELD)
    written["metrics_specs"][0]["query_key"] = "q"
    verdict = blessed(written, label=[0, 0, 1, 0], score=[0.1, 0.2, 0.3, 0.4], q=[*"aabb"])
    assert "ndcg on Overall leaves out 1 query, without a positive relevance." in verdict.summary


@pytest.mark.parametrize("gains", [{}, {"config": '{"gain_key": "gain"}'}])
def test_negative_relevances_are_rejected(gains: dict[str, str]) -> None:
    written = config({"class_name": "NDCG"} | gains | HELD)
    written["metrics_specs"][0]["query_key"] = "q"
    with raises("metrics.negative_gain", "NDCG", "0", "-2", "1"):
        blessed(written, label=[1, -2], gain=[1, -2], score=[0.2, 0.1], q=[*"aa"])


@pytest.mark.parametrize("classes", [1, 3])
def test_predictions_that_are_the_labels_are_said(classes: int) -> None:
    label = np.arange(60) % max(classes, 2)
    score: Any = label.astype(float) if classes == 1 else list(np.eye(classes)[label])
    metric = {"class_name": "AUC" if classes == 1 else "SparseCategoricalAccuracy"} | HELD
    verdict = blessed(config(metric), label=label, score=score)
    assert "The candidate's predictions 'score' are the labels on all 60 rows." in verdict.summary
    if classes == 1:
        assert kinds(blessed(config(metric), label=label, score=0.9 * score)) == []


def test_a_score_made_of_the_label_is_said() -> None:
    label = np.arange(200) % 2
    score = 0.4 * label + 0.4 * np.random.default_rng(1).uniform(size=200)
    verdict = blessed(config({"class_name": "AUC"} | HELD), label=label, score=score)
    assert "part the classes without an error on all 200 rows" in verdict.summary
    inverted = blessed(config({"class_name": "AUC"} | HELD), label=1 - label, score=score)
    assert "the wrong way round, on all 200 rows: at least 0.4" in inverted.summary
    score[0], score[1] = score[1], score[0]
    assert kinds(blessed(config({"class_name": "AUC"} | HELD), label=label, score=score)) == []
    assert kinds(blessed(config({"class_name": "AUC"} | HELD), label=1 - label, score=score)) == []


def test_labels_that_a_float32_predicts_are_labels() -> None:
    label = np.random.default_rng(2).normal(20, 5, 200)
    held = config({"class_name": "MeanSquaredError", "threshold": {"value_threshold": {"upper_bound": 100.0}}})
    assert kinds(blessed(held, label=label, score=label.astype(np.float32))) == ["perfect_predictions"]
    assert kinds(blessed(held, label=label, score=label * 1.001)) == []


@given(
    offset=st.sampled_from([0.0, 1e3, 1.7e9, 1e15]),
    spread=st.floats(1e-3, 1e3),
    error=st.floats(1e-3, 1),
    seed=st.integers(0, 99),
)
@settings(max_examples=20, deadline=None)
def test_predictions_near_labels_of_any_size_are_not_the_labels(
    offset: float, spread: float, error: float, seed: int
) -> None:
    """Times since 1970 differ from each other by less than a millionth."""
    generator = np.random.default_rng(seed)
    label = offset + generator.normal(0, spread, 60)
    score = label + generator.normal(0, error * spread, 60)
    held = config({"class_name": "MeanSquaredError", "threshold": {"value_threshold": {"upper_bound": 1e300}}})
    predicted = bool(((score == label) | (score == label.astype(np.float32))).all())
    assert ("perfect_predictions" in kinds(blessed(held, label=label, score=score))) is predicted
    assert "perfect_predictions" in kinds(blessed(held, label=label, score=label))


def test_a_baseline_that_does_not_predict_is_said() -> None:
    label = np.arange(200) % 2
    score = np.random.default_rng(1).uniform(size=200)
    written = config({"class_name": "AUC"} | HELD)
    written["model_specs"] = [
        {"name": "new", "label_key": "label", "prediction_key": "score"},
        {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
    ]
    verdict = blessed(written, label=label, score=score, old=np.full(200, 0.5))
    assert "The baseline's predictions 'old' are 0.5 on all 200 rows" in verdict.summary


def test_weights_beyond_sums_are_not_numbers() -> None:
    # Products of their sums would be infinite, and figures NaN without a word.
    columns = {"label": np.arange(200) % 2, "score": np.linspace(0, 1, 200), "weight": np.full(200, 1e200)}
    written = config({"class_name": "AUC"} | HELD, {"class_name": "MeanSquaredError"}, weight="weight")
    verdict = judge(Tables(config=written, predictions=pa.table(columns)), ENGINE).verdict
    assert not verdict.ok
    assert "200 of 200 rows have a weight in 'weight' that is negative, above 1e+100" in verdict.failed[-1].sentence
    columns["weight"] = np.full(200, 1e100)
    assert blessed(written, **columns).ok


@pytest.mark.parametrize(
    ("metric", "clip", "loss"),
    [("BinaryCrossEntropy", "2.22045e-16", 18.02), ("BinaryCrossentropy", "1e-07", 8.06)],
)
def test_certain_errors_cost_what_a_clip_leaves_and_that_is_said(metric: str, clip: str, loss: float) -> None:
    written = config({"class_name": metric} | HELD)
    verdict = blessed(written, label=[1, 0], score=[0.0, 0.0])
    assert verdict.checks[0].observed == pytest.approx(loss, rel=1e-3)
    if clip == "2.22045e-16":
        assert verdict.checks[0].observed == pytest.approx(log_loss([1, 0], [0.0, 0.0]), rel=1e-12)
    assert f"are exactly 0 or 1, of which binary_crossentropy may be infinite: they are moved {clip} from" in (
        verdict.checks[1].sentence
    )
    assert verdict.checks[1].severity == "info"
    assert len(blessed(written, label=[1, 0], score=[0.5, 0.1]).checks) == 1


def test_one_prediction_for_all_rows_is_said() -> None:
    verdict = blessed(config({"class_name": "AUC"} | HELD), label=np.arange(40) % 2, score=[0.3] * 40)
    assert kinds(verdict) == ["constant_predictions"]
    assert "The candidate's predictions 'score' are 0.3 on all 40 rows." in verdict.summary


@pytest.mark.parametrize("query", [["a", None], [1.0, float("nan")]])
def test_rows_without_a_query_are_rejected(query: list[Any]) -> None:
    written = config({"class_name": "NDCG"} | HELD)
    written["metrics_specs"][0]["query_key"] = "q"
    with raises("metrics.missing_query", "q", "1", "2"):
        blessed(written, label=[1, 0], score=[0.2, 0.1], q=query)


def judged_with_bounds(metric: str, **columns: Any) -> Verdict:
    threshold = {"value_threshold": {"upper_bound": 100.0}}
    if metric in {"AUC", "Recall"}:
        threshold = {"value_threshold": {"lower_bound": 0.1}}
    written = config({"class_name": metric, "threshold": threshold})
    rules = Rules(policy=WrittenPolicy(significant="regression"))
    return judge(Tables(config=written, predictions=pa.table(columns)), ENGINE, rules).verdict


def test_bounds_that_may_not_hold_are_said_with_what_to_do() -> None:
    rng = np.random.default_rng(3)
    label = rng.normal(size=300)
    heavy = judged_with_bounds("RootMeanSquaredError", label=label, score=label + rng.standard_t(3, 300))
    [remark] = [check for check in heavy.checks if check.kind == "uncertain_bounds"]
    assert heavy.ok
    assert (remark.severity, remark.ok, remark.slice) == ("warning", False, "Overall")
    assert "a few rows make most of the loss: 300 rows vary as " in remark.sentence
    assert "look at the largest errors" in remark.sentence
    for shown in (to_json(heavy).decode(), to_markdown(heavy)):
        assert "may not hold at their level" in shown
    normal = judged_with_bounds("RootMeanSquaredError", label=label, score=label + rng.normal(size=300))
    assert [check for check in normal.checks if check.kind == "uncertain_bounds"] == []


@pytest.mark.parametrize(("metric", "positives", "why"), [("AUC", 40, "rows of one class"), ("Recall", 33, "one side")])
def test_bounds_of_few_rows_of_a_class_are_said(metric: str, positives: int, why: str) -> None:
    label = np.r_[np.ones(positives), np.zeros(1000)]
    score = np.r_[np.full(positives - 3, 0.9), np.full(3, 0.2), np.tile([0.1, 0.3], 500)]
    verdict = judged_with_bounds(metric, label=label, score=score)
    [remark] = [check for check in verdict.checks if check.kind == "uncertain_bounds"]
    assert why in remark.sentence
    assert "Evaluate more rows" in remark.sentence


def test_without_bounds_nothing_is_said_of_them() -> None:
    assert not any("bounds" in sentence for sentence in said(config({"class_name": "AUC"})))
