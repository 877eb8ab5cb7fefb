"""One feature that is edited in Python: type, presence, environments, comparators and constraints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

from tensorflow_metadata.proto.v0 import schema_pb2
from typing_extensions import Self

from assay.errors import UsageError, did_you_mean
from assay.schema.proto_dict import assign
from assay.schema.subjects import SchemaSubject

TimeUnit: TypeAlias = Literal["UNIX_DAYS", "UNIX_SECONDS", "UNIX_MILLISECONDS", "UNIX_MICROSECONDS", "UNIX_NANOSECONDS"]


FeatureType: TypeAlias = Literal["BYTES", "INT", "FLOAT", "STRUCT"]
Stage: TypeAlias = Literal[
    "PLANNED", "ALPHA", "BETA", "PRODUCTION", "DEPRECATED", "DEBUG_ONLY", "DISABLED", "VALIDATION_DERIVED"
]

_UNBOUNDED: Final = (1 << 63) - 1


def enum_number(enum: Any, name: str, what: str) -> int:
    """Return the number of an enum's value.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in enum.keys():  # noqa: SIM118  (an EnumTypeWrapper is not a mapping)
        raise UsageError("schema.unknown_name", f"'{name}' is not a valid {what}.", did_you_mean(name, enum.keys()))
    return int(enum.Value(name))


