"""Rows by which a failing slice became worse: the worst first, whatever the kind of prediction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from assay.engines.embedded.engine import EmbeddedEngine
from assay.evaluation.judgement import Judgement, Tables, judge
from assay.evaluation.worst_rows import MOST_ROWS
from assay.gating.markdown import to_markdown

ENGINE = EmbeddedEngine(threads=1)
CHANGE = {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": 0.0}}


def judged(
    table: Any, metric: str = "BinaryAccuracy", threshold: Any = None, baseline: Any = None, **more: Any
) -> Judgement:
    config = {
        "model_specs": [
            {"name": "new", "label_key": "label", "prediction_key": "new"},
            {"name": "old", "label_key": "label", "prediction_key": "old", "is_baseline": True},
        ],
        "slicing_specs": [{}, {"feature_keys": ["side"]}],
        "metrics_specs": [{"metrics": [{"class_name": metric, "threshold": threshold or CHANGE}]}],
    }
    return judge(Tables(config=config, predictions=table, baseline_predictions=baseline, **more), ENGINE)


def table(size: int = 60) -> pa.Table:
    """The candidate is wrong on every fifth row of side `l`, by more and more."""
    rows = np.arange(size)
    label = rows % 2
    old = np.where(label == 1, 0.9, 0.1)
    side = np.where(rows < size // 2, "l", "r")
    flipped = (rows % 5 == 0) & (side == "l")
    worse = 0.5 + 0.4 * rows / size
    new = np.where(flipped, np.where(label == 1, 0.9 - worse, 0.1 + worse), old)
    return pa.table({"id": [f"r{row}" for row in rows], "label": label, "old": old, "new": new, "side": side})


def test_the_worst_rows_of_each_failing_slice_come_first() -> None:
    found = judged(table())
    assert found.flips is not None
    assert found.flips.column_names == ["slice", "rank", "row", "worse_by", "id", "label", "old", "new", "side"]
    for name in ("Overall", "side=l"):
        rows = [row for row in found.flips.to_pylist() if row["slice"] == name]
        assert [row["row"] for row in rows] == [25, 20, 15, 10, 5, 0]
        assert [row["rank"] for row in rows] == [1, 2, 3, 4, 5, 6]
        assert rows[0]["worse_by"] == pytest.approx(0.5 + 0.4 * 25 / 60)
    assert "side=r" not in found.flips.column("slice").to_pylist()


def test_the_verdict_and_its_summary_name_them() -> None:
    found = judged(table()).verdict
    failed = {check.slice: check.details["flips"] for check in found.failed}
    assert failed["side=l"] == failed["Overall"]
    assert isinstance(failed["side=l"], list)
    assert failed["side=l"][0] == "row 25: label 1, candidate 0.233333, baseline 0.9"
    assert "| side=l | row 25: label 1, candidate 0.233333, baseline 0.9<br>" in to_markdown(found)
    assert not any("flips" in check.details for check in found.checks if check.ok)


def test_rows_that_are_joined_are_named_by_their_id() -> None:
    both = table()
    ours, theirs = both.drop(["old"]), both.select(["id", "old"]).take(np.arange(59, -1, -1))
    found = judged(ours, baseline=theirs, join_on="id").verdict
    assert found.failed[0].details["flips"][0] == "id=r25: label 1, candidate 0.233333, baseline 0.9"  # type: ignore[index]  # a list


def test_no_failure_and_no_baseline_give_no_rows() -> None:
    same = table().set_column(3, "new", table().column("old"))
    assert judged(same).flips is None
    value = {"value_threshold": {"lower_bound": 0.99}}
    alone = judge(
        Tables(
            config={
                "model_specs": [{"label_key": "label", "prediction_key": "new"}],
                "metrics_specs": [{"metrics": [{"class_name": "BinaryAccuracy", "threshold": value}]}],
            },
            predictions=table(),
        ),
        ENGINE,
    )
    assert not alone.verdict.ok
    assert alone.flips is None


def test_a_prediction_that_is_nan_is_the_worst_of_all() -> None:
    new = table().column("new").to_numpy().copy()
    new[42] = np.nan
    found = judged(table().set_column(3, "new", pa.array(new)))
    assert found.flips is not None
    assert found.flips.slice(0, 1).to_pylist()[0]["row"] == 42
    assert found.flips.slice(0, 1).to_pylist()[0]["worse_by"] == np.inf


def test_classes_are_compared_by_what_the_label_lost() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 40)
    old = np.eye(3)[labels] * 0.7 + 0.1
    new = old.copy()
    new[7] = np.roll(new[7], 1)
    data = pa.table({"label": labels, "old": list(old), "new": list(new), "side": ["x"] * 40})
    found = judged(data, "SparseCategoricalAccuracy")
    assert found.flips is not None
    assert set(found.flips.column("row").to_pylist()) == {7}
    assert found.flips.column("worse_by").to_pylist()[0] == pytest.approx(0.7)


def test_a_table_that_has_columns_of_these_names_keeps_them() -> None:
    renamed = table().rename_columns(["row", "label", "old", "new", "side"])
    found = judged(renamed)
    assert found.flips is not None
    assert found.flips.column_names[4] == "row_"


def test_many_rows_are_cut_to_the_worst() -> None:
    size = 4000
    label = np.ones(size, dtype=int)
    new = np.random.default_rng(1).uniform(size=size)
    data = pa.table({"label": label, "old": np.full(size, 0.9), "new": new, "side": ["x"] * size})
    found = judged(data)
    assert found.flips is not None
    assert found.flips.num_rows == 2 * MOST_ROWS
    expected = np.argsort(new, kind="stable")[:MOST_ROWS]
    assert found.flips.column("row").to_pylist()[:MOST_ROWS] == expected.tolist()
    batches = data.to_batches(max_chunksize=333)
    cut = judged(batches)
    assert cut.flips is not None
    assert cut.flips.equals(found.flips)


def test_rows_where_the_candidate_did_better_are_none() -> None:
    labels = np.arange(30) % 3
    old = np.eye(3)[labels] * 0.7 + 0.1
    old[::5] = np.roll(old[::5], 1, axis=1)
    new = np.eye(3)[labels] * 0.7 + 0.1
    new[::10] = np.roll(new[::10], 1, axis=1)
    data = pa.table({"label": labels, "old": list(old), "new": list(new), "side": ["x"] * 30})
    found = judged(data, "SparseCategoricalAccuracy", {"value_threshold": {"lower_bound": 0.99}})
    assert not found.verdict.ok
    assert found.flips is not None
    assert found.flips.num_rows == 0
    assert not any("flips" in check.details for check in found.verdict.checks)
    assert "did most worse" not in to_markdown(found.verdict)


def test_a_label_that_is_wrongly_said_to_hold_is_worse_too() -> None:
    labels = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.0, 0.0]])
    old = labels * 0.8 + 0.1
    new = old.copy()
    new[3] = [0.1, 0.9]
    data = pa.table({"label": list(labels), "old": list(old), "new": list(new), "side": ["x"] * 4})
    found = judged(data, "CategoricalCrossentropy", {"value_threshold": {"upper_bound": 0.0}})
    assert found.flips is not None
    assert set(found.flips.column("row").to_pylist()) == {3}
    assert found.flips.column("worse_by").to_pylist()[0] == pytest.approx(0.4)
