"""A SavedModel in a session of TensorFlow's C API, which its wheels carry beside the Python package.

The library by ctypes, NumPy arrays as its tensors and back, and the session, loaded as TensorFlow Serving loads it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from ctypes import CDLL, CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_size_t, c_void_p
from dataclasses import dataclass, field
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.errors import EngineError
from assay.models.signatures import ModelSignature, Tensor, read_signatures

if TYPE_CHECKING:
    from typing_extensions import Self

_LIBRARIES = (
    ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2"),
    ("libtensorflow_framework.2.dylib", "libtensorflow_cc.2.dylib"),
)
_QUIET = ("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only: the first call lists the processor's instructions
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
_TAG = "serve"
# A ConfigProto of graph_options.rewrite_options.disable_meta_optimizer. The taxi model's first calls then take 1.1 s of
# processor time instead of 1.8 s, and its later calls no longer than before.
# Field 10 (graph_options) > field 10 (rewrite_options) > field 19 = true, as core/protobuf/config.proto and
# rewriter_config.proto number them.
_CONFIG = b"\x52\x05\x52\x03\x98\x01\x01"


class GraphOutput(Structure):
    """`TF_Output`: one output of an operation of a graph."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "TF_NewStatus": (c_void_p, ()),
    "TF_DeleteStatus": (None, (c_void_p,)),
    "TF_GetCode": (c_int, (c_void_p,)),
    "TF_Message": (c_char_p, (c_void_p,)),
    "TF_NewGraph": (c_void_p, ()),
    "TF_DeleteGraph": (None, (c_void_p,)),
    "TF_NewSessionOptions": (c_void_p, ()),
    "TF_DeleteSessionOptions": (None, (c_void_p,)),
    "TF_SetConfig": (None, (c_void_p, c_char_p, c_size_t, c_void_p)),
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        (c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int, c_void_p, c_void_p, c_void_p),
    ),
    "TF_CloseSession": (None, (c_void_p, c_void_p)),
    "TF_DeleteSession": (None, (c_void_p, c_void_p)),
    "TF_GraphOperationByName": (c_void_p, (c_void_p, c_char_p)),
    "TF_SessionRun": (
        None,
        (
            *(c_void_p, c_void_p),  # session and run options
            *(POINTER(GraphOutput), POINTER(c_void_p), c_int),  # inputs
            *(POINTER(GraphOutput), POINTER(c_void_p), c_int),  # outputs
            *(c_void_p, c_int, c_void_p, c_void_p),  # targets, run metadata, status
        ),
    ),
    "TF_NewTensor": (c_void_p, (c_int, POINTER(c_int64), c_int, c_void_p, c_size_t, c_void_p, c_void_p)),
    "TF_DeleteTensor": (None, (c_void_p,)),
    "TF_TensorData": (c_void_p, (c_void_p,)),
    "TF_TensorByteSize": (c_size_t, (c_void_p,)),
    "TF_TensorType": (c_int, (c_void_p,)),
    "TF_NumDims": (c_int, (c_void_p,)),
    "TF_Dim": (c_int64, (c_void_p, c_int)),
}

# A name of the module keeps it: ctypes frees a callback that nothing refers to, which TensorFlow would still call.
_keep_memory = CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)(lambda *_: None)
KEEP_MEMORY = ctypes.cast(_keep_memory, c_void_p)
"""A deallocator that leaves a tensor's memory to its owner."""


@cache
def c_library() -> CDLL | None:
    """Return the C API, or None where no installed TensorFlow carries it."""
    spec = PathFinder.find_spec("tensorflow")
    for folder in spec.submodule_search_locations or () if spec is not None else ():
        for names in _LIBRARIES:
            paths = [Path(folder, name) for name in names]
            if all(path.is_file() for path in paths):
                return _bound(paths)
    return None


def _bound(paths: list[Path]) -> CDLL | None:
    os.environ.setdefault(*_QUIET)
    try:
        # In this order: the second library needs symbols of the first, and must not load a copy of its own.
        *_, library = [CDLL(str(path)) for path in paths]
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None  # a build without them: the Python package remains
    return library


