"""Domains of features: which one the values of a feature have, and how one is widened until it contains them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from assay.kernels.feature_path import join_path
from assay.schema.literals import (
    escaped,
    float32_of,
    int32_of,
    int64_of,
    read_float32,
    read_int64,
    six_digits,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from tensorflow_metadata.proto.v0.schema_pb2 import (
        Feature,
        NaturalLanguageDomain,
        Schema,
        SequenceValueConstraints,
        StringDomain,
    )
    from tensorflow_metadata.proto.v0.statistics_pb2 import NaturalLanguageStatistics, NumericStatistics

    from assay.schema.statistics_view import FeatureView

_Type = anomalies_pb2.AnomalyInfo.Type
_Kind = statistics_pb2.FeatureNameStatistics

_TRUE: Final = frozenset({"TRUE", "true", "SET", "set", "1", ""})
_FALSE: Final = frozenset({"FALSE", "false", "CLEAR", "clear", "0"})
_DOMAIN_FIELDS: Final = {field.name for field in schema_pb2.Feature.DESCRIPTOR.oneofs_by_name["domain_info"].fields}


@dataclass(frozen=True, slots=True)
class Reason:
    """Why data does not fit a schema.

    Attributes:
        type: An `AnomalyInfo.Type`.
        short_description: A title.
        description: A sentence; empty for some faults of the schema itself.
    """

    type: int
    short_description: str
    description: str = ""


Reasons: TypeAlias = list[Reason]


class StringDomains:
    """The string domains of a schema by name.

    Domains over a `base` are those of an excerpt of another schema: what is added to a domain of the base becomes a
    domain of the excerpt, of the added values alone, and the base stays as it is.

    Attributes:
        schema: Contains the domains.
        base: The domains of the whole schema, where `schema` is an excerpt.
    """

    def __init__(self, schema: Schema, base: StringDomains | None = None) -> None:
        self.schema = schema
        self.base = base
        self._domains: dict[str, StringDomain] = {}
        self._values: dict[str, set[str]] = {}
        self._index()

    def _index(self) -> None:
        self._domains = {domain.name: domain for domain in reversed(self.schema.string_domain)}

    def __contains__(self, name: object) -> bool:
        """Return whether there is a domain of this name."""
        return name in self._domains or (self.base is not None and name in self.base)

    def values(self, name: str) -> Collection[str]:
        """Return the values of a domain."""
        if self.base is not None and name in self.base:
            return self.base.values(name)
        if name not in self._values:
            self._values[name] = set(self._domains[name].value)
        return self._values[name]

    def extend(self, name: str, values: Collection[str]) -> None:
        """Add values to a domain."""
        if not values:
            return
        if name not in self._domains:
            self._domains[name] = self.schema.string_domain.add(name=name)
        self._domains[name].value.extend(values)
        if name in self._values:
            self._values[name].update(values)

    def create(self, candidate: str, values: Iterable[str]) -> str:
        """Add a domain and return its name: the candidate, followed by a number where that is taken."""
        name, number = candidate, 1
        while name in self:
            number += 1
            name = f"{candidate}{number}"
        self._domains[name] = self.schema.string_domain.add(name=name, value=values)
        return name

    def remove(self, name: str) -> None:
        """Remove a domain, and from the features that refer to it the reference."""
        _remove_references(self.schema.feature, name)
        kept = [domain for domain in self.schema.string_domain if domain.name != name]
        del self.schema.string_domain[:]
        self.schema.string_domain.extend(kept)
        self._index()
        self._values.pop(name, None)


def _remove_references(features: Iterable[Feature], name: str) -> None:
    for feature in features:
        kind = feature.WhichOneof("domain_info")
        if kind == "domain" and feature.domain == name:
            feature.ClearField("domain")
        elif kind == "struct_domain":
            _remove_references(feature.struct_domain.feature, name)


def infer_domain(view: FeatureView, feature: Feature, domains: StringDomains, max_string_domain_size: int) -> None:
    """Give a new feature the domain that its values have; none for opaque bytes and for many distinct values."""
    if add_custom_domain(view, feature) or view.has_invalid_utf8 or view.type == _Kind.BYTES:
        return
    if view.type == _Kind.INT and view.kind == "num_stats":
        numbers = view.message.num_stats
        if numbers.min >= 0 and numbers.max == 1:
            feature.bool_domain.SetInParent()
            return
    values = view.string_counts
    if not values:
        return
    if view.type == _Kind.STRING and _is_bool(values, feature):
        return
    if view.type == _Kind.STRING and all(read_int64(value) is not None for value in values):
        feature.int_domain.SetInParent()
        return
    if len(values) <= max_string_domain_size:
        feature.domain = domains.create(join_path(view.path), values)


def _is_bool(values: Collection[str], feature: Feature) -> bool:
    """Give a feature a domain of a word for true and one for false, where it has no other values; return whether."""
    true, false = ([value for value in values if value in words] for words in (_TRUE, _FALSE))
    if len(true) > 1 or len(false) > 1 or len(true) + len(false) < len(values):
        return False
    feature.bool_domain.SetInParent()
    if true:
        feature.bool_domain.true_value = true[0]
    if false:
        feature.bool_domain.false_value = false[0]
    return True


def add_custom_domain(view: FeatureView, feature: Feature) -> bool:
    """Give a feature without a domain the one that a custom statistic `domain_info` contains, and return whether."""
    text = ""
    for statistic in view.message.custom_stats:
        if statistic.name == "domain_info":
            if text:
                return False
            text = statistic.str
    if not text or feature.WhichOneof("domain_info") is not None:
        return False
    try:
        found = text_format.Parse(text, schema_pb2.Feature())
    except text_format.ParseError:
        return False
    fields = [field.name for field, _ in found.ListFields()]
    if len(fields) != 1 or fields[0] not in _DOMAIN_FIELDS:
        return False
    feature.MergeFrom(found)
    return True


def widen_domain(view: FeatureView, feature: Feature, domains: StringDomains) -> Reasons:
    """Widen a feature's domain until it contains the values of the statistics, and return why."""
    kind = feature.WhichOneof("domain_info")
    if kind is None:
        return _add_semantic_domain(view, feature)
    if kind == "domain":
        return _widen_shared_domain(view, feature, domains)
    widen = _WIDENING.get(kind)
    return widen(view, feature) if widen else []


