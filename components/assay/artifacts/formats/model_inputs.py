"""Record batches as the input tensors of a model, in numpy: what a signature takes decides how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.artifacts.formats.tf_example import encode
from assay.errors import DataError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class TensorInput:
    """An input of a signature.

    Attributes:
        dtype: numpy's name of the type; `object` or `string` for bytes.
        shape: The sizes by dimension, None where any will do; None for an unknown rank.
    """

    dtype: str
    shape: tuple[int | None, ...] | None

    @property
    def is_text(self) -> bool:
        """Tells whether it takes bytes."""
        return self.dtype in {"object", "string"}


def model_inputs(batch: pa.RecordBatch, signature: Mapping[str, TensorInput]) -> dict[str, npt.NDArray[Any]]:
    """Gives the tensors to call a signature with, by name.

    A signature whose only input is a vector of bytes that is no column takes serialised `tf.Example`s; any other takes
    the columns of its inputs' names.

    Raises:
        DataError: A column is missing, lacks a value or does not have the shape that the input takes.
    """
    names = list(batch.schema.names)
    if len(signature) == 1:
        [(name, only)] = signature.items()
        if only.is_text and name not in names and (only.shape is None or len(only.shape) == 1):
            return {name: np.array(encode(batch), dtype=object)}
    return {name: _tensor(batch, name, wanted, names) for name, wanted in signature.items()}


def _tensor(batch: pa.RecordBatch, name: str, wanted: TensorInput, names: list[str]) -> npt.NDArray[Any]:
    if name not in names:
        raise DataError(
            "model_inputs.missing", f"The model takes '{name}'; no column has it.", did_you_mean(name, names)
        )
    values = batch.column(names.index(name)).to_pylist()
    rows = sum(1 for value in values if value is None)
    if rows:
        raise DataError(
            "model_inputs.null",
            f"The model takes '{name}', which {rows} of {len(values)} rows lack.",
            "Fill the gaps, or export the model with a signature that takes tf.Examples.",
        )
    dtype: Any = object if wanted.is_text else wanted.dtype
    plain = [[_bytes(item) for item in value] if isinstance(value, list) else _bytes(value) for value in values]
    try:
        tensor = np.array(plain, dtype=dtype)
    except ValueError as error:
        raise DataError(
            "model_inputs.shape", f"The lists of '{name}' differ in length or type: {error}.", "Pad them to one length."
        ) from None
    if wanted.shape is not None and tensor.ndim != len(wanted.shape):
        tensor = _reshaped(tensor, len(wanted.shape), name)
    return tensor


def _reshaped(tensor: npt.NDArray[Any], rank: int, name: str) -> npt.NDArray[Any]:
    """A column of single values fits a vector, and a matrix with one column, alike."""
    if tensor.ndim == 1 and rank == 2:
        return tensor.reshape(-1, 1)
    if tensor.ndim == 2 and rank == 1 and tensor.shape[1] == 1:
        return tensor.reshape(-1)
    raise DataError(
        "model_inputs.shape",
        f"The model takes '{name}' with {rank} dimensions; the column has {tensor.ndim}.",
        "Reshape the column, or the model's input.",
    )


def _bytes(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value
