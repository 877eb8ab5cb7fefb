"""The ways in which TFX's and TFMA's gates pass, or block, without a word: one test each that ours does neither.

The incumbents' behaviour stands above each test, with the issue where there is one. What belongs to data validation has
its tests with ExampleValidator; half a push that a server sees is `test_serving_watcher`, attacks are `test_attacks`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from release_scene import Scene
from typer.testing import CliRunner, Result

from assay.cli.main import app

UP = {"direction": "HIGHER_IS_BETTER"}


def table(size: int = 400, *, rare: int = 0) -> pa.Table:
    rng = np.random.default_rng(0)
    labels = np.arange(size) % 2
    old = np.clip(0.25 + 0.5 * labels + rng.normal(0, 0.3, size), 0.01, 0.99)
    new = np.clip(old + rng.normal(0, 0.02, size), 0.01, 0.99)
    side = np.where(np.arange(size) < rare, "rare", "common")
    return pa.table({"id": np.arange(size), "label": labels, "old": old, "new": new, "side": side})


def config(threshold: Any, metric: str = "AUC", **more: Any) -> dict[str, Any]:
    held = {"class_name": metric} | ({"threshold": threshold} if threshold is not None else {})
    return {
        "model_specs": [
            {"name": "new", "label_key": "label", "prediction_key": "new"},
            {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
        ],
        "slicing_specs": [{}, {"feature_keys": ["side"]}],
        "metrics_specs": [{"metrics": [held]}],
    } | more


def gate(folder: Path, wanted: dict[str, Any], *more: str, rows: pa.Table | None = None) -> Result:
    pq.write_table(table() if rows is None else rows, folder / "predictions.parquet")
    (folder / "gate.json").write_text(json.dumps(wanted))
    files = ["--predictions", str(folder / "predictions.parquet"), "--config", str(folder / "gate.json")]
    return CliRunner().invoke(app, ["gate", *files, "-o", str(folder / "out"), *more])


def verdict(folder: Path) -> Any:
    return json.loads((folder / "out" / "verdict.json").read_text(encoding="utf-8"))


# Evaluator with no thresholds writes neither BLESSED nor NOT_BLESSED, and no property `blessed` (tfx #5148).
def test_no_thresholds_at_all_do_not_bless(tmp_path: Path) -> None:
    assert gate(tmp_path, config(None)).exit_code == 4
    assert "sets no threshold" in verdict(tmp_path)["summary"]


# Evaluator calls TFMA with rubber_stamp=True: where the baseline is lost, change thresholds are dropped, and it passes.
def test_a_lost_baseline_is_no_first_run(tmp_path: Path) -> None:
    change = config({"change_threshold": UP | {"absolute": 0.5}})
    gone = gate(tmp_path, change, "--baseline-predictions", str(tmp_path / "gone.parquet"))
    assert gone.exit_code == 1
    assert "gone.parquet" in gone.output
    without = gate(tmp_path, change, rows=table().drop(["old"]))
    assert without.exit_code == 1
    assert "the column 'old'" in without.output
    assert not (tmp_path / "out" / "verdict.json").exists()


# A baseline that stands in the configuration as the candidate's own column compares the model with itself.
def test_a_model_is_not_compared_with_itself(tmp_path: Path) -> None:
    itself = config({"change_threshold": UP | {"absolute": 0}})
    itself["model_specs"][1]["prediction_key"] = "new"
    assert gate(tmp_path, itself, "--first-run", "block").exit_code == 4
    assert "no baseline" in verdict(tmp_path)["summary"]


# A configuration of change thresholds only is never blessed on its first run, so there is never a baseline.
def test_the_first_run_has_a_way_out_and_says_so(tmp_path: Path) -> None:
    first = config({"change_threshold": UP | {"absolute": 0}})
    del first["model_specs"][1]
    assert gate(tmp_path, first).exit_code == 0
    assert "nothing was checked" in verdict(tmp_path)["summary"]
    assert any(check["id"] == "first_run" and check["severity"] == "warning" for check in verdict(tmp_path)["checks"])


# A change threshold without a direction fails every model, with a message that nobody looks for.
def test_a_change_without_a_direction_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    done = gate(tmp_path, config({"change_threshold": {"absolute": 0}}))
    assert done.exit_code == 2
    assert "change_threshold has no direction" in done.output


# TFMA's documentation says that a relative change is v_c / v_b, its code (v_c - v_b) / v_b (TFMA #520).
def test_a_relative_change_is_the_difference_over_the_baseline(tmp_path: Path) -> None:
    rows = table(4).set_column(2, "old", pa.array([0.9] * 4)).set_column(3, "new", pa.array([0.6] * 4))
    for relative, code in ((-0.34, 0), (-0.33, 4)):
        held = config({"change_threshold": UP | {"relative": relative}}, "MeanPrediction")
        assert gate(tmp_path, held, rows=rows).exit_code == code


# Relative to a baseline of 0 TFMA's ratio is NaN: it fails, and nothing says why.
def test_a_change_relative_to_zero_says_what_to_do(tmp_path: Path) -> None:
    rows = table(60).set_column(2, "old", pa.array(np.zeros(60)))
    held = config({"change_threshold": UP | {"relative": -0.5}}, "Recall")
    assert gate(tmp_path, held, rows=rows).exit_code == 4
    assert "a change relative to 0 has no value. Set an absolute threshold" in verdict(tmp_path)["summary"]


# min_slice_size takes a small slice's metrics away, and a threshold on all slices then fails for "Metric not found": a
# rare value fails the release.
def test_a_slice_too_small_to_be_computed_fails_nothing_unless_it_is_named(tmp_path: Path) -> None:
    held = {"value_threshold": {"lower_bound": 0.5}}
    small = config(held, options={"min_slice_size": 50})
    assert gate(tmp_path, small, rows=table(rare=7)).exit_code == 0
    assert {check["slice"] for check in verdict(tmp_path)["checks"]} == {"Overall", "side=common"}
    named = {"slicing_specs": [{"feature_values": {"side": "rare"}}], "threshold": held}
    small["metrics_specs"][0]["metrics"] = [{"class_name": "AUC", "per_slice_thresholds": [named]}]
    assert gate(tmp_path, small, rows=table(rare=7)).exit_code == 4
    assert "auc on side=rare" in verdict(tmp_path)["summary"]


# With TFMA a slice that the configuration never makes, or a metric by a wrong name, is found out in the result.
def test_a_slice_that_nothing_makes_is_refused_before_anything_is_computed(tmp_path: Path) -> None:
    named = {"slicing_specs": [{"feature_keys": ["region"]}], "threshold": {"value_threshold": {"lower_bound": 0.5}}}
    wanted = config(None)
    wanted["metrics_specs"][0]["metrics"] = [{"class_name": "AUC", "per_slice_thresholds": [named]}]
    done = gate(tmp_path, wanted)
    assert done.exit_code == 2
    assert "region=*" in done.output


# Thresholds compare point estimates only: bounds are computed, shown, and not used.
@pytest.mark.parametrize(("significant", "code"), [(None, 4), ("regression", 0), ("not_worse", 4)])
def test_bounds_decide_where_that_is_asked_for(tmp_path: Path, significant: str | None, code: int) -> None:
    noise = config({"change_threshold": UP | {"absolute": 0}})
    # Another training of the same model, so to speak: as good, and a little lower by chance.
    noise_of_new = np.random.default_rng(6).normal(0, 0.3, 400)
    again = np.clip(0.25 + 0.5 * (np.arange(400) % 2) + noise_of_new, 0.01, 0.99)
    rows = table().set_column(3, "new", pa.array(again))
    more = [] if significant is None else ["--significant", significant]
    assert gate(tmp_path, noise, *more, rows=rows).exit_code == code
    assert ("lower" in verdict(tmp_path)["checks"][0]["details"]) == (significant is not None)


# A metric that is NaN compares false with everything: whether that passes depends on how a limit is written.
@pytest.mark.parametrize("bound", ["lower_bound", "upper_bound"])
def test_nan_keeps_no_limit_and_no_rule_of_evidence_lets_it_pass(tmp_path: Path, bound: str) -> None:
    new = table().column("new").to_numpy().copy()
    new[5] = np.nan
    held = config({"value_threshold": {bound: 0.5}}, "MeanPrediction")
    rows = table().set_column(3, "new", pa.array(new))
    for more in ([], ["--significant", "regression", "--insufficient", "pass"]):
        assert gate(tmp_path, held, *more, rows=rows).exit_code == 4
        assert "NaN" in verdict(tmp_path)["summary"]


# TFX's blessing is an empty file: nobody learns why a model was not blessed (tfx #2376).
def test_a_model_that_is_not_blessed_is_told_why(tmp_path: Path) -> None:
    assert gate(tmp_path, config({"value_threshold": {"lower_bound": 0.999}})).exit_code == 4
    failed = [check for check in verdict(tmp_path)["checks"] if not check["ok"]]
    assert all(check["observed"] < check["limit"] == 0.999 for check in failed)
    assert failed[0]["limit_origin"] == "eval_config.metrics_specs[0].metrics[0].threshold.value_threshold.lower_bound"


# Rows of two tables that do not belong together give figures, and the figures a verdict.
def test_rows_that_do_not_belong_together_are_an_error(tmp_path: Path) -> None:
    both = table()
    other = tmp_path / "old.parquet"
    wanted = config({"change_threshold": UP | {"absolute": -0.5}})
    joined = ["--baseline-predictions", str(other), "--join-on", "id"]
    for rows, said in (
        (both.slice(0, 399), "1 are not in the baseline's table"),
        (pa.concat_tables([both, both.slice(0, 1)]), "repeated values"),
        (both.set_column(1, "label", pa.array(1 - both.column("label").to_numpy())), "are not the same under 'id'"),
    ):
        pq.write_table(rows.drop(["new"]), other)
        done = gate(tmp_path, wanted, *joined, rows=both.drop(["old"]))
        assert done.exit_code == 1
        assert said in done.output


# Pusher that was not blessed succeeds with pushed=0: the run looks green.
def test_a_push_that_is_refused_does_not_look_like_one_that_was_made(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.blessing = scene.bless(scene.model, "no", ok=False)
    arguments = [str(scene.model.path), "--to", str(tmp_path / "serving"), "--blessing", str(scene.blessing.path)]
    done = CliRunner().invoke(app, ["push", *arguments])
    assert done.exit_code == 4
    assert "does not bless the model: auc is below 0.8" in done.output
    assert not list((tmp_path / "serving").glob("[0-9]*"))


# Pusher without a blessing pushes with a warning in a log.
def test_a_push_without_a_blessing_must_be_meant(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    arguments = ["push", str(scene.model.path), "--to", str(tmp_path / "serving")]
    assert CliRunner().invoke(app, arguments).exit_code == 2
    done = CliRunner().invoke(app, [*arguments, "--unblessed"])
    assert done.exit_code == 0
    assert "nothing vouched for this model" in done.output
    assert "unblessed" in CliRunner().invoke(app, ["versions", str(tmp_path / "serving")]).output


# A blessing is joined to its model by an id or a path: copied beside another model, it blesses that too.
def test_a_blessing_does_not_bless_another_model(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    other = scene.make_model("other", b"bad weights")
    arguments = [str(other.path), "--to", str(tmp_path / "serving"), "--blessing", str(scene.blessing.path)]
    assert CliRunner().invoke(app, ["push", *arguments]).exit_code == 4
    assert CliRunner().invoke(app, ["verify", str(scene.blessing.path), str(other.path)]).exit_code == 4


# Two pushes in one second are one version: the second is lost.
def test_two_pushes_in_one_second_are_two_versions(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    for name in ("model", "second"):
        model = scene.model if name == "model" else scene.make_model(name, b"other weights")
        arguments = [str(model.path), "--to", str(tmp_path / "serving"), "--unblessed"]
        assert CliRunner().invoke(app, ["push", *arguments]).exit_code == 0
    assert len(list((tmp_path / "serving").glob("[0-9]*"))) == 2
