"""Rows that splits share: pairs, types that differ between splits, and what cannot be asked."""

from __future__ import annotations

from functools import partial
from typing import Any

import pyarrow as pa

from assay.errors import DataError
from assay.validation.leakage import find_leakage
from raising import raises


def reduce(batch: pa.RecordBatch, accumulator: Any) -> Any:
    return accumulator.extract(accumulator.add_batch(accumulator.create(), batch))


def split(**columns: Any) -> Any:
    return partial(reduce, pa.RecordBatch.from_pydict(columns))


def test_each_two_splits_are_compared() -> None:
    pairs = find_leakage({"train": split(id=[1, 2]), "eval": split(id=[2, 3]), "test": split(id=[4])})
    assert [(pair.splits, pair.ok) for pair in pairs] == [
        (("train", "eval"), False),
        (("train", "test"), True),
        (("eval", "test"), True),
    ]
    assert pairs[0].sentence == (
        "train and eval share 1 distinct rows: 1 rows of train (50.00%) and 1 of eval (50.00%)."
    )
    assert pairs[1].sentence == "train and test share no row."


def test_types_that_hold_the_same_value_are_equal() -> None:
    one = split(x=pa.array([0.1, 5, None], pa.float32()), y=["a", "b", "c"])
    other = split(x=pa.array([0.1, 5, float("nan")], pa.float64()), y=[b"a", b"b", b"c"])
    (pair,) = find_leakage({"train": one, "eval": other})
    assert pair.num_distinct == 3
    assert pair.samples[0].values == {"x": 0.1, "y": "a"}


def test_lists_are_compared_in_order() -> None:
    (pair,) = find_leakage({"train": split(x=[[1, 2], [3]]), "eval": split(x=[[2, 1], [3, 3]])})
    assert pair.ok


def test_a_column_that_no_split_has_is_refused() -> None:
    with raises("leakage.unknown_column", "idd", "id"):
        find_leakage({"train": split(id=[1]), "eval": split(id=[1])}, ["idd"])


def test_one_split_is_refused() -> None:
    with raises("leakage.one_split"):
        find_leakage({"train": split(id=[1])})


def test_splits_that_can_share_no_row_are_not_called_clean() -> None:
    """The same trips without their label, or with a cell that made text of a column of numbers, would go unseen."""
    train, unlabelled = split(id=[1, 2], label=[0, 1]), split(id=[1, 2])
    for order in ({"train": train, "eval": unlabelled}, {"eval": unlabelled, "train": train}):
        with raises("leakage.different_columns", "eval", "label", "train"):
            find_leakage(order)
    (pair,) = find_leakage({"train": train, "eval": unlabelled}, ["id"])
    assert pair.num_distinct == 2
    with raises("leakage.different_types", "id", "int64", "eval", kind=DataError):
        find_leakage({"train": split(id=["1", "N/A"]), "eval": split(id=[1, 2])})


def test_a_column_that_only_some_rows_have_may_be_absent() -> None:
    """As in TFRecords, where a feature that no row of a split has is no column."""
    (pair,) = find_leakage({"train": split(id=[1, 2], rare=[None, 7]), "eval": split(id=[1, 2])})
    assert pair.num_distinct == 1
    assert all(pair.ok for pair in find_leakage({"train": split(id=[1]), "eval": split(id=pa.nulls(1))}))
