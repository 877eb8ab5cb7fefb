"""The same predictions in every form that names their classes are the same lists; and what is wrong is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.data.sources import TableRows
from assay.evaluation.labels import numbers_of
from assay.evaluation.named_columns import NamedPrediction, aligned, class_columns, find_named, ordered
from assay.models.predictor import ALL_CLASSES
from raising import raises

FORMS = ("struct", "map", "columns", "list")
Row = Sequence[float | None] | None
IRIS = ["setosa", "versicolor", "virginica"]


def written(form: str, names: Sequence[str], rows: Sequence[Row]) -> pa.Table:
    """A table that names its classes, in one of the forms."""
    if form == "columns":
        return pa.table(
            {f"p.{name}": pa.array([row and row[at] for row in rows], pa.float64()) for at, name in enumerate(names)}
        )
    named = [None if row is None else list(zip(names, row, strict=True)) for row in rows]
    if form == "map":
        return pa.table({"p": pa.array(named, pa.map_(pa.string(), pa.float64()))})
    if form == "struct":
        kind = pa.struct([(name, pa.float64()) for name in names])
        return pa.table({"p": pa.array([None if row is None else dict(row) for row in named], kind)})
    lists = pa.array(rows, pa.list_(pa.float64()))
    return pa.table({"p": lists, ALL_CLASSES: pa.array([names] * len(rows), pa.list_(pa.string()))})


def found_in(table: pa.Table, others: Sequence[str] = ()) -> NamedPrediction | None:
    return find_named(TableRows(table), table.schema, "p", others)


def read(table: pa.Table, named: NamedPrediction | None = None, rows_at_once: int = 3) -> list[Any]:
    named = named or found_in(table)
    assert named is not None
    batches = table.to_batches(max_chunksize=rows_at_once)
    return [row for batch in batches for row in named.lists(batch, 0).to_pylist()]


def same(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    np.testing.assert_array_equal(np.array(ours, np.float64), np.array(theirs, np.float64))


@pytest.mark.parametrize("form", FORMS)
def test_each_form(form: str) -> None:
    rows: list[Row] = [[0.1, 0.2, 0.7], None, [0.5, 0.5, 0.0], [1.0, 0.0, 0.0]]
    table = written(form, IRIS, rows)
    named = found_in(table)
    assert named is not None
    assert (named.form, named.order) == (form, tuple(IRIS))
    assert {*named.reads} == {*table.column_names}
    same(read(table), [[np.nan] * 3 if row is None else row for row in rows])
    assert named.lists(empty(table), 0).to_pylist() == []


def empty(table: pa.Table) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array([], field.type) for field in table.schema], table.schema.names)


NAMES = st.lists(
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), min_size=1, max_size=5),
    min_size=2,
    max_size=5,
    unique=True,
)
PREDICTIONS = st.lists(st.none() | st.integers(0, 9), min_size=1, max_size=9)


@given(names=NAMES, seeds=PREDICTIONS, rows_at_once=st.integers(1, 4), data=st.data())
def test_any_names_in_any_form_in_any_order_however_the_rows_are_cut(
    names: list[str], seeds: list[int | None], rows_at_once: int, data: st.DataObject
) -> None:
    rows = [None if seed is None else [seed + at / 8 for at in range(len(names))] for seed in seeds]
    known = [np.nan] * len(names)
    shuffled = data.draw(st.permutations(range(len(names))))
    for form in FORMS:
        table = written(form, [names[at] for at in shuffled], [row and [row[at] for at in shuffled] for row in rows])
        named = found_in(table)
        if named is None:  # a map of no row at all
            assert form == "map"
            assert not any(rows)
            continue
        expected = aligned(named, names, "ours", "theirs")
        same(read(table, expected, rows_at_once), [known if row is None else row for row in rows])
        same(read(table.slice(1), expected, rows_at_once), [known if row is None else row for row in rows[1:]])


def test_names_that_are_numbers_stand_by_size_where_they_are_columns() -> None:
    """A table sorts `p.10` before `p.2`; class 2 is class 2 all the same. A vocabulary has its own order."""
    names = ["0", "1", "10", *map(str, range(2, 10))]
    assert numbers_of(ordered(names)) == tuple(range(11))
    rows = [[float(name) for name in names]] * 2
    for form in ("struct", "map", "columns"):
        same(read(written(form, names, rows)), [list(range(11))] * 2)
    same(read(written("list", names, rows)), rows)


def test_a_map_names_its_classes_in_any_order_in_each_row() -> None:
    rows = [[("b", 2.0), ("a", 1.0)], None, [("a", 3.0), ("b", 4.0)]]
    table = pa.table({"p": pa.array(rows, pa.map_(pa.string(), pa.float64()))})
    same(read(table), [[1, 2], [np.nan] * 2, [3, 4]])


@pytest.mark.parametrize("row", [[("a", 1.0)], [("a", 1.0), ("c", 2.0)], [("a", 1.0), ("a", 2.0)], [*"ab", "c"]])
def test_a_row_of_other_classes_is_an_error(row: list[Any]) -> None:
    row = [(one, 0.0) if isinstance(one, str) else one for one in row]
    table = pa.table({"p": pa.array([[("a", 1.0), ("b", 2.0)], None, row], pa.map_(pa.string(), pa.float64()))})
    named = found_in(table)
    assert named is not None
    [batch] = table.to_batches()
    with raises("evaluator.other_classes", "p", "b", "12"):
        named.lists(batch, 10)


def test_lists_and_vocabularies_must_fit() -> None:
    lists = {"p": [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]}
    for other in (["b", "a"], ["a"], ["a", None], ["a", "b", "c"]):
        table = pa.table(lists | {ALL_CLASSES: [["a", "b"], None, other]})
        with raises("evaluator.other_classes", "all_classes", "b", "2"):
            read(table)
    with raises("evaluator.other_classes", "all_classes", "3", "b", "c", "p", "2"):
        read(pa.table(lists | {ALL_CLASSES: [["a", "b", "c"]] * 3}))
    bytes_of_examples = pa.array([[b"a", b"b"]] * 3, pa.large_list(pa.large_binary()))
    same(read(pa.table(lists | {ALL_CLASSES: bytes_of_examples})), lists["p"])


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({ALL_CLASSES: [["a", "a"]], "p": [[0.1, 0.2]]}, ("evaluator.class_names", "all_classes", "a")),
        ({ALL_CLASSES: [["a"]], "p": [[0.1]]}, ("evaluator.class_names", "all_classes", "1")),
        ({"p": [{"a": 0.1}]}, ("evaluator.class_names", "p", "1")),
        (
            {"p": pa.array([[("a", 1.0), ("a", 2.0)]], pa.map_(pa.string(), pa.float64()))},
            ("evaluator.class_names", "p", "a"),
        ),
    ],
)
def test_names_of_fewer_than_two_classes_are_an_error(table: dict[str, Any], expected: tuple[str, ...]) -> None:
    with raises(*expected):
        found_in(pa.table(table))


@pytest.mark.parametrize(
    "columns",
    [
        {"p": [0.1, 0.2]},
        {"p": [[0.1, 0.9]]},
        {"p": [0.1], "p.a": [0.1], "p.b": [0.2]},  # the key's own column is what it was
        {"p.a": [0.1]},
        {"p.": [0.1], "p": [1]},
        {"p": [[0.1, 0.9]], ALL_CLASSES: [["a", None]], "q": [1]} | {ALL_CLASSES: [[1, 2]]},
        {"p": [0.1], ALL_CLASSES: [["a", "b"]]},
        {"p": pa.array([None], pa.map_(pa.string(), pa.float64()))},
        {"p": [[0.1, 0.9]], ALL_CLASSES: pa.array([None], pa.list_(pa.string()))},
    ],
)
def test_tables_that_name_no_classes(columns: dict[str, Any]) -> None:
    assert found_in(pa.table(columns)) is None


def test_columns_of_other_keys_are_no_classes() -> None:
    columns = ["p.a", "p.b", "p.label", "p.old.a", "p.old.b", "q.a", "p"]
    assert class_columns("p", columns[:-1], ["p.label", "p.old"]) == ["a", "b"]
    assert class_columns("p.old", columns[:-1], ["p", "p.label"]) == ["a", "b"]
    assert class_columns("p", columns[:-1]) == ["a", "b", "label", "old.a", "old.b"]
    assert class_columns("p", columns) == []


def test_a_column_that_is_no_prediction_says_what_it_was_taken_for() -> None:
    for table in (
        pa.table({"p.a": [0.1], "p.b": [0.2], "p.note": ["x"]}),
        pa.table({"p": [{"a": 0.1, "b": 0.2, "note": "x"}]}),
    ):
        with raises("metrics.not_numeric", "p.note", "x", "p."):
            read(table)
    with raises("evaluator.class_prediction", "p.b", "2"):
        read(pa.table({"p.a": [0.1], "p.b": [[0.2, 0.3]]}))


def test_columns_of_examples_are_lists_of_one_number() -> None:
    table = pa.table({"p.a": pa.array([[0.1], None], pa.list_(pa.float32())), "p.b": [[0.9], [0.5]]})
    same(read(table), [[np.float32(0.1), 0.9], [np.nan, 0.5]])


def test_models_of_other_classes_are_not_compared() -> None:
    named = NamedPrediction(column="p", form="struct", names=("a", "b"), order=("a", "b"))
    with raises("evaluator.other_classes", "c", "b"):
        aligned(named, ["a", "c"], "theirs", "ours")
    with raises("evaluator.other_classes", "b", "c", "0"):
        aligned(named, ["a", "b", "c"], "theirs", "ours")
    with raises("evaluator.other_classes", "Setosa", "setosa"):
        aligned(NamedPrediction(column="p", form="map", names=("a", "Setosa"), order=()), ["a", "setosa"], "it", "us")
