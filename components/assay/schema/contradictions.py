"""Contradictions in a schema, most of which TFDV loads in silence."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.documents import parse_text_proto
from assay.errors import DataError
from assay.kernels.expected_features import is_validated
from assay.kernels.feature_path import join_path
from assay.schema.leaf_fields import leaves
from assay.schema.subjects import SchemaSubject, SubjectPlace, own_fields, walk

Severity: TypeAlias = Literal["error", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """One thing that is wrong with a schema, or looks as if nobody meant it.

    Attributes:
        code: The kind of finding, such as `range_is_empty`.
        severity: `error` where validation would refuse data that is right, pass data that is wrong, or ignore what the
            schema says; else `warning`.
        subject: What it is about.
        path: The field, such as `int_domain.min`; empty for the subject as a whole.
        sentence: The finding in words, with what to do.
        line: Its line in the file, from 1; None where the schema does not come from text.
    """

    code: str
    severity: Severity
    subject: SchemaSubject
    path: str = ""
    sentence: str
    line: int | None = None


# The types that each domain is for, as TFDV has it (anomaly DOMAIN_INVALID_FOR_TYPE).
_TYPES_OF_DOMAINS: Final = {
    "domain": {"BYTES"},
    "string_domain": {"BYTES"},
    "int_domain": {"INT", "BYTES"},
    "float_domain": {"FLOAT", "BYTES"},
    "bool_domain": {"INT", "FLOAT", "BYTES"},
    "struct_domain": {"STRUCT"},
    "natural_language_domain": {"INT", "BYTES"},
    "image_domain": {"BYTES"},
    "mid_domain": {"BYTES"},
    "url_domain": {"BYTES"},
    "time_domain": {"INT", "BYTES"},
    "time_of_day_domain": {"INT", "BYTES"},
    "audio_domain": {"BYTES"},
    "video_domain": {"BYTES"},
}

_COMPARATORS: Final = ("skew_comparator", "drift_comparator")
_METRICS: Final = ("infinity_norm", "jensen_shannon_divergence", "normalized_abs_difference")


@dataclass(frozen=True, slots=True)
class Shared:
    """What features have in common.

    Attributes:
        environments: The schema's environments.
        domains: The shared string domains by name.
    """

    environments: frozenset[str]
    domains: dict[str, Any]


def of_feature(place: SubjectPlace, shared: Shared) -> Iterator[Contradiction]:
    """Find what is wrong with a feature; nothing for other subjects."""
    if place.subject.kind != "feature":
        return
    feature = _Feature(place, shared)
    yield from feature.type_and_domain()
    yield from feature.string_domain()
    yield from feature.bool_domain()
    yield from feature.presence_and_shape()
    yield from feature.environments()
    yield from feature.comparators()
    yield from feature.constraints()


class _Feature:
    """One feature, with what its findings have in common."""

    def __init__(self, place: SubjectPlace, shared: Shared) -> None:
        self.place = place
        self.message = place.message
        self.shared = shared
        self.type = schema_pb2.FeatureType.Name(self.message.type)
        self.domain = self.message.WhichOneof("domain_info")

    def finding(self, code: str, path: str, sentence: str, severity: Severity = "error") -> Contradiction:
        text = f"Feature '{self.place.subject.name}' {sentence}"
        return Contradiction(code=code, severity=severity, subject=self.place.subject, path=path, sentence=text)

    @property
    def is_number(self) -> bool:
        """Whether its statistics are those of numbers: a categorical number is counted like a string."""
        if self.type not in {"INT", "FLOAT"} or self.domain == "bool_domain":
            return False
        domain = getattr(self.message, self.domain) if self.domain in {"int_domain", "float_domain"} else None
        return not (domain is not None and domain.is_categorical)

    @property
    def is_validated(self) -> bool:
        return is_validated(self.message)

    def type_and_domain(self) -> Iterator[Contradiction]:
        if self.type == "TYPE_UNKNOWN":
            if self.is_validated:
                yield self.finding("no_type", "type", "has no type.")
        elif self.domain == "time_of_day_domain" and not self.message.time_of_day_domain.WhichOneof("format"):
            yield self.finding("no_format", self.domain, "has a time_of_day_domain without a format.")
        elif self.domain and self.type not in _TYPES_OF_DOMAINS.get(self.domain, {self.type}):
            sentence = f"is {self.type}, for which its {self.domain} does not hold."
            yield self.finding("domain_of_other_type", self.domain, sentence)
        if self.message.HasField("group_presence") and len(self.place.subject.steps) == 1:
            sentence = "has a group_presence, which only a feature inside a struct can have."
            yield self.finding("group_presence_outside", "group_presence", sentence)

    def string_domain(self) -> Iterator[Contradiction]:
        if self.domain == "string_domain" and not self.message.string_domain.value:
            yield self.finding("domain_is_empty", "string_domain", "has an empty string domain: no value fits.")
        shared = self.shared.domains.get(self.message.domain)
        if self.domain == "domain" and shared is not None and not shared.value:
            sentence = f"names the domain '{self.message.domain}', which is empty: no value fits."
            yield self.finding("domain_is_empty", "domain", sentence)
        mass = self.message.distribution_constraints
        if mass.HasField("min_domain_mass") and self.domain not in {"domain", "string_domain"}:
            sentence = "has a min_domain_mass, but no string domain that it could be a share of."
            yield self.finding("cannot_apply", "distribution_constraints.min_domain_mass", sentence)

    def bool_domain(self) -> Iterator[Contradiction]:
        texts = self.message.bool_domain
        if self.domain != "bool_domain" or not (texts.HasField("true_value") or texts.HasField("false_value")):
            return
        if texts.true_value == texts.false_value:
            sentence = f"has a bool_domain whose true_value and false_value are both '{texts.true_value}'."
            yield self.finding("values_are_equal", "bool_domain", sentence)
        if self.type in {"INT", "FLOAT"}:
            sentence = f"is {self.type}, for which true_value and false_value of its bool_domain are not looked at."
            yield self.finding("never_applied", "bool_domain", sentence, "warning")

    def presence_and_shape(self) -> Iterator[Contradiction]:
        presence = self.message.presence
        if self.message.HasField("shape") and presence.min_fraction < 1 and self.is_validated and self._is_top:
            sentence = (
                "has a fixed shape, but may be missing (presence.min_fraction below 1): TFDV reports the missing rows "
                "as INVALID_FEATURE_SHAPE, and a parser for the shape fails on them."
            )
            yield self.finding("shape_of_optional", "shape", sentence, "warning")

    @property
    def _is_top(self) -> bool:
        return len(self.place.subject.steps) == 1

    def environments(self) -> Iterator[Contradiction]:
        known = self.shared.environments
        for path in ("in_environment", "not_in_environment"):
            for name in getattr(self.message, path):
                if name not in known:
                    sentence = (
                        f"names the environment '{name}', which is not among the schema's default_environment: "
                        "validation in it is rejected."
                    )
                    yield self.finding("environment_unknown", path, sentence)
        both = sorted(set(self.message.in_environment) & set(self.message.not_in_environment))
        if both:
            yield self.finding("in_and_not_in", "in_environment", f"is in and not in {', '.join(both)}.")
        if known and known <= set(self.message.not_in_environment) and self.is_validated:
            yield self.finding("in_no_environment", "not_in_environment", "is in none of the environments.", "warning")

    def comparators(self) -> Iterator[Contradiction]:
        for path in _COMPARATORS:
            if not self.message.HasField(path):
                continue
            comparator = getattr(self.message, path)
            metrics = [name for name in _METRICS if comparator.HasField(name)]
            if not metrics:
                yield self.finding("cannot_apply", path, f"has a {path} without a metric: it compares nothing.")
            if not self.is_validated:
                sentence = f"has a {path}, but is not validated in its lifecycle stage."
                yield self.finding("never_applied", path, sentence, "warning")
            for name in metrics:
                yield from self._metric(path, name, getattr(comparator, name))

    def _metric(self, path: str, name: str, metric: Any) -> Iterator[Contradiction]:
        where = f"{path}.{name}"
        if not metric.HasField("threshold"):
            yield self.finding("no_threshold", where, f"has a {where} without a threshold: nothing is compared.")
        if self.type == "STRUCT":
            yield self.finding("cannot_apply", where, f"is a struct: {where} compares the values of its parts only.")
        elif self.is_number and name != "jensen_shannon_divergence":
            sentence = (
                f"is a number, for which {name} does not hold: TFDV takes the distance as 0 and passes. Use "
                "jensen_shannon_divergence, or set is_categorical in its domain."
            )
            yield self.finding("cannot_apply", where, sentence)
        elif self.domain in {"image_domain", "natural_language_domain", "audio_domain", "video_domain"}:
            sentence = f"has a {self.domain}, for which no values are counted that {where} could compare."
            yield self.finding("cannot_apply", where, sentence, "warning")

    def constraints(self) -> Iterator[Contradiction]:
        if not self.message.HasField("unique_constraints"):
            return
        if not self.message.unique_constraints.HasField("max"):
            sentence = "has unique_constraints without a max, which TFDV takes for 0: no data fits."
            yield self.finding("no_max", "unique_constraints", sentence)
        if self.is_number or self.type == "STRUCT":
            sentence = f"is {self.type} and not categorical: its distinct values are not counted."
            yield self.finding("cannot_apply", "unique_constraints", sentence)


_PAIRS: Final = (
    ("min", "max"),
    ("int_domain.min", "int_domain.max"),
    ("float_domain.min", "float_domain.max"),
    ("value_count.min", "value_count.max"),
    ("unique_constraints.min", "unique_constraints.max"),
    ("dataset_constraints.min_examples_count", "dataset_constraints.max_examples_count"),
    *(
        (f"dataset_constraints.{name}.min_fraction_threshold", f"dataset_constraints.{name}.max_fraction_threshold")
        for name in ("num_examples_drift_comparator", "num_examples_version_comparator")
    ),
    (
        "natural_language_domain.sequence_length_constraints.min_sequence_length",
        "natural_language_domain.sequence_length_constraints.max_sequence_length",
    ),
)

_SHARES: Final = (
    "presence.min_fraction",
    "distribution_constraints.min_domain_mass",
    "image_domain.minimum_supported_image_fraction",
    "natural_language_domain.coverage.min_coverage",
    *(
        f"{comparator}.{metric}.threshold"
        for comparator in ("skew_comparator", "drift_comparator")
        for metric in ("infinity_norm", "jensen_shannon_divergence")
    ),
)
"""Shares of a whole, and distances that lie between 0 and 1."""

_COUNTS: Final = (
    "presence.min_count",
    "value_count.min",
    "unique_constraints.min",
    "dataset_constraints.min_examples_count",
    *(f"{comparator}.normalized_abs_difference.threshold" for comparator in ("skew_comparator", "drift_comparator")),
)


def impossible_bounds(place: SubjectPlace) -> Iterator[Contradiction]:
    """Find ranges that are empty, shares outside 0 to 1, negative counts, and values that are listed twice."""
    found = leaves(own_fields(place.message))
    subject = place.subject

    def error(code: str, path: str, sentence: str) -> Contradiction:
        text = f"{subject}: {sentence}"
        return Contradiction(
            code=code, severity="error", subject=subject, path=path, sentence=f"{text[0].upper()}{text[1:]}"
        )

    for low, high in _PAIRS:
        if _is_number(found.get(low)) and _is_number(found.get(high)) and found[low] > found[high]:
            yield error("range_is_empty", low, f"{low} is {found[low]}, above {high}, {found[high]}: nothing fits.")
    for path in _SHARES:
        if _is_number(found.get(path)) and not 0 <= found[path] <= 1:
            yield error("not_a_share", path, f"{path} is {found[path]}; it lies between 0 and 1.")
    for path in _COUNTS:
        if _is_number(found.get(path)) and found[path] < 0:
            yield error("negative", path, f"{path} is {found[path]}; it cannot be negative.")
    for path, value in found.items():
        if isinstance(value, float) and math.isnan(value):
            yield error("not_a_number", path, f"{path} is NaN, with which nothing compares.")
    yield from _repeated_values(place, found)
    yield from _counts_in_lists(place)


def _repeated_values(place: SubjectPlace, found: dict[str, Any]) -> Iterator[Contradiction]:
    for path, value in found.items():
        if not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            continue
        for item in sorted({item for item in value if value.count(item) > 1}):
            text = f"{place.subject}: {path} lists '{item}' twice."
            yield Contradiction(
                code="value_twice",
                severity="warning",
                subject=place.subject,
                path=path,
                sentence=f"{text[0].upper()}{text[1:]}",
            )


def _counts_in_lists(place: SubjectPlace) -> Iterator[Contradiction]:
    message = place.message
    if place.subject.kind != "feature":
        return
    for bounds in message.value_counts.value_count:
        if bounds.HasField("min") and bounds.HasField("max") and bounds.min > bounds.max:
            yield Contradiction(
                code="range_is_empty",
                severity="error",
                subject=place.subject,
                path="value_counts",
                sentence=f"Feature '{place.subject.name}': value_counts asks for {bounds.min} to {bounds.max} values.",
            )
    if any(dim.HasField("size") and dim.size < 0 for dim in message.shape.dim):
        yield Contradiction(
            code="negative",
            severity="error",
            subject=place.subject,
            path="shape",
            sentence=f"Feature '{place.subject.name}': shape has a dimension of negative size.",
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float)


Location = tuple[tuple[str, int], ...]

_TOKEN: Final = re.compile(
    r"""(?P<comment>\#[^\n]*)
      | (?P<newline>\n)
      | (?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
      | (?P<open>[{<])
      | (?P<close>[}>])
      | (?P<list>\[)
      | (?P<end>\])
      | (?P<mark>[:;,])
      | (?P<word>[^\s{}<>:;,\[\]"'\#]+)
      | (?P<space>[ \t\r\f\v]+)""",
    re.VERBOSE,
)


def field_lines(text: str) -> dict[Location, int]:
    """Return the line, from 1, of every field by where it stands: `(("feature", 2), ("presence", 0))`.

    The number is the position among the fields of that name in the same message. `text` must be one that
    `text_format` reads; of a list in brackets, elements that are messages count one by one.
    """
    lines: dict[Location, int] = {}
    above: list[Location] = [()]
    counts: list[dict[str, int]] = [{}]
    lists = [False]  # whether each message around is inside a list in brackets
    line, name, expects_value = 1, "", False
    for token in _TOKEN.finditer(text):
        kind = token.lastgroup
        if kind == "newline":
            line += 1
        elif kind == "word" and not expects_value:
            name, expects_value = token[0], True
            if not _opens_message(text, token.end()):
                _note(lines, above[-1], counts[-1], name, line)
        elif kind in {"word", "text"}:
            expects_value = lists[-1] or (kind == "text" and _continues(text, token.end()))
        elif kind == "list":
            lists[-1] = True
        elif kind == "end":
            lists[-1], expects_value = False, False
        elif kind == "open":
            above.append(_note(lines, above[-1], counts[-1], name, line))
            counts.append({})
            lists.append(False)
            expects_value = False
        elif kind == "close" and len(above) > 1:
            name = above.pop()[-1][0]
            counts.pop()
            lists.pop()
            expects_value = False
    return lines


def _opens_message(text: str, at: int) -> bool:
    """Return whether the field whose name ends at `at` is a message, which is noted at its brace."""
    match = re.compile(r"(?:\s|#[^\n]*\n|:|\[)*[{<]").match(text, at)
    return match is not None


def _continues(text: str, at: int) -> bool:
    """Return whether another piece of the same text follows."""
    return re.compile(r"\s*[\"']").match(text, at) is not None


def _note(lines: dict[Location, int], above: Location, counts: dict[str, int], name: str, line: int) -> Location:
    position = counts.get(name, 0)
    counts[name] = position + 1
    location = (*above, (name, position))
    lines[location] = line
    return location


def check(schema: schema_pb2.Schema) -> tuple[Contradiction, ...]:
    """Find what is wrong with a schema without looking at data; errors before warnings, else in the schema's order."""
    findings = [finding for _, finding in _findings(schema)]
    return tuple(sorted(findings, key=lambda finding: finding.severity))


def check_text(text: str, source: str = "schema") -> tuple[Contradiction, ...]:
    """Find what is wrong with a schema in a text proto; each finding has its line.

    Raises:
        DataError: The text is not a schema; the message names `source` and the line.
    """
    schema = parse_text_proto(text, schema_pb2.Schema(), source, code="schema.syntax", refusal=DataError)
    lines = field_lines(text)
    located = [
        replace(finding, line=_line(place.location, finding.path, lines)) for place, finding in _findings(schema)
    ]
    return tuple(sorted(located, key=lambda finding: (finding.severity, finding.line or 0)))


def _findings(schema: schema_pb2.Schema) -> Iterator[tuple[SubjectPlace, Contradiction]]:
    places = list(walk(schema))
    yield from _named_twice(places)
    yield from _domains(schema, places)
    yield from _composites(places)
    shared = Shared(
        frozenset(schema.default_environment), {domain.name: domain for domain in reversed(schema.string_domain)}
    )
    for place in places:
        for finding in (*impossible_bounds(place), *of_feature(place, shared)):
            yield place, finding


def _named_twice(places: list[SubjectPlace]) -> Iterator[tuple[SubjectPlace, Contradiction]]:
    """Find features that share a name, of whatever kind, in one message; and domains of one name."""
    seen: dict[tuple[str, str], SubjectPlace] = {}
    for place in places[1:]:
        name = place.subject.name
        group = "domain" if place.subject.kind.endswith("domain") else "feature"
        if not place.message.name:
            yield place, _error("no_name", place.subject, "name", f"A {place.subject.kind} has no name.")
        elif (group, name) in seen:
            first = seen[group, name].subject
            sentence = f"{place.subject} has the name of another {first.kind}: only one of them counts."
            yield place, _error("named_twice", place.subject, "name", f"{sentence[0].upper()}{sentence[1:]}")
        else:
            seen[group, name] = place


def _domains(schema: schema_pb2.Schema, places: list[SubjectPlace]) -> Iterator[tuple[SubjectPlace, Contradiction]]:
    """Shared domains that nothing uses, and features that name one that is not there."""
    names = {domain.name for kind in ("string", "int", "float") for domain in getattr(schema, f"{kind}_domain")}
    strings = {domain.name for domain in schema.string_domain}
    used: set[str] = set()
    for place in places:
        if place.subject.kind != "feature" or not place.message.HasField("domain"):
            continue
        domain = place.message.domain
        used.add(domain)
        if domain not in names:
            sentence = f"Feature '{place.subject.name}' names the domain '{domain}', which the schema does not have."
            yield place, _error("domain_missing", place.subject, "domain", sentence)
        elif domain not in strings:
            sentence = (
                f"Feature '{place.subject.name}' names '{domain}', which is not a string domain: TFDV "
                "validates no shared "
                "int or float domains. Write the range into the feature."
            )
            yield place, _error("domain_not_validated", place.subject, "domain", sentence)
    for place in places:
        if place.subject.kind.endswith("domain") and place.subject.name not in used:
            yield (
                place,
                Contradiction(
                    code="domain_unused",
                    severity="warning",
                    subject=place.subject,
                    sentence=f"No feature names the {place.subject}.",
                ),
            )


def _composites(places: list[SubjectPlace]) -> Iterator[tuple[SubjectPlace, Contradiction]]:
    """Sparse and weighted features whose parts are not there."""
    features = {place.subject.steps for place in places if place.subject.kind == "feature"}
    for place in places:
        above = place.subject.steps[:-1]
        for path, steps in _parts(place, above):
            if steps not in features:
                sentence = f"The {place.subject} is made of '{join_path(steps)}', which the schema does not have."
                yield place, _error("part_missing", place.subject, path, sentence)


def _parts(place: SubjectPlace, above: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    message = place.message
    if place.subject.kind == "sparse_feature":
        for part in message.index_feature:
            yield "index_feature", (*above, part.name)
        yield "value_feature", (*above, message.value_feature.name)
    elif place.subject.kind == "weighted_feature":
        yield "feature", tuple(message.feature.step)
        yield "weight_feature", tuple(message.weight_feature.step)


def _error(code: str, subject: SchemaSubject, path: str, sentence: str) -> Contradiction:
    return Contradiction(code=code, severity="error", subject=subject, path=path, sentence=sentence)


def _line(location: Location, path: str, lines: dict[Location, int]) -> int | None:
    """Return the line of a field, or of the innermost message around it that the text has."""
    steps = tuple((name, 0) for name in path.split(".")) if path else ()
    for depth in range(len(steps), -1, -1):
        if (line := lines.get((*location, *steps[:depth]))) is not None:
            return line
    return None