class FeatureEditor:
    """Edit one feature in place; methods return the editor, so that they chain. Setting one domain replaces another.

    Args:
        schema: The edited schema, which contains the shared domains.
        proto: The feature in it.
        name: The feature's path.

    Attributes:
        proto: The feature in the edited schema.
        name: Its path.
    """

    def __init__(self, schema: schema_pb2.Schema, proto: Any, name: str) -> None:
        self.schema = schema
        self.proto = proto
        self.name = name

    @property
    def title(self) -> str:
        """The feature, as messages call it."""
        return f"Feature '{self.name}'"

    def type(self, name: FeatureType) -> Self:
        """Set the type."""
        self.proto.type = enum_number(schema_pb2.FeatureType, name, "type")
        return self

    def presence(self, *, min_fraction: float | None = None, min_count: int | None = None) -> Self:
        """Set the minimum share and count of rows that have the feature; omitted arguments stay unchanged."""
        if min_fraction is not None and not 0 <= min_fraction <= 1:
            raise UsageError(
                "schema.value", f"{self.title}: min_fraction is {min_fraction}; expected a fraction between 0 and 1."
            )
        return self._merge(presence={"min_fraction": min_fraction, "min_count": min_count})

    def required(self) -> Self:
        """Require the feature in every row."""
        return self.presence(min_fraction=1.0, min_count=1)

    def optional(self) -> Self:
        """Allow the feature to be missing in every row."""
        self.proto.ClearField("presence")
        return self

    def group_presence(self, *, required: bool) -> Self:
        """Set whether a feature inside a struct has to be present wherever its struct is."""
        if len(SchemaSubject("feature", self.name).steps) == 1:
            raise UsageError("schema.value", f"{self.title} is not inside a struct.", "Use presence.")
        return self._merge(group_presence={"required": required})

    def shape(self, *sizes: int) -> Self:
        """Set a fixed shape; no sizes mean a single value without a dimension."""
        return self._replace(shape={"dim": [{"size": size} for size in sizes]})

    def value_count(self, *, min: int | None = None, max: int | None = None) -> Self:  # noqa: A002
        """Set how many values a row may have."""
        return self._replace(value_count={"min": min, "max": max})

    def value_counts(self, *bounds: tuple[int | None, int | None]) -> Self:
        """Set the minimum and maximum number of values at each level of nested lists, from the outside in."""
        counts = [_given({"min": low, "max": high}) for low, high in bounds]
        return self._replace(value_counts={"value_count": counts})

    def only_in(self, *environments: str) -> Self:
        """Expect the feature in these environments only."""
        known = self._known_environments(environments)
        self.proto.in_environment[:] = [name for name in known if name in environments]
        self.proto.not_in_environment[:] = [name for name in known if name not in environments]
        return self

    def not_in(self, *environments: str) -> Self:
        """Exclude the feature from these environments, such as a label from `SERVING`."""
        self._known_environments(environments)
        for name in environments:
            if name in self.proto.in_environment:
                self.proto.in_environment.remove(name)
            if name not in self.proto.not_in_environment:
                self.proto.not_in_environment.append(name)
        return self

    def in_all_environments(self) -> Self:
        """Expect the feature in all environments."""
        self.proto.ClearField("in_environment")
        self.proto.ClearField("not_in_environment")
        return self

    def _known_environments(self, names: Sequence[str]) -> list[str]:
        known = list(self.schema.default_environment)
        for name in names:
            if name not in known:
                hint = did_you_mean(name, known) or "Add it first: SchemaEditor.environments(…)."
                raise UsageError("schema.unknown_environment", f"The schema has no environment '{name}'.", hint)
        return known

    def lifecycle(self, stage: Stage) -> Self:
        """Set the lifecycle stage; PLANNED, ALPHA, DEPRECATED, DEBUG_ONLY and DISABLED are not validated."""
        self.proto.lifecycle_stage = enum_number(schema_pb2.LifecycleStage, stage, "lifecycle stage")
        return self

    def drift(self, **thresholds: Any) -> Self:
        """Compare the feature with the previous span; see `skew` for the arguments."""
        return self._comparator("drift_comparator", **thresholds)

    def skew(self, **thresholds: Any) -> Self:
        """Compare the feature with the serving data.

        Args:
            **thresholds: `infinity_norm` and `normalized_abs_difference` (categories only), `jensen_shannon_divergence`
                (numbers too), and its `source`, `QUANTILES` or `STANDARD`.

        Raises:
            UsageError: A metric is unknown, or does not hold for numbers: TFDV takes such a distance as 0.
        """
        return self._comparator("skew_comparator", **thresholds)

    def _comparator(self, field: str, *, source: str | None = None, **thresholds: float) -> Self:
        plain: dict[str, Any] = {name: {"threshold": threshold} for name, threshold in thresholds.items()}
        for metric in thresholds:
            if metric in {"infinity_norm", "normalized_abs_difference"} and self._is_number:
                raise UsageError(
                    "schema.cannot_apply",
                    f"{self.title} is a number: {metric} compares how often each value occurs.",
                    "Use jensen_shannon_divergence, or set is_categorical in its domain.",
                )
        if source is not None:
            plain.setdefault("jensen_shannon_divergence", {})["source"] = {"type": source}
        return self._merge(**{field: plain})

    @property
    def _is_number(self) -> bool:
        domain = self.proto.WhichOneof("domain_info")
        if self.proto.type not in {schema_pb2.INT, schema_pb2.FLOAT} or domain == "bool_domain":
            return False
        return not (domain in {"int_domain", "float_domain"} and getattr(self.proto, domain).is_categorical)

    def min_domain_mass(self, share: float) -> Self:
        """Lets 1 - `share` of the values be outside of its string domain."""
        return self._merge(distribution_constraints={"min_domain_mass": share})

    def unique(self, *, min: int | None = None, max: int | None = None) -> Self:  # noqa: A002
        """Set how many distinct values a dataset may have; a missing maximum is written, as TFDV reads it as 0."""
        return self._replace(unique_constraints={"min": min, "max": _UNBOUNDED if max is None else max})

    def annotate(self, *, tags: Sequence[str] = (), comments: Sequence[str] = ()) -> Self:
        """Add tags and comments."""
        self.proto.annotation.tag.extend(tag for tag in tags if tag not in self.proto.annotation.tag)
        self.proto.annotation.comment.extend(comments)
        return self

    def sequence(self, **metadata: Any) -> Self:
        """Set `sequential_status`, `joint_group` or `sequence_truncation_limit`."""
        return self._merge(sequence_metadata=metadata)

    def derived_from(self, **source: Any) -> Self:
        """Set `validation_derived_source`: what a feature in the stage VALIDATION_DERIVED is derived from."""
        return self._merge(validation_derived_source=source)

    def set(self, **fields: Any) -> Self:
        """Set fields by their names in the proto, as plain values.

        Raises:
            UsageError: A field is unknown, or its value of another kind.
        """
        assign(self.proto, fields, self.title)
        return self

    def unset(self, *fields: str) -> Self:
        """Clear fields by their names in the proto.

        Raises:
            UsageError: A field is unknown.
        """
        known = self.proto.DESCRIPTOR.fields_by_name
        for name in fields:
            if name not in known:
                raise UsageError("schema.unknown_field", f"A feature has no '{name}'.", did_you_mean(name, known))
            self.proto.ClearField(name)
        return self

    def _replace(self, **fields: dict[str, Any]) -> Self:
        for name in fields:
            self.proto.ClearField(name)
        return self._merge(**fields)

    def _merge(self, **fields: dict[str, Any]) -> Self:
        assign(self.proto, {name: _given(value) for name, value in fields.items()}, self.title)
        return self

    def int_domain(
        self,
        *,
        min: int | None = None,  # noqa: A002  (tensorflow-metadata's names)
        max: int | None = None,  # noqa: A002
        is_categorical: bool | None = None,
    ) -> Self:
        """Set the range of integers, or that they are categories; omitted arguments stay unchanged."""
        _refuse_empty_range(self.title, min, max)
        return self._domain("int_domain", min=min, max=max, is_categorical=is_categorical)

    def float_domain(
        self,
        *,
        min: float | None = None,  # noqa: A002  (tensorflow-metadata's names)
        max: float | None = None,  # noqa: A002
        disallow_nan: bool | None = None,
        disallow_inf: bool | None = None,
        is_categorical: bool | None = None,
        is_embedding: bool | None = None,
        embedding_dim: int | None = None,
        embedding_type: str | None = None,
    ) -> Self:
        """Set the range of floats and other facts about them; omitted arguments stay unchanged."""
        _refuse_empty_range(self.title, min, max)
        return self._domain(
            "float_domain",
            min=min,
            max=max,
            disallow_nan=disallow_nan,
            disallow_inf=disallow_inf,
            is_categorical=is_categorical,
            is_embedding=is_embedding,
            embedding_dim=embedding_dim,
            embedding_type=embedding_type,
        )

    def string_domain(self, values: Sequence[str], *, is_categorical: bool | None = None) -> Self:
        """Set the allowed values, in a domain of the feature's own."""
        category = None if is_categorical is None else ("CATEGORICAL_YES" if is_categorical else "CATEGORICAL_NO")
        self.proto.ClearField("string_domain")
        return self._domain("string_domain", value=list(dict.fromkeys(values)), is_categorical=category)

    def shared_domain(self, name: str) -> Self:
        """Use a shared string domain of the schema.

        Raises:
            UsageError: The schema has none of that name.
        """
        known = [domain.name for domain in self.schema.string_domain]
        if name not in known:
            raise UsageError(
                "schema.unknown_name", f"The schema has no string domain '{name}'.", did_you_mean(name, known)
            )
        self.proto.domain = name
        return self

    def add_values(self, *values: str) -> Self:
        """Add values to the feature's string domain, its own or the shared one that it names.

        Raises:
            UsageError: It has no string domain.
        """
        known = self._values()
        known.extend(value for value in dict.fromkeys(values) if value not in known)
        return self

    def remove_values(self, *values: str) -> Self:
        """Remove values from the feature's string domain, its own or the shared one that it names.

        Raises:
            UsageError: It has no string domain, or a value is not in it.
        """
        known = self._values()
        for value in values:
            if value not in known:
                hint = did_you_mean(value, known)
                raise UsageError("schema.unknown_value", f"{self.title}: '{value}' is not in its domain.", hint)
            known.remove(value)
        return self

    def _values(self) -> Any:
        if self.proto.HasField("string_domain"):
            return self.proto.string_domain.value
        for domain in self.schema.string_domain:
            if self.proto.HasField("domain") and domain.name == self.proto.domain:
                return domain.value
        raise UsageError("schema.no_domain", f"{self.title} has no string domain.", "Set one: string_domain([…]).")

    def bool_domain(self, *, true_value: str | None = None, false_value: str | None = None) -> Self:
        """Says that it is true or false, and how text says so."""
        return self._domain("bool_domain", true_value=true_value, false_value=false_value)

    def struct_domain(self) -> Self:
        """Says that it holds other features; `SchemaEditor.add_feature(…, inside=…)` adds them."""
        return self._domain("struct_domain")

    def natural_language_domain(self, **fields: Any) -> Self:
        """Says that it is text: `vocabulary`, `coverage`, `token_constraints`, `sequence_length_constraints`."""
        return self._domain("natural_language_domain", **fields)

    def image_domain(
        self, *, minimum_supported_image_fraction: float | None = None, max_image_byte_size: int | None = None
    ) -> Self:
        """Says that it holds encoded images."""
        return self._domain(
            "image_domain",
            minimum_supported_image_fraction=minimum_supported_image_fraction,
            max_image_byte_size=max_image_byte_size,
        )

    def url_domain(self) -> Self:
        """Says that it holds addresses of the web."""
        return self._domain("url_domain")

    def mid_domain(self) -> Self:
        """Says that it holds ids of the Knowledge Graph."""
        return self._domain("mid_domain")

    def audio_domain(self) -> Self:
        """Says that it holds encoded audio (tensorflow-metadata 1.21)."""
        return self._domain("audio_domain")

    def video_domain(self) -> Self:
        """Says that it holds encoded video (tensorflow-metadata 1.21)."""
        return self._domain("video_domain")

    def content_chunk_domain(self) -> Self:
        """Says that it holds chunks of content (tensorflow-metadata 1.21)."""
        return self._domain("content_chunk_domain")

    def time_domain(self, *, unit: TimeUnit | None = None, string_format: str | None = None) -> Self:
        """Says that it holds times: integers in a unit since 1970, or text in a format of `strptime`.

        Raises:
            UsageError: Both are given, or none.
        """
        if (unit is None) == (string_format is None):
            raise UsageError("schema.value", f"{self.title}: a time must have either a unit or a string_format.")
        return self._domain("time_domain", integer_format=unit, string_format=string_format)

    def time_of_day_domain(
        self, *, integer_format: Literal["PACKED_64_NANOS"] | None = None, string_format: str | None = None
    ) -> Self:
        """Says that it holds times of the day.

        Raises:
            UsageError: Both are given, or none.
        """
        if (integer_format is None) == (string_format is None):
            raise UsageError(
                "schema.value", f"{self.title}: a time of day must have either an integer_format or a string_format."
            )
        return self._domain("time_of_day_domain", integer_format=integer_format, string_format=string_format)

    def no_domain(self) -> Self:
        """Lets any value of its type come."""
        self.proto.ClearField("domain_info")
        return self

    def _domain(self, field: str, **fields: Any) -> Self:
        given = {name: value for name, value in fields.items() if value is not None}
        assign(self.proto, {field: given}, self.title)
        return self


def _refuse_empty_range(title: str, low: float | None, high: float | None) -> None:
    if low is not None and high is not None and low > high:
        raise UsageError("schema.value", f"{title}: the range from {low} to {high} is empty.")


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
