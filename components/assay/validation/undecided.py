"""Constraints that statistics cannot decide: lists of values are cut, and large numbers of distinct values estimated.

Statistics list the most frequent values only (1,000 by default), and TFDV's core takes those for all: a value that is
not listed passes every domain. Rows decide what statistics cannot; without rows, a finding says what was not checked
(docs/decisions/0119-constraints-that-statistics-cannot-decide.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.kernels.distances.drift import features_by_name
from assay.kernels.distinct_counts import ESTIMATE_ERROR, is_estimated, lists_all_values
from assay.kernels.feature_path import split_path
from assay.validation.comparators import validated_features
from assay.validation.evidence import AnomalyEvidence, string_domain
from assay.validation.findings import Finding

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.schema_pb2 import Feature, Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, FeatureNameStatistics

    from assay.kernels.rows.row_report import RowReport, RuleOutcome

_UNIQUE: Final = ("FEATURE_TYPE_LOW_UNIQUE", "FEATURE_TYPE_HIGH_UNIQUE")
_REASONS: Final[dict[str, tuple[str, ...]]] = {
    "string_domain": ("ENUM_TYPE_UNEXPECTED_STRING_VALUES", "ENUM_TYPE_INVALID_UTF8"),
    "domain": ("ENUM_TYPE_UNEXPECTED_STRING_VALUES", "ENUM_TYPE_INVALID_UTF8"),
    "bool_domain": (
        "BOOL_TYPE_UNEXPECTED_STRING",
        "BOOL_TYPE_SMALL_INT",
        "BOOL_TYPE_BIG_INT",
        "BOOL_TYPE_UNEXPECTED_FLOAT",
    ),
    "int_domain": ("INT_TYPE_NOT_INT_STRING", "INT_TYPE_SMALL_INT", "INT_TYPE_BIG_INT"),
    "float_domain": (
        "FLOAT_TYPE_STRING_NOT_FLOAT",
        "FLOAT_TYPE_SMALL_FLOAT",
        "FLOAT_TYPE_BIG_FLOAT",
        "FLOAT_TYPE_HAS_NAN",
        "FLOAT_TYPE_HAS_INF",
    ),
}
"""The anomaly types of what breaks each constraint."""

_SUMMARIES: Final = {
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES": "Unexpected string values",
    "FEATURE_TYPE_LOW_UNIQUE": "Low number of unique values",
    "FEATURE_TYPE_HIGH_UNIQUE": "High number of unique values",
}
"""As TFDV's core has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undecided:
    """A constraint on a feature that its statistics cannot decide.

    Attributes:
        feature: The feature; the steps of a nested one joined with dots.
        kind: The constraint's field in the schema.
        reasons: The anomaly types of what breaks it.
        why: Why statistics cannot decide it, as a sentence.
        cure: What to do where there are no rows, as a sentence.
        within_error: Whether the statistics keep it within their stated error.
    """

    feature: str
    kind: str
    reasons: tuple[str, ...]
    why: str
    cure: str = "Validate the data itself; --rows names the rows."
    within_error: bool = False

    @property
    def field(self) -> str:
        """Its place in the schema."""
        return f"feature[{self.feature}].{self.kind}"

    @property
    def column(self) -> str:
        """The column of the data that holds the feature."""
        return split_path(self.feature)[0]


def undecided(dataset: DatasetFeatureStatistics, schema: Schema, environment: str | None) -> list[Undecided]:
    """Find the constraints of a schema that statistics cannot decide."""
    statistics = features_by_name(dataset)
    return [
        found
        for path, feature in validated_features(schema.feature, environment)
        if path in statistics
        for found in (_domain(path, feature, statistics[path], schema), _unique(path, feature, statistics[path]))
        if found is not None
    ]


def without(schema: Schema, constraints: Iterable[Undecided]) -> Schema:
    """Return a schema without some constraints on its features; the schema itself where there are none."""
    removed = {(each.feature, each.kind) for each in constraints}
    if not removed:
        return schema
    result = schema_pb2.Schema()
    result.CopyFrom(schema)
    for path, feature in validated_features(result.feature, None):
        if (path, "unique_constraints") in removed:
            feature.ClearField("unique_constraints")
        kind = feature.WhichOneof("domain_info")
        if kind is not None and (path, kind) in removed:
            feature.ClearField(kind)
            feature.ClearField("distribution_constraints")
    return result


