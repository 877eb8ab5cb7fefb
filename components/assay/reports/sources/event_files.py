"""Scalars of TensorBoard's event files, read without TensorFlow.

An event file is a TFRecord file of `tensorflow.Event` messages (core/util/event.proto, core/framework/summary.proto).
TensorFlow 2 writes a scalar as a tensor with the plugin name `scalars`; TensorFlow 1 as `simple_value`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from assay.data.tfrecord import read_records
from assay.errors import DataError
from assay.protos import tensorflow

# By type: the format of a number in `tensor_content`, and the field that has it otherwise.
_NUMBERS = {
    tensorflow.DataType.DT_FLOAT: ("<f", "float_val"),
    tensorflow.DataType.DT_DOUBLE: ("<d", "double_val"),
    tensorflow.DataType.DT_INT32: ("<i", "int_val"),
    tensorflow.DataType.DT_INT64: ("<q", "int64_val"),
}


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
            except (DataError, DecodeError):
                is_cut = True
        logs.append(RunLog(parent.relative_to(folder).as_posix(), tuple(scalars), is_cut))
    return logs


def _scalars(path: Path) -> Iterator[Scalar]:
    for record in read_records(path):
        event = tensorflow.Event.FromString(record)
        for value in event.summary.value:
            kind, number = value.WhichOneof("value"), None
            if kind == "simple_value":
                number = value.simple_value
            elif kind == "tensor" and value.metadata.plugin_data.plugin_name in {"scalars", ""}:
                number = _one_number(value.tensor)
            if number is not None:
                yield Scalar(value.tag, event.step, number, event.wall_time)


def _one_number(tensor: Any) -> float | None:
    """Return the number of a tensor that holds one; None for any other."""
    if tensor.dtype not in _NUMBERS:
        return None
    kind, field = _NUMBERS[tensor.dtype]
    content, values = tensor.tensor_content, getattr(tensor, field)
    if len(content) == struct.calcsize(kind):
        return float(struct.unpack(kind, content)[0])
    return float(values[0]) if len(values) == 1 else None
