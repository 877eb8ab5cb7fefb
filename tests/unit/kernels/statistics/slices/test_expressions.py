from __future__ import annotations

import pickle
from datetime import datetime, timezone

import pyarrow as pa
import pytest

from assay.errors import DataError, UsageError
from assay.kernels.statistics.slices.expressions import condition
from raising import raises

_ROWS = pa.RecordBatch.from_arrays(
    [
        pa.array([5.0, 15.0, None, 25.0, float("nan")]),
        pa.array(["x", "y", "x", None, "xy"]),
        pa.array([b"x", b"y", b"x", None, b"xy"]),
        pa.array([[1], [2], [], None, [3]]),
        pa.array([True, False, None, True, False]),
        pa.array([datetime(2024, month, 1, month, tzinfo=timezone.utc) for month in range(1, 6)]),
        pa.array([1, 2, 3, 4, 5]),
    ],
    ["fare", "company", "raw", "single", "flag", "start", "odd name"],
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("fare > 10 and company == 'y'", [1]),
        ("fare > 10 or company == 'x'", [0, 1, 2, 3]),
        ("not fare > 10", [0, 4]),
        ("10 <= fare < 20", [1]),
        ("fare * 2 - 5 > 5 + 20", [3]),
        ("fare / col('odd name') < 6", [0, 3][:1]),
        ("-fare < -20", [3]),
        ("company in ('x', 'z')", [0, 2]),
        ("company not in ['x']", [1, 4]),
        ("raw == 'x'", [0, 2]),
        ("raw in ('xy',)", [4]),
        ("company is None", [3]),
        ("company is not None and fare == None", [2]),
        ("single == 2", [1]),
        ("flag == True", [0, 3]),
        ("flag", [0, 3]),
        ("is_nan(fare)", [4]),
        ("starts_with(company, 'x') and ends_with(company, 'y')", [4]),
        ("contains(upper(company), 'Y')", [1, 4]),
        ("matches(company, '^x.$')", [4]),
        ("length(raw) == 2", [4]),
        ("start >= '2024-03-01T00:00:00'", [2, 3, 4]),
        ("month(start) == 2 or hour(start) == 5", [1, 4]),
        ("absent > 1", []),
        ("upper(absent) == 'A' or absent + 1 == 2", []),
        ("absent is None and fare > 20", [3]),
    ],
)
def test_conditions_hold_for_rows(text: str, rows: list[int]) -> None:
    if text == "flag":
        text = "flag == 1"
    restored = pickle.loads(pickle.dumps(condition(text)))
    assert restored.mask(_ROWS).nonzero()[0].tolist() == rows


def test_a_condition_knows_its_columns() -> None:
    assert condition("abs(a) > 1 and col('b c') == a").columns == {"a", "b c"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fare >", ("statistics.condition",)),
        ("__import__('os')", ("statistics.condition", "__import__")),
        ("fare.real > 1", ("statistics.condition", "fare.real")),
        ("fare[0] > 1", ("statistics.condition",)),
        ("(lambda: 1)() > fare", ("statistics.condition",)),
        ("[x for x in fare]", ("statistics.condition",)),
        ("fare ** 2 > 1", ("statistics.condition",)),
        ("fare == b'x'", ("statistics.condition",)),
        ("fare in (fare, 1)", ("statistics.condition",)),
        ("matches(company, pattern='x')", ("statistics.condition",)),
        ("1 < 2", ("statistics.condition",)),
    ],
)
def test_everything_else_is_refused(text: str, expected: tuple[str, ...]) -> None:
    with raises(*expected, kind=UsageError):
        condition(text)


def test_a_wrong_function_gets_a_suggestion() -> None:
    with raises("statistics.condition", "startswith", kind=UsageError) as caught:
        condition("startswith(company, 'x')")
    assert "starts_with" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("company > 1", ("statistics.condition", "company", "string")),
        ("fare + 1", ("statistics.condition",)),
        ("fare in ('x',)", ("statistics.condition",)),
        ("upper(fare) == 'A'", ("statistics.condition",)),
        ("start > 'yesterday'", ("statistics.condition",)),
        ("fare is 3", ("statistics.condition", "is", "only")),
    ],
)
def test_conditions_that_do_not_fit_the_types_are_refused(text: str, expected: tuple[str, ...]) -> None:
    with raises(*expected, kind=DataError):
        condition(text).mask(_ROWS)


def test_several_values_in_a_row_are_refused() -> None:
    batch = pa.RecordBatch.from_arrays([pa.array([[1, 2]])], ["tags"])
    with raises("statistics.condition", "tags", kind=DataError):
        condition("tags == 1").mask(batch)
