"""Reads protobuf messages field by field, for messages whose generated classes would bring TensorFlow along.

The wire format: a message is a row of (key, value); a key is a varint of the field's number and the value's kind.
See https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

Bytes = TypeVar("Bytes", bytes, memoryview)

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_FIXED = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
_LONGEST_VARINT = 10 * 7  # bits


def fields(message: Bytes) -> Iterator[tuple[int, int | Bytes]]:
    """Return (number, value) for each field: an int for varints, else the bytes.

    Raises:
        ValueError: The bytes are no message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield key >> 3, value
            continue
        if kind == _LENGTH:
            length, at = _varint(message, at)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise _broken(at)
        if at + length > len(message):
            raise _broken(at)
        yield key >> 3, message[at : at + length]
        at += length


def _varint(message: bytes | memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < _LONGEST_VARINT:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
    raise _broken(at)


def _broken(at: int) -> ValueError:
    return ValueError(f"expected a protobuf message; byte {at} is not valid in one")
