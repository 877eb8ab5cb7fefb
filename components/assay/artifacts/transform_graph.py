"""TransformGraph and TransformCache: what tf.Transform writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.artifacts.base import Artifact
from assay.artifacts.schema import read_schema

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0 import schema_pb2


class TransformGraph(Artifact):
    """The graph, the raw and the transformed schema, as `tft.TFTransformOutput` reads them."""

    def transformed_schema(self) -> schema_pb2.Schema:
        """Return the schema of the transformed rows."""
        return read_schema(self.require("transformed_metadata/schema.pbtxt"))

    def raw_schema(self) -> schema_pb2.Schema:
        """Return the schema of the rows that the graph takes."""
        return read_schema(self.require("metadata/schema.pbtxt"))


class TransformCache(Artifact):
    """Analyzer results by dataset, which spare a later analysis the same rows."""
