"""Compiles a tensorflow-metadata schema into rules of rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import UsageError, did_you_mean
from assay.kernels.expected_features import is_in_environment, is_validated
from assay.kernels.feature_path import join_path
from assay.kernels.rows.domain_rules import domain_rules, share_rules
from assay.kernels.rows.record import BYTES
from assay.kernels.rows.rule import DatasetRule, DistinctRule, ShareRule
from assay.kernels.rows.rule_set import RuleSet
from assay.kernels.rows.structure_rules import (
    AbsenceRule,
    KnownColumnsRule,
    NestingRule,
    PresenceRule,
    ShapeRule,
    TypeRule,
    ValueCountRule,
    composite_rules,
    field_rule,
)
from assay.kernels.rows.value_tests import NotNan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tensorflow_metadata.proto.v0.schema_pb2 import Feature, Schema

    from assay.kernels.rows.rule import RowRule

_FAMILY_WORDS = {
    "INT": "a whole number (INT)",
    "FLOAT": "a number with decimals (FLOAT)",
    "BYTES": "text or bytes (BYTES)",
    "STRUCT": "a struct (STRUCT)",
}
_ONLY_IN_STATISTICS = {"natural_language_domain": "natural language", "image_domain": "images"}
_ONLY_A_MEANING = {
    "mid_domain": "knowledge graph ids",
    "url_domain": "URLs",
    "video_domain": "videos",
    "audio_domain": "audio",
    "time_domain": "times in numbers",
    "time_of_day_domain": "times of day in numbers",
}


def schema_rules(schema: Schema, environment: str | None = None) -> RuleSet:
    """Compiles the rules of a schema.

    Presence with a fraction below 1, and counts of present rows, are about the dataset and name no rows: statistics
    are checked against them.

    Args:
        schema: What is expected.
        environment: One of the schema's `default_environment`; features that are not in it must be absent.

    Raises:
        UsageError: The environment is not in the schema, or a feature names a domain that the schema does not have.
    """
    if environment is not None and environment not in schema.default_environment:
        raise UsageError(
            "schema.unknown_environment",
            f"Environment '{environment}' is not among the schema's default_environment.",
            did_you_mean(environment, schema.default_environment) or "Add it to the schema's default_environment.",
        )
    validated = [feature for feature in schema.feature if is_validated(feature)]
    row_rules = [rule for feature in validated for rule in _feature_rules(feature, schema, environment)]
    composites = (*schema.sparse_feature, *schema.weighted_feature)
    known = frozenset(each.name for each in (*schema.feature, *composites))
    return RuleSet(
        row_rules=(*row_rules, *composite_rules(schema), _known_columns("every column is in the schema", known)),
        dataset_rules=tuple(rule for feature in validated for rule in _dataset_rules(feature, schema)),
        unchecked=tuple(sentence for feature in validated for sentence in _unchecked(feature)),
    )


def _known_columns(expectation: str, known: frozenset[str]) -> KnownColumnsRule:
    return KnownColumnsRule(
        id="schema.unknown_column", reason="SCHEMA_NEW_COLUMN", columns=(), expectation=expectation, known=known
    )


def _feature_rules(feature: Feature, schema: Schema, environment: str | None) -> Iterator[RowRule]:
    name = feature.name
    in_environment = is_in_environment(feature, environment, schema.default_environment)
    if not in_environment:
        yield AbsenceRule(
            id=f"{join_path((name,))}.environment",
            reason="SCHEMA_NEW_COLUMN",
            columns=(name,),
            expectation=f"{name} has no value in the environment {environment}",
        )
    if in_environment and (feature.presence.min_fraction >= 1.0 or feature.group_presence.required):
        yield PresenceRule(
            id=f"{join_path((name,))}.presence",
            reason="FEATURE_TYPE_LOW_FRACTION_PRESENT",
            columns=(name,),
            expectation=f"{name} has a value",
        )
    yield from _valency_rules(feature, in_environment=in_environment)
    family = declared_family(feature)
    if family is not None:
        yield TypeRule(
            id=f"{join_path((name,))}.type",
            reason="UNEXPECTED_DATA_TYPE",
            columns=(name,),
            expectation=f"{name} is {_FAMILY_WORDS[family]}",
            family=family,
        )
    yield from domain_rules(feature, schema)
    if feature.WhichOneof("domain_info") == "struct_domain":
        yield from (field_rule(name, rule) for rule in _struct_rules(feature, schema, environment))


def _struct_rules(struct: Feature, schema: Schema, environment: str | None) -> Iterator[RowRule]:
    """Return the rules of a struct's fields."""
    fields = [feature for feature in struct.struct_domain.feature if is_validated(feature)]
    for feature in fields:
        yield from _feature_rules(feature, schema, environment)
    known = frozenset(each.name for each in (*struct.struct_domain.feature, *struct.struct_domain.sparse_feature))
    yield _known_columns("every field is in the schema", known)


