"""A patch: what people decided about a schema, as a YAML file that is kept in git."""

from __future__ import annotations

import dataclasses
import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec
import yaml
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.documents import parse_yaml, read_text
from assay.errors import DataError, UsageError, did_you_mean
from assay.schema.leaf_fields import field_at, is_set_like
from assay.schema.proto_dict import Descriptor, assign, scalar
from assay.schema.subjects import PARTS, Kind, SchemaSubject

VERSION: Final = 1

Evidence: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One decision about one feature or domain, or about the schema itself where none is named.

    Names of fields are those of tensorflow-metadata's schema; a field inside another is `presence.min_fraction`.

    Attributes:
        feature: The feature; one inside a struct by its path, as anomalies give it: `trip.fare`.
        sparse_feature: The sparse feature.
        weighted_feature: The weighted feature.
        string_domain: The string domain that features share by its name.
        int_domain: The shared int domain.
        float_domain: The shared float domain.
        drop: Take it out of the schema.
        create: Put it into the schema where it is missing.
        unset: Fields to clear, before those in `set` are set.
        set: Fields and their values, such as `{presence: {min_fraction: 1.0}}`; fields that are not named keep theirs.
        add: Values to add to lists, such as `{not_in_environment: [SERVING]}`. `values` is the feature's string
            domain, its own or the shared one that it names.
        remove: Values to take out of lists.
        owner: Who answers for the decision.
        reason: Why it was made.
        date: When; of two decisions about the same thing the later one holds.
        suggested: Made by `assay schema suggest` and not yet accepted: what it sets is marked in the schema.
        evidence: What was observed, such as `{observed_max: 98.5, n: 15002}`.
    """

    feature: str = ""
    sparse_feature: str = ""
    weighted_feature: str = ""
    string_domain: str = ""
    int_domain: str = ""
    float_domain: str = ""
    drop: bool = False
    create: bool = False
    unset: tuple[str, ...] = ()
    set: dict[str, Any] = field(default_factory=dict)
    add: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    remove: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    owner: str = ""
    reason: str = ""
    date: dt.date | None = None
    suggested: bool = False
    evidence: dict[str, Evidence] = field(default_factory=dict)

    @property
    def subject(self) -> SchemaSubject:
        """What the decision is about."""
        for kind in NAMED_KINDS:
            if name := getattr(self, kind):
                return SchemaSubject(kind, name)
        return SchemaSubject()

    @property
    def changes_something(self) -> bool:
        """Whether it asks for any change."""
        return bool(self.drop or self.create or self.unset or self.set or self.add or self.remove)


NAMED_KINDS: Final[tuple[Kind, ...]] = (
    "feature",
    "sparse_feature",
    "weighted_feature",
    "string_domain",
    "int_domain",
    "float_domain",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Decisions about a schema. Their order in the file says nothing.

    Attributes:
        entries: The decisions.
        version: The version of this layout.
    """

    entries: tuple[Entry, ...] = ()
    version: Literal[1] = VERSION

    def __add__(self, other: Patch) -> Patch:
        """Return the decisions of both, without those that are in both."""
        return Patch(entries=(*self.entries, *(entry for entry in other.entries if entry not in self.entries)))


def entry_for(subject: SchemaSubject, **content: Any) -> Entry:
    """Return an entry about a subject."""
    name: dict[str, Any] = {} if subject.kind == "schema" else {subject.kind: subject.name}
    return Entry(**name, **content)


MESSAGES: Final[dict[Kind, Any]] = {
    "schema": schema_pb2.Schema,
    "feature": schema_pb2.Feature,
    "sparse_feature": schema_pb2.SparseFeature,
    "weighted_feature": schema_pb2.WeightedFeature,
    "string_domain": schema_pb2.StringDomain,
    "int_domain": schema_pb2.IntDomain,
    "float_domain": schema_pb2.FloatDomain,
}

VALUES: Final = "values"
"""In `add` and `remove` of a feature: its string domain, its own or the shared one that it names."""


def check_fields(patch: Patch, source: str = "patch") -> None:
    """Check every entry by itself.

    Raises:
        UsageError: A field is unknown or its value of another kind, the entry names two subjects, or asks for nothing.
    """
    for number, entry in enumerate(patch.entries, 1):
        _check_entry(entry, f"{source}, entry {number}")


def _check_entry(entry: Entry, where: str) -> None:
    named = [kind for kind in NAMED_KINDS if getattr(entry, kind)]
    if len(named) > 1:
        raise UsageError(
            "schema_patch.two_subjects", f"{where} names a {named[0]} and a {named[1]}.", "Split it into two entries."
        )
    if not entry.changes_something:
        raise UsageError(
            "schema_patch.empty_entry", f"{where} ({entry.subject}) makes no change.", "Add drop, set, unset or add."
        )
    if entry.drop and (entry.create or entry.unset or entry.set or entry.add or entry.remove):
        raise UsageError("schema_patch.drop_and_change", f"{where} drops {entry.subject} and changes it.")
    if not named and (entry.drop or entry.create):
        raise UsageError(
            "schema_patch.no_subject", f"{where} says drop or create, but does not name a subject.", "Name a feature."
        )
    _check_settings(entry, where)
    _check_lists(entry, where)


