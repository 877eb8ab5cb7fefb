"""What models take: the serialized examples, columns and tensors that one batch of examples is made into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.data.tf_example import as_example_columns, encode, fits
from assay.errors import DataError, did_you_mean
from assay.models.c_api import DTYPES, STRING
from assay.models.signatures import Tensor
from assay.native import coders

if TYPE_CHECKING:
    import numpy.typing as npt


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
    """Return the tensors to call a signature with, by name.

    A signature whose only input is a vector of bytes that is not a column takes serialised `tf.Example`s; any other
    takes the columns of its inputs' names.

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
            "model_inputs.missing",
            f"The model requires '{name}', which is not a column of the data.",
            did_you_mean(name, names),
        )
    values = batch.column(names.index(name)).to_pylist()
    rows = sum(1 for value in values if value is None)
    if rows:
        raise DataError(
            "model_inputs.null",
            f"The model requires '{name}', which {rows} of {len(values)} rows lack.",
            "Fill the gaps, or export the model with a signature that accepts tf.Examples.",
        )
    dtype: Any = object if wanted.is_text else wanted.dtype
    plain = [[_bytes(item) for item in value] if isinstance(value, list) else _bytes(value) for value in values]
    try:
        tensor = np.array(plain, dtype=dtype)
    except ValueError as error:
        raise DataError(
            "model_inputs.shape",
            f"The lists of '{name}' differ in length or type: {error}.",
            "Pad them to the same length.",
        ) from None
    if wanted.shape is not None and tensor.ndim != len(wanted.shape):
        tensor = _reshaped(tensor, len(wanted.shape), name)
    return tensor


def _reshaped(tensor: npt.NDArray[Any], rank: int, name: str) -> npt.NDArray[Any]:
    """Reshape a column of single values to a vector or a one-column matrix, as the model requires."""
    if tensor.ndim == 1 and rank == 2:
        return tensor.reshape(-1, 1)
    if tensor.ndim == 2 and rank == 1 and tensor.shape[1] == 1:
        return tensor.reshape(-1)
    raise DataError(
        "model_inputs.shape",
        f"The model requires '{name}' with {rank} dimensions; the column has {tensor.ndim}.",
        "Reshape the column, or the model's input.",
    )


def _bytes(value: Any) -> Any:
    return value.encode() if isinstance(value, str) else value


@dataclass(frozen=True)
class ExampleBatch:
    """Rows, which are encoded once for all models that take serialised examples.

    Attributes:
        rows: The columns as they were read.
    """

    rows: pa.RecordBatch

    @cached_property
    def columns(self) -> pa.RecordBatch:
        """The columns as a `tf.Example` holds them; nested ones, which it cannot hold, are left out."""
        return as_example_columns(chosen(self.rows, [column.name for column in self.rows.schema if fits(column.type)]))

    @cached_property
    def records(self) -> pa.LargeBinaryArray:
        """The rows as serialised `tf.Example`s."""
        # The order of features in a record is the coder's own; no model can tell.
        return pa.array(coders().RecordBatchToExamplesEncoder().Encode(self.columns), pa.large_binary())

    def inputs(self, wanted: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return an array for each input of a signature: serialised examples, or the columns of the inputs' names.

        Raises:
            DataError: A column is missing, lacks a value or does not have the shape that the input takes.
        """
        if takes_examples(wanted, self.rows.schema.names):
            return {next(iter(wanted)): self.records}
        specs = {name: TensorInput(DTYPES.get(one.dtype, "float32"), one.shape) for name, one in wanted.items()}
        return model_inputs(self.rows, specs)


def takes_examples(wanted: Mapping[str, Tensor], columns: list[str]) -> bool:
    """Return whether a signature takes serialised examples: its only input is a byte vector that is not a column."""
    [first, *more] = wanted.items()
    name, tensor = first
    is_vector = tensor.shape is None or len(tensor.shape) == 1
    return not more and tensor.dtype == STRING and name not in columns and is_vector


def chosen(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """Select columns; pyarrow 10 cannot select from a batch."""
    return pa.RecordBatch.from_arrays([batch.column(batch.schema.get_field_index(name)) for name in names], list(names))
