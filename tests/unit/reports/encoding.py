"""Writes protobuf messages by field numbers, so that event files and plots need no TensorFlow to be made."""

from __future__ import annotations

import struct
from pathlib import Path

from assay.data.tfrecord import TFRecordWriter


def message(*fields: tuple[int, int | float | str | bytes]) -> bytes:
    """A message of (number, value): an int is a varint, a float a double, anything else bytes."""
    parts = []
    for number, value in fields:
        if isinstance(value, int):
            parts.append(varint(number << 3) + varint(value & (1 << 64) - 1))
        elif isinstance(value, float):
            parts.append(varint(number << 3 | 1) + struct.pack("<d", value))
        else:
            content = value.encode() if isinstance(value, str) else value
            parts.append(varint(number << 3 | 2) + varint(len(content)) + content)
    return b"".join(parts)


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def wrapped(value: float) -> bytes:
    """A DoubleValue."""
    return message((1, value))


def write_records(path: Path, *records: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with TFRecordWriter(path, compress=False) as writer:
        writer.write(*records)


def scalar_event(tag: str, step: int, value: float) -> bytes:
    """A scalar as TensorFlow 2 writes it: a float tensor of the plugin `scalars`."""
    metadata = message((1, message((1, "scalars"))))
    tensor = message((1, 1), (4, struct.pack("<f", value)))
    summary = message((1, message((1, tag), (8, tensor), (9, metadata))))
    return message((1, 1.7e9 + step), (2, step), (5, summary))
