"""The candidate's and the baseline's rows side by side, or an error: never rows that do not belong together."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from assay.evaluation.config import read_config
from assay.evaluation.tables import open_predictions
from raising import raises

ONE = {"model_specs": [{"label_key": "label", "prediction_key": "score"}]}
OURS = pa.table({"id": ["a", "b", "c"], "label": [0, 1, 1], "score": [0.1, 0.2, 0.3]})


def opened(ours: pa.Table, theirs: pa.Table | None = None, config: Any = None, **more: Any) -> tuple[Any, list[Any]]:
    found = open_predictions(read_config(config or ONE).eval_config, ours, theirs, **more)
    [shard] = found.source.shards
    [batch] = shard.batches()
    column = found.keys.baseline
    return found.keys, [] if column is None else batch.column(batch.schema.get_field_index(column)).to_pylist()


def test_one_table_with_a_column_for_each_model() -> None:
    config = {
        "model_specs": [
            {"name": "n", "label_key": "label", "prediction_key": "score", "example_weight_key": "w"},
            {"name": "o", "label_key": "label", "prediction_key": "old", "is_baseline": True},
        ]
    }
    table = OURS.append_column("old", pa.array([0.4, 0.5, 0.6])).append_column("w", pa.array([1, 2, 3]))
    keys, baseline = opened(table, config=config)
    assert (keys.candidate, keys.baseline, keys.weight) == ("score", "old", "w")
    assert baseline == [0.4, 0.5, 0.6]


def test_a_baseline_with_the_candidates_column_is_no_baseline() -> None:
    config = {
        "model_specs": [
            {"name": "n", "label_key": "label", "prediction_key": "score"},
            {"name": "o", "prediction_key": "score", "is_baseline": True},
        ]
    }
    assert opened(OURS, config=config)[0].baseline is None


def test_two_tables_by_row_order_and_by_id() -> None:
    theirs = pa.table({"id": ["c", "a", "b"], "label": [1, 0, 1], "score": [0.9, 0.7, 0.8]})
    assert opened(OURS, theirs, join_on="id")[1] == [0.7, 0.8, 0.9]
    assert opened(OURS, theirs.select(["score"]))[1] == [0.9, 0.7, 0.8]


def test_ids_of_other_integer_types_match() -> None:
    ours = OURS.set_column(0, "id", pa.array([1, 2, 3], pa.int32()))
    theirs = pa.table({"id": pa.array([3, 2, 1], pa.int64()), "score": [0.3, 0.2, 0.1]})
    assert opened(ours, theirs, join_on="id")[1] == [0.1, 0.2, 0.3]


def table(**columns: Any) -> pa.Table:
    return pa.table({"id": ["a", "b", "c"], "label": [0, 1, 1], "score": [0.1, 0.2, 0.3]} | columns)


@pytest.mark.parametrize(
    ("theirs", "join_on", "expected"),
    [
        (table(label=[1, 0, 1]), None, ("predictions.other_rows", "label", "2", "3", "0", "1")),
        (table(label=[1, 0, 1]), "id", ("predictions.other_rows", "id")),
        (table().slice(1), None, ("predictions.row_count", "3", "2")),
        (table(id=["a", "b", "x"]), "id", ("predictions.unmatched", "1")),
        (table(id=["a", "a", "b"]), "id", ("predictions.ids",)),
        (table(id=["a", None, "b"]), "id", ("predictions.ids",)),
        (
            table(id=[[1], [2], [3]]).rename_columns(["other", "label", "score"]),
            "id",
            ("predictions.no_such_column", "id"),
        ),
        (table().rename_columns(["id", "label", "scores"]), None, ("predictions.no_such_column", "scores")),
    ],
)
def test_rows_that_do_not_belong_together_are_refused(
    theirs: pa.Table, join_on: str | None, expected: tuple[str, ...]
) -> None:
    with raises(*expected):
        opened(OURS, theirs, join_on=join_on)


def test_a_join_needs_a_second_table() -> None:
    with raises("predictions.join"):
        opened(OURS, join_on="id")


def test_no_candidate_and_different_labels_are_refused() -> None:
    config: Any = {"model_specs": [{"label_key": "l", "prediction_key": "p", "is_baseline": True}]}
    with raises("eval_config.models", "0"):
        opened(OURS, config=config)
    config = {
        "model_specs": [
            {"name": "n", "label_key": "label", "prediction_key": "score"},
            {"name": "o", "label_key": "other", "prediction_key": "old", "is_baseline": True},
        ]
    }
    with raises("eval_config.models", "label_key"):
        opened(OURS, config=config)


def test_a_label_that_is_missing_in_both_tables_is_the_same() -> None:
    ours = pa.table({"label": [0.0, float("nan")], "score": [0.1, 0.2]})
    assert opened(ours, ours.slice(0))[1] == [0.1, 0.2]
    with raises("predictions.other_rows", "label", "1", "2", "nan", "1.0"):
        opened(ours, pa.table({"label": [0.0, 1.0], "score": [0.1, 0.2]}))
