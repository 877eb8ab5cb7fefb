"""Infers one schema from the statistics of several splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.kernels.schema import infer_schema, update_schema

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList


def infer_from_splits(
    statistics: Iterable[DatasetFeatureStatisticsList], *, max_string_domain_size: int, infer_feature_shape: bool
) -> Schema:
    """Infers a schema from the first statistics and widens it by the others, in order."""
    splits = iter(statistics)
    schema = infer_schema(next(splits), max_string_domain_size, infer_feature_shape=infer_feature_shape)
    for split in splits:
        schema = update_schema(schema, split, max_string_domain_size)
    return schema
