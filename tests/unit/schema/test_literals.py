from __future__ import annotations

import math

import pytest
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.schema.literals import (
    escaped,
    float32_of,
    int32_of,
    int64_of,
    message_text,
    read_float32,
    read_int64,
    six_digits,
    wrapped_int32,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        (" +7\n", 7),
        ("-9223372036854775808", -(2**63)),
        ("9223372036854775808", None),
        ("", None),
        ("1.0", None),
        ("1_0", None),
        ("٣", None),
        ("+-1", None),
    ],
)
def test_integers_of_texts(text: str, value: int | None) -> None:
    assert read_int64(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.5", 1.5),
        (" +.5\t", 0.5),
        ("1.", 1.0),
        ("-1e-3", float32_of(-1e-3)),
        ("1e400", math.inf),
        ("-INF", -math.inf),
        ("Infinity", math.inf),
        (".", None),
        ("1e", None),
        ("0x1.8P3", 12.0),
        ("-0xff", -255.0),
        ("-0x1p9999", -math.inf),
        ("0x", None),
        ("0xinf", None),
        ("+-1", None),
        ("1 2", None),
    ],
)
def test_numbers_of_texts(text: str, value: float | None) -> None:
    assert read_float32(text) == value


@pytest.mark.parametrize("text", ["nan", "-NaN", "nan(abc_1)"])
def test_not_a_number_is_a_number(text: str) -> None:
    value = read_float32(text)
    assert value is not None
    assert math.isnan(value)


@pytest.mark.parametrize(
    ("value", "cut"), [(1.9, 1), (-1.9, -1), (2.0**63, -(2**63)), (-(2.0**63), -(2**63)), (math.nan, -(2**63))]
)
def test_numbers_are_cut_to_64_bits(value: float, cut: int) -> None:
    assert int64_of(value) == cut


@pytest.mark.parametrize(
    ("value", "cut"), [(1.9, 1), (-2147483648.5, -(2**31)), (2.0**31, -(2**31)), (math.inf, -(2**31))]
)
def test_numbers_are_cut_to_32_bits(value: float, cut: int) -> None:
    assert int32_of(value) == cut


@pytest.mark.parametrize(("value", "wrapped"), [(5, 5), (2**31, -(2**31)), (2**32 + 1, 1)])
def test_integers_wrap_at_32_bits(value: int, wrapped: int) -> None:
    assert wrapped_int32(value) == wrapped


@pytest.mark.parametrize(
    ("value", "text"), [(0.1, "0.1"), (1234567.0, "1.23457e+06"), (1e-5, "1e-05"), (10.0, "10"), (math.inf, "inf")]
)
def test_six_significant_digits(value: float, text: str) -> None:
    assert six_digits(value) == text


def test_texts_are_escaped_as_in_c() -> None:
    assert escaped("a'b\"\\\n\t\x01\x7fключ") == "a\\'b\\\"\\\\\\n\\t\\001\\177ключ"


def test_messages_are_written_as_in_c() -> None:
    feature = schema_pb2.Feature(name="1.0")
    feature.presence.min_fraction = 1.0
    feature.presence.min_count = 3
    feature.drift_comparator.infinity_norm.threshold = 14.8 / 49
    text = message_text(feature)
    assert 'name: "1.0"' in text
    assert "min_fraction: 1\n" in text
    assert "min_count: 3\n" in text
    assert "threshold: 0.30204081632653063\n" in text
