"""Limits with float32's rounding, and numbers that text spells."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.kernels.rows.value_tests import (
    NumberBound,
    float_limit,
    integer_text,
    real_text,
    shortest,
    whole_limit,
)


@given(st.floats(width=32, allow_nan=False))
def test_a_limit_of_a_schema_separates_float32_as_tfdv_does(limit: float) -> None:
    below = float(np.nextafter(np.float32(limit), np.float32(-np.inf)))
    above = float(np.nextafter(np.float32(limit), np.float32(np.inf)))
    least = NumberBound("min", 0, float_limit("min", limit))
    greatest = NumberBound("max", 0, float_limit("max", limit))
    assert not least.real(limit)
    assert not greatest.real(limit)
    assert least.real(below) == (below < limit)
    assert greatest.real(above) == (above > limit)


@pytest.mark.parametrize("value", [0.1, 0.3, -2.7, 1e-3, 123456.7])
def test_a_limit_is_kept_by_its_rounding_and_by_itself(value: float) -> None:
    rounded = float(np.float32(value))
    assert shortest(rounded) == value
    for written in (value, rounded):
        for side in ("min", "max"):
            test = NumberBound(side, 0, float_limit(side, written))  # type: ignore[arg-type]
            assert not test.real(value)
            assert not test.real(rounded)


def test_limits_of_whole_numbers() -> None:
    assert (whole_limit("min", 2.5), whole_limit("max", 2.5), whole_limit("min", -2.5)) == (3, 2, -2)
    assert whole_limit("max", math.inf) > 2**63
    assert NumberBound("max", whole_limit("max", -math.inf), 0.0).integer(-(2**63))
    assert float_limit("max", 1e300) == 1e300


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7),
        (" -7\t", -7),
        ("+7", 7),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("9" * 5000, None),
        ("7.0", None),
        ("7_0", None),
        ("\u0667", None),
        ("", None),
    ],
)
def test_whole_numbers_in_text(text: str, number: int | None) -> None:
    assert integer_text(text) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", 7.0),
        (" 1e3 ", 1000.0),
        ("inf", math.inf),
        ("0x1p3", 8.0),
        ("1_0", None),
        ("\u0667", None),
        ("", None),
        ("x", None),
    ],
)
def test_numbers_in_text(text: str, number: float | None) -> None:
    assert real_text(text) == number
