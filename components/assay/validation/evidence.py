"""Evidence for an anomaly, read off the statistics and the schema that it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.kernels.distances.drift import features_by_name
from assay.kernels.distinct_counts import lists_all_values
from assay.kernels.feature_path import feature_paths
from assay.kernels.feature_summary import num_nan

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, FeatureNameStatistics

MAX_VALUES = 20
"""How many unexpected values are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnomalyEvidence:
    """What stands behind one anomaly.

    Attributes:
        observed: The figure that broke the limit; None where the anomaly is not about a figure.
        limit: The limit.
        schema_field: Where the threshold is set in the schema.
        count: How many values or examples are affected; None where statistics do not tell.
        share: `count` over all values or examples that could be affected.
        values: Unexpected values, the most frequent first.
    """

    observed: float | str | None = None
    limit: float | str | None = None
    schema_field: str = ""
    count: int | None = None
    share: float | None = None
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeatureSubject:
    """A feature as the schema and the statistics know it; either may be None."""

    name: str
    dataset: DatasetFeatureStatistics
    schema: schema_pb2.Schema
    feature: schema_pb2.Feature | None
    statistics: FeatureNameStatistics | None

    @property
    def field(self) -> str:
        """The feature's place in the schema."""
        return f"feature[{self.name}]"

    @property
    def common(self) -> Any:
        """The common statistics; empty ones where the feature has none."""
        if self.statistics is None:
            return statistics_pb2.CommonStatistics()
        kind = self.statistics.WhichOneof("stats")
        return getattr(self.statistics, kind).common_stats if kind else statistics_pb2.CommonStatistics()


@dataclass(frozen=True, slots=True)
class Subjects:
    """The features of a schema and of a dataset by their paths."""

    dataset: DatasetFeatureStatistics
    schema: schema_pb2.Schema
    _features: dict[str, schema_pb2.Feature]
    _statistics: dict[str, FeatureNameStatistics]

    def __getitem__(self, name: str) -> FeatureSubject:
        """Return a feature as the schema and the statistics know it."""
        return FeatureSubject(name, self.dataset, self.schema, self._features.get(name), self._statistics.get(name))


def subjects_of(dataset: DatasetFeatureStatistics, schema: schema_pb2.Schema) -> Subjects:
    """Index the features of a dataset and its schema by path."""
    features: dict[str, schema_pb2.Feature] = {}
    for path, feature in feature_paths(schema.feature):
        features.setdefault(path, feature)
    return Subjects(dataset, schema, features, features_by_name(dataset))


def _share(count: int, total: int) -> float | None:
    return count / total if total else None


def unexpected_values(subject: FeatureSubject) -> AnomalyEvidence:
    """Strings outside of the domain, counted by the rank histogram, which lists the most frequent values."""
    domain, field = _string_domain(subject)
    if subject.statistics is None or domain is None:
        return AnomalyEvidence(schema_field=field)
    strings = subject.statistics.string_stats
    seen = [(bucket.label, int(bucket.sample_count)) for bucket in strings.rank_histogram.buckets]
    outside = [(label, count) for label, count in seen if label not in domain]
    count, total = sum(count for _, count in outside), int(subject.common.tot_num_values)
    is_whole = lists_all_values(subject.statistics)  # else there may be more of them
    return AnomalyEvidence(
        observed=float(len(outside)) if is_whole else None,
        limit=f"{len(domain)} values",
        schema_field=field,
        count=count if is_whole else None,
        share=_share(count, total) if is_whole else None,
        values=tuple(label for label, _ in outside[:MAX_VALUES]),
    )


def _string_domain(subject: FeatureSubject) -> tuple[set[str] | None, str]:
    feature = subject.feature
    if feature is None:
        return None, ""
    kind = feature.WhichOneof("domain_info")
    if kind == "bool_domain":
        truth = {feature.bool_domain.true_value or "true", feature.bool_domain.false_value or "false"}
        return truth, f"{subject.field}.bool_domain"
    field = {"string_domain": f"{subject.field}.string_domain", "domain": f"string_domain[{feature.domain}]"}
    return string_domain(feature, subject.schema), field.get(kind or "", subject.field)


def string_domain(feature: schema_pb2.Feature, schema: schema_pb2.Schema) -> set[str] | None:
    """Return the values of a feature's string domain, its own or a shared one; None where it has none."""
    kind = feature.WhichOneof("domain_info")
    if kind == "string_domain":
        return set(feature.string_domain.value)
    shared = schema.string_domain if kind == "domain" else ()
    return next((set(domain.value) for domain in shared if domain.name == feature.domain), None)


def present_fraction(subject: FeatureSubject) -> AnomalyEvidence:
    """Check the share of examples that have the feature."""
    missing, total = int(subject.common.num_missing), int(subject.dataset.num_examples)
    if subject.statistics is None:
        missing = total
    return AnomalyEvidence(
        observed=(total - missing) / total if total else 0.0,
        limit=subject.feature.presence.min_fraction if subject.feature else None,
        schema_field=f"{subject.field}.presence.min_fraction",
        count=missing,
        share=_share(missing, total),
    )


