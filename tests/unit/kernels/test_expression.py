"""The grammar of expressions, and what they come to in batches and records."""

from __future__ import annotations

import pickle
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import DataError, UsageError
from assay.kernels.expression import compile_expression
from assay.kernels.rows.batch_columns import BatchColumns
from assay.kernels.rows.declared_rules import Expression, compile_rules
from assay.kernels.rows.record import Record
from raising import raises

ROWS = pa.RecordBatch.from_arrays(
    [
        pa.array([5.0, 15.0, None, 25.0, float("nan")]),
        pa.array(["x", "y", "x", None, "xy"]),
        pa.array([b"x", b"y", b"x", None, b"\xff"]),
        pa.array([[1], [2], [], None, [3]]),
        pa.array([True, False, None, True, False]),
        pa.array([datetime(2024, month, 1, month, tzinfo=timezone.utc) for month in range(1, 6)]),
        pa.array([date(2024, month, 1) for month in range(1, 6)]),
        pa.array([1, 2, 3, 4, 5]),
        pa.array([0.1, 0.2, None, 1e30, 0.0], pa.float32()),
        pa.array([{"a": 1}, None, {"a": 2}, None, {"a": None}]),
        pa.array([1, -(2**63), 2**63 - 1, None, 2**53 + 1]),
        pa.array([0, 2**64 - 1, 2**63, None, 1], pa.uint64()),
        pa.array([Decimal("1.50"), None, Decimal("2.00"), None, None]),
    ],
    ["fare", "company", "raw", "single", "flag", "start", "day", "odd name", "f32", "struct", "n", "u", "price"],
)


def selected(text: str, batch: pa.RecordBatch = ROWS) -> list[int]:
    """Return the rows for which a condition is true."""
    condition = pickle.loads(pickle.dumps(compile_expression(text)))
    return np.flatnonzero(BatchColumns(batch).truth(condition).selected).tolist()


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("fare > 10 and company == 'y'", [1]),
        ("fare > 10 or company == 'x'", [0, 1, 2, 3]),
        ("not fare > 10", [0, 4]),
        ("10 <= fare < 20", [1]),
        ("fare * 2 - 5 > 5 + 20", [3]),
        ("fare / col('odd name') < 6", [0]),
        ("fare / (col('odd name') - 1) > 0", [1, 3]),
        ("-fare < -20", [3]),
        ("company in ('x', 'z')", [0, 2]),
        ("company not in ['x']", [1, 4]),
        ("fare in {single * 5, 25, 15}", [0, 1, 3]),
        ("raw == 'x'", [0, 2]),
        ("company == raw", [0, 1, 2]),
        ("raw < 'y' or company > raw", [0, 2]),
        ("company is None", [3]),
        ("company is not None and fare == None", [2]),
        ("struct is not None", [0, 2, 4]),
        ("single == 2", [1]),
        ("flag == True", [0, 3]),
        ("flag", [0, 3]),
        ("not flag and fare", [1, 4]),
        ("(fare > 10) + (single > 1) == 2", [1]),
        ("is_nan(fare)", [4]),
        ("abs(single - 2) == 1", [0, 4]),
        ("starts_with(company, 'x') and ends_with(company, 'y')", [4]),
        ("contains(upper(company), 'Y') and lower('Y') == 'y'", [1, 4]),
        ("contains('wxyz', company)", [0, 1, 2, 4]),
        ("matches(company, '^x.$') and matches('x', 'x')", [4]),
        ("length(raw) == 1", [0, 1, 2, 4]),
        ("start >= '2024-03-01T00:00:00'", [2, 3, 4]),
        ("start >= '2024-03-01T04:00:00+01:00'", [2, 3, 4]),
        ("start == '2024-02-01T02:00:00Z'", [1]),
        ("day < start and day > '2024-03-31'", [3, 4]),
        ("start in ('2024-01-01T01:00', '2024-05-01T05:00')", [0, 4]),
        ("month(start) == 2 or hour(start) == 5", [1, 4]),
        ("hour(day) == 0 and weekday(day) == 0 and minute(start) == 0", [0, 3]),
        ("absent > 1", []),
        ("upper(absent) == 'A' or absent + 1 == 2", []),
        ("absent is None and fare > 20", [3]),
        ("f32 == 0.1 or f32 == 1e30", [0, 3]),
        ("price == 1.5 or price == 2", [0, 2]),
        ("n > 99999999999999999999999", []),
        ("n < 99999999999999999999999", [0, 1, 2, 4]),
        ("-99999999999999999999999 < n", [0, 1, 2, 4]),
        ("fare < 99999999999999999999999", [0, 1, 3]),
        ("n != 9223372036854775808", [0, 1, 2, 4]),
        ("n == 9007199254740992", []),
        ("n == 9007199254740992.0", [4]),
        ("u == 18446744073709551615", [1]),
        ("u > 9223372036854775807 and n < u", [1, 2]),
        ("1 / 0 is None and fare == 5 and (1 / 0 > 1) is None", [0]),
    ],
)
def test_conditions_hold_for_rows(text: str, rows: list[int]) -> None:
    assert selected(text) == rows


def broken(holds: str, **values: Any) -> bool:
    """Return whether one row breaks an expression, as a batch and as a record see it."""
    (rule,) = compile_rules([Expression(holds=holds)]).row_rules
    mask = rule.mask(BatchColumns(pa.RecordBatch.from_pydict({name: [value] for name, value in values.items()})))
    in_batch = mask is not None and bool(mask[0])
    assert rule.breaks(Record(values)) == in_batch
    return in_batch