def _add_semantic_domain(view: FeatureView, feature: Feature) -> Reasons:
    if not view.message.custom_stats or not add_custom_domain(view, feature):
        return []
    text = f"Updated semantic domain for feature: {feature.name}"
    return [Reason(_Type.SEMANTIC_DOMAIN_UPDATE, "Updated semantic domain", text)]


def _widen_shared_domain(view: FeatureView, feature: Feature, domains: StringDomains) -> Reasons:
    name = feature.domain
    if view.has_invalid_utf8:
        domains.remove(name)
        feature.ClearField("domain")
        return [_INVALID_UTF8]
    unexpected, reasons = _unexpected_values(view, feature, domains.values(name))
    domains.extend(name, unexpected)
    return reasons


def _widen_string_domain(view: FeatureView, feature: Feature) -> Reasons:
    if view.has_invalid_utf8:
        feature.ClearField("string_domain")
        return [_INVALID_UTF8]
    unexpected, reasons = _unexpected_values(view, feature, set(feature.string_domain.value))
    feature.string_domain.value.extend(unexpected)
    return reasons


_INVALID_UTF8: Final = Reason(
    _Type.ENUM_TYPE_INVALID_UTF8, "Invalid UTF8 strings", "Found strings that were not valid UTF8 strings."
)


