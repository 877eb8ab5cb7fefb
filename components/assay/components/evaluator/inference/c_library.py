"""TensorFlow's C API, which its wheels carry beside the Python package.

Importing TensorFlow takes 4 to 11 seconds, most of it for Python modules that a prediction does not need. The C API has
been stable since TensorFlow 1 and is what the bindings of other languages stand on; the library loads in a quarter of a
second. A later `import tensorflow` in the same process shares it.
"""

from __future__ import annotations

import ctypes
import os
from ctypes import CDLL, CFUNCTYPE, POINTER, Structure, c_char_p, c_int, c_int64, c_size_t, c_void_p
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

_LIBRARIES = (
    ("libtensorflow_framework.so.2", "libtensorflow_cc.so.2"),
    ("libtensorflow_framework.2.dylib", "libtensorflow_cc.2.dylib"),
)
_QUIET = ("TF_CPP_MIN_LOG_LEVEL", "2")  # errors only: the first call lists the processor's instructions


class Output(Structure):
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
            *(POINTER(Output), POINTER(c_void_p), c_int),  # inputs
            *(POINTER(Output), POINTER(c_void_p), c_int),  # outputs
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

_keep_memory = CFUNCTYPE(None, c_void_p, c_size_t, c_void_p)(lambda *_: None)
KEEP_MEMORY = ctypes.cast(_keep_memory, c_void_p)
"""A deallocator that leaves a tensor's memory to its owner."""


@cache
def c_library() -> CDLL | None:
    """Gives the C API, or None where no installed TensorFlow carries it."""
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
        *_, library = [CDLL(str(path)) for path in paths]
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None  # a build without them: the Python package remains
    return library
