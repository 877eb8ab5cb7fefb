"""A SavedModel in a session of TensorFlow's C API, loaded as TensorFlow Serving loads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from ctypes import CDLL, c_char_p, c_void_p
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.components.evaluator.inference.c_library import Output, c_library
from assay.components.evaluator.inference.c_tensors import DTYPES, array_of, tensor_of
from assay.components.evaluator.inference.signature_defs import Signature, Tensor, read_signatures

if TYPE_CHECKING:
    import numpy.typing as npt
    from typing_extensions import Self

_TAG = "serve"
# A ConfigProto of graph_options.rewrite_options.disable_meta_optimizer. The taxi model's first calls then take 1.1 s of
# processor time instead of 1.8 s, and its later calls no longer than before.
_CONFIG = b"\x52\x05\x52\x03\x98\x01\x01"


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
    signatures: Mapping[str, Signature]
    _library: CDLL = field(repr=False)
    _session: int = field(repr=False)
    _graph: int = field(repr=False)

    def call(self, name: str, inputs: Mapping[str, Any], outputs: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """Gives the named outputs of a signature.

        Args:
            name: The signature.
            inputs: An array for each of its inputs.
            outputs: What to compute; the rest is not.

        Raises:
            UnservableError: An input or output is no plain tensor, or TensorFlow refuses.
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
                *((Output * len(fed))(*fed), (c_void_p * len(fed))(*tensors), len(fed)),
                *((Output * len(wanted))(*wanted), found, len(wanted)),
                *(None, 0, None, status.pointer),
            )
            status.check()
            try:
                return {key: array_of(library, tensor) for key, tensor in zip(outputs, found, strict=True) if tensor}
            finally:
                for tensor in found:
                    library.TF_DeleteTensor(tensor)

    def _place(self, tensor: Tensor) -> Output:
        name, _, index = tensor.name.partition(":")
        operation = self._library.TF_GraphOperationByName(self._graph, name.encode())
        if not operation or tensor.dtype not in DTYPES:
            raise UnservableError(f"'{tensor.name}' is no dense tensor of the graph")
        return Output(operation, int(index or 0))


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
    """Loads a SavedModel.

    Raises:
        UnservableError: There is no C API, or it cannot load the model (an operation of another package, say).
        ArtifactError: It is no SavedModel.
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
