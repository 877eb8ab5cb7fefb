"""One way to ask any model: by signature, with arrays in and arrays out."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assay.components.evaluator.inference.c_model import UnservableError, load_c_model
from assay.components.evaluator.inference.python_model import KERAS_SIGNATURE, load_python_model
from assay.components.evaluator.inference.signature_defs import Signature
from assay.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    import numpy.typing as npt

SERVING_DEFAULT = "serving_default"
_DEFAULT_SIGNATURES = ("predict", SERVING_DEFAULT, KERAS_SIGNATURE)  # in TFMA's order


class _Loaded(Protocol):
    @property
    def signatures(self) -> Mapping[str, Signature]: ...

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
    def signatures(self) -> Mapping[str, Signature]:
        """What it can be asked for."""
        return self._loaded.signatures

    def signature_name(self, wanted: str) -> str:
        """Gives the signature of predictions: the one that is wanted, else `predict` or `serving_default` as in TFMA.

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
        """Gives the named outputs of a signature.

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
    """Loads a model once in a process.

    Raises:
        ArtifactError: It cannot be loaded.
    """
    return ServedModel(path)
