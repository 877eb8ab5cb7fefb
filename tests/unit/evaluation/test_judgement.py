"""From tables to a verdict: bounds, what decides, and files."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.engines.embedded.engine import EmbeddedEngine
from assay.evaluation.decision import Rules, Sampling
from assay.evaluation.files import write_metrics
from assay.evaluation.judgement import Judgement, Tables, evaluate_tables, judge
from assay.gating.metric_values import MetricKey
from assay.gating.policy import WrittenPolicy
from assay.gating.waivers import Waiver
from assay.kernels.uncertainty.delong import delong
from raising import raises

ENGINE = EmbeddedEngine(threads=2)
SAMPLING = Sampling(num_replicates=200, threads=2)


def rows(size: int = 3000, *, worse_by: float = 0.0) -> pa.Table:
    rng = np.random.default_rng(8)
    labels = rng.integers(0, 2, size)
    old = np.clip(0.3 * labels + 0.7 * rng.uniform(size=size), 0, 1)
    return pa.table(
        {
            "label": labels,
            "old": old,
            "new": np.clip(old - worse_by * labels + rng.normal(0, 0.01, size), 0, 1),
            "side": rng.choice(["left", "right", "rare"], size, p=[0.5, 0.497, 0.003]),
            "weight": rng.uniform(0.5, 2, size),
        }
    )


def config_with(absolute: float = -0.01, **more: Any) -> dict[str, Any]:
    threshold = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": absolute}}
    return {
        "model_specs": [
            {"name": "new", "label_key": "label", "prediction_key": "new"},
            {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
        ],
        "slicing_specs": [{}, {"feature_keys": ["side"]}],
        "metrics_specs": [{"metrics": [{"class_name": "AUC", "threshold": threshold}, {"class_name": "F1Score"}]}],
    } | more


def judged(table: pa.Table, config: Any = None, **policy: Any) -> Judgement:
    tables = Tables(config=config or config_with(), predictions=table)
    return judge(tables, ENGINE, Rules(policy=WrittenPolicy(**policy), sampling=SAMPLING))


def test_figures_do_not_depend_on_how_rows_are_cut() -> None:
    table = rows()
    batches = table.to_batches(max_chunksize=113)
    whole, cut = (
        evaluate_tables(Tables(config=config_with(), predictions=one), ENGINE, SAMPLING)[1]
        for one in (table, list(reversed(batches)))
    )
    for key, metrics in whole.figures.candidate.items():
        assert cut.figures.candidate[key] == pytest.approx(metrics, abs=1e-12)
    auc, f1_score = MetricKey(name="auc"), MetricKey(name="f1_score")
    drawn, drawn_cut = (one.changes["candidate"][()][f1_score] for one in (whole, cut))
    np.testing.assert_allclose(drawn, drawn_cut, atol=1e-12)
    area, area_cut = (one.closed[()][auc] for one in (whole, cut))
    np.testing.assert_allclose(area.covariance, area_cut.covariance, rtol=1e-9)


def test_points_decide_without_evidence() -> None:
    verdict = judged(rows(worse_by=0.1)).verdict
    assert not verdict.ok
    assert "p_value" not in verdict.checks[0].details


def test_bounds_are_shown_without_deciding() -> None:
    verdict = judged(rows(worse_by=0.1), significant="off").verdict
    lower, upper = verdict.checks[0].details["lower"], verdict.checks[0].details["upper"]
    observed, baseline = verdict.checks[0].observed, verdict.checks[0].baseline
    assert isinstance(lower, float)
    assert isinstance(upper, float)
    assert observed is not None
    assert baseline is not None
    assert lower < observed - baseline < upper
    assert not verdict.ok


def test_only_a_real_regression_blocks() -> None:
    noise = config_with(absolute=0.0)
    assert not judged(rows(), noise).verdict.ok
    passing = {"min_examples": 30, "insufficient": "pass"}
    assert judged(rows(), noise, significant="regression", **passing).verdict.ok
    assert not judged(rows(worse_by=0.1), noise, significant="regression", **passing).verdict.ok


def test_only_what_is_shown_not_worse_is_blessed() -> None:
    passing = {"insufficient": "pass"}
    assert judged(rows(), config_with(absolute=-0.05), significant="not_worse", **passing).verdict.ok
    tight = judged(rows(), config_with(absolute=-0.0003), significant="not_worse", **passing).verdict
    assert not tight.ok
    assert any("may be chance" in check.sentence for check in tight.failed)


def test_a_tiny_slice_says_so_and_follows_the_policy() -> None:
    verdict = judged(rows(), config_with(absolute=-0.5), significant="regression").verdict
    [check] = verdict.failed
    assert check.slice == "side=rare"
    assert check.sentence.startswith("Insufficient evidence (")
    assert "min_examples is 30" in check.sentence


def test_metrics_have_bounds_in_the_table_when_asked_for(tmp_path: Path) -> None:
    _, evaluation, _ = evaluate_tables(Tables(config=config_with(), predictions=rows()), ENGINE, SAMPLING)
    table = pq.read_table(write_metrics(tmp_path, evaluation))
    assert table.column_names == ["model", "slice", "metric", "value", "lower", "upper", "examples"]
    for row in table.to_pylist():
        # With a handful of rows some samples hold one class only, and there are no bounds of an area.
        assert row["lower"] is None or row["lower"] <= row["value"] <= row["upper"], row
    assert set(table.column("model").to_pylist()) == {"candidate", "baseline", "change"}
    _, evaluation, _ = evaluate_tables(Tables(config=config_with(), predictions=rows()), ENGINE)
    table = pq.read_table(write_metrics(tmp_path, evaluation))
    assert table.column_names == ["model", "slice", "metric", "value", "examples"]


def test_a_waived_failure_does_not_block_until_it_expires() -> None:
    waiver = Waiver(check="auc", slice="side=rare", who="ann", why="too few", expires=date(2026, 5, 1))
    tables = Tables(config=config_with(), predictions=rows())
    for today, ok in ((date(2026, 5, 1), True), (date(2026, 5, 2), False)):
        policy = WrittenPolicy(significant="regression")
        found = judge(tables, ENGINE, Rules(policy=policy, sampling=SAMPLING, waivers=(waiver,), today=today))
        assert found.verdict.ok == ok
    with raises("waivers.today"):
        Rules(waivers=(waiver,))


def test_an_error_of_the_lint_stops_before_anything_is_read() -> None:
    config = config_with()
    config["metrics_specs"][0]["metrics"].append({"class_name": "AUCC"})
    with raises("eval_config.unknown_metric", "AUCC", "AUC"):
        judge(Tables(config=config, predictions="no/such/file.csv"), ENGINE)


def test_a_table_without_rows_is_an_error() -> None:
    with raises("evaluator.no_examples"):
        judge(Tables(config=config_with(), predictions=rows().slice(0, 0)), ENGINE)


def test_a_rate_is_held_by_wilsons_bound() -> None:
    labels = np.arange(200) % 2
    table = pa.table({"label": labels, "new": labels * 0.8 + 0.1, "old": labels * 0.8 + 0.1, "side": ["x"] * 200})
    for lower, ok in ((0.97, True), (0.975, False)):  # Wilson's bound for 100 of 100 is 0.9737
        config = config_with()
        threshold = {"value_threshold": {"lower_bound": lower}}
        config["metrics_specs"] = [{"metrics": [{"class_name": "Recall", "threshold": threshold}]}]
        assert judged(table, config, significant="not_worse").verdict.ok == ok


def test_flip_rates_can_be_held() -> None:
    for upper, ok in ((0.9, True), (0.0001, False)):
        config = config_with()
        threshold = {"value_threshold": {"upper_bound": upper}}
        config["metrics_specs"] = [{"metrics": [{"class_name": "SymmetricFlipRate", "threshold": threshold}]}]
        assert judged(rows(), config).verdict.ok == ok


def test_a_threshold_says_what_must_be_significant_of_it() -> None:
    table = rows()
    for rule, ok in (("off", False), ("regression", True), ("not_worse", False)):
        config = config_with(absolute=0.0, policy={"insufficient": "pass"})
        config["metrics_specs"][0]["metrics"][0]["threshold"]["change_threshold"]["significant"] = rule
        verdict = judged(table, config).verdict
        assert verdict.ok == ok, (rule, verdict.summary)
        assert verdict.policy["significant"] == "off" if rule != "off" else "significant" not in verdict.policy


def test_areas_are_judged_by_delongs_form() -> None:
    table = rows(worse_by=0.02)
    found = judged(table, config_with(absolute=0.0), significant="off")
    labels, new, old = (table.column(name).to_numpy().astype(float) for name in ("label", "new", "old"))
    interval = delong(labels, [new, old]).difference().interval(0.9)
    check = found.verdict.checks[0]
    assert (check.details["lower"], check.details["upper"]) == pytest.approx((interval.lower, interval.upper))
    relative = config_with()
    relative["metrics_specs"][0]["metrics"][0]["threshold"]["change_threshold"] = {
        "direction": "HIGHER_IS_BETTER", "relative": 0.0}  # fmt: skip
    details = judged(table, relative, significant="off").verdict.checks[0].details
    drawn = judged(table.append_column("w", pa.array(np.full(len(labels), 2.0))), relative | {
        "model_specs": [spec | {"example_weight_key": "w"} for spec in relative["model_specs"]]
    }, significant="off").verdict.checks[0].details  # fmt: skip
    for bound in ("lower", "upper"):  # weighted rows are drawn; the two agree but for chance
        assert details[bound] == pytest.approx(drawn[bound], rel=0.15)


def test_the_smaller_class_is_what_an_area_is_made_of() -> None:
    table = rows()
    few = table.column("label").to_numpy() * (np.arange(table.num_rows) < 40)
    verdict = judged(table.set_column(0, "label", pa.array(few)), significant="regression").verdict
    assert f"Insufficient evidence ({few.sum()} examples that auc is made of" in verdict.checks[0].sentence


def test_slices_are_held_against_each_other() -> None:
    spec = {"baseline_spec": {}, "slicing_specs": [{"feature_keys": ["side"]}]}
    config = config_with(cross_slicing_specs=[spec], policy={"significant": "regression", "insufficient": "pass"})
    threshold = {"value_threshold": {"upper_bound": 0.01}}
    metric = {"class_name": "AUC", "cross_slice_thresholds": [{"cross_slicing_specs": [spec], "threshold": threshold}]}
    config["metrics_specs"] = [{"metrics": [metric]}]
    even = rows()
    sides = even.column("side").to_numpy()
    worse = np.where(sides == "left", np.random.default_rng(5).uniform(size=len(sides)), even.column("new").to_numpy())
    assert judged(even, config).verdict.ok
    verdict = judged(even.set_column(even.schema.get_field_index("new"), "new", pa.array(worse)), config).verdict
    assert [check.slice for check in verdict.failed if check.severity == "error"] == ["Overall vs side=left"]


def test_rankings_are_drawn_by_query() -> None:
    rng = np.random.default_rng(2)
    queries, size = 300, 10
    gains = rng.integers(0, 3, queries * size).astype(float)
    old = gains + rng.normal(0, 1.5, len(gains))
    table = pa.table({"query": np.repeat(np.arange(queries), size), "label": gains, "old": old,
                      "new": old + rng.normal(0, 0.05, len(gains))})  # fmt: skip
    worse = table.set_column(3, "new", pa.array(gains + rng.normal(0, 3, len(gains))))
    config = config_with(slicing_specs=[{}], policy={"significant": "regression"})
    config["metrics_specs"][0] |= {"query_key": "query"}
    config["metrics_specs"][0]["metrics"] = [
        {"class_name": "NDCG", "config": {"gain_key": "label"},
         "threshold": {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0.0}}}]  # fmt: skip
    found = judged(table, config).verdict
    assert found.ok, found.summary
    lower, upper = found.checks[0].details["lower"], found.checks[0].details["upper"]
    assert isinstance(lower, float)
    assert isinstance(upper, float)
    assert 0 < upper - lower < 0.02
    assert not judged(worse, config).verdict.ok


def test_what_makes_a_figure_nan_is_counted() -> None:
    table = rows()
    new = table.column("new").to_numpy().copy()
    new[[3, 17]] = np.nan
    verdict = judged(table.set_column(table.schema.get_field_index("new"), "new", pa.array(new))).verdict
    assert not verdict.ok
    [missing] = [check for check in verdict.checks if check.kind == "missing_values"]
    assert missing.sentence == (
        f"2 of {table.num_rows} rows have no number for the candidate's prediction 'new', row 3 first "
        "(counted from 0): what includes them is NaN."
    )
    assert not [check for check in judged(rows()).verdict.checks if check.kind == "missing_values"]


def test_a_threshold_holds_each_rank_of_a_ranking() -> None:
    rng = np.random.default_rng(2)
    gains = rng.integers(0, 3, 1000).astype(float)
    table = pa.table({"query": np.repeat(np.arange(100), 10), "label": gains,
                      "old": gains + rng.normal(0, 1, 1000), "new": gains + rng.normal(0, 1, 1000)})  # fmt: skip
    config = config_with(slicing_specs=[{}])
    threshold = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": -0.2}}
    metric = {"class_name": "NDCG", "config": {"gain_key": "label", "top_k_list": [3, 5]}, "threshold": threshold}
    config["metrics_specs"] = [{"query_key": "query", "metrics": [metric]}]
    for policy in ({}, {"significant": "not_worse"}):
        verdict = judged(table, config, **policy).verdict
        assert verdict.ok, verdict.summary
        assert [check.subject for check in verdict.checks] == ["ndcg [topK:3]", "ndcg [topK:5]"]