def decide(constraints: Iterable[Undecided], rows: RowReport) -> tuple[list[Finding], list[Undecided]]:
    """Return how rows break constraints, and the constraints that row rules cover."""
    findings, decided = [], []
    for each in constraints:
        outcomes = list(_outcomes(each, rows))
        findings += [_of_rows(each, outcome) for outcome in outcomes if not outcome.ok]
        if outcomes:
            decided.append(each)
    return findings, decided


def holds_in_every_row(constraint: Undecided, rows: RowReport) -> bool:
    """Return whether every value of every row keeps a constraint, so that the values of a slice do too."""
    outcomes = list(_outcomes(constraint, rows))
    return bool(outcomes) and not any(outcome.num_broken or outcome.observed for outcome in outcomes)


def not_checked(constraint: Undecided) -> Finding:
    """Return the finding that a constraint was not checked."""
    return Finding(
        feature=constraint.feature,
        type="STATS_NOT_AVAILABLE",
        severity="warning" if constraint.within_error else "error",
        summary=f"Not checked: {constraint.kind}",
        description=f"{constraint.why} {constraint.cure}",
        evidence=AnomalyEvidence(schema_field=constraint.field),
        name=constraint.kind,
    )


def _domain(path: str, feature: Feature, statistics: FeatureNameStatistics, schema: Schema) -> Undecided | None:
    kind, strings = feature.WhichOneof("domain_info"), statistics.string_stats
    if kind not in _REASONS or not statistics.HasField("string_stats") or lists_all_values(statistics):
        return None
    values = string_domain(feature, schema)
    if feature.type == schema_pb2.TYPE_UNKNOWN or (kind == "domain" and values is None):
        return None  # what the core says of the schema itself comes first
    listed = {bucket.label: bucket.sample_count for bucket in strings.rank_histogram.buckets}
    mass, total = feature.distribution_constraints, strings.common_stats.tot_num_values
    if values is not None and mass.HasField("min_domain_mass"):
        inside = sum(count for label, count in listed.items() if label in values)
        if total and 1.0 - inside / total <= 1.0 - mass.min_domain_mass:
            return None  # whatever the values are that are not listed, they are few enough
    about = "about " if is_estimated(statistics) else ""
    why = f"The statistics list {len(listed):,} of {about}{strings.unique:,} distinct values."
    cure = (
        "Validate the data itself (--rows names the rows), or compute statistics with "
        f"num_rank_histogram_buckets={strings.unique}."
    )
    return Undecided(feature=path, kind=kind, reasons=_REASONS[kind], why=why, cure=cure)


def _unique(path: str, feature: Feature, statistics: FeatureNameStatistics) -> Undecided | None:
    if not feature.HasField("unique_constraints") or not is_estimated(statistics):
        return None
    least, most = feature.unique_constraints.min, feature.unique_constraints.max
    unique = statistics.string_stats.unique
    low, high = unique / (1 + ESTIMATE_ERROR), min(unique * (1 + ESTIMATE_ERROR), _num_values(statistics))
    if (low >= least and high <= most) or high < least or low > most:
        return None
    return Undecided(
        feature=path,
        kind="unique_constraints",
        reasons=_UNIQUE,
        why=f"The number of distinct values, {unique:,}, is an estimate within {ESTIMATE_ERROR:.0%}, "
        f"and the schema expects {least:,} to {most:,}.",
        within_error=True,
    )


def _num_values(statistics: FeatureNameStatistics) -> int:
    return int(statistics.string_stats.common_stats.tot_num_values)


def _outcomes(constraint: Undecided, rows: RowReport) -> Iterator[RuleOutcome]:
    """Return the outcomes of the rules that a constraint was compiled to."""
    for outcome in rows.outcomes:
        of_feature = outcome.columns == (constraint.column,) and outcome.rule_id.startswith(f"{constraint.feature}.")
        if of_feature and outcome.reason in constraint.reasons:
            yield outcome


def _of_rows(constraint: Undecided, outcome: RuleOutcome) -> Finding:
    values = dict.fromkeys(str(sample.found) for sample in outcome.samples)
    return Finding(
        feature=constraint.feature,
        type=outcome.reason,
        severity=outcome.severity,
        summary=_SUMMARIES.get(outcome.reason, "Invalid values"),
        description=f"{constraint.why} By all rows: {outcome.sentence}",
        evidence=AnomalyEvidence(
            observed=None if outcome.observed is None else float(outcome.observed),
            schema_field=constraint.field,
            count=outcome.num_broken,
            share=None if outcome.num_broken is None else outcome.share,
            values=tuple(values),
        ),
    )
