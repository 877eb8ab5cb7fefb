"""The transformation: the exported graph applied to batches, without Beam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import impl_helper
from tfx_bsl.tfxio import tensor_adapter

from assay.components.transform.analysis import BATCH_ROWS
from assay.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tfx_bsl.tfxio.tensor_to_arrow import TensorsToRecordBatchConverter

    from assay.components.transform.raw_batches import RawFormat


class TransformFunction:
    """A transform graph, loaded to turn raw batches into transformed ones.

    Attributes:
        schema: Arrow schema of the transformed batches: a flat column where every row holds exactly one value by the
            graph's own shapes, else a list column. A ragged output is the columns that its `tf.io.RaggedFeature` reads:
            the values, and the row lengths of each ragged dimension after the first.
    """

    def __init__(self, graph_path: Path, raw: RawFormat) -> None:
        """Load the graph.

        Args:
            graph_path: A folder that tf.Transform reads (`tft.TFTransformOutput`).
            raw: The raw rows' format, cut down to the tensors that the graph's outputs need.
        """
        output = tft.TFTransformOutput(str(graph_path))
        self._raw = raw
        self._adapter = tensor_adapter.TensorAdapter(raw.adapter_config)
        schema = output.transformed_metadata.schema
        self._converter = _converter(schema)

        def transform(features: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
            transformed: dict[str, tf.Tensor] = output.transform_raw_features(features)
            return transformed

        self._transform = tf.function(transform, input_signature=[raw.type_specs], autograph=False)
        self._single = {
            name
            for name, representation in self._converter.tensor_representations().items()
            if representation.WhichOneof("kind") == "dense_tensor"
            and all(dim.size == 1 for dim in representation.dense_tensor.shape.dim)
        }
        self._ragged = _ragged_columns(schema)
        empty = pa.RecordBatch.from_pylist([], schema=self._converter.arrow_schema())
        self.schema = self._columns(empty).schema

    def apply(self, batches: Iterable[pa.RecordBatch], where: str) -> Iterator[pa.RecordBatch]:
        """Transform batches in order; each gives one or more batches with as many rows in all.

        Raises:
            DataError: If rows do not fit the schema.
        """
        for batch in batches:
            for start in range(0, batch.num_rows, BATCH_ROWS):
                yield self._apply(self._raw.conform(batch.slice(start, BATCH_ROWS), where))

    def _apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        tensors = self._transform(self._adapter.ToBatchTensors(batch, produce_eager_tensors=True))
        return self._columns(self._converter.convert(tensors))

    def _columns(self, lists: pa.RecordBatch) -> pa.RecordBatch:
        columns: dict[str, pa.Array] = {}
        for name, column in zip(lists.schema.names, lists.columns, strict=True):
            if name in self._ragged:
                columns |= zip(self._ragged[name], _levels(column), strict=True)
            else:
                columns[name] = column.flatten() if name in self._single else column
        return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _converter(schema: Schema) -> TensorsToRecordBatchConverter:
    """Return what turns the graph's outputs into Arrow columns.

    Raises:
        UsageError: For an output that has no form in a `tf.Example`, which tf.Transform notices only here.
    """
    try:
        return impl_helper.make_tensor_to_arrow_converter(schema)
    except ValueError as error:
        raise UsageError(
            "transform.output_shape",
            f"An output of preprocessing_fn cannot be written as a column of rows: {error}.",
            "Return it as a dense tensor of known shape (to_tensor(shape=...)) or a sparse one (to_sparse()), or set "
            "materialize=False.",
        ) from error


def _ragged_columns(schema: Schema) -> dict[str, list[str]]:
    """Return the columns of each ragged output: the row lengths from the outside in, then the values."""
    return {
        tensor: [
            *(partition.row_length for partition in form.ragged_tensor.partition if partition.row_length),
            form.ragged_tensor.feature_path.step[-1],
        ]
        for group in schema.tensor_representation_group.values()
        for tensor, form in group.tensor_representation.items()
        if form.WhichOneof("kind") == "ragged_tensor"
    }


def _levels(column: pa.LargeListArray) -> list[pa.LargeListArray]:
    """Split nested lists as a `tf.Example` holds them: the lengths of the inner lists by level, then the values."""
    offsets, values, levels = column.offsets, column.values, []
    while pa.types.is_large_list(values.type):
        lengths = values.value_lengths()
        levels.append(pa.LargeListArray.from_arrays(offsets, lengths))
        offsets, values = values.offsets.take(offsets), values.values
    return [*levels, pa.LargeListArray.from_arrays(offsets, values)]