def _unexpected_values(view: FeatureView, feature: Feature, known: Collection[str]) -> tuple[Collection[str], Reasons]:
    """Return the values outside of a domain where they are more than the feature may have, and the reason."""
    counts = view.string_counts
    unexpected = {value: count for value, count in counts.items() if value not in known}
    constraints = feature.distribution_constraints
    allowed = 1.0 - constraints.min_domain_mass if constraints.HasField("min_domain_mass") else 0.0
    total = view.total_values
    found = 0.0
    for count in unexpected.values():  # one after the other, as the core adds: sum() of Python 3.12 rounds otherwise
        found += count
    share = _quotient(found, total)
    if not (share > allowed or (allowed == 0 and unexpected)):
        return (), []
    listed = ", ".join(f"{escaped(value)} ({_percentage(count, total)})" for value, count in unexpected.items())
    text = f"Examples contain values missing from the schema: {listed}. "
    return unexpected, [Reason(_Type.ENUM_TYPE_UNEXPECTED_STRING_VALUES, "Unexpected string values", text)]


def _quotient(dividend: float, divisor: float) -> float:
    """Divide as C++ does, where a divisor of 0 is not an error."""
    if divisor:
        return dividend / divisor
    return math.copysign(math.inf, dividend) if dividend else math.nan


def _percentage(count: float, total: float) -> str:
    if total == 0:
        return "?"
    percent = 100 * int64_of(count) / total
    return "<1%" if percent < 1 else f"~{int32_of(percent)}%"


def _widen_bool_domain(view: FeatureView, feature: Feature) -> Reasons:
    numbers = view.message.num_stats
    if view.type == _Kind.INT:
        outside = next((value for value in (numbers.min,) if value < 0), None)
        kind = _Type.BOOL_TYPE_SMALL_INT
        if outside is None and numbers.max > 1:
            outside, kind = numbers.max, _Type.BOOL_TYPE_BIG_INT
        if outside is None:
            return []
        feature.int_domain.max = int64_of(numbers.max)
        feature.int_domain.min = int64_of(numbers.min)
        text = f"Integers (such as {six_digits(outside)}) not in {{0, 1}}: converting to an integer."
        return [Reason(kind, _NOT_BOOLEAN, text)]
    if view.type == _Kind.FLOAT:
        found = _numbers_outside_of_bool(numbers)
        if found is None:
            return []
        feature.float_domain.max = float32_of(numbers.max)
        feature.float_domain.min = float32_of(numbers.min)
        return [Reason(_Type.BOOL_TYPE_UNEXPECTED_FLOAT, _NOT_BOOLEAN, f"{found}: converting to float_domain.")]
    if view.type == _Kind.STRING:
        return _widen_bool_domain_of_strings(view, feature)
    return []


_NOT_BOOLEAN: Final = "Non-boolean values"


def _numbers_outside_of_bool(numbers: NumericStatistics) -> str | None:
    """Say which numbers are neither 0 nor 1, as far as extremes and histograms show."""
    for value in (numbers.min, numbers.max):
        if value not in {0.0, 1.0}:
            return f"Floats (such as {six_digits(value)}) not in {{0, 1}}"
    for histogram in numbers.histograms:
        if histogram.num_nan > 0:
            return "Floats (such as NaN) not in {0, 1}"
        is_quantiles = histogram.type == statistics_pb2.Histogram.QUANTILES
        for bucket in histogram.buckets:
            if bucket.sample_count <= 0:
                continue
            if bucket.high_value < 0:
                return "Float values < 0 not in {0, 1}"
            if bucket.low_value > 1:
                return "Float values > 1 not in {0, 1}"
            if is_quantiles and bucket.high_value < 1 and bucket.low_value > 0:
                return "Float values falling between 0 and 1"
    return None


def _widen_bool_domain_of_strings(view: FeatureView, feature: Feature) -> Reasons:
    domain = feature.bool_domain
    valid = sorted({getattr(domain, name) for name in ("true_value", "false_value") if domain.HasField(name)})
    unexpected = next((value for value in view.string_counts if value not in valid), None)
    if unexpected is None:
        return []
    feature.ClearField("bool_domain")
    shown = "{" + ", ".join(f'"{value}"' for value in valid) + "}"
    text = f'Saw unexpected value "{unexpected}" instead of {shown}.'
    return [Reason(_Type.BOOL_TYPE_UNEXPECTED_STRING, _NOT_BOOLEAN, text)]


