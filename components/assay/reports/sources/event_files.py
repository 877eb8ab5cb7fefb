"""Scalars of TensorBoard's event files, read without TensorFlow.

An event file is a TFRecord file of `tensorflow.Event` messages (core/util/event.proto, core/framework/summary.proto).
TensorFlow 2 writes a scalar as a tensor with the plugin name `scalars`; TensorFlow 1 as `simple_value`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.data.tfrecord import read_records
from assay.errors import DataError
from assay.reports.sources.wire import by_number, double_in, float_in, integer_in, message_in, text_in

# Numbers of the fields that are read.
_WALL_TIME, _STEP, _SUMMARY = 1, 2, 5
_VALUES = 1
_TAG, _SIMPLE_VALUE, _TENSOR, _METADATA = 1, 2, 8, 9
_DTYPE, _CONTENT, _FLOATS, _DOUBLES, _INTS, _LONGS = 1, 4, 5, 6, 7, 10
_FORMATS = {1: "<f", 2: "<d", 3: "<i", 9: "<q"}  # DT_FLOAT, DT_DOUBLE, DT_INT32, DT_INT64


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value of a tag at a step."""

    tag: str
    step: int
    value: float
    wall_time: float


@dataclass(frozen=True, slots=True)
class RunLog:
    """The scalars of one folder of event files, in the order in which they were written.

    Attributes:
        name: The folder below the logs: `train`, `validation`; `.` for the logs' own.
        is_cut: Whether a file ended within a record, as the log of a killed run does.
    """

    name: str
    scalars: tuple[Scalar, ...]
    is_cut: bool = False


def read_logs(folder: Path) -> list[RunLog]:
    """Read every event file below a folder."""
    by_folder: dict[Path, list[Path]] = {}
    for path in sorted(folder.rglob("*tfevents*")):
        by_folder.setdefault(path.parent, []).append(path)
    logs = []
    for parent, paths in by_folder.items():
        scalars: list[Scalar] = []
        is_cut = False
        for path in paths:
            try:
                scalars.extend(_scalars(path))
            except DataError:
                is_cut = True
        logs.append(RunLog(parent.relative_to(folder).as_posix(), tuple(scalars), is_cut))
    return logs


def _scalars(path: Path) -> Iterator[Scalar]:
    for record in read_records(path):
        event = by_number(record)
        step, wall_time = integer_in(event, _STEP), double_in(event, _WALL_TIME)
        for value in by_number(message_in(event, _SUMMARY)).get(_VALUES, []):
            if not isinstance(value, bytes):
                continue
            found = by_number(value)
            number = float_in(found, _SIMPLE_VALUE) if _SIMPLE_VALUE in found else None
            if number is None and _TENSOR in found and _plugin(message_in(found, _METADATA)) in {"scalars", ""}:
                number = _one_number(message_in(found, _TENSOR))
            if number is not None:
                yield Scalar(text_in(found, _TAG), step, number, wall_time)


def _plugin(metadata: bytes) -> str:
    return text_in(by_number(message_in(by_number(metadata), 1)), 1)


def _one_number(tensor: bytes) -> float | None:
    """Return the number of a tensor that holds one; None for any other."""
    found = by_number(tensor)
    kind = _FORMATS.get(integer_in(found, _DTYPE))
    if kind is None:
        return None
    content = message_in(found, _CONTENT)
    if len(content) != struct.calcsize(kind):
        if _INTS in found or _LONGS in found:
            values = found.get(_INTS) or found.get(_LONGS) or []
            return float(values[0]) if len(values) == 1 and isinstance(values[0], int) else None
        content = message_in(found, _DOUBLES if kind == "<d" else _FLOATS)
    return float(struct.unpack(kind, content)[0]) if len(content) == struct.calcsize(kind) else None