def _check_settings(entry: Entry, where: str) -> None:
    kind = entry.subject.kind
    descriptor = MESSAGES[kind].DESCRIPTOR
    for path in entry.unset:
        field_at(descriptor, path, f"{where}, unset")
        _refuse_part(kind, path, f"{where}, unset")
    for path in entry.set:
        _refuse_part(kind, path, f"{where}, set")
    if entry.set.get("struct_domain"):
        raise UsageError(
            "schema_patch.inner_feature",
            f"{where}: features inside a struct have entries of their own.",
            "Write `feature: outer.inner`.",
        )
    assign(MESSAGES[kind](), entry.set, f"{where}, set")


def _check_lists(entry: Entry, where: str) -> None:
    descriptor = MESSAGES[entry.subject.kind].DESCRIPTOR
    for what in ("add", "remove"):
        for path, values in getattr(entry, what).items():
            _check_values(descriptor, path, values, f"{where}, {what}")
    for path, values in entry.add.items():
        if both := [value for value in values if value in entry.remove.get(path, ())]:
            raise UsageError("schema_patch.contradiction", f"{where} adds {both[0]!r} to {path} and removes it.")


def _refuse_part(kind: Kind, path: str, where: str) -> None:
    name = path.split(".", maxsplit=1)[0]
    if kind == "schema" and name in PARTS:
        raise UsageError(
            "schema_patch.part", f"{where}: {name} has entries of its own.", f"Write `{name}: its name` in the entry."
        )
    if name == "name":
        raise UsageError(
            "schema_patch.rename", f"{where}: a name cannot be changed.", "Drop the old one, and create the new one."
        )


def _check_values(descriptor: Descriptor, path: str, values: tuple[Any, ...], where: str) -> None:
    inside = "string_domain.value" if path == VALUES and descriptor.name == "Feature" else path
    field = field_at(descriptor, inside, where)
    if not is_set_like(field):
        raise UsageError("schema_patch.no_list", f"{where}: {path} is not a list of values.", "Use `set`.")
    for value in values:
        scalar(field, value, f"{where}.{path}")


_ENTRY_FIELDS: Final = tuple(item.name for item in dataclasses.fields(Entry))


def parse_patch(text: str, source: str = "patch") -> Patch:
    """Read a patch from YAML (or JSON, which is YAML).

    Raises:
        DataError: The text is not YAML, or has a key twice; the message names `source` and the line.
        UsageError: The text is not a patch, or an entry asks for what tensorflow-metadata's schema has no place for.
    """
    plain = parse_yaml(text, source, code="schema_patch.syntax", refusal=DataError)
    try:
        patch = msgspec.convert({} if plain is None else _known(plain, source), Patch)
    except msgspec.ValidationError as error:
        raise UsageError(
            "schema_patch.malformed",
            f"{source} is not a schema patch: {error}.",
            "See schemas/schema_patch.schema.json for the format.",
        ) from None
    check_fields(patch, source)
    return patch


def _known(plain: Any, source: str) -> Any:
    """Refuses keys that no entry has; msgspec would pass over them."""
    if not isinstance(plain, dict):
        return plain
    _refuse_unknown(plain, Patch, source)
    entries = plain.get("entries")
    for number, entry in enumerate(entries if isinstance(entries, list) else (), 1):
        if isinstance(entry, dict):
            _refuse_unknown(entry, Entry, f"{source}, entry {number}")
    return plain


def _refuse_unknown(plain: dict[Any, Any], of: type[Patch | Entry], where: str) -> None:
    names = [item.name for item in dataclasses.fields(of)]
    for name in plain:
        if name not in names:
            raise UsageError(
                "schema_patch.unknown_key", f"{where}: unknown key '{name}'.", did_you_mean(str(name), names)
            )


def read_patch(path: Path) -> Patch:
    """Read a patch from a file.

    Raises:
        DataError: The file is missing, or is not YAML.
        UsageError: The file is not a patch; see `parse_patch`.
    """
    text = read_text(path, "a schema patch", code="schema_patch.unreadable", refusal=DataError)
    return parse_patch(text, str(path))


def format_patch(patch: Patch) -> str:
    """Return a patch as YAML: unset fields are omitted, and equal patches give equal texts."""
    return _dump({"version": patch.version, "entries": [plain_entry(entry) for entry in patch.entries]})


def plain_entry(entry: Entry) -> dict[str, Any]:
    """Return an entry as plain values, without what it does not say."""
    plain = {name: getattr(entry, name) for name in _ENTRY_FIELDS}
    return {name: _listed(value) for name, value in plain.items() if value not in ("", False, None, (), {})}


def _listed(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_listed(item) for item in value]
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return value


class _Dumper(yaml.SafeDumper):
    """YAML's safe dumper, with lists indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002  (PyYAML's)
        super().increase_indent(flow, False)


def _dump(plain: Any) -> str:
    """Return plain values as YAML, in their order."""
    text: str = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