def _widen_int_domain(view: FeatureView, feature: Feature) -> Reasons:
    domain = feature.int_domain
    ends = _ends_of_integers(view)
    if ends is None:
        return []
    if isinstance(ends, str):
        if view.feature_type == schema_pb2.BYTES:
            kind, text = (
                _Type.INT_TYPE_NOT_INT_STRING,
                f'String values that were not ints were found, such as "{ends}".',
            )
        elif not domain.HasField("min") and not domain.HasField("max"):
            return []
        else:
            kind, text = (
                _Type.DOMAIN_INVALID_FOR_TYPE,
                f'Integer had values that were not valid Int64, such as "{ends}".',
            )
        feature.ClearField("int_domain")
        return [Reason(kind, _INVALID_VALUES, text)]
    low, high = ends
    reasons = []
    if domain.HasField("min") and domain.min > low:
        reasons.append(Reason(_Type.INT_TYPE_SMALL_INT, _OUT_OF_RANGE, f"Unexpectedly small value: {low}."))
        domain.min = low
    if domain.HasField("max") and domain.max < high:
        reasons.append(Reason(_Type.INT_TYPE_BIG_INT, _OUT_OF_RANGE, f"Unexpectedly large value: {high}."))
        domain.max = high
    return reasons


_INVALID_VALUES: Final = "Invalid values"
_OUT_OF_RANGE: Final = "Out-of-range values"


def _ends_of_integers(view: FeatureView) -> tuple[int, int] | str | None:
    """Return the smallest and the largest integer, or a value that is not one; None where nothing is known."""
    values = view.string_counts
    if view.type == _Kind.INT and not values:
        numbers = view.message.num_stats
        if numbers.min < -(2.0**63):
            return f"{numbers.min:f}"
        if numbers.max > 2.0**63:
            return f"{numbers.max:f}"
        return int64_of(numbers.min), int64_of(numbers.max)
    if view.type in {_Kind.FLOAT, _Kind.STRUCT} or not values:
        return None
    found = []
    for text in values:
        value = read_int64(text)
        if value is None:
            return text
        found.append(value)
    return min(found), max(found)


def _widen_float_domain(view: FeatureView, feature: Feature) -> Reasons:
    domain = feature.float_domain
    reasons = []
    numbers, not_number = _float_ends_of(view)
    if domain.disallow_nan and _has_nan(view):
        reasons.append(Reason(_Type.FLOAT_TYPE_HAS_NAN, _INVALID_VALUES, "Float feature has NaN values."))
        domain.disallow_nan = False
    if not_number is not None:
        text = f'String values that were not floats were found, such as "{not_number}".'
        feature.ClearField("float_domain")
        return [*reasons, Reason(_Type.FLOAT_TYPE_STRING_NOT_FLOAT, _INVALID_VALUES, text)]
    if numbers is None:
        return reasons
    low, high = numbers
    if domain.HasField("min") and low < domain.min:
        text = f"Unexpectedly low values: {six_digits(low)}<{six_digits(domain.min)}(upto six significant digits)"
        reasons.append(Reason(_Type.FLOAT_TYPE_SMALL_FLOAT, _OUT_OF_RANGE, text))
        domain.min = low
    if domain.HasField("max") and high > domain.max:
        text = f"Unexpectedly high value: {six_digits(high)}>{six_digits(domain.max)}(upto six significant digits)"
        reasons.append(Reason(_Type.FLOAT_TYPE_BIG_FLOAT, _OUT_OF_RANGE, text))
        domain.max = high
    if domain.disallow_inf and (math.isinf(low) or math.isinf(high)):
        reasons.append(Reason(_Type.FLOAT_TYPE_HAS_INF, _INVALID_VALUES, "Float feature has Inf values."))
        domain.disallow_inf = False
    return reasons


