"""NumPy arrays as tensors of TensorFlow's C API, and back."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL, c_int64
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.components.evaluator.inference.c_library import KEEP_MEMORY
from assay.errors import EngineError

STRING = 7
DTYPES: dict[int, str] = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", STRING: "string", 9: "int64",
    10: "bool", 17: "uint16", 19: "float16", 22: "uint32", 23: "uint64",
}  # fmt: skip
"""numpy's names of TensorFlow's types, by `TF_DataType`."""

_NUMBERS = {name: number for number, name in DTYPES.items()}
_STRING_SIZE = 24  # of a TF_TString
_ALIGNMENT = 64  # what TensorFlow asks of a tensor's memory; it copies what is not so
# The kinds of TF_TString, in the lowest two bits of its first byte (tensorflow/core/platform/ctstring_internal.h).
_SMALL, _LARGE, _OFFSET, _VIEW = range(4)


@contextmanager
def tensor_of(library: CDLL, values: npt.NDArray[Any] | pa.LargeBinaryArray) -> Iterator[int]:
    """Gives a tensor of the values, whose memory it shares; it is gone afterwards.

    Args:
        library: The C API.
        values: Numbers of any shape, bytes of any shape as an array of objects, or a vector of bytes.
    """
    memory: Any
    shape: tuple[int, ...]
    if isinstance(values, pa.LargeBinaryArray):
        shape, number, (memory, _owner) = (len(values),), STRING, _views(values)
    elif values.dtype == object:
        shape, number = values.shape, STRING
        memory, _owner = _views(pa.array(values.reshape(-1).tolist(), pa.large_binary()))
    else:
        memory = np.require(values, requirements="C")
        shape, number = memory.shape, _NUMBERS[memory.dtype.name]
    sizes = (c_int64 * len(shape))(*shape)
    tensor = library.TF_NewTensor(number, sizes, len(shape), memory.ctypes.data, memory.nbytes, KEEP_MEMORY, None)
    try:
        yield tensor
    finally:
        library.TF_DeleteTensor(tensor)


def array_of(library: CDLL, tensor: int) -> npt.NDArray[Any]:
    """Gives a copy of a tensor's values; bytes as an array of objects.

    Raises:
        EngineError: The tensor has a type that no array holds.
    """
    number = library.TF_TensorType(tensor)
    if number not in DTYPES:
        raise EngineError("evaluator.tensor", f"A model's output has TensorFlow's type {number}, which is no number.")
    shape = tuple(library.TF_Dim(tensor, axis) for axis in range(library.TF_NumDims(tensor)))
    address, size = library.TF_TensorData(tensor), library.TF_TensorByteSize(tensor)
    if number == STRING:
        flat = np.empty(int(np.prod(shape)), dtype=object)
        for at in range(len(flat)):
            flat[at] = _string(address + at * _STRING_SIZE)
        return flat.reshape(shape)
    content = ctypes.string_at(address, size) if size else b""
    return np.frombuffer(content, DTYPES[number]).reshape(shape)


def _views(values: pa.LargeBinaryArray) -> tuple[npt.NDArray[Any], Any]:
    """Gives `TF_TString`s that point at Arrow's bytes (a size, of which two bits are the kind, and a pointer)."""
    offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
    data = values.buffers()[2]
    raw = np.zeros(len(values) * _STRING_SIZE + _ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    views = raw[start : start + len(values) * _STRING_SIZE].view(np.uint64).reshape(-1, 3)
    views[:, 0] = (np.diff(offsets).astype(np.uint64) << np.uint64(2)) | np.uint64(_VIEW)
    views[:, 1] = (0 if data is None else data.address) + offsets[:-1]
    return views, (raw, values)


def _string(address: int) -> bytes:
    head = ctypes.string_at(address, _STRING_SIZE)
    kind = head[0] & 3
    if kind == _SMALL:
        return head[1 : 1 + (head[0] >> 2)]
    words = np.frombuffer(head, np.uint64)
    if kind == _LARGE:
        return ctypes.string_at(int(words[2]), int(words[0]) >> 2)
    if kind == _VIEW:
        return ctypes.string_at(int(words[1]), int(words[0]) >> 2)
    size, offset, _ = np.frombuffer(head[:12], np.uint32)
    return ctypes.string_at(address + int(offset), int(size) >> 2)
