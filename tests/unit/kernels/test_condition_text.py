"""Conditions of slices and of row rules: any text is evaluated or refused."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import DataError, UsageError
from assay.kernels.rows.expression import compile_expression
from assay.kernels.statistics.slices.expressions import condition
from raising import raises

BATCH = pa.RecordBatch.from_arrays(
    [
        pa.array([1, -(2**63), 2**63 - 1, None]),
        pa.array([0, 2**64 - 1, 2**63, None], pa.uint64()),
        pa.array([0.5, 1e308, np.nan, None]),
    ],
    ["n", "u", "x"],
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("n > 99999999999999999999999", []),
        ("n < 99999999999999999999999", [0, 1, 2]),
        ("-99999999999999999999999 < n", [0, 1, 2]),
        ("x < 99999999999999999999999", [0]),
        ("n != 9223372036854775808", [0, 1, 2]),
        ("u == 18446744073709551615", [1]),
        ("u > 9223372036854775807", [1, 2]),
    ],
)
def test_numbers_beyond_64_bits_compare(text: str, rows: list[int]) -> None:
    assert np.flatnonzero(condition(text).mask(BATCH)).tolist() == rows


@pytest.mark.parametrize(
    ("text", "named"),
    [
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
def test_what_cannot_be_evaluated_is_refused(text: str, named: tuple[str, ...]) -> None:
    for read, code in [(condition, "statistics.condition"), (compile_expression, "rows.bad_expression")]:
        with raises(code, *named) as caught:
            read(text)
        assert len(caught.value.message) < 500


TOKENS = st.sampled_from(
    [
        *"nux()[],.+-*/%<>10",
        *("**", "==", "!=", "in", "is", "not", "and", "or", "None", "True", "'a'", "abs", "col"),
        *("1e999", "0x7", "99999999999999999999"),
    ]
)


@given(st.lists(TOKENS, max_size=12).map(" ".join))
def test_any_condition_is_evaluated_or_refused(text: str) -> None:
    try:
        assert condition(text).mask(BATCH).shape == (4,)
    except (UsageError, DataError) as error:
        assert error.code == "statistics.condition"  # noqa: PT017 - both ends are right
    try:
        compile_expression(text)
    except UsageError as error:
        assert error.code == "rows.bad_expression"  # noqa: PT017 - as above
