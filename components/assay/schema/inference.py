"""Schemas from statistics, through TFDV's C++ core: what `tfdv.infer_schema` and `tfdv.update_schema` give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay import native
from assay.errors import DataError
from assay.kernels.default_slice import default_dataset
from assay.kernels.statistics.columns import leaf_features
from assay.kernels.statistics.generators.time_formats import are_dates

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import (
        DatasetFeatureStatistics,
        DatasetFeatureStatisticsList,
        FeatureNameStatistics,
    )

MAX_STRING_DOMAIN_SIZE = 100
"""TFDV's default for the most values that an inferred string domain lists."""

_NEARLY_ALL: Final = 0.9
_MIN_VALUES: Final = 20  # of fewer values nothing can be said


def infer_schema(
    statistics: DatasetFeatureStatisticsList,
    max_string_domain_size: int = MAX_STRING_DOMAIN_SIZE,
    *,
    infer_feature_shape: bool = True,
) -> Schema:
    """Infers a schema that the data behind `statistics` fits.

    It is TFDV's, but dates and nearly unique text get no domain: most values of the next data would be unknown to it
    (see docs/decisions/0111-domains-of-dates.md).

    Args:
        statistics: Of one dataset, or of slices that include `All Examples`, which is then the one that counts.
        max_string_domain_size: A string feature with more distinct values gets no domain.
        infer_feature_shape: Whether features with a constant number of values get a fixed shape.

    Raises:
        ArtifactError: Statistics of several slices have none of all examples.
    """
    dataset = statistics_pb2.DatasetFeatureStatistics()
    dataset.CopyFrom(default_dataset(statistics))
    # Composite features (sparse, weighted) have no common statistics, and no useful schema can be inferred from them.
    described = [feature for feature in dataset.features if feature.WhichOneof("stats")]
    del dataset.features[:]
    dataset.features.extend(described)
    serialized = native.tfdv_validation().InferSchema(
        dataset.SerializeToString(), max_string_domain_size, infer_feature_shape
    )
    schema = _parsed(serialized)
    # As TFDV sets it; the field left the proto's newer versions.
    if hasattr(schema, "generate_legacy_feature_spec"):
        schema.generate_legacy_feature_spec = False
    _open_domains(schema, schema_pb2.Schema(), dataset)
    return schema


def update_schema(
    schema: Schema,
    statistics: DatasetFeatureStatisticsList,
    max_string_domain_size: int = MAX_STRING_DOMAIN_SIZE,
) -> Schema:
    """Gives `schema` widened just so far that the data behind `statistics` fits it; the argument is left as it is.

    Raises:
        ArtifactError: Statistics of several slices have none of all examples.
    """
    dataset = default_dataset(statistics)
    serialized = native.tfdv_validation().UpdateSchema(
        schema.SerializeToString(), dataset.SerializeToString(), max_string_domain_size
    )
    updated = _parsed(serialized)
    _open_domains(updated, schema, dataset)
    return updated


def _open_domains(schema: Schema, before: Schema, dataset: DatasetFeatureStatistics) -> None:
    """Remove the domains of features that had none before, where the values are dates or nearly unique."""
    unique = {tuple(feature.path.step) or (feature.name,) for feature in dataset.features if _is_nearly_unique(feature)}
    values = {domain.name: list(domain.value) for domain in schema.string_domain}
    had = {path for path, feature in leaf_features(before.feature) if feature.domain}
    for path, feature in leaf_features(schema.feature):
        if feature.domain and path not in had and (path in unique or are_dates(values.get(feature.domain, []))):
            feature.ClearField("domain")
    used = {feature.domain for _, feature in leaf_features(schema.feature)}
    written = {domain.name for domain in before.string_domain}
    kept = [domain for domain in schema.string_domain if domain.name in used | written]
    del schema.string_domain[:]
    schema.string_domain.extend(kept)


def _is_nearly_unique(feature: FeatureNameStatistics) -> bool:
    """Say whether most values of the next data will be new.

    The chance of a value that has not been seen is, after Good and Turing, the share of the values that were seen once.
    """
    counts: list[float] = [bucket.sample_count for bucket in feature.string_stats.rank_histogram.buckets]
    return sum(counts) >= _MIN_VALUES and counts.count(1) >= _NEARLY_ALL * sum(counts)


def _parsed(serialized: bytes) -> Schema:
    try:
        schema: Schema = schema_pb2.Schema.FromString(serialized)
    except DecodeError:  # a struct takes two levels of messages, and protobuf reads a hundred
        raise DataError(
            "schema.too_deep",
            "The data has a column of structs that are nested more than 48 levels deep, which no schema can describe.",
            "Flatten the column before the data is read.",
        ) from None
    return schema
