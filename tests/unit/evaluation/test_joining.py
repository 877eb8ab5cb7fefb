"""Rows of two tables: never joined in an order that a shared column contradicts, and never by order without a word."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.engines.embedded import EmbeddedEngine
from assay.evaluation.judgement import Tables, judge
from assay.gating.verdict import Verdict
from raising import raises

ROWS = 400
CONFIG = {
    "model_specs": [{"label_key": "label", "prediction_key": "score"}],
    "slicing_specs": [{}, {"feature_keys": ["region"]}],
    "metrics_specs": [
        {
            "metrics": [
                {
                    "class_name": "AUC",
                    "threshold": {"change_threshold": {"direction": "HIGHER_IS_BETTER", "absolute": -0.02}},
                }
            ]
        }
    ],
}


def tables(seed: int = 3) -> tuple[pa.Table, pa.Table]:
    """Return a candidate's table, and a better baseline's in the same order."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, ROWS)
    shared = {
        "id": np.arange(ROWS) + 1000,
        "label": label,
        "region": rng.choice(["n", "s"], ROWS),
        "amount": rng.normal(size=ROWS).round(1),
    }
    score = 0.5 * label + 0.5 * rng.uniform(size=ROWS)
    return pa.table(shared | {"score": rng.uniform(size=ROWS)}), pa.table(shared | {"score": score})


def judged(ours: pa.Table, theirs: pa.Table, config: Any = CONFIG, **more: Any) -> Verdict:
    return judge(Tables(config=config, predictions=ours, baseline_predictions=theirs, **more), EmbeddedEngine()).verdict


def doubts(verdict: Verdict) -> list[str]:
    return [check.sentence for check in verdict.checks if check.kind == "pairing"]


@given(
    st.integers(0, 2**32 - 1),
    st.sets(st.sampled_from(["id", "label", "region", "amount"])),
    st.booleans(),
)
def test_a_baseline_in_another_order_is_never_taken_in_silence(seed: int, kept: set[str], by_label: bool) -> None:
    ours, theirs = tables()
    order = np.random.default_rng(seed).permutation(ROWS).tolist()
    if by_label:  # both tables sorted by the label, as a database may return them
        ours = ours.sort_by([("label", "ascending")])
        order.sort(key=lambda row: theirs.column("label")[row].as_py())
    theirs = theirs.take(order).select([*sorted(kept), "score"])
    if not kept or (by_label and kept == {"label"}):  # nothing that they share tells the two orders apart
        assert doubts(judged(ours, theirs))
    else:
        with raises("predictions.other_rows"):
            judged(ours, theirs)
    if "id" in kept:
        assert not doubts(judged(*tables(), join_on="id"))


@given(st.sets(st.sampled_from(["id", "label", "region", "amount"]), min_size=1))
def test_one_order_is_confirmed_by_what_the_tables_share(kept: set[str]) -> None:
    ours, theirs = tables()
    assert doubts(judged(ours, theirs.select([*sorted(kept), "score"]))) == []


def test_a_column_that_names_rows_is_suggested() -> None:
    ours, theirs = tables()
    with raises("predictions.other_rows", "label", "400") as raised:
        judged(ours, theirs.sort_by([("score", "ascending")]))
    assert raised.value.hint == "Join the tables by 'id': join_on='id'."


@pytest.mark.parametrize(
    ("name", "values"), [("region", ["x", *["n"] * (ROWS - 1)]), ("label", [0] * ROWS), ("w", [2.0] * ROWS)]
)
def test_joined_by_an_id_what_is_read_of_both_tables_must_agree(name: str, values: list[Any]) -> None:
    ours, theirs = (table.append_column("w", pa.array([1.0] * ROWS)) for table in tables())
    config = CONFIG | {"model_specs": [{"label_key": "label", "prediction_key": "score", "example_weight_key": "w"}]}
    other = theirs.set_column(theirs.schema.get_field_index(name), name, pa.array(values))
    with raises("predictions.other_rows", "id", name):
        judged(ours, other, config, join_on="id")


def test_columns_of_each_run_are_not_those_of_rows() -> None:
    # A version, a time of its own and another decision are what two models' tables differ in.
    ours, theirs = tables()
    for table_name, version in (("ours", "v2"), ("theirs", "v1")):
        table = ours if table_name == "ours" else theirs
        decided = pa.array(np.asarray(table.column("score")) > (0.5 if version == "v1" else 0.52))
        table = table.append_column("version", pa.array([version] * ROWS)).append_column("decided", decided)
        ours, theirs = (table, theirs) if table_name == "ours" else (ours, table)
    assert doubts(judged(ours, theirs)) == []


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (pa.array(["2024-03-01T10:00:00"]), pa.array(["2024-03-01T10:00"]).cast(pa.timestamp("us"))),
        (pa.array([True]), pa.array(["True"])),
        (pa.array([1.5], pa.float32()), pa.array([1.5])),
        (pa.array([0.1], pa.float32()), pa.array([0.1])),
        (pa.array([1], pa.int8()), pa.array([1.0])),
        (pa.array(["a"]).dictionary_encode(), pa.array(["a"], pa.large_string())),
        (pa.array([None], pa.int64()), pa.array([float("nan")])),
        (pa.array([[1, 2]]), pa.array([[1, 2]], pa.large_list(pa.int64()))),
    ],
)
def test_one_value_in_two_types_is_the_same(ours: pa.Array, theirs: pa.Array) -> None:
    tables = (pa.table({"id": [1], "label": [1], "region": one, "score": [0.5]}) for one in (ours, theirs))
    judged(*tables, join_on="id")


def test_ids_of_each_table_alone_are_a_doubt() -> None:
    ours, theirs = tables()
    fresh = theirs.set_column(0, "id", pa.array(np.arange(ROWS) + 9000)).select(["id", "score"])
    [sentence] = doubts(judged(ours, fresh))
    assert "the values of 'id', one for each row, are others in each table" in sentence


def test_the_doubt_is_in_the_first_sentence() -> None:
    ours, theirs = tables()
    verdict = judged(theirs, ours.select(["score"]))
    assert verdict.ok
    assert "joined by the order of their rows" in verdict.summary


def test_one_table_twice_is_refused(tmp_path: Any) -> None:
    ours, _ = tables()
    with raises("predictions.same_table", "score"):
        judged(ours, ours)


def test_equal_predictions_are_said() -> None:
    ours, _ = tables()
    verdict = judged(ours, ours.slice(0))
    assert verdict.ok
    assert "Candidate and baseline predict the same on all 400 rows" in verdict.summary


def test_one_id_that_differs_is_refused() -> None:
    ours, theirs = tables()
    ids = np.arange(ROWS) + 1000
    ids[7] = ids[8]
    with raises("predictions.other_rows", "id", "1", "400", "1007", "1008", "8"):
        judged(ours, theirs.set_column(0, "id", pa.array(ids)))