@pytest.mark.parametrize(
    ("holds", "values"),
    [
        ("a < b", {"a": 1, "b": 1.5}),
        ("a + b * 2 == 7", {"a": 1, "b": 3}),
        ("a == 'x' or b > 5", {"a": "y", "b": 6}),
        ("a in ('x', 'y')", {"a": "y"}),
        ("a not in ['x']", {"a": b"y"}),
        ("a is None", {"a": None}),
        ("a is not None", {"a": ""}),
        ("not a", {"a": 0}),
        ("col('a b') > 0", {"a b": 3}),
        ("a > 0", {"a": [3]}),
        ("a < '2024-01-02'", {"a": datetime(2024, 1, 1, 23, tzinfo=timezone.utc)}),
        ("hour(a) == 0", {"a": date(2024, 1, 1)}),
        ("a is not None", {"a": timedelta(1)}),
        ("a == b", {"a": b"\xff", "b": b"\xff"}),
        ("a < b", {"a": "\ue000", "b": b"\xff"}),
    ],
)
def test_it_holds(holds: str, values: dict[str, Any]) -> None:
    assert not broken(holds, **values)
    assert broken(f"not ({holds})", **values)


@pytest.mark.parametrize("holds", ["a > b", "not a > b", "a + b > 0", "a == 'x'", "a / c > 1", "a > b and c == 0"])
def test_what_is_missing_leaves_it_undecided(holds: str) -> None:
    assert not broken(holds, a=None, b=2, c=0)
    assert not broken("b / c > 1", b=2, c=0)


def test_one_part_may_decide_alone() -> None:
    assert broken("a > 1 and b > 5", a=None, b=2)
    assert not broken("a > 1 or b < 5", a=None, b=2)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a > 1", {"a": "text"}),
        ("not a > 1", {"a": "text"}),
        ("a > 1 or b == 2", {"a": "text", "b": 2}),
        ("a > 1", {"a": [2, 3]}),
        ("a is not None", {"a": [2, 3]}),
        ("a + b > 1", {"a": "1", "b": 2}),
        ("a", {"a": "text"}),
        ("a in (1, 'x')", {"a": 1}),
        ("upper(a) == 'A'", {"a": 1}),
        ("year(a) == 2024", {"a": "2024-01-01"}),
        ("a > 'yesterday'", {"a": datetime(2024, 1, 1)}),  # noqa: DTZ001 - a time without a zone
        ("a > 1", {"a": {"b": 2}}),
        ("a > a", {"a": timedelta(1)}),
        ("a + 1 > 0", {"a": 2**63 - 1}),
        ("matches('x', a)", {"a": "("}),
    ],
)
def test_data_that_it_cannot_read_breaks_a_rule_and_makes_no_slices(text: str, values: dict[str, Any]) -> None:
    assert broken(text, **values)
    with raises("expression.unreadable", text, kind=DataError):
        selected(text, pa.RecordBatch.from_pydict({name: [None, value] for name, value in values.items()}))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("fare >", ()),
        ("__import__('os')", ("__import__",)),
        ("fare.real > 1", ("fare.real",)),
        ("fare[0] > 1", ()),
        ("(lambda: 1)() > fare", ()),
        ("[x for x in fare]", ()),
        ("fare ** 2 > 1", ("fare ** 2",)),
        ("fare == b'x'", ()),
        ("fare in company", ("company",)),
        ("fare in ()", ()),
        ("fare in (1, None)", ("None",)),
        ("fare is True", ("True",)),
        ("fare is 3", ("3",)),
        ("matches(company, pattern='x')", ()),
        ("matches(company, '(')", ("regular",)),
        ("abs(fare, 1) > 1", ()),
        ("company == matches(0, 'x')", ("number",)),
        ("fare > 'a' + 1", ("text",)),
        ("1 < 2", ("column",)),
        ("n > " + "9" * 400, ("400",)),
        ("n > " + "9" * 5_000, ()),
        ("not " * 2_000 + "n > 1", ("100",)),
        ("-" * 3_000 + "n > 1", ("100",)),
        ("n > " + "+".join(["1"] * 3_000), ("100",)),
        ("(" * 500 + "n" + ")" * 500 + " > 1", ()),
        ("n > 1 and " * 20_000 + "n > 1", ("100,000",)),
        ("n > 1\0", ("null",)),
    ],
)
def test_everything_else_is_refused(text: str, named: tuple[str, ...]) -> None:
    with raises("expression.invalid", *named, kind=UsageError) as caught:
        compile_expression(text)
    assert len(caught.value.message) < 500


def test_a_wrong_function_gets_a_suggestion() -> None:
    with raises("expression.invalid", "startswith", "starts_with"):
        compile_expression("startswith(company, 'x')")


def test_a_condition_knows_its_columns() -> None:
    assert compile_expression("abs(a) > 1 and col('b c') == a").columns == ("a", "b c")


TOKENS = st.sampled_from(
    [
        *"nux()[],.+-*/%<>10",
        *("**", "==", "!=", "in", "is", "not", "and", "or", "None", "True", "'a'", "abs", "col"),
        *("1e999", "0x7", "99999999999999999999"),
    ]
)


@given(st.lists(TOKENS, max_size=12).map(" ".join))
def test_any_text_is_evaluated_or_refused(text: str) -> None:
    try:
        assert len(selected(text)) <= ROWS.num_rows
    except (UsageError, DataError) as error:
        assert error.code.startswith("expression.")  # noqa: PT017 - both ends are right
