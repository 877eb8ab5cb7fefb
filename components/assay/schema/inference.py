"""Schemas from statistics: what `tfdv.infer_schema` and `tfdv.update_schema` return."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.errors import DataError
from assay.kernels.default_slice import default_dataset
from assay.kernels.distinct_counts import lists_all_values
from assay.kernels.feature_path import join_path
from assay.kernels.statistics.columns import leaf_features
from assay.kernels.statistics.generators.semantic_domains import are_dates
from assay.schema.statistics_view import StatisticsView
from assay.schema.widening import SchemaDraft

if TYPE_CHECKING:
    from collections.abc import Iterable, MutableSequence

    from tensorflow_metadata.proto.v0.schema_pb2 import Feature, Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, DatasetFeatureStatisticsList

    from assay.schema.statistics_view import FeatureView, Path

MAX_STRING_DOMAIN_SIZE = 100
"""TFDV's default for the most values that an inferred string domain lists."""

_MAX_DEPTH: Final = 48  # a struct takes two levels of messages, and protobuf reads a hundred
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
        DataError: The data has no rows, or the statistics do not list all values of a domain.
    """
    if not has_rows(statistics):
        raise DataError(
            "schema.no_rows",
            "A schema cannot be inferred: the data has no rows.",
            "Infer the schema from data that has rows.",
        )
    schema = schema_pb2.Schema()
    view = _with_whole_lists(default_dataset(statistics), max_string_domain_size)
    _widen(schema, view, max_string_domain_size, infer_feature_shape=infer_feature_shape)
    # As TFDV sets it; the field left the proto's newer versions.
    if hasattr(schema, "generate_legacy_feature_spec"):
        schema.generate_legacy_feature_spec = False
    _open_domains(schema, schema_pb2.Schema(), view)
    return schema


def infer_schema_of_several(
    statistics: Iterable[DatasetFeatureStatisticsList],
    max_string_domain_size: int = MAX_STRING_DOMAIN_SIZE,
    *,
    infer_feature_shape: bool = True,
) -> Schema:
    """Infer a schema from the first statistics and widen it by the others, in order; those of no rows say nothing.

    TFDV deprecates a feature that some of the statistics lack, or have of another type: it is then validated no
    more. Here it becomes optional, or FLOAT where some are INT
    (docs/decisions/0120-absence-in-statistics.md).

    Raises:
        ArtifactError: Statistics of several slices have none of all examples.
        DataError: No data has rows, the statistics do not list all values of a domain, or types differ.
    """
    several = list(statistics)
    first, *others = [each for each in several if has_rows(each)] or several[:1]
    schema = infer_schema(first, max_string_domain_size, infer_feature_shape=infer_feature_shape)
    for each in others:
        view = _with_whole_lists(default_dataset(each), max_string_domain_size)
        updated = _updated(schema, view, max_string_domain_size)
        _restore(updated.feature, schema.feature, view)
        schema = updated
    return schema


def update_schema(
    schema: Schema,
    statistics: DatasetFeatureStatisticsList,
    max_string_domain_size: int = MAX_STRING_DOMAIN_SIZE,
) -> Schema:
    """Return `schema` widened just so far that the data behind `statistics` fits it; the argument is left as it is.

    Raises:
        ArtifactError: Statistics of several slices have none of all examples.
    """
    return _updated(schema, StatisticsView(default_dataset(statistics)), max_string_domain_size)


def _updated(schema: Schema, statistics: StatisticsView, max_string_domain_size: int) -> Schema:
    updated = schema_pb2.Schema()
    updated.CopyFrom(schema)
    _widen(updated, statistics, max_string_domain_size)
    _open_domains(updated, schema, statistics)
    return updated


def _widen(
    schema: Schema, statistics: StatisticsView, max_string_domain_size: int, *, infer_feature_shape: bool = False
) -> None:
    if any(len(view.path) > _MAX_DEPTH for view in statistics.features):
        raise DataError(
            "schema.too_deep",
            f"The data has a column of structs that are nested more than {_MAX_DEPTH} levels deep, which no schema can "
            "describe.",
            "Flatten the column before reading the data.",
        )
    draft = SchemaDraft(schema, max_string_domain_size=max_string_domain_size, infer_feature_shape=infer_feature_shape)
    draft.widen(statistics)


def _open_domains(schema: Schema, before: Schema, statistics: StatisticsView) -> None:
    """Remove the domains of features that had none before, where the values are dates or nearly unique."""
    unique = {view.path for view in statistics.features if _is_nearly_unique(view)}
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


def _is_nearly_unique(view: FeatureView) -> bool:
    """Say whether most values of the next data will be new.

    The chance of a value that has not been seen is, after Good and Turing, the share of the values that were seen once.
    """
    if view.dataset.by_weight:
        counts: list[float] = [bucket.sample_count for bucket in view.message.string_stats.rank_histogram.buckets]
    else:
        counts = list(view.string_counts.values())
    return sum(counts) >= _MIN_VALUES and counts.count(1) >= _NEARLY_ALL * sum(counts)


def has_rows(statistics: DatasetFeatureStatisticsList) -> bool:
    """Return whether statistics are of any rows."""
    return int(default_dataset(statistics).num_examples) > 0


def _with_whole_lists(dataset: DatasetFeatureStatistics, max_string_domain_size: int) -> StatisticsView:
    """Return statistics whose lists of values are complete or empty: a truncated list does not define a domain."""
    statistics = StatisticsView(dataset)
    for view in statistics.features:
        if view.kind != "string_stats" or lists_all_values(view.message):
            continue
        strings = view.message.string_stats
        listed, unique = len(strings.rank_histogram.buckets), strings.unique
        if unique <= max_string_domain_size:
            raise DataError(
                "schema.values_cut",
                f"The statistics list {listed:,} of the {unique:,} distinct values of '{join_path(view.path)}', which "
                f"is too few for a domain of up to {max_string_domain_size:,} values.",
                f"Infer from the data, or compute statistics with num_rank_histogram_buckets={max_string_domain_size}.",
            )
        view.string_counts = {}
    return statistics


def _restore(
    updated: MutableSequence[Feature],
    before: Iterable[Feature],
    statistics: StatisticsView,
    above: Path = (),
) -> None:
    """Put back, in place, the features that the core deprecated, as far as the statistics that lack them allow."""
    known = {feature.name: feature for feature in before}
    for feature in updated:
        old, steps = known.get(feature.name), (*above, feature.name)
        if old is None:
            continue
        if _is_deprecated(feature) and not _is_deprecated(old):
            found = statistics.by_path.get(steps)
            feature.CopyFrom(old)
            if found is None or not found.common.num_non_missing:
                _make_optional(feature)
            else:
                _widen_type(feature, found)
        _restore(feature.struct_domain.feature, old.struct_domain.feature, statistics, steps)


def _is_deprecated(feature: Feature) -> bool:
    return bool(feature.deprecated or feature.lifecycle_stage == schema_pb2.DEPRECATED)


def _make_optional(feature: Feature) -> None:
    if feature.HasField("presence"):
        feature.presence.ClearField("min_fraction")
        feature.presence.min_count = 0
    if feature.HasField("shape"):  # a fixed shape wants a value in every example
        size = math.prod(dim.size for dim in feature.shape.dim)
        feature.value_count.min = feature.value_count.max = size


def _widen_type(feature: Feature, found: FeatureView) -> None:
    kind = statistics_pb2.FeatureNameStatistics
    if feature.type in {schema_pb2.INT, schema_pb2.FLOAT} and found.type in {kind.INT, kind.FLOAT}:
        feature.type = schema_pb2.FLOAT
        if feature.WhichOneof("domain_info") in {"int_domain", "bool_domain"}:
            feature.ClearField(feature.WhichOneof("domain_info"))
        return
    raise DataError(
        "schema.types_differ",
        f"Feature '{join_path(found.path)}' is of type {schema_pb2.FeatureType.Name(feature.type)} in some of the "
        f"statistics and {kind.Type.Name(found.type)} in others.",
        "Write it with one type, or infer the schema without those statistics.",
    )
