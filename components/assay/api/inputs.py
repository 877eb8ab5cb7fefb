"""What the public functions accept, as types: any data, statistics, schema, model or configuration at hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

    from assay.api.statistics import Statistics
    from assay.artifacts.examples import Examples
    from assay.artifacts.schema import Schema as SchemaArtifact
    from assay.artifacts.statistics import ExampleStatistics
    from assay.engines.base import Source
    from assay.gating.thresholds import EvalConfig
    from assay.models.predictor import Predict
    from assay.schema import SchemaEditor


class SupportsArrowStream(Protocol):
    """An object with the Arrow C stream interface, such as an Arrow table, a polars data frame or a DuckDB relation."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        """Return a capsule with a stream of record batches."""


class SupportsDataFrame(Protocol):
    """An object with the data frame interchange protocol, such as a pandas data frame or an Arrow table."""

    def __dataframe__(self, nan_as_null: bool = ..., allow_copy: bool = ...) -> Any:  # noqa: FBT001 (the protocol's own)
        """Return the columns."""


DataLike: TypeAlias = Union[
    str, Path, Sequence[str | Path], SupportsArrowStream, SupportsDataFrame, "Examples", "Source"
]
"""Rows: paths, glob patterns or folders (CSV, TSV, Parquet, TFRecord), data frames, Arrow data, Examples artifacts."""

StatisticsLike: TypeAlias = Union[str, Path, "Statistics", "DatasetFeatureStatisticsList", "ExampleStatistics"]
"""Statistics: what `assay.statistics` returns, a `.pb`, `.pbtxt` or `.state` file, TFDV's proto, or an artifact."""

SchemaLike: TypeAlias = Union[str, Path, "Schema", "SchemaArtifact", "SchemaEditor"]
"""A schema: a `schema.pbtxt` or its folder, the proto of tensorflow-metadata, a Schema artifact, or an editor."""

ModelLike: TypeAlias = Union[str, Path, "Predict"]
"""A model: the folder of a SavedModel or Model artifact, a `.keras` file, `file.py:function`, or a function."""

ConfigLike: TypeAlias = Union[str, Path, Mapping[str, Any], "EvalConfig"]
"""TFMA's `EvalConfig`: a YAML, JSON or text proto file, a mapping, or the proto."""