def present_count(subject: FeatureSubject) -> AnomalyEvidence:
    """Check the number of examples that have the feature."""
    return AnomalyEvidence(
        observed=float(subject.common.num_non_missing),
        limit=float(subject.feature.presence.min_count) if subject.feature else None,
        schema_field=f"{subject.field}.presence.min_count",
    )


def absent(subject: FeatureSubject) -> AnomalyEvidence:
    """Check a column that no example has."""
    total = int(subject.dataset.num_examples)
    return AnomalyEvidence(
        observed=0.0,
        limit=subject.feature.presence.min_fraction if subject.feature else None,
        schema_field=f"{subject.field}.presence",
        count=total,
        share=1.0 if total else None,
    )


def new_column(subject: FeatureSubject) -> AnomalyEvidence:
    """Check a column that the schema does not have."""
    present = int(subject.common.num_non_missing)
    return AnomalyEvidence(
        observed=float(present),
        schema_field="feature",
        count=present,
        share=_share(present, int(subject.dataset.num_examples)),
    )


def numeric_bound(subject: FeatureSubject, bound: str) -> AnomalyEvidence:
    """Check the minimum or maximum against the domain's `min` or `max`."""
    feature, statistics = subject.feature, subject.statistics
    kind = (feature.WhichOneof("domain_info") if feature else None) or ""
    limit = None
    if feature is not None and kind in {"int_domain", "float_domain"}:
        domain = getattr(feature, kind)
        limit = float(getattr(domain, bound)) if domain.HasField(bound) else None
    if kind == "bool_domain":
        limit = 0.0 if bound == "min" else 1.0
    numbers = statistics.num_stats if statistics and statistics.HasField("num_stats") else None
    return AnomalyEvidence(
        observed=float(getattr(numbers, bound)) if numbers is not None else None,
        limit=limit,
        schema_field=f"{subject.field}.{kind}.{bound}" if kind else subject.field,
    )


def not_a_number(subject: FeatureSubject) -> AnomalyEvidence:
    """NaN among the values, which the histograms count."""
    count = num_nan(subject.statistics.num_stats) if subject.statistics else 0
    return AnomalyEvidence(
        observed=float(count),
        limit=0.0,
        schema_field=f"{subject.field}.float_domain.disallow_nan",
        count=count,
        share=_share(count, int(subject.common.tot_num_values)),
    )


def infinite(subject: FeatureSubject) -> AnomalyEvidence:
    """Infinity among the values; statistics do not count it."""
    return AnomalyEvidence(limit=0.0, schema_field=f"{subject.field}.float_domain.disallow_inf")


def value_count(subject: FeatureSubject, bound: str) -> AnomalyEvidence:
    """Check the minimum or maximum number of values in an example against `value_count`."""
    feature = subject.feature
    limit = float(getattr(feature.value_count, bound)) if feature and feature.HasField("value_count") else None
    return AnomalyEvidence(
        observed=float(getattr(subject.common, f"{bound}_num_values")),
        limit=limit,
        schema_field=f"{subject.field}.value_count.{bound}",
    )


def shape(subject: FeatureSubject) -> AnomalyEvidence:
    """Check that examples have the numbers of values that a fixed shape requires."""
    sizes = [str(dim.size) for dim in subject.feature.shape.dim] if subject.feature else []
    common = subject.common
    return AnomalyEvidence(
        observed=f"{common.min_num_values} to {common.max_num_values} values, {common.num_missing} missing",
        limit="x".join(sizes) or "1 value",
        schema_field=f"{subject.field}.shape",
    )


def unique_values(subject: FeatureSubject, bound: str) -> AnomalyEvidence:
    """Check the number of distinct values against `unique_constraints`."""
    unique = float(subject.statistics.string_stats.unique) if subject.statistics else None
    limit = float(getattr(subject.feature.unique_constraints, bound)) if subject.feature else None
    return AnomalyEvidence(observed=unique, limit=limit, schema_field=f"{subject.field}.unique_constraints.{bound}")


def data_type(subject: FeatureSubject) -> AnomalyEvidence:
    """Check the type of the values against the feature's type."""
    found = statistics_pb2.FeatureNameStatistics.Type.Name(subject.statistics.type) if subject.statistics else None
    wanted = schema_pb2.FeatureType.Name(subject.feature.type) if subject.feature else None
    present = int(subject.common.num_non_missing)
    return AnomalyEvidence(
        observed=found,
        limit=wanted,
        schema_field=f"{subject.field}.type",
        count=present,
        share=_share(present, int(subject.dataset.num_examples)),
    )


def examples_count(subject: FeatureSubject, bound: str) -> AnomalyEvidence:
    """Check the number of examples against the dataset's constraints."""
    name = f"{bound}_examples_count"
    constraints = subject.schema.dataset_constraints
    return AnomalyEvidence(
        observed=float(subject.dataset.num_examples),
        limit=float(getattr(constraints, name)) if constraints.HasField(name) else None,
        schema_field=f"dataset_constraints.{name}",
    )
