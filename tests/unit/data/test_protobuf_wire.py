from __future__ import annotations

import struct

import pytest
from google.protobuf.wrappers_pb2 import DoubleValue, Int64Value, StringValue, UInt64Value
from hypothesis import given
from hypothesis import strategies as st

from assay.data.protobuf_wire import fields


@given(st.integers(1, 2**64 - 1), st.text(min_size=1))
def test_what_protobuf_writes_is_read(number: int, text: str) -> None:
    raw = UInt64Value(value=number).SerializeToString() + StringValue(value=text).SerializeToString()
    assert list(fields(raw)) == [(1, number), (1, text.encode())]


def test_a_negative_number_is_its_twos_complement() -> None:
    assert list(fields(Int64Value(value=-1).SerializeToString())) == [(1, 2**64 - 1)]


def test_views_are_not_copied() -> None:
    [(field, value)] = fields(memoryview(DoubleValue(value=0.5).SerializeToString()))
    assert isinstance(value, memoryview)
    assert (field, struct.unpack("<d", value)) == (1, (0.5,))


@pytest.mark.parametrize(
    "raw",
    [b"\x0a\x05ab", b"\x09\x00", b"\x80", b"\x0b", b"\x08" + b"\xff" * 11],
    ids=["text that is cut off", "half a double", "half a key", "a group", "an endless number"],
)
def test_what_is_no_message_says_where(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"expected a protobuf message; byte \d+"):
        list(fields(raw))
