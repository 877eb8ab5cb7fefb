"""What a schema is about, by name: features, composite features, shared domains, and the schema itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from google.protobuf.message import Message
from tensorflow_metadata.proto.v0.schema_pb2 import Schema

from assay.errors import DataError, did_you_mean
from assay.kernels.feature_path import join_path, resolve_path, split_path

Kind: TypeAlias = Literal[
    "schema", "feature", "sparse_feature", "weighted_feature", "string_domain", "int_domain", "float_domain"
]

KINDS: Final[tuple[Kind, ...]] = (
    "schema",
    "feature",
    "sparse_feature",
    "weighted_feature",
    "string_domain",
    "int_domain",
    "float_domain",
)

_TITLES: Final[dict[Kind, str]] = {
    "schema": "the schema",
    "feature": "feature",
    "sparse_feature": "sparse feature",
    "weighted_feature": "weighted feature",
    "string_domain": "string domain",
    "int_domain": "int domain",
    "float_domain": "float domain",
}

# The parts of a schema, and of a struct's domain, that are subjects of their own.
PARTS: Final = frozenset(kind for kind in KINDS if kind != "schema")


@dataclass(frozen=True, slots=True, order=True)
class SchemaSubject:
    """One thing that a schema describes.

    Attributes:
        kind: What it is.
        name: Its name. A feature inside a struct has its path, as anomalies name it: `trip.fare`; a step that holds
            a dot or a quote is put in single quotes.
    """

    kind: Kind = "schema"
    name: str = ""

    def __str__(self) -> str:
        return f"{_TITLES[self.kind]} '{self.name}'" if self.name else _TITLES[self.kind]

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps of the path: names of the structs from the outside, then the feature's."""
        return split_path(self.name)


@dataclass(frozen=True, slots=True)
class SubjectPlace:
    """Where a subject stands: its message, the repeated field that holds it, and the way there.

    Attributes:
        subject: The subject.
        message: Its message.
        siblings: The repeated field that holds it; None for the schema itself.
        location: The fields on the way from the schema, each with the position in it.
    """

    subject: SchemaSubject
    message: Any
    siblings: Any = None
    location: tuple[tuple[str, int], ...] = ()

    def remove(self) -> None:
        """Remove the subject from the schema."""
        self.siblings.remove(self.message)


def walk(schema: Schema) -> Iterator[SubjectPlace]:
    """Yield every subject in the schema's order, structs before their contents; a repeated name repeatedly."""
    yield SubjectPlace(SchemaSubject(), schema)
    yield from _walk_features(schema, (), ())
    for kind in KINDS[3:]:
        siblings = getattr(schema, kind)
        for i, message in enumerate(siblings):
            yield SubjectPlace(SchemaSubject(kind, message.name), message, siblings, ((kind, i),))


def _walk_features(holder: Any, above: tuple[str, ...], way: tuple[tuple[str, int], ...]) -> Iterator[SubjectPlace]:
    for i, feature in enumerate(holder.feature):
        steps, location = (*above, feature.name), (*way, ("feature", i))
        yield SubjectPlace(SchemaSubject("feature", join_path(steps)), feature, holder.feature, location)
        if feature.HasField("struct_domain"):
            yield from _walk_features(feature.struct_domain, steps, (*location, ("struct_domain", 0)))
    for i, sparse in enumerate(holder.sparse_feature):
        subject = SchemaSubject("sparse_feature", join_path((*above, sparse.name)))
        yield SubjectPlace(subject, sparse, holder.sparse_feature, (*way, ("sparse_feature", i)))


def index(schema: Schema) -> dict[SchemaSubject, SubjectPlace]:
    """Return every subject by its name.

    Raises:
        DataError: A name is used twice: which of the two is meant, nobody can say.
    """
    places: dict[SchemaSubject, SubjectPlace] = {}
    for place in walk(schema):
        if place.subject in places:
            raise DataError(
                "schema.named_twice",
                f"The schema has {place.subject} twice.",
                "Keep one of them; find their lines with `assay schema check`.",
            )
        places[place.subject] = place
    return places


def resolve(name: str, places: dict[SchemaSubject, SubjectPlace], kind: Kind = "feature") -> SchemaSubject:
    """Return a subject by its path, or by the plain name of a top-level feature that holds dots.

    Raises:
        DataError: There is none.
    """
    known = [subject.name for subject in places if subject.kind == kind]
    subject = SchemaSubject(kind, resolve_path(name, known))
    if subject in places:
        return subject
    raise DataError("schema.unknown_name", f"The schema has no {SchemaSubject(kind, name)}.", did_you_mean(name, known))


def own_fields(message: Message) -> Message:
    """Return a copy without the parts that are subjects of their own."""
    copy = type(message)()
    copy.CopyFrom(message)
    strip_parts(copy)
    return copy


def strip_parts(message: Any) -> None:
    """Empty the lists of subjects inside a schema or a struct's domain."""
    if message.DESCRIPTOR.name == "Schema":
        for part in PARTS:
            message.ClearField(part)
    elif message.DESCRIPTOR.name == "Feature" and message.HasField("struct_domain"):
        message.struct_domain.ClearField("feature")
        message.struct_domain.ClearField("sparse_feature")
