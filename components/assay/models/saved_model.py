"""One way to ask any model: by signature, with arrays in and arrays out.

SavedModels run in TensorFlow's C API; those that it cannot run, and Keras files, in Python's TensorFlow.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from zipfile import BadZipFile

import numpy as np

from assay.errors import ArtifactError, DataError, UsageError, did_you_mean
from assay.models.c_api import DTYPES, UnservableError, load_c_model
from assay.models.signatures import ModelSignature, Tensor
from assay.native import end_tensorflow_quietly
from assay.spec.user_code import reason_of

if TYPE_CHECKING:
    import numpy.typing as npt

KERAS_SIGNATURE = "keras"
_KERAS_OUTPUT = "output"
_UNLOADABLE = (OSError, LookupError, ValueError, TypeError, AttributeError, RuntimeError, EOFError, BadZipFile)
SERVING_DEFAULT = "serving_default"
_DEFAULT_SIGNATURES = ("predict", SERVING_DEFAULT, KERAS_SIGNATURE)  # in TFMA's order


class _Loaded(Protocol):
    @property
    def signatures(self) -> Mapping[str, ModelSignature]: ...

    def call(self, name: str, inputs: Mapping[str, Any], outputs: Sequence[str]) -> dict[str, npt.NDArray[Any]]: ...


class ServedModel:
    """A model, in TensorFlow's C API where that can run it, else in Python's TensorFlow.

    Attributes:
        path: Its folder or file.
        why_python: Why the C API does not run it; None where it does.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.why_python: str | None = None
        self._lock = threading.Lock()
        self._loaded: _Loaded
        if path.is_file():
            self._use_python(UnservableError("it is a Keras file"))
            return
        try:
            self._loaded = load_c_model(path)
        except UnservableError as error:
            self._use_python(error)

    @property
    def signatures(self) -> Mapping[str, ModelSignature]:
        """What it can be asked for."""
        return self._loaded.signatures

    def signature_name(self, wanted: str) -> str:
        """Return the signature of predictions: the one that is wanted, else `predict` or `serving_default` as in TFMA.

        Raises:
            UsageError: The model has no such signature.
        """
        if wanted in self.signatures:
            return wanted
        if not wanted:
            for name in _DEFAULT_SIGNATURES:
                if name in self.signatures:
                    return name
        raise UsageError(
            "eval_config.signature",
            f"The model at {self.path} has no signature '{wanted or 'serving_default'}'.",
            did_you_mean(wanted, self.signatures),
        )

    def call(self, name: str, inputs: Mapping[str, Any], outputs: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """Return the named outputs of a signature.

        Raises:
            DataError: The model refuses the inputs.
        """
        loaded = self._loaded
        try:
            return loaded.call(name, inputs, outputs)
        except UnservableError as error:
            with self._lock:
                if self._loaded is loaded:
                    self._use_python(error)
        return self._loaded.call(name, inputs, outputs)

    def _use_python(self, reason: UnservableError) -> None:
        self.why_python = str(reason).splitlines()[0]
        self._loaded = load_python_model(self.path)


@lru_cache(maxsize=4)
def open_model(path: Path) -> ServedModel:
    """Load a model once in a process.

    Raises:
        ArtifactError: It cannot be loaded.
    """
    return ServedModel(path)


@dataclass(frozen=True, slots=True)
class PythonModel:
    """A model in Python's TensorFlow.

    Attributes:
        path: Its folder or file.
        signatures: What it can be asked for; a Keras file has one, `keras`, with the features of its inputs.
    """

    path: Path
    signatures: Mapping[str, ModelSignature]
    _functions: Mapping[str, Any] = field(repr=False)

    def call(self, name: str, inputs: Mapping[str, Any], outputs: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
        """Return the named outputs of a signature, sparse and ragged ones made dense.

        Raises:
            DataError: TensorFlow refuses.
        """
        import tensorflow as tf

        try:
            tensors = {key: tf.constant(_plain(values)) for key, values in inputs.items()}
            found = self._functions[name](tensors)
            return {key: _dense(found[key]).numpy() for key in outputs}
        except (ValueError, TypeError, KeyError, tf.errors.OpError) as error:
            raise DataError(
                "evaluator.model_failed",
                f"The model at {self.path} could not compute '{name}': {_reason(error)}.",
                "Check that the signature fits the examples.",
            ) from error


def load_python_model(path: Path) -> PythonModel:
    """Load a SavedModel's folder or a Keras file.

    Raises:
        ArtifactError: TensorFlow cannot load it.
    """
    import tensorflow as tf

    end_tensorflow_quietly()
    try:
        if path.is_file():
            return _keras_model(path)
        model = tf.saved_model.load(str(path))
    except IndexError as error:  # "Read less bytes than requested", in TensorFlow's words
        files = ", ".join(sorted(str(one) for one in path.glob("variables/variables.data-*"))) or str(path)
        raise ArtifactError(
            "evaluator.model_unloadable",
            f"{path} cannot be loaded: {files} does not have all the bytes that variables.index names.",
            "Copy the model again: a file was cut off.",
        ) from error
    except (*_UNLOADABLE, tf.errors.OpError) as error:
        raise ArtifactError("evaluator.model_unloadable", f"{path} cannot be loaded: {_reason(error)}.") from error
    signatures, functions = {}, {}
    for name, function in model.signatures.items():
        inputs = {key: _tensor(key, spec) for key, spec in function.structured_input_signature[1].items()}
        outputs = {key: _tensor(key, spec) for key, spec in function.structured_outputs.items()}
        signatures[name] = ModelSignature(inputs, outputs)
        functions[name] = _by_keyword(model, function)
    return PythonModel(path, signatures, functions)


def _keras_model(path: Path) -> PythonModel:
    import keras

    model = keras.saving.load_model(path, compile=False)
    inputs = {one.name: Tensor(one.name, _number(one.dtype), tuple(one.shape)) for one in model.inputs}
    # A model that gives a dict is known by its keys, one that gives a list by the layers that end it.
    made = model.output if len(model.outputs) > 1 else None
    names = [_KERAS_OUTPUT] if made is None else list(made if isinstance(made, dict) else model.output_names)
    tensors_out = list(made.values()) if isinstance(made, dict) else model.outputs
    outputs = {
        name: Tensor(name, _number(one.dtype), tuple(one.shape)) for name, one in zip(names, tensors_out, strict=True)
    }

    def call(tensors: dict[str, Any]) -> dict[str, Any]:
        found = model(tensors if len(tensors) > 1 else next(iter(tensors.values())), training=False)
        if isinstance(found, dict):
            return found if len(names) > 1 else dict(zip(names, found.values(), strict=True))
        return dict(zip(names, found if isinstance(found, (list, tuple)) else [found], strict=True))

    return PythonModel(path, {KERAS_SIGNATURE: ModelSignature(inputs, outputs)}, {KERAS_SIGNATURE: call})


def _by_keyword(model: Any, function: Any) -> Any:
    def call(tensors: dict[str, Any]) -> Any:
        _ = model  # its variables live as long as it does
        return function(**tensors)

    return call


def _tensor(name: str, spec: Any) -> Tensor:
    shape = getattr(spec, "shape", None)
    return Tensor(
        name,
        _number(spec.dtype.name),
        tuple(shape.as_list()) if shape is not None and shape.rank is not None else None,
    )


def _number(name: str) -> int:
    return next((number for number, known in DTYPES.items() if known == name), 0)


def _plain(values: Any) -> Any:
    return values if isinstance(values, np.ndarray) else values.to_pylist()


def _dense(tensor: Any) -> Any:
    import tensorflow as tf

    if isinstance(tensor, tf.SparseTensor):
        return tf.sparse.to_dense(tensor)
    return tensor.to_tensor() if isinstance(tensor, tf.RaggedTensor) else tf.convert_to_tensor(tensor)


def _reason(error: Exception) -> str:
    first = next(iter(str(error).strip().splitlines()), "")
    reason = reason_of(error) if first.startswith("Graph execution error") else first
    return f"{type(error).__name__}: {reason}".rstrip(". :")
