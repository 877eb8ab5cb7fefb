"""Labels as class numbers: by name, by value, and never by a guess."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa
import pytest

from assay.evaluation.labels import ClassNames, listed, numbers_of, texts_of
from raising import raises

IRIS = ClassNames(names=("setosa", "versicolor", "virginica"))


def numbered(classes: ClassNames, labels: Any, kind: pa.DataType | None = None, start: int | None = 0) -> list[Any]:
    column = labels if isinstance(labels, pa.Array) else pa.array(labels, kind)
    found: list[Any] = classes.numbered(pa.RecordBatch.from_arrays([column], ["y"]), "y", start).to_pylist()
    return found


TEXTS = [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()]
TEXTS += [getattr(pa, name)() for name in ("string_view", "binary_view") if hasattr(pa, name)]


@pytest.mark.parametrize("kind", TEXTS, ids=str)
def test_names_of_every_kind_of_text(kind: pa.DataType) -> None:
    column = pa.array(["virginica", None, "setosa", "virginica"], kind)
    assert numbered(IRIS, column) == [2, None, 0, 2]
    assert numbered(IRIS, column.slice(2)) == [0, 2]
    assert numbered(IRIS, column.slice(0, 0)) == []


def test_names_of_a_dictionary() -> None:
    column = pa.array(["unused", "virginica", None, "setosa"]).dictionary_encode()
    assert numbered(IRIS, column.slice(1)) == [2, None, 0]
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 1, 2], pa.int32()), column.slice(1).drop_null())
    assert numbered(IRIS, lists) == [2, None, 0]


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.string()), pa.large_list(pa.large_binary()), pa.list_(pa.string(), 1)], ids=str
)
def test_lists_of_one_name_as_examples_hold_them(kind: pa.DataType) -> None:
    rows = pa.array([["virginica"], None, ["setosa"]], kind)
    assert numbered(IRIS, rows) == [2, None, 0]
    assert numbered(IRIS, rows.slice(1)) == [None, 0]
    if not pa.types.is_fixed_size_list(kind):
        assert numbered(IRIS, pa.array([[], ["versicolor"], None], kind)) == [None, 1, None]
        with raises("evaluator.several_labels", "y", "2", "1"):
            numbered(IRIS, pa.array([["setosa"], ["setosa", "virginica"]], kind))


def test_labels_without_any_value_are_missing() -> None:
    assert numbered(IRIS, [None, None], pa.null()) == [None, None]
    assert numbered(IRIS, [None, None], pa.string()) == [None, None]


@pytest.mark.parametrize(
    ("value", "meant"),
    [("Setosa", "'setosa'"), (" setosa", "'setosa'"), ("", ""), ("ünknown", "")],
)
def test_an_unknown_label_is_an_error_that_says_which_and_where(value: str, meant: str) -> None:
    named = ("y", "102", f"'{value}'", "setosa, versicolor, virginica")
    with raises("evaluator.unknown_class", *named) as caught:
        numbered(IRIS, ["setosa", None, value], start=100)
    assert meant in caught.value.hint
    assert caught.value.hint
    with raises("evaluator.unknown_class", "y", "2"):
        numbered(IRIS, ["setosa", None, value], start=None)


def test_bytes_that_are_no_text_are_an_error() -> None:
    with raises("evaluator.not_text", "y"):
        numbered(IRIS, [b"setosa", b"\xff\xfe"])


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float32(), pa.list_(pa.int64())], ids=str)
def test_numbers_are_names_where_all_names_are_numbers(kind: pa.DataType) -> None:
    """Classes 3, 5 and 8, as scikit-learn has them: 5 is the second class, and not beyond the third."""
    classes = ClassNames(names=("3", "5", "8"))
    rows: list[Any] = [8, None, 3, 5]
    if pa.types.is_list(kind):
        rows = [None if row is None else [row] for row in rows]
    assert numbered(classes, rows, kind) == [2, None, 0, 1]
    assert numbered(classes, ["8", None, "3"]) == [2, None, 0]


def test_signs_and_fractions_are_numbers() -> None:
    assert numbered(ClassNames(names=("-1", "1")), [1, -1, 1]) == [1, 0, 1]
    assert numbered(ClassNames(names=("0.0", "1.0")), [1, 0]) == [1, 0]
    assert numbered(ClassNames(names=("0.5", "1e3")), [1000.0, 0.5, math.nan]) == [1, 0, None]
    assert numbers_of(["1", "one"]) == ()
    assert numbers_of(["1", "1.0"]) == ()  # two names of one number
    assert numbers_of(["nan", "1"]) == ()
    with raises("evaluator.unknown_class", "y", "1", "0", "4", "3", "5", "8"):
        numbered(ClassNames(names=("3", "5", "8")), [3, 4])


def test_numbers_beside_other_names_are_class_numbers() -> None:
    assert numbered(IRIS, [2, None, 0]) == [2, None, 0]
    assert numbered(IRIS, [[0, 0, 1], [1, 0, 0]]) == [[0, 0, 1], [1, 0, 0]]  # a 1 for the row's class
    assert numbered(ClassNames(names=("0", "1")), [[0, 1], [1, 0]]) == [[0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("classes", "labels", "what"),
    [
        (ClassNames(names=("no", "yes"), order="none"), [0, 1], "numbers"),  # a map has no order
        (ClassNames(names=("3", "5"), order="vocabulary"), [3, 5], "numbers"),  # TFMA would take them for places
        (ClassNames(names=("no", "yes")), [True, False], "booleans"),
        (ClassNames(names=("no", "yes")), ["true", "False"], "booleans"),
        (ClassNames(names=("3", "5")), [[0, 1], [1, 0]], "lists of numbers"),
    ],
)
def test_what_may_mean_one_class_or_another_is_refused(classes: ClassNames, labels: Any, what: str) -> None:
    with raises("evaluator.class_numbers", "y", what) as raised:
        numbered(classes, labels)
    assert raised.value.hint == "Write the labels as names of classes (as text)."


def test_a_vocabulary_leaves_numbers_and_booleans_as_tfma_does() -> None:
    classes = ClassNames(names=("no", "yes"), order="vocabulary")
    assert numbered(classes, [1, 0]) == [1, 0]
    assert numbered(classes, [True, False]) == [True, False]
    assert numbered(classes, ["true", "FALSE"]) == [True, False]
    assert numbered(classes, ["yes", "no"]) == [1, 0]


@pytest.mark.parametrize("names", [("False", "True"), ("True", "False"), ("false", "true")])
def test_booleans_find_the_classes_of_their_names(names: tuple[str, str]) -> None:
    classes = ClassNames(names=names)
    true = [name.lower() for name in names].index("true")
    for labels in ([True, None, False], ["True", None, "False"], ["true", None, "FALSE"]):
        assert numbered(classes, labels) == [true, None, 1 - true]
    assert numbered(ClassNames(names=("1", "0")), [True, False]) == [0, 1]
    assert numbered(ClassNames(names=("1", "0")), ["True", "False"]) == [0, 1]  # as pandas' booleans are read


def test_words_that_are_names_are_these_names() -> None:
    assert numbered(ClassNames(names=("true", "maybe")), ["maybe", "true"]) == [1, 0]
    with raises("evaluator.unknown_class", "false", "maybe"):
        numbered(ClassNames(names=("true", "maybe")), ["true", "false"])


def test_class_numbers_become_the_datas_own_labels_again() -> None:
    assert IRIS.own([2.0, None, 0.0, math.nan], "names").to_pylist() == ["virginica", None, "setosa", None]
    fives = ClassNames(names=("3", "5.5")).own([1.0, 0.0], "values")
    assert (fives.to_pylist(), fives.type) == ([5.5, 3.0], pa.float64())
    assert ClassNames(names=("3", "5")).own([1.0, None], "values").to_pylist() == [5, None]
    assert IRIS.own([1.0, 7.0], "numbers").to_pylist() == [1.0, 7.0]


def test_many_classes_are_told_in_one_sentence() -> None:
    assert IRIS.told() == "0 setosa, 1 versicolor, 2 virginica"
    assert listed([*map(str, range(1200))]).endswith("18, 19 and 1,180 more")


def test_text_of_a_column_without_values() -> None:
    assert texts_of(pa.nulls(2), "y").to_pylist() == [None, None]
    assert texts_of(pa.array([[], None], pa.list_(pa.string())), "y").to_pylist() == [None, None]
