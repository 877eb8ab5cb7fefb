"""Values of protobuf messages by the numbers of their fields, without generated classes."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TypeAlias

from assay.data import protobuf_wire
from assay.errors import DataError

Value: TypeAlias = int | bytes


def fields(message: bytes) -> Iterator[tuple[int, Value]]:
    """Return (number, value) for each field: an int for varints, else the bytes.

    Raises:
        DataError: The bytes are no message.
    """
    try:
        yield from protobuf_wire.fields(message)
    except ValueError as error:
        reason = str(error)
        raise DataError("report.wire", f"{reason[0].upper()}{reason[1:]}.") from error


def by_number(message: bytes) -> dict[int, list[Value]]:
    """Return the values of each field of a message."""
    found: dict[int, list[Value]] = {}
    for number, value in fields(message):
        found.setdefault(number, []).append(value)
    return found


def message_in(found: dict[int, list[Value]], number: int) -> bytes:
    """Return the last value of a field that holds a message, a text or bytes; empty where it is not set."""
    value = found.get(number, [b""])[-1]
    return value if isinstance(value, bytes) else b""


def text_in(found: dict[int, list[Value]], number: int) -> str:
    """Return the text of a field."""
    return message_in(found, number).decode("utf-8", "replace")


def double_in(found: dict[int, list[Value]], number: int) -> float:
    """Return the value of a `double`; 0 where it is not set."""
    value = message_in(found, number)
    return float(struct.unpack("<d", value)[0]) if len(value) == 8 else 0.0


def wrapped_double_in(found: dict[int, list[Value]], number: int) -> float:
    """Return the value of a `DoubleValue` message, 0 where it is not set."""
    inner = message_in(by_number(message_in(found, number)), 1)
    return float(struct.unpack("<d", inner)[0]) if len(inner) == 8 else 0.0


def float_in(found: dict[int, list[Value]], number: int) -> float:
    """Return the value of a `float`."""
    value = message_in(found, number)
    return float(struct.unpack("<f", value)[0]) if len(value) == 4 else 0.0


def integer_in(found: dict[int, list[Value]], number: int) -> int:
    """Return the value of a varint; 0 where it is not set; negative numbers are their two's complement in 64 bits."""
    value = found.get(number, [0])[-1]
    if not isinstance(value, int):
        return 0
    return value - (1 << 64) if value >= 1 << 63 else value
