"""A batch of examples in the forms that models take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa

from assay.artifacts.formats.model_inputs import TensorInput, model_inputs
from assay.artifacts.formats.tf_example import as_example_columns, fits
from assay.components.evaluator.inference.c_tensors import DTYPES, STRING
from assay.components.evaluator.inference.signature_defs import Tensor
from assay.native import coders


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
        """Gives an array for each input of a signature: serialised examples, or the columns of the inputs' names.

        Raises:
            DataError: A column is missing, lacks a value or does not have the shape that the input takes.
        """
        if takes_examples(wanted, self.rows.schema.names):
            return {next(iter(wanted)): self.records}
        specs = {name: TensorInput(DTYPES.get(one.dtype, "float32"), one.shape) for name, one in wanted.items()}
        return model_inputs(self.rows, specs)


def takes_examples(wanted: Mapping[str, Tensor], columns: list[str]) -> bool:
    """Tells whether a signature takes serialised examples: its only input is a vector of bytes that is no column."""
    [first, *more] = wanted.items()
    name, tensor = first
    is_vector = tensor.shape is None or len(tensor.shape) == 1
    return not more and tensor.dtype == STRING and name not in columns and is_vector


def chosen(batch: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
    """Gives some columns; pyarrow 10 cannot select from a batch."""
    return pa.RecordBatch.from_arrays([batch.column(batch.schema.get_field_index(name)) for name in names], list(names))
