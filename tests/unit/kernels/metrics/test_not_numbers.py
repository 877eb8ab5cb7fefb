"""A column that does not hold numbers is refused with what it holds, and what to do about that."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from assay.kernels.metrics.rows import numbers
from assay.kernels.metrics.slices import SlicingSpec, cells_of
from raising import raises


def column(values: list[Any], kind: pa.DataType | None = None) -> pa.RecordBatch:
    return pa.record_batch([pa.array(values, kind)], names=["score"])


def test_decimals_are_numbers() -> None:
    assert numbers(column([Decimal("0.25"), None, Decimal("1.00")]), "score").tolist()[::2] == [0.25, 1.0]


@pytest.mark.parametrize(
    ("values", "expected", "hint"),
    [
        (["0.25", "0.5"], ("metrics.not_numeric", "0.25"), "Convert the column to numbers"),
        ([None, "0,25"], ("metrics.not_numeric", "0,25"), "decimal point"),
        (["25 %"], ("metrics.not_numeric", "25 %"), "percent"),
        (["cat", "dog"], ("metrics.not_numeric", "cat"), "name their classes"),
        ([[[0.5], [0.5]]], ("metrics.not_numeric",), "flatten"),
        ([{"a": 0.5}], ("metrics.not_numeric",), "flatten"),
        ([date(2026, 1, 31)], ("metrics.not_numeric", "date32"), "holds times"),
    ],
)
def test_the_hint_is_for_what_the_column_holds(values: list[Any], expected: tuple[str, ...], hint: str) -> None:
    with raises(*expected) as raised:
        numbers(column(values), "score")
    assert raised.value.code == "metrics.not_numeric"
    assert hint in raised.value.hint


def test_the_hint_for_times_names_what_a_gate_can_take() -> None:
    with raises("statistics.slice_column") as raised:
        cells_of(column(["2026-03-31"]), [SlicingSpec(periods=(("score", "month"),))])
    assert "timestamps or dates" in raised.value.hint
    assert "schema" not in raised.value.hint
