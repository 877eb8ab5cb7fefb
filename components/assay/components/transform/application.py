"""The transformation: the exported graph applied to batches, without Beam."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import tensorflow as tf
import tensorflow_transform as tft
from tensorflow_transform import impl_helper
from tfx_bsl.tfxio import tensor_adapter

from assay.components.transform.analysis import BATCH_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from assay.components.transform.raw_batches import RawFormat


class TransformFunction:
    """A transform graph, loaded to turn raw batches into transformed ones.

    Attributes:
        schema: Arrow schema of the transformed batches: a flat column where every row holds exactly one value by the
            graph's own shapes, else a list column.
    """

    def __init__(self, graph_path: Path, raw: RawFormat) -> None:
        """Loads the graph.

        Args:
            graph_path: A folder that tf.Transform reads (`tft.TFTransformOutput`).
            raw: The raw rows' format, cut down to the tensors that the graph's outputs need.
        """
        output = tft.TFTransformOutput(str(graph_path))
        self._raw = raw
        self._adapter = tensor_adapter.TensorAdapter(raw.adapter_config)
        self._converter = impl_helper.make_tensor_to_arrow_converter(output.transformed_metadata.schema)

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
        self.schema = pa.schema(
            [
                pa.field(field.name, field.type.value_type if field.name in self._single else field.type)
                for field in self._converter.arrow_schema()
            ]
        )

    def apply(self, batches: Iterable[pa.RecordBatch], where: str) -> Iterator[pa.RecordBatch]:
        """Transforms batches in order; a batch in gives one or more out, with as many rows.

        Raises:
            DataError: If rows do not fit the schema.
        """
        for batch in batches:
            for start in range(0, batch.num_rows, BATCH_ROWS):
                yield self._apply(self._raw.conform(batch.slice(start, BATCH_ROWS), where))

    def _apply(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        tensors = self._transform(self._adapter.ToBatchTensors(batch, produce_eager_tensors=True))
        lists = self._converter.convert(tensors)
        columns = [
            column.flatten() if name in self._single else column
            for name, column in zip(lists.schema.names, lists.columns, strict=True)
        ]
        return pa.RecordBatch.from_arrays(columns, schema=self.schema)
