"""What a schema requires of a feature apart from its domain: made consistent, inferred and widened."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from assay.kernels.expected_features import is_in_environment, is_validated
from assay.kernels.feature_path import join_path
from assay.schema.domains import Reason, Reasons, StringDomains
from assay.schema.literals import float32_of, int64_of, six_digits

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tensorflow_metadata.proto.v0.schema_pb2 import Feature, SparseFeature, ValueCount, WeightedFeature

    from assay.schema.statistics_view import FeatureView

_Type = anomalies_pb2.AnomalyInfo.Type

DROPPED: Final = "Column dropped"
_FEW_VALUES: Final = "Missing values"
_MANY_VALUES: Final = "Superfluous values"
_NESTEDNESS: Final = "Mismatched value nest level"
_ANY: Final = {schema_pb2.INT, schema_pb2.FLOAT, schema_pb2.BYTES, schema_pb2.STRUCT}
_TYPES_OF_DOMAIN: Final[Mapping[str | None, set[int]]] = {
    "domain": {schema_pb2.BYTES},
    "bool_domain": {schema_pb2.INT, schema_pb2.BYTES, schema_pb2.FLOAT},
    "int_domain": {schema_pb2.INT, schema_pb2.BYTES},
    "float_domain": {schema_pb2.FLOAT, schema_pb2.BYTES},
    "string_domain": {schema_pb2.BYTES},
    "struct_domain": {schema_pb2.STRUCT},
    "natural_language_domain": {schema_pb2.BYTES, schema_pb2.INT},
    "image_domain": {schema_pb2.BYTES},
    "mid_domain": {schema_pb2.BYTES},
    "url_domain": {schema_pb2.BYTES},
    "time_domain": {schema_pb2.INT, schema_pb2.BYTES},
}
_WITHOUT_DISTRIBUTION: Final[Mapping[str | None, str]] = {
    None: "distribution constraints require domain or string domain.",
    "bool_domain": "distribution constraints not supported for bool domains.",
    "int_domain": "distribution constraints not supported for int domains.",
    "float_domain": "distribution constraints not supported for float domains.",
    "struct_domain": "distribution constraints not supported for struct domains.",
    **dict.fromkeys(
        ("natural_language_domain", "image_domain", "mid_domain", "url_domain", "time_domain"),
        "distribution constraints not supported for semantic domains.",
    ),
}


def deprecate(feature: Feature | SparseFeature | WeightedFeature) -> None:
    """Take a feature out of validation."""
    feature.lifecycle_stage = schema_pb2.DEPRECATED


def is_required(feature: Feature, environment: str | None, default_environments: Iterable[str]) -> bool:
    """Return whether data must have a feature."""
    presence = feature.presence
    if not is_validated(feature) or (presence.min_count <= 0 and presence.min_fraction <= 0):
        return False
    return is_in_environment(feature, environment, default_environments)


def make_consistent(feature: Feature, domains: StringDomains) -> Reasons:
    """Correct a feature that contradicts itself."""
    if not is_validated(feature):
        return []
    if not feature.HasField("name"):
        deprecate(feature)
        title = "unspecified name (maybe meant to be the empty string): find name rather than deprecating."
        return [Reason(_Type.FEATURE_MISSING_NAME, title)]
    reasons = []
    if not feature.HasField("type"):
        if feature.WhichOneof("domain_info") not in {"domain", "string_domain"}:
            deprecate(feature)
            title = "unspecified type: determine the type and set it, rather than deprecating."
            return [Reason(_Type.FEATURE_MISSING_TYPE, title)]
        title = "unspecified type: inferring the type to be BYTES, given the domain specified."
        reasons.append(Reason(_Type.FEATURE_MISSING_TYPE, title))
        feature.type = schema_pb2.BYTES
    faults: list[tuple[str, str]] = []
    if feature.HasField("presence"):
        faults += _consistent_presence(feature)
    shape = feature.WhichOneof("shape_type")
    if shape == "shape" and any(dim.size <= 0 for dim in feature.shape.dim):
        feature.ClearField("shape")
        faults.append(("Shape.dim.size must be a positive integer", ""))
    elif shape is not None:
        faults += _consistent_value_counts(feature, shape)
    reasons += [Reason(_Type.INVALID_SCHEMA_SPECIFICATION, *fault) for fault in faults]
    return reasons + _make_domain_consistent(feature, domains)


def _consistent_presence(feature: Feature) -> Iterator[tuple[str, str]]:
    if feature.presence.min_fraction < 0:
        feature.presence.ClearField("min_fraction")
        yield "min_fraction should not be negative: clear is equal to zero", ""
    if feature.presence.min_fraction > 1:
        feature.presence.min_fraction = 1.0
        yield "min_fraction should not greater than 1", ""


def _consistent_value_counts(feature: Feature, kind: str) -> Iterator[tuple[str, str]]:
    if kind == "value_count":
        for title in _consistent_value_count(feature.value_count, "ValueCount"):
            yield title, ""
    elif kind == "value_counts":
        for level, count in enumerate(feature.value_counts.value_count):
            for title in _consistent_value_count(count, "ValueCounts"):
                name, _, fault = title.partition(" ")
                yield title, f"{name} at level {level} {fault}."


def _consistent_value_count(count: ValueCount, name: str) -> Iterator[str]:
    if count.min < 0:
        count.ClearField("min")
        yield f"{name}.min should not be negative"
    if count.HasField("max") and count.max < count.min:
        count.max = count.min
        yield f"{name}.max should not be less than min"


def _make_domain_consistent(feature: Feature, domains: StringDomains) -> Reasons:
    reasons = []
    kind = feature.WhichOneof("domain_info")
    if feature.type not in _TYPES_OF_DOMAIN.get(kind, _ANY):
        text = f'The domain "{kind or "UNSET"}" does not match the type: {schema_pb2.FeatureType.Name(feature.type)}'
        reasons.append(Reason(_Type.DOMAIN_INVALID_FOR_TYPE, "The domain does not match the type", text))
        if kind is not None:
            feature.ClearField(kind)
        kind = None
    if kind == "domain" and feature.domain not in domains:
        feature.ClearField("domain")
        reasons.append(Reason(_Type.INVALID_DOMAIN_SPECIFICATION, "missing domain: "))  # the core does not name it
    elif kind in {"string_domain", "bool_domain"}:
        _remove_repeated_values(feature)
    if kind in _WITHOUT_DISTRIBUTION:
        if feature.HasField("distribution_constraints"):
            feature.ClearField("distribution_constraints")
            reasons.append(Reason(_Type.INVALID_SCHEMA_SPECIFICATION, _WITHOUT_DISTRIBUTION[kind]))
    elif kind not in {"domain", "string_domain"}:
        feature.ClearField(kind)
        reasons.append(Reason(_Type.INVALID_DOMAIN_SPECIFICATION, "internal issue: unknown domain_info type"))
    return reasons


def _remove_repeated_values(feature: Feature) -> None:
    kind = feature.WhichOneof("domain_info")
    if kind == "string_domain":
        values = list(dict.fromkeys(feature.string_domain.value))
        if len(values) < len(feature.string_domain.value):
            feature.string_domain.value[:] = values
    elif kind == "bool_domain":
        domain = feature.bool_domain
        if domain.HasField("true_value") and domain.HasField("false_value") and domain.true_value == domain.false_value:
            domain.ClearField("false_value")


def add_to_environment(view: FeatureView, feature: Feature, environment: str, defaults: Iterable[str]) -> Reason:
    """Add a feature that the data has to the environment of the data."""
    kept = [each for each in feature.not_in_environment if each != environment]
    feature.not_in_environment[:] = kept
    if not is_in_environment(feature, environment, defaults):
        feature.in_environment.append(environment)
    text = f"New column {join_path(view.path)} found in data but not in the environment {environment} in the schema."
    return Reason(_Type.SCHEMA_NEW_COLUMN, "Column missing in environment", text)


def set_presence_and_shape(view: FeatureView, feature: Feature, *, infer_shape: bool) -> None:
    """Give a new feature the presence and the shape that its values have."""
    feature.presence.min_count = 0 if view.num_present < 1 else 1
    if view.num_present <= 0:
        return
    if view.num_missing == 0:
        feature.presence.min_fraction = 1.0
    if infer_shape and view.feature_type != schema_pb2.STRUCT:
        levels = view.num_values_by_level
        if not any(view.num_missing_by_level) and all(low == high and low > 0 for low, high in levels):
            feature.shape.SetInParent()
            for low, _ in levels:
                feature.shape.dim.add(size=low)
            return
    _set_value_counts(view, feature)


def _set_value_counts(view: FeatureView, feature: Feature) -> None:
    levels = view.num_values_by_level
    if view.has_nested_values:
        feature.value_counts.SetInParent()
        for level in levels:
            _set_value_count(feature.value_counts.value_count.add(), *level)
    elif len(levels) == 1 and levels[0][0] > 0:
        _set_value_count(feature.value_count, *levels[0])


def _set_value_count(count: ValueCount, fewest: int, most: int) -> None:
    if fewest <= 0:
        return
    if fewest == most:
        count.min = count.max = fewest
    else:
        count.min = 1


def widen_shape(view: FeatureView, feature: Feature) -> Reasons:
    """Widen the shape or the value counts of a feature until they allow the numbers of values that it has."""
    kind = feature.WhichOneof("shape_type")
    if kind == "shape":
        return _widen_fixed_shape(view, feature)
    levels = view.num_values_by_level
    if kind == "value_count":
        if len(levels) == 1:
            return _widen_value_count(feature.value_count, levels[0], ".")
        text = (
            "This feature has a value_count, but the nestedness level of the feature > 1. For features with nestedness "
            "levels greater than 1, value_counts, not value_count, should be specified."
        )
    elif kind == "value_counts":
        counts = feature.value_counts.value_count
        if len(counts) == len(levels):
            pairs = enumerate(zip(counts, levels, strict=True))
            widened = (_widen_value_count(count, level, f" at nestedness level {at}.") for at, (count, level) in pairs)
            return [reason for reasons in widened for reason in reasons]
        text = "The values have a different nest level than expected. Value counts will not be checked."
    else:
        return []
    feature.ClearField(kind)
    _set_value_counts(view, feature)
    return [Reason(_Type.VALUE_NESTEDNESS_MISMATCH, _NESTEDNESS, text)]


def _widen_value_count(count: ValueCount, level: tuple[int, int], end: str) -> Reasons:
    fewest, most = level
    reasons = []
    if count.HasField("min") and fewest < count.min:
        text = f"Some examples have fewer values than expected{end}"
        reasons.append(Reason(_Type.FEATURE_TYPE_LOW_NUMBER_VALUES, _FEW_VALUES, text))
        if fewest:
            count.min = fewest
        else:
            count.ClearField("min")
    if count.HasField("max") and most > count.max:
        text = f"Some examples have more values than expected{end}"
        reasons.append(Reason(_Type.FEATURE_TYPE_HIGH_NUMBER_VALUES, _MANY_VALUES, text))
        count.max = most
    return reasons


def _widen_fixed_shape(view: FeatureView, feature: Feature) -> Reasons:
    levels = view.num_values_by_level
    expected = math.prod(dim.size for dim in feature.shape.dim)
    is_constant = all(low == high and low != 0 for low, high in levels)
    found = math.prod(low for low, _ in levels) if is_constant else -1
    if found <= 0 or any(view.num_missing_by_level):
        text = (
            "The feature has a shape, but it's not always present (if the feature is nested, then it should always be "
            "present at each nested level) or its value lengths vary."
        )
    elif found != expected:
        text = f"The feature has fixed value length {found} but it's not compatible with the specified shape."
    else:
        return []
    feature.ClearField("shape")
    return [Reason(_Type.INVALID_FEATURE_SHAPE, "Feature shape dropped", text)]


def widen_presence(view: FeatureView, feature: Feature) -> Reasons:
    """Lower how often a feature must be present to how often it is."""
    presence, present = feature.presence, view.num_present
    reasons = []
    fewer = "The feature was present in fewer examples than expected"
    if presence.HasField("min_count") and present < presence.min_count:
        expected, presence.min_count = presence.min_count, int64_of(present)
        text = f"{fewer}: minimum count = {expected}, actual = {presence.min_count}"
        reasons.append(Reason(_Type.FEATURE_TYPE_LOW_NUMBER_PRESENT, DROPPED, text))
    fraction = view.fraction_present if presence.HasField("min_fraction") else None
    if fraction is None:
        return reasons
    if fraction < presence.min_fraction:
        minimum, presence.min_fraction = float32_of(presence.min_fraction), fraction
        text = f"{fewer}: minimum fraction = {minimum:f}, actual = {fraction:f}"
        reasons.append(Reason(_Type.FEATURE_TYPE_LOW_FRACTION_PRESENT, DROPPED, text))
    if presence.min_fraction == 1 and view.num_missing:
        # So few examples lack the feature that the fraction is rounded to 1.
        presence.min_fraction = 0.9999
        text = f"The feature was expected everywhere, but was missing in {six_digits(view.num_missing)} examples."
        reasons.append(Reason(_Type.FEATURE_TYPE_LOW_FRACTION_PRESENT, DROPPED, text))
    return reasons


def unexpected_type(view: FeatureView, feature: Feature) -> Reason:
    """Say that data has another type than the feature."""
    types = statistics_pb2.FeatureNameStatistics.Type.DESCRIPTOR.values_by_number
    found = types[view.type].name if view.type in types else f"unknown({view.type})"
    text = f"Expected data of type: {schema_pb2.FeatureType.Name(feature.type)} but got {found}"
    return Reason(_Type.UNEXPECTED_DATA_TYPE, "Unexpected data type", text)


def widen_unique_constraints(view: FeatureView, feature: Feature) -> Reasons:
    """Widen the bounds of the number of distinct values until they contain it."""
    constraints, found = feature.unique_constraints, view.num_unique
    if found is None:
        feature.ClearField("unique_constraints")
        text = (
            "UniqueConstraints specified for the feature, but unique values were not counted (i.e., feature is not "
            "string or categorical)."
        )
        return [Reason(_Type.FEATURE_TYPE_NO_UNIQUE, "No unique values", text)]
    reasons = []
    if found < constraints.min:
        text = f"Expected at least {constraints.min} unique values but found only {found}."
        reasons.append(Reason(_Type.FEATURE_TYPE_LOW_UNIQUE, "Low number of unique values", text))
        constraints.min = found
    if found > constraints.max:
        text = f"Expected no more than {constraints.max} unique values but found {found}."
        reasons.append(Reason(_Type.FEATURE_TYPE_HIGH_UNIQUE, "High number of unique values", text))
        constraints.max = found
    return reasons


def mark_derived(view: FeatureView, feature: Feature) -> None:
    """Give a feature the source that statistics derive it from."""
    feature.lifecycle_stage = schema_pb2.VALIDATION_DERIVED
    feature.validation_derived_source.CopyFrom(view.message.validation_derived_source)


def make_derived(view: FeatureView, feature: Feature) -> Reasons:
    """Make the source and the stage of a derived feature agree with its statistics."""
    reasons = []
    if view.message.HasField("validation_derived_source") and not feature.HasField("validation_derived_source"):
        mark_derived(view, feature)
        title = "Derived source not set in schema."
        reasons.append(Reason(_Type.DERIVED_FEATURE_INVALID_SOURCE, title, title))
    is_derived = feature.lifecycle_stage == schema_pb2.VALIDATION_DERIVED
    if feature.HasField("validation_derived_source") and not is_derived and is_validated(feature):
        feature.lifecycle_stage = schema_pb2.VALIDATION_DERIVED
        title = "Derived feature has wrong lifecycle."
        reasons.append(Reason(_Type.DERIVED_FEATURE_BAD_LIFECYCLE, title, title))
    return reasons
