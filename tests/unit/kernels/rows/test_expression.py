"""The grammar of expressions, and what they come to where values are missing or cannot be read."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from assay.kernels.rows.batch_columns import BatchColumns
from assay.kernels.rows.declared_rules import Expression, compile_rules
from assay.kernels.rows.expression import compile_expression
from assay.kernels.rows.record import Record
from raising import raises


def broken(holds: str, **values: Any) -> bool:
    """Whether one row breaks an expression, as a batch and as a record see it."""
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
        ("a / b == 0.5 and -a == -1", {"a": 1, "b": 2}),
        ("1 <= a <= 3", {"a": 2}),
        ("a == 'x' or b > 5", {"a": "y", "b": 6}),
        ("a in ('x', 'y')", {"a": "y"}),
        ("a not in ['x']", {"a": b"y"}),
        ("a is None", {"a": None}),
        ("a is not None", {"a": ""}),
        ("not a", {"a": 0}),
        ("abs(a) < 2", {"a": -1.5}),
        ("column('a b') > 0", {"a b": 3}),
        ("a > 0", {"a": [3]}),
        ("a == True", {"a": True}),
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


def test_data_that_it_cannot_read_breaks_it() -> None:
    assert broken("a > 1", a="text")
    assert broken("a > 1", a=[2, 3])
    assert broken("a + b > 1", a="1", b=2)
    assert broken("a", a="text")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a >", ("rows.bad_expression",)),
        ("1 < 2", ("rows.bad_expression",)),
        ("a ** 2 > 1", ("rows.bad_expression", "a ** 2")),
        ("a.b > 1", ("rows.bad_expression", "a.b")),
        ("open(a)", ("rows.bad_expression", "open(a)")),
        ("a is True", ("rows.bad_expression", "True")),
        ("a in b", ("rows.bad_expression", "b")),
        ("a == b'x'", ("rows.bad_expression", "b", "x")),
        ("(lambda: a)()", ("rows.bad_expression",)),
    ],
)
def test_what_is_outside_of_the_grammar_is_refused(text: str, expected: tuple[str, ...]) -> None:
    with raises(*expected):
        compile_expression(text)