@contextmanager
def tensor_of(library: CDLL, values: npt.NDArray[Any] | pa.LargeBinaryArray) -> Iterator[int]:
    """Return a tensor of the values, whose memory it shares; it is gone afterwards.

    Args:
        library: The C API.
        values: Numbers of any shape, bytes of any shape as an array of objects, or a vector of bytes.
    """
    memory: Any
    shape: tuple[int, ...]
    if isinstance(values, pa.LargeBinaryArray):
        # `_owner` keeps Arrow's buffers alive until the tensor is deleted, for the tensor only points at them.
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
    """Return a copy of a tensor's values; bytes as an array of objects.

    Raises:
        EngineError: The tensor has a type that no array holds.
    """
    number = library.TF_TensorType(tensor)
    if number not in DTYPES:
        raise EngineError("evaluator.tensor", f"A model's output has TensorFlow's type {number}, which is not numeric.")
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
    """Return `TF_TString`s that point at Arrow's bytes (a size, of which two bits are the kind, and a pointer)."""
    # Arrow's offsets are absolute in the data buffer, also of a slice of an array, which shares its parent's buffers.
    offsets = np.frombuffer(values.buffers()[1], np.int64)[values.offset : values.offset + len(values) + 1]
    data = values.buffers()[2]
    # numpy aligns to 16 bytes; the strings start at the first multiple of 64 in a somewhat larger array.
    raw = np.zeros(len(values) * _STRING_SIZE + _ALIGNMENT, dtype=np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    views = raw[start : start + len(values) * _STRING_SIZE].view(np.uint64).reshape(-1, 3)
    views[:, 0] = (np.diff(offsets).astype(np.uint64) << np.uint64(2)) | np.uint64(_VIEW)
    views[:, 1] = (0 if data is None else data.address) + offsets[:-1]
    return views, (raw, values)


def _string(address: int) -> bytes:
    head = ctypes.string_at(address, _STRING_SIZE)
    kind = head[0] & 3
    # A small string is in the 24 bytes themselves, its length above the two bits of the kind; a large one is a size, a
    # capacity and a pointer; a view a size and a pointer; an offset a 32-bit size and a distance from here.
    if kind == _SMALL:
        return head[1 : 1 + (head[0] >> 2)]
    words = np.frombuffer(head, np.uint64)
    if kind == _LARGE:
        return ctypes.string_at(int(words[2]), int(words[0]) >> 2)
    if kind == _VIEW:
        return ctypes.string_at(int(words[1]), int(words[0]) >> 2)
    size, offset, _ = np.frombuffer(head[:12], np.uint32)
    return ctypes.string_at(address + int(offset), int(size) >> 2)


class UnservableError(Exception):
    """The C API cannot load or run a model; Python's TensorFlow may."""


@dataclass(frozen=True, slots=True)
class CModel:
    """A loaded SavedModel; several threads may call it.

    Attributes:
        path: Its folder.
        signatures: What it can be asked for.
    """

    path: Path
    signatures: Mapping[str, ModelSignature]
    _library: CDLL = field(repr=False)
    _session: int = field(repr=False)
    _graph: int = field(repr=False)

    def call(self, name: str, inputs: Mapping[str, Any], outputs: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """Return the named outputs of a signature.

        Args:
            name: The signature.
            inputs: An array for each of its inputs.
            outputs: What to compute; the rest is not.

        Raises:
            UnservableError: An input or output is not a plain tensor, or TensorFlow rejects it.
        """
        signature, library = self.signatures[name], self._library
        with ExitStack() as stack:
            tensors = [stack.enter_context(tensor_of(library, values)) for values in inputs.values()]
            fed = [self._place(signature.inputs[key]) for key in inputs]
            wanted = [self._place(signature.outputs[key]) for key in outputs]
            found = (c_void_p * len(wanted))()
            status = stack.enter_context(_Status(library))
            library.TF_SessionRun(
                *(self._session, None),
                *((GraphOutput * len(fed))(*fed), (c_void_p * len(fed))(*tensors), len(fed)),
                *((GraphOutput * len(wanted))(*wanted), found, len(wanted)),
                *(None, 0, None, status.pointer),
            )
            status.check()
            # The outputs are TensorFlow's: their values are copied before they are deleted, whatever is raised.
            try:
                return {key: array_of(library, tensor) for key, tensor in zip(outputs, found, strict=True) if tensor}
            finally:
                for tensor in found:
                    library.TF_DeleteTensor(tensor)

    def _place(self, tensor: Tensor) -> GraphOutput:
        name, _, index = tensor.name.partition(":")
        operation = self._library.TF_GraphOperationByName(self._graph, name.encode())
        if not operation or tensor.dtype not in DTYPES:
            raise UnservableError(f"'{tensor.name}' is not a dense tensor of the graph")
        return GraphOutput(operation, int(index or 0))


@dataclass(slots=True)
class _Status:
    library: CDLL
    pointer: int = 0

    def __enter__(self) -> Self:
        self.pointer = self.library.TF_NewStatus()
        return self

    def __exit__(self, *_: object) -> None:
        self.library.TF_DeleteStatus(self.pointer)

    def check(self) -> None:
        if self.library.TF_GetCode(self.pointer):
            raise UnservableError(self.library.TF_Message(self.pointer).decode(errors="replace"))


def load_c_model(path: Path) -> CModel:
    """Load a SavedModel.

    Raises:
        UnservableError: There is no C API, or it cannot load the model (for example an operation of another package).
        ArtifactError: It is not a SavedModel.
    """
    library = c_library()
    if library is None:
        raise UnservableError("the installed TensorFlow has no C API")
    signatures = read_signatures(path, _TAG)
    graph, options = library.TF_NewGraph(), library.TF_NewSessionOptions()
    with _Status(library) as status:
        library.TF_SetConfig(options, _CONFIG, len(_CONFIG), status.pointer)
        tags = (c_char_p * 1)(_TAG.encode())
        session = library.TF_LoadSessionFromSavedModel(
            options, None, str(path).encode(), tags, 1, graph, None, status.pointer
        )
        library.TF_DeleteSessionOptions(options)
        status.check()
    return CModel(path, signatures, library, session, graph)
