"""What is wrong with one feature: what contradicts its type, cannot apply to it, or is never looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.curation.findings import Finding, Severity
from assay.curation.subjects import Place

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
_UNCHECKED: Final = {"PLANNED", "ALPHA", "DEPRECATED", "DEBUG_ONLY", "DISABLED"}


@dataclass(frozen=True, slots=True)
class Shared:
    """What features have in common.

    Attributes:
        environments: The schema's environments.
        domains: The shared string domains by name.
    """

    environments: frozenset[str]
    domains: dict[str, Any]


def of_feature(place: Place, shared: Shared) -> Iterator[Finding]:
    """Finds what is wrong with a feature; nothing for other subjects."""
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

    def __init__(self, place: Place, shared: Shared) -> None:
        self.place = place
        self.message = place.message
        self.shared = shared
        self.type = schema_pb2.FeatureType.Name(self.message.type)
        self.domain = self.message.WhichOneof("domain_info")

    def finding(self, code: str, path: str, sentence: str, severity: Severity = "error") -> Finding:
        text = f"Feature '{self.place.subject.name}' {sentence}"
        return Finding(code=code, severity=severity, subject=self.place.subject, path=path, sentence=text)

    @property
    def is_number(self) -> bool:
        """Whether its statistics are those of numbers: a categorical number is counted like a string."""
        if self.type not in {"INT", "FLOAT"} or self.domain == "bool_domain":
            return False
        domain = getattr(self.message, self.domain) if self.domain in {"int_domain", "float_domain"} else None
        return not (domain is not None and domain.is_categorical)

    @property
    def is_validated(self) -> bool:
        stage = schema_pb2.LifecycleStage.Name(self.message.lifecycle_stage)
        return stage not in _UNCHECKED and not self.message.deprecated

    def type_and_domain(self) -> Iterator[Finding]:
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

    def string_domain(self) -> Iterator[Finding]:
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

    def bool_domain(self) -> Iterator[Finding]:
        texts = self.message.bool_domain
        if self.domain != "bool_domain" or not (texts.HasField("true_value") or texts.HasField("false_value")):
            return
        if texts.true_value == texts.false_value:
            sentence = f"has a bool_domain whose true_value and false_value are both '{texts.true_value}'."
            yield self.finding("values_are_equal", "bool_domain", sentence)
        if self.type in {"INT", "FLOAT"}:
            sentence = f"is {self.type}, for which true_value and false_value of its bool_domain are not looked at."
            yield self.finding("never_applied", "bool_domain", sentence, "warning")

    def presence_and_shape(self) -> Iterator[Finding]:
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

    def environments(self) -> Iterator[Finding]:
        known = self.shared.environments
        for path in ("in_environment", "not_in_environment"):
            for name in getattr(self.message, path):
                if name not in known:
                    sentence = (
                        f"names the environment '{name}', which is not among the schema's default_environment: "
                        "validation in it is refused."
                    )
                    yield self.finding("environment_unknown", path, sentence)
        both = sorted(set(self.message.in_environment) & set(self.message.not_in_environment))
        if both:
            yield self.finding("in_and_not_in", "in_environment", f"is in and not in {', '.join(both)}.")
        if known and known <= set(self.message.not_in_environment) and self.is_validated:
            yield self.finding("in_no_environment", "not_in_environment", "is in none of the environments.", "warning")

    def comparators(self) -> Iterator[Finding]:
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

    def _metric(self, path: str, name: str, metric: Any) -> Iterator[Finding]:
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

    def constraints(self) -> Iterator[Finding]:
        if not self.message.HasField("unique_constraints"):
            return
        if not self.message.unique_constraints.HasField("max"):
            sentence = "has unique_constraints without a max, which TFDV takes for 0: no data fits."
            yield self.finding("no_max", "unique_constraints", sentence)
        if self.is_number or self.type == "STRUCT":
            sentence = f"is {self.type} and not categorical: its distinct values are not counted."
            yield self.finding("cannot_apply", "unique_constraints", sentence)
