"""A column that does not hold numbers is refused with what it holds, and what to do about that."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from assay.errors import DataError
from assay.kernels.metrics.rows import numbers
from assay.kernels.metrics.slices import SlicingSpec, cells_of


def column(values: list[Any], kind: pa.DataType | None = None) -> pa.RecordBatch:
    return pa.record_batch([pa.array(values, kind)], names=["score"])


def test_decimals_are_numbers() -> None:
    assert numbers(column([Decimal("0.25"), None, Decimal("1.00")]), "score").tolist()[::2] == [0.25, 1.0]


@pytest.mark.parametrize(
    ("values", "found", "hint"),
    [
        (["0.25", "0.5"], "such as '0.25'", "Convert the column to numbers"),
        ([None, "0,25"], "such as '0,25'", "decimal point"),
        (["25 %"], "such as '25 %'", "percent"),
        (["cat", "dog"], "such as 'cat'", "name their classes"),
        ([[[0.5], [0.5]]], "holds list", "flatten"),
        ([{"a": 0.5}], "holds struct", "flatten"),
        ([date(2026, 1, 31)], "holds date32", "holds times"),
    ],
)
def test_the_hint_is_for_what_the_column_holds(values: list[Any], found: str, hint: str) -> None:
    with pytest.raises(DataError, match=found) as raised:
        numbers(column(values), "score")
    assert raised.value.code == "metrics.not_numeric"
    assert hint in raised.value.hint


def test_the_hint_for_times_names_what_a_gate_can_take() -> None:
    with pytest.raises(DataError, match="cannot be cut by month") as raised:
        cells_of(column(["2026-03-31"]), [SlicingSpec(periods=(("score", "month"),))])
    assert "timestamps or dates" in raised.value.hint
    assert "schema" not in raised.value.hint
