"""The domains of a feature that is edited in Python: what its values mean, and which may come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from tensorflow_metadata.proto.v0 import schema_pb2
from typing_extensions import Self

from assay.curation.plain import assign
from assay.errors import UsageError, did_you_mean

TimeUnit: TypeAlias = Literal["UNIX_DAYS", "UNIX_SECONDS", "UNIX_MILLISECONDS", "UNIX_MICROSECONDS", "UNIX_NANOSECONDS"]


class DomainEditor:
    """Edits the domain of one feature; setting one domain replaces another.

    Args:
        schema: The edited schema, which holds the shared domains.
        proto: The feature in it.
        name: The feature's path.
    """

    def __init__(self, schema: schema_pb2.Schema, proto: Any, name: str) -> None:
        self.schema = schema
        self.proto = proto
        self.name = name

    @property
    def title(self) -> str:
        """The feature, as messages call it."""
        return f"Feature '{self.name}'"

    def int_domain(
        self,
        *,
        min: int | None = None,  # noqa: A002  (tensorflow-metadata's names)
        max: int | None = None,  # noqa: A002
        is_categorical: bool | None = None,
    ) -> Self:
        """Sets the range of integers, or that they are categories; what is not given stays."""
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
        """Sets the range of floats, and what else is known of them; what is not given stays."""
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
        """Sets the values that may come, in a domain of its own."""
        category = None if is_categorical is None else ("CATEGORICAL_YES" if is_categorical else "CATEGORICAL_NO")
        self.proto.ClearField("string_domain")
        return self._domain("string_domain", value=list(dict.fromkeys(values)), is_categorical=category)

    def shared_domain(self, name: str) -> Self:
        """Takes the values from a string domain that the schema holds under a name.

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
        """Adds values to its string domain, its own or the shared one that it names.

        Raises:
            UsageError: It has no string domain.
        """
        known = self._values()
        known.extend(value for value in dict.fromkeys(values) if value not in known)
        return self

    def remove_values(self, *values: str) -> Self:
        """Takes values out of its string domain, its own or the shared one that it names.

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
            raise UsageError("schema.value", f"{self.title}: a time has a unit or a string_format.")
        return self._domain("time_domain", integer_format=unit, string_format=string_format)

    def time_of_day_domain(
        self, *, integer_format: Literal["PACKED_64_NANOS"] | None = None, string_format: str | None = None
    ) -> Self:
        """Says that it holds times of the day.

        Raises:
            UsageError: Both are given, or none.
        """
        if (integer_format is None) == (string_format is None):
            raise UsageError("schema.value", f"{self.title}: a time of day has an integer_format or a string_format.")
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