def _float_ends_of(view: FeatureView) -> tuple[tuple[float, float] | None, str | None]:
    """Return the smallest and the largest number, where there are any, or a text that is not a number."""
    if view.type == _Kind.FLOAT:
        numbers = view.message.num_stats
        return (float32_of(numbers.min), float32_of(numbers.max)), None
    if view.type not in {_Kind.BYTES, _Kind.STRING}:
        return None, None
    low = high = None
    for text in view.string_counts:
        value = read_float32(text)
        if value is None:
            return None, text
        # A NaN that comes first stays: no number is below or above it.
        low = value if low is None or low > value else low
        high = value if high is None or high < value else high
    return (None if low is None or high is None else (low, high)), None


def _has_nan(view: FeatureView) -> bool:
    if view.type == _Kind.FLOAT:
        return any(histogram.num_nan > 0 for histogram in view.message.num_stats.histograms)
    if view.type != _Kind.STRING:
        return False
    values = map(read_float32, view.string_counts)
    return any(value is not None and math.isnan(value) for value in values)


def _widen_image_domain(view: FeatureView, feature: Feature) -> Reasons:
    domain = feature.image_domain
    reasons = []
    histogram = view.custom_statistic("image_format_histogram")
    if domain.HasField("minimum_supported_image_fraction") and histogram is not None:
        supported = unknown = 0.0
        for bucket in histogram.rank_histogram.buckets:
            if bucket.label == "UNKNOWN":
                unknown = float32_of(unknown + bucket.sample_count)
            else:
                supported = float32_of(supported + bucket.sample_count)
        total = float32_of(supported + unknown)
        fraction, minimum = (
            float32_of(_quotient(supported, total)),
            domain.minimum_supported_image_fraction,
        )
        if fraction < minimum:
            domain.minimum_supported_image_fraction = fraction
            text = (
                f"Fraction of values containing TensorFlow supported images: {fraction:f} is lower than the threshold "
                f"set in the Schema: {minimum:f}."
            )
            reasons.append(Reason(_Type.LOW_SUPPORTED_IMAGE_FRACTION, "Low supported image fraction", text))
    if domain.HasField("max_image_byte_size"):
        largest, allowed = view.message.bytes_stats.max_num_bytes_int, domain.max_image_byte_size
        if largest > allowed:
            domain.max_image_byte_size = largest
            text = f"The largest image has bytes: {largest}. The max allowed byte size is: {allowed}."
            reasons.append(Reason(_Type.MAX_IMAGE_BYTE_SIZE_EXCEEDED, "Num bytes exceeds the max byte size.", text))
    return reasons


def _widen_natural_language_domain(view: FeatureView, feature: Feature) -> Reasons:
    domain = feature.natural_language_domain
    statistics = statistics_pb2.NaturalLanguageStatistics()
    custom = view.custom_statistic("nl_statistics")
    if custom is not None and not custom.any.Unpack(statistics):
        return []
    coverage = domain.coverage
    is_constrained = coverage.HasField("min_coverage") or coverage.HasField("min_avg_token_length")
    if custom is None and (is_constrained or domain.token_constraints):
        feature.ClearField("natural_language_domain")
        return [_NO_LANGUAGE_STATISTICS]
    reasons = _widen_coverage(statistics, domain)
    tokens: dict[str | int, NaturalLanguageStatistics.TokenStatistics] = {}
    for token in statistics.token_statistics:
        kind = token.WhichOneof("token")
        if kind is not None:
            tokens.setdefault(getattr(token, kind), token)
    for constraint in domain.token_constraints:
        kind = constraint.WhichOneof("value")
        if kind is None:
            continue
        name = getattr(constraint, kind)
        if name not in tokens:
            feature.ClearField("natural_language_domain")
            return [*reasons, _NO_LANGUAGE_STATISTICS]
        reasons += _widen_token(tokens[name], str(name), constraint)
    return reasons


