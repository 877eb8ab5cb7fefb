from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from assay.kernels.metrics.slices import CellIndex, SliceKey, SlicingSpec, cells_of
from raising import raises


def rows_of_slices(batch: pa.RecordBatch, *specs: SlicingSpec) -> dict[SliceKey, list[int]]:
    """Gives the rows of each slice, in the order of slices."""
    cells, index = cells_of(batch, specs), CellIndex()
    numbers = index.add(cells.keys)[cells.codes]
    return {
        key: [row for row, number in enumerate(numbers.tolist()) if number in set(members.tolist())]
        for key, members in index.slices().items()
    }


BATCH = pa.record_batch(
    [
        pa.array(["x", "y", None, "x"]),
        pa.array([10, 2, 3, 2]),
        pa.array([[b"p"], [b"p", b"q"], [], None]),
        pa.array([0.5, 1.5, float("nan"), None]),
    ],
    names=["a", "n", "tags", "f"],
)


def test_the_whole_data() -> None:
    assert rows_of_slices(BATCH, SlicingSpec()) == {(): [0, 1, 2, 3]}


def test_values_of_a_feature_in_order_of_value() -> None:
    assert list(rows_of_slices(BATCH, SlicingSpec(feature_keys=("n",))).items()) == [
        ((("n", 2),), [1, 3]),
        ((("n", 3),), [2]),
        ((("n", 10),), [0]),
    ]


def test_a_row_without_the_feature_is_in_no_slice() -> None:
    assert rows_of_slices(BATCH, SlicingSpec(feature_keys=("a",))) == {(("a", "x"),): [0, 3], (("a", "y"),): [1]}


def test_a_row_with_several_values_is_in_several_slices() -> None:
    tags = SlicingSpec(feature_keys=("tags",))
    assert rows_of_slices(BATCH, tags) == {(("tags", "p"),): [0, 1], (("tags", "q"),): [1]}


def test_crosses_and_single_values() -> None:
    cross = SlicingSpec(feature_keys=("tags", "a"), feature_values=(("n", "2"),))
    assert rows_of_slices(BATCH, cross, SlicingSpec()) == {
        (): [0, 1, 2, 3],
        (("a", "y"), ("n", 2), ("tags", "p")): [1],
        (("a", "y"), ("n", 2), ("tags", "q")): [1],
    }


@pytest.mark.parametrize(("wanted", "rows"), [("True", [0]), ("false", [1]), ("1", [0])])
def test_a_boolean_is_named_by_its_word_or_as_tfma_has_it(wanted: str, rows: list[int]) -> None:
    batch = pa.record_batch([pa.array([True, False, None])], names=["new"])
    found = rows_of_slices(batch, SlicingSpec(feature_values=(("new", wanted),)))
    assert list(found.values()) == [rows]


def test_bins_and_periods_are_named_as_in_statistics() -> None:
    assert rows_of_slices(BATCH, SlicingSpec(bins=(("n", (3, 10)),))) == {
        (("n", "[-inf,3.0)"),): [1, 3],
        (("n", "[10.0,inf]"),): [0],
        (("n", "[3.0,10.0)"),): [2],
    }
    assert rows_of_slices(BATCH, SlicingSpec(bins=(("f", (1.0,)),))) == {
        (("f", "[-inf,1.0)"),): [0],
        (("f", "[1.0,inf]"),): [1],
    }
    days = pa.array([dt.date(2024, 3, 1), dt.date(2024, 4, 2), None, dt.date(2024, 3, 31)])
    batch = pa.record_batch([days], names=["t"])
    assert rows_of_slices(batch, SlicingSpec(periods=(("t", "month"),))) == {
        (("t", "2024-03"),): [0, 3],
        (("t", "2024-04"),): [1],
    }


def test_no_rows() -> None:
    assert rows_of_slices(BATCH.slice(0, 0), SlicingSpec(), SlicingSpec(feature_keys=("a", "tags"))) == {}


def test_a_missing_feature_is_an_error() -> None:
    with raises("metrics.missing_slice_feature", "b", "n", "tags"):
        cells_of(BATCH, [SlicingSpec(feature_keys=("b",))])