def _valency_rules(feature: Feature, *, in_environment: bool) -> Iterator[RowRule]:
    name = feature.name
    shape = feature.WhichOneof("shape_type")
    if shape == "value_count":
        yield _nesting_rule(name, 1)
        yield from _count_rules(f"{join_path((name,))}.value_count", name, 0, feature.value_count)
    elif shape == "value_counts":
        yield _nesting_rule(name, len(feature.value_counts.value_count))
        for level, count in enumerate(feature.value_counts.value_count):
            yield from _count_rules(f"{join_path((name,))}.value_counts[{level}]", name, level, count)
    elif shape == "shape" and in_environment and all(dim.size > 0 for dim in feature.shape.dim):
        size = 1
        for dim in feature.shape.dim:
            size *= dim.size
        yield ShapeRule(
            id=f"{join_path((name,))}.shape",
            reason="INVALID_FEATURE_SHAPE",
            columns=(name,),
            expectation=f"{name} has {size} {'value' if size == 1 else 'values'}",
            size=size,
        )


def _nesting_rule(name: str, depth: int) -> NestingRule:
    return NestingRule(
        id=f"{join_path((name,))}.nesting",
        reason="VALUE_NESTEDNESS_MISMATCH",
        columns=(name,),
        expectation=f"{name} has values at nest level {depth}",
        depth=depth,
    )


def _count_rules(id: str, name: str, level: int, count: schema_pb2.ValueCount) -> Iterator[RowRule]:  # noqa: A002
    where = f" at nest level {level}" if level else ""
    if count.HasField("min") and count.min > 0:
        yield ValueCountRule(
            id=f"{id}.min",
            reason="FEATURE_TYPE_LOW_NUMBER_VALUES",
            columns=(name,),
            expectation=f"{name} has at least {count.min} values{where}",
            level=level,
            min=count.min,
        )
    if count.HasField("max"):
        yield ValueCountRule(
            id=f"{id}.max",
            reason="FEATURE_TYPE_HIGH_NUMBER_VALUES",
            columns=(name,),
            expectation=f"{name} has at most {count.max} values{where}",
            level=level,
            max=count.max,
        )


def _dataset_rules(feature: Feature, schema: Schema) -> Iterator[DatasetRule]:
    yield from _distinct_rules(feature)
    if feature.type == schema_pb2.FLOAT and (feature.presence.min_count > 0 or feature.presence.min_fraction > 0):
        yield ShareRule(
            id=f"{join_path((feature.name,))}.numbers",
            reason="FLOAT_TYPE_HAS_NAN",
            columns=(feature.name,),
            expectation=f"{feature.name} has a number that is not NaN",
            test=NotNan(),
            max_share=math.nextafter(1.0, 0.0),
        )
    yield from share_rules(feature, schema)


def _distinct_rules(feature: Feature) -> Iterator[DistinctRule]:
    if not feature.HasField("unique_constraints"):
        return
    least, most = feature.unique_constraints.min, feature.unique_constraints.max
    for side, reason, limits in (
        ("min", "FEATURE_TYPE_LOW_UNIQUE", {"min": least, "max": None}),
        ("max", "FEATURE_TYPE_HIGH_UNIQUE", {"min": 0, "max": most}),
    ):
        word, number = ("at least", least) if side == "min" else ("at most", most)
        yield DistinctRule(
            id=f"{join_path((feature.name,))}.unique.{side}",
            reason=reason,
            columns=(feature.name,),
            expectation=f"{feature.name} has {word} {number} distinct values",
            **limits,
        )


def _unchecked(feature: Feature, above: tuple[str, ...] = ()) -> Iterator[str]:
    steps = (*above, feature.name)
    name = join_path(steps)
    domain: Any = feature.WhichOneof("domain_info")
    if domain in _ONLY_IN_STATISTICS:
        yield f"{name}: a domain of {_ONLY_IN_STATISTICS[domain]} is checked in statistics only"
    elif domain in _ONLY_A_MEANING and not getattr(getattr(feature, domain), "string_format", ""):
        yield f"{name}: a domain of {_ONLY_A_MEANING[domain]} names a meaning, and restricts nothing"
    elif domain == "struct_domain":
        for field in feature.struct_domain.feature:
            if is_validated(field):
                yield from _unchecked(field, steps)
        for sparse in feature.struct_domain.sparse_feature:
            yield f"{name}.{sparse.name}: sparse features inside structs are not checked"
    if above and feature.distribution_constraints.HasField("min_domain_mass"):
        yield f"{name}: the share of values inside of a domain is counted inside structs in statistics only"
    if above and feature.HasField("unique_constraints"):
        yield f"{name}: distinct values inside structs are counted in statistics only"


def declared_family(feature: Feature) -> str | None:
    """Return a feature's type as a family of values; TFDV's BYTES for a string domain without a type, else None."""
    if feature.HasField("type") and feature.type != schema_pb2.TYPE_UNKNOWN:
        return str(schema_pb2.FeatureType.Name(feature.type))
    return BYTES if feature.WhichOneof("domain_info") in {"domain", "string_domain"} else None
