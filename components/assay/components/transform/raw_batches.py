"""Raw rows as tf.Transform takes them: Arrow batches of lists, typed and ordered as the schema says."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx_bsl.tfxio import tensor_adapter, tensor_representation_util

from assay.data.tf_example import as_example_columns
from assay.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Collection

    import tensorflow as tf

_VALUE_TYPES = {
    schema_pb2.BYTES: pa.large_binary(),
    schema_pb2.INT: pa.int64(),
    schema_pb2.FLOAT: pa.float32(),
}


@dataclass(frozen=True)
class RawFormat:
    """How raw rows become tensors, as the schema declares it.

    Attributes:
        schema: The schema of the raw rows, or of the part of their columns that is read.
        whole: The format that this one is a part of; None where it is the whole.
    """

    schema: schema_pb2.Schema
    whole: RawFormat | None = None

    def project(self, tensor_names: Collection[str]) -> RawFormat:
        """Return the part of the format that the named tensors need."""
        projected = tensor_representation_util.ProjectTensorRepresentationsInSchema(self.schema, sorted(tensor_names))
        return RawFormat(projected, self)

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """Lists of values, a field for each feature."""
        fields = [
            (feature.name, pa.large_list(_VALUE_TYPES[feature.type]))
            for feature in self.schema.feature
            if feature.type in _VALUE_TYPES
        ]
        return pa.schema(fields)

    @cached_property
    def adapter_config(self) -> tensor_adapter.TensorAdapterConfig:
        """How tfx_bsl turns such batches into tensors."""
        representations = tensor_representation_util.InferTensorRepresentationsFromMixedSchema(self.schema)
        # tf.Transform traces preprocessing_fn with the tensors of the whole, whatever part of them it is then fed.
        specs = None if self.whole is None else self.whole.type_specs_of_whole
        return tensor_adapter.TensorAdapterConfig(self.arrow_schema, representations, specs)

    @cached_property
    def type_specs(self) -> dict[str, tf.TypeSpec]:
        """The tensors that `preprocessing_fn` gets, by name."""
        specs: dict[str, tf.TypeSpec] = tensor_adapter.TensorAdapter(self.adapter_config).TypeSpecs()
        return specs

    @property
    def type_specs_of_whole(self) -> dict[str, tf.TypeSpec]:
        """The tensors of the format that this one is a part of."""
        return self.type_specs if self.whole is None else self.whole.type_specs_of_whole

    @cached_property
    def value_counts(self) -> dict[str, int]:
        """How many values each row must hold, for the features whose tensors are dense and have no default."""
        counts = {}
        for representation in self.adapter_config.tensor_representations.values():
            dense = representation.dense_tensor
            if representation.WhichOneof("kind") == "dense_tensor" and not dense.HasField("default_value"):
                counts[dense.column_name] = int(np.prod([dim.size for dim in dense.shape.dim], initial=1))
        return counts

    def conform(self, batch: pa.RecordBatch, where: str) -> pa.RecordBatch:
        """Return a batch with the schema's columns as lists; a column that is absent is a feature missing in every row.

        Args:
            batch: Flat columns (null = missing) or list columns.
            where: The rows' place, for messages, such as `split 'train'`.

        Raises:
            DataError: If a column's values are not of the feature's type, or a row lacks a value that it must hold.
        """
        present = set(batch.schema.names)
        chosen = [name for name in self.arrow_schema.names if name in present]
        lists = as_example_columns(
            pa.RecordBatch.from_arrays([batch.column(batch.schema.get_field_index(name)) for name in chosen], chosen)
        )
        columns = dict(zip(chosen, lists.columns, strict=True))
        arrays = []
        for field in self.arrow_schema:
            array = columns.get(field.name)
            array = pa.nulls(batch.num_rows, field.type) if array is None else _typed(array, field, where)
            if field.name in self.value_counts:
                _check_value_counts(array, self.value_counts[field.name], field.name, where)
            arrays.append(array)
        return pa.RecordBatch.from_arrays(arrays, schema=self.arrow_schema)


def _typed(array: pa.LargeListArray, field: pa.Field, where: str) -> pa.LargeListArray:
    """Return lists of the feature's type; integers are accepted for floats, as in a CSV without decimal points.

    Raises:
        DataError: For any other type.
    """
    if array.type == field.type:
        return array
    if len(array.values) == 0:
        return pa.LargeListArray.from_arrays(_offsets(array), pa.array([], field.type.value_type))
    if pa.types.is_integer(array.type.value_type) and pa.types.is_floating(field.type.value_type):
        return pa.LargeListArray.from_arrays(_offsets(array), array.values.cast(field.type.value_type))
    raise DataError(
        "transform.type",
        f"Feature '{field.name}' of {where} holds {array.type.value_type} values; the schema requires "
        f"{field.type.value_type}.",
        "Infer the schema again, or correct the feature's type in it.",
    )


def _offsets(array: pa.LargeListArray) -> pa.Array:
    # from_arrays takes validity as nulls among the offsets, whose last element must not be null.
    missing = np.append(array.is_null().to_numpy(zero_copy_only=False), False)
    return pa.array(array.offsets.to_numpy(), mask=missing)


def _check_value_counts(array: pa.LargeListArray, expected: int, feature: str, where: str) -> None:
    lengths = array.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    wrong = int(np.count_nonzero(lengths != expected))
    if wrong:
        first = int(np.flatnonzero(lengths != expected)[0])
        raise DataError(
            "transform.value_count",
            f"Feature '{feature}' must hold exactly {expected} value{'s' * (expected != 1)} in every row (its shape in "
            f"the schema is fixed), but {wrong} of {len(lengths)} rows of {where} do not; the first holds "
            f"{int(lengths[first])}.",
            "Relax the shape in the schema (value_count instead of shape), or fill the gaps before Transform.",
        )