_NO_LANGUAGE_STATISTICS: Final = Reason(
    _Type.STATS_NOT_AVAILABLE,
    "Natural language stats are not computed.",
    "Constraints specified in natural language domain cannot be verified because natural language stats have not been "
    "computed.",
)


def _widen_coverage(statistics: NaturalLanguageStatistics, domain: NaturalLanguageDomain) -> Reasons:
    coverage, reasons = domain.coverage, []
    if coverage.HasField("min_coverage") and coverage.min_coverage > statistics.feature_coverage:
        text = (
            f"Fraction of tokens in the vocabulary: {six_digits(statistics.feature_coverage)} is lower than the "
            f"threshold set in the Schema: {six_digits(coverage.min_coverage)}."
        )
        reasons.append(Reason(_Type.FEATURE_COVERAGE_TOO_LOW, "Feature coverage is too low.", text))
        coverage.min_coverage = float32_of(statistics.feature_coverage)
    if coverage.HasField("min_avg_token_length") and statistics.avg_token_length < coverage.min_avg_token_length:
        text = (
            f"Average token length is: {six_digits(statistics.avg_token_length)} which is lower than the threshold set "
            f"in the Schema: {six_digits(coverage.min_avg_token_length)}."
        )
        kind = _Type.FEATURE_COVERAGE_TOO_SHORT_AVG_TOKEN_LENGTH
        reasons.append(Reason(kind, "Average token length is too short.", text))
        coverage.min_avg_token_length = float32_of(statistics.avg_token_length)
    return reasons


def _widen_token(
    token: NaturalLanguageStatistics.TokenStatistics, name: str, constraint: SequenceValueConstraints
) -> Reasons:
    reasons = []
    share = token.fraction_of_sequences
    for end, size, direction, kind in (
        ("min", "small", "lower", _Type.SEQUENCE_VALUE_TOO_SMALL_FRACTION),
        ("max", "large", "higher", _Type.SEQUENCE_VALUE_TOO_LARGE_FRACTION),
    ):
        field = f"{end}_fraction_of_sequences"
        threshold = getattr(constraint, field)
        if constraint.HasField(field) and (threshold > share if end == "min" else threshold < share):
            text = (
                f"Fraction of sequences with value: {name} is: {six_digits(share)} which is {direction} than the "
                f"threshold set in the Schema: {six_digits(threshold)}."
            )
            reasons.append(Reason(kind, f"Value occurs in too {size} a fraction of sequences.", text))
            setattr(constraint, field, float32_of(share))
    for end, size, direction, kind in (
        ("min", "few", "lower", _Type.SEQUENCE_VALUE_TOO_FEW_OCCURRENCES),
        ("max", "many", "higher", _Type.SEQUENCE_VALUE_TOO_MANY_OCCURRENCES),
    ):
        field = f"{end}_per_sequence"
        threshold, found = getattr(constraint, field), getattr(token, f"per_sequence_{end}_frequency")
        if constraint.HasField(field) and (threshold > found if end == "min" else threshold < found):
            text = (
                f"Value: {name} occurs at {'least' if end == 'min' else 'most'}: {six_digits(found)} times within a "
                f"sequence, which is {direction} than the threshold set in the Schema: {threshold}."
            )
            reasons.append(Reason(kind, f"Value has too {size} per-sequence occurrences.", text))
            setattr(constraint, field, int64_of(found))
    return reasons


_WIDENING: Final[Mapping[str, Callable[[FeatureView, Feature], Reasons]]] = {
    "bool_domain": _widen_bool_domain,
    "int_domain": _widen_int_domain,
    "float_domain": _widen_float_domain,
    "string_domain": _widen_string_domain,
    "image_domain": _widen_image_domain,
    "natural_language_domain": _widen_natural_language_domain,
}
