"""Tables that nobody should have written: each is an error or a failed check that says what to do, and never a pass."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.engines.embedded import EmbeddedEngine
from assay.errors import UsageError
from assay.evaluation.decision import Rules
from assay.evaluation.judgement import Tables, judge
from assay.gating.policy import WrittenPolicy
from raising import raises

ENGINE = EmbeddedEngine()
LOWER = {"value_threshold": {"lower_bound": 0.0}}
NO_WORSE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "relative": 0.0}}


def table(**columns: Any) -> pa.Table:
    plain: dict[str, Any] = {
        "id": [1, 2, 3, 4],
        "label": [0, 1, 0, 1],
        "score": [0.1, 0.9, 0.4, 0.6],
        "site": [*"aaab"],
    }
    return pa.table(plain | columns)


def judged(predictions: pa.Table, metric: str = "AUC", threshold: Any = None, **more: Any) -> Any:
    baseline = {"name": "b", "label_key": "label", "prediction_key": "base", "is_baseline": True}
    specs = [{"name": "a", "label_key": "label", "prediction_key": "score"}]
    config = {
        "model_specs": [*specs, baseline] if "base" in getattr(predictions, "column_names", ()) else specs,
        "slicing_specs": [{}, {"feature_keys": ["site"]}],
        "metrics_specs": [
            {"query_key": more.pop("query", ""), "metrics": [{"class_name": metric, "threshold": threshold or LOWER}]}
        ],
    }
    return judge(Tables(config=config, predictions=predictions, **more), ENGINE).verdict


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"label": [2**62, 2**62 + 1, 2**62, 2**62]}, ("metrics.too_big", "label")),
        ({"label": ["no", "yes", "no", "yes"]}, ("metrics.not_numeric", "label", "string")),
        ({"score": ["0.1", "0.9", "0.4", "0.6"]}, ("metrics.not_numeric", "score", "string")),
        ({"score": [[0.1, 0.9], [0.5, 0.5], [0.4], [0.6, 0.4]]}, ("metrics.ragged_column", "2", "1")),
    ],
)
def test_columns_that_hold_no_numbers_say_what_to_write(columns: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected) as raised:
        judged(table(**columns))
    assert raised.value.hint


def test_booleans_in_words_as_a_csv_has_them_are_labels() -> None:
    words = pa.array(["False", "TRUE", "false", "True"])
    for labels in (words, words.cast(pa.large_string()), words.dictionary_encode()):
        [check] = [one for one in judged(table(label=labels)).checks if one.slice == "Overall"]
        assert check.observed == 1.0


def test_a_slice_of_one_class_fails_and_says_how_it_is_left_out() -> None:
    verdict = judged(table())
    [check] = verdict.failed
    assert check.slice == "site=b"
    assert check.sentence == (
        "auc on site=b is NaN over 1 example: no row is labelled 0, "
        "so its threshold cannot be met. Set options.min_slice_size to leave out slices that are too small."
    )


def test_tables_are_joined_on_a_column_that_both_have_and_that_names_rows() -> None:
    with raises("predictions.no_such_column", "idd"):
        judged(table(), baseline_predictions=table(), join_on="idd")
    with raises("predictions.no_such_column", "site"):
        judged(table(), baseline_predictions=table().drop(["site"]), join_on="site")
    with raises("predictions.ids", "site", "Join on a column"):
        judged(table(), baseline_predictions=table(), join_on="site")


def test_a_metric_of_tfmas_alone_names_the_way() -> None:
    with raises("eval_config.tfma_only", "Hinge", "--model", kind=UsageError):
        judged(table(), "Hinge")


@pytest.mark.parametrize(("score", "ok"), [("worse", False), ("better", True)])
def test_a_fall_below_a_negative_baseline_is_a_fall(score: str, ok: bool) -> None:
    """TFMA divides by the baseline with its sign, and takes an R2 of -3 for a rise over one of -2."""
    columns = {"worse": [1.5, 0.0, 1.5, 0.0], "base": [1.0, 0.0, 1.0, 0.0], "better": [0.6, 0.4, 0.6, 0.4]}
    rows = table(score=columns[score], base=columns["base"], site=["a"] * 4)
    verdict = judged(rows, "R2Score", NO_WORSE)
    assert verdict.checks[0].baseline == -3.0
    assert verdict.ok is ok


def test_the_mean_reciprocal_rank_of_queries() -> None:
    rows = table(score=[0.9, 0.2, 0.3, 0.8], site=["a", "a", "b", "b"])
    verdict = judged(rows, "MeanReciprocalRank", query="site")
    assert {check.slice: check.observed for check in verdict.checks} == {"Overall": 0.75, "site=a": 0.5, "site=b": 1.0}


@pytest.mark.parametrize("missing", ["label", "score", "base"])
@pytest.mark.parametrize("metric", ["AUC", "BinaryAccuracy", "F1Score", "BinaryCrossEntropy", "MeanPrediction"])
def test_one_missing_number_is_never_a_pass(missing: str, metric: str) -> None:
    rng = np.random.default_rng(0)
    columns = {
        "label": rng.integers(0, 2, 60).astype(float),
        "score": rng.uniform(size=60),
        "base": rng.uniform(size=60),
    }
    columns[missing][7] = np.nan
    if metric == "MeanPrediction" and missing == "label":
        columns["score"][7] = np.nan
    rows = pa.table(columns | {"site": ["a"] * 60})
    loss = metric == "BinaryCrossEntropy"
    direction = "LOWER_IS_BETTER" if loss else "HIGHER_IS_BETTER"
    threshold = {"change_threshold": {"direction": direction, "absolute": 1.0 if loss else -1.0}}
    assert not judged(rows, metric, threshold).ok


@pytest.mark.parametrize(("first_run", "ok"), [("values_only", True), ("block", False)])
def test_a_flip_rate_without_a_baseline_follows_first_run(first_run: Any, ok: bool) -> None:
    upper = {"value_threshold": {"upper_bound": 0.1}}
    config = {
        "model_specs": [{"label_key": "label", "prediction_key": "score"}],
        "metrics_specs": [{"metrics": [{"class_name": "SymmetricFlipRate", "threshold": upper}]}],
    }
    rules = Rules(policy=WrittenPolicy(first_run=first_run))
    found = judge(Tables(config=config, predictions=table()), ENGINE, rules)
    assert found.verdict.ok == ok
    [check, about] = found.verdict.checks
    assert check.sentence.endswith("not applicable: no baseline (the threshold is at most 0.1).")
    assert (check.applied, about.kind) == (False, "first_run")
    assert found.warnings[0].code == "no_baseline_spec"
    flipped = table(score=[0.9, 0.1, 0.6, 0.4])
    held = judge(Tables(config=config, predictions=flipped, baseline_predictions=table()), ENGINE, rules).verdict
    assert [(one.applied, one.ok, one.observed) for one in held.checks] == [(True, False, 1.0)]
