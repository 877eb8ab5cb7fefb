"""One feature that is edited in Python: type, presence, environments, comparators and constraints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Literal, TypeAlias

from tensorflow_metadata.proto.v0 import schema_pb2
from typing_extensions import Self

from assay.curation.domain_editor import DomainEditor
from assay.curation.plain import assign
from assay.curation.subjects import Subject
from assay.errors import UsageError, did_you_mean

FeatureType: TypeAlias = Literal["BYTES", "INT", "FLOAT", "STRUCT"]
Stage: TypeAlias = Literal[
    "PLANNED", "ALPHA", "BETA", "PRODUCTION", "DEPRECATED", "DEBUG_ONLY", "DISABLED", "VALIDATION_DERIVED"
]

_UNBOUNDED: Final = (1 << 63) - 1


def enum_number(enum: Any, name: str, what: str) -> int:
    """Gives the number of an enum's value.

    Raises:
        UsageError: There is none of that name.
    """
    if name not in enum.keys():  # noqa: SIM118  (an EnumTypeWrapper is no mapping)
        raise UsageError("schema.unknown_name", f"'{name}' is no {what}.", did_you_mean(name, enum.keys()))
    return int(enum.Value(name))


class FeatureEditor(DomainEditor):
    """Edits one feature in place; methods give the editor back, so that they chain.

    Attributes:
        proto: The feature in the edited schema.
        name: Its path.
    """

    def type(self, name: FeatureType) -> Self:
        """Sets the type."""
        self.proto.type = enum_number(schema_pb2.FeatureType, name, "type")
        return self

    def presence(self, *, min_fraction: float | None = None, min_count: int | None = None) -> Self:
        """Sets in which share of the rows, and in how many of them, it has to be present; what is not given stays."""
        if min_fraction is not None and not 0 <= min_fraction <= 1:
            raise UsageError("schema.value", f"{self.title}: min_fraction is {min_fraction}; it is a share of 1.")
        return self._merge(presence={"min_fraction": min_fraction, "min_count": min_count})

    def required(self) -> Self:
        """Has to be present in every row."""
        return self.presence(min_fraction=1.0, min_count=1)

    def optional(self) -> Self:
        """May be missing in every row."""
        self.proto.ClearField("presence")
        return self

    def group_presence(self, *, required: bool) -> Self:
        """Says whether a feature inside a struct has to be present wherever its struct is."""
        if len(Subject("feature", self.name).steps) == 1:
            raise UsageError("schema.value", f"{self.title} is in no struct.", "Use presence.")
        return self._merge(group_presence={"required": required})

    def shape(self, *sizes: int) -> Self:
        """Sets a fixed shape; no sizes mean a single value without a dimension."""
        return self._replace(shape={"dim": [{"size": size} for size in sizes]})

    def value_count(self, *, min: int | None = None, max: int | None = None) -> Self:  # noqa: A002
        """Sets how many values a row may have."""
        return self._replace(value_count={"min": min, "max": max})

    def value_counts(self, *bounds: tuple[int | None, int | None]) -> Self:
        """Sets how many values may be at each level of nested lists, from the outside: least and most."""
        counts = [_given({"min": low, "max": high}) for low, high in bounds]
        return self._replace(value_counts={"value_count": counts})

    def only_in(self, *environments: str) -> Self:
        """Expects it in these environments only."""
        known = self._known_environments(environments)
        self.proto.in_environment[:] = [name for name in known if name in environments]
        self.proto.not_in_environment[:] = [name for name in known if name not in environments]
        return self

    def not_in(self, *environments: str) -> Self:
        """Does not expect it in these environments, such as a label in `SERVING`."""
        self._known_environments(environments)
        for name in environments:
            if name in self.proto.in_environment:
                self.proto.in_environment.remove(name)
            if name not in self.proto.not_in_environment:
                self.proto.not_in_environment.append(name)
        return self

    def in_all_environments(self) -> Self:
        """Expects it in all environments."""
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
        """Sets the stage of its life; PLANNED, ALPHA, DEPRECATED, DEBUG_ONLY and DISABLED are not validated."""
        self.proto.lifecycle_stage = enum_number(schema_pb2.LifecycleStage, stage, "lifecycle stage")
        return self

    def drift(self, **thresholds: Any) -> Self:
        """Compares it with the previous span; see `skew` for the arguments."""
        return self._comparator("drift_comparator", **thresholds)

    def skew(self, **thresholds: Any) -> Self:
        """Compares it with the serving data.

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
        """Sets how many distinct values a data set may have; TFDV takes a missing maximum for 0, so one is written."""
        return self._replace(unique_constraints={"min": min, "max": _UNBOUNDED if max is None else max})

    def annotate(self, *, tags: Sequence[str] = (), comments: Sequence[str] = ()) -> Self:
        """Adds tags and comments."""
        self.proto.annotation.tag.extend(tag for tag in tags if tag not in self.proto.annotation.tag)
        self.proto.annotation.comment.extend(comments)
        return self

    def sequence(self, **metadata: Any) -> Self:
        """Sets `sequential_status`, `joint_group` or `sequence_truncation_limit`."""
        return self._merge(sequence_metadata=metadata)

    def derived_from(self, **source: Any) -> Self:
        """Sets `validation_derived_source`: what a feature in the stage VALIDATION_DERIVED is derived from."""
        return self._merge(validation_derived_source=source)

    def set(self, **fields: Any) -> Self:
        """Sets fields by their names in the proto, as plain values.

        Raises:
            UsageError: A field is unknown, or its value of another kind.
        """
        assign(self.proto, fields, self.title)
        return self

    def unset(self, *fields: str) -> Self:
        """Clears fields by their names in the proto.

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


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
