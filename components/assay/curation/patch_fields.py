"""Whether what a patch asks for has a place in tensorflow-metadata's schema."""

from __future__ import annotations

from typing import Any, Final

from tensorflow_metadata.proto.v0 import schema_pb2

from assay.curation.leaves import field_at, is_set_like
from assay.curation.patch import NAMED_KINDS, Entry, Patch
from assay.curation.plain import Descriptor, assign, scalar
from assay.curation.subjects import PARTS, Kind
from assay.errors import UsageError

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
    """Looks at every entry by itself.

    Raises:
        UsageError: A field is unknown or its value of another kind, the entry names two subjects, or asks for nothing.
    """
    for number, entry in enumerate(patch.entries, 1):
        _check_entry(entry, f"{source}, entry {number}")


def _check_entry(entry: Entry, where: str) -> None:
    named = [kind for kind in NAMED_KINDS if getattr(entry, kind)]
    if len(named) > 1:
        raise UsageError("schema_patch.two_subjects", f"{where} names a {named[0]} and a {named[1]}.", "Make it two.")
    if not entry.changes_something:
        raise UsageError(
            "schema_patch.empty_entry", f"{where} ({entry.subject}) asks for no change.", "Say drop, set, unset or add."
        )
    if entry.drop and (entry.create or entry.unset or entry.set or entry.add or entry.remove):
        raise UsageError("schema_patch.drop_and_change", f"{where} drops {entry.subject} and changes it.")
    if not named and (entry.drop or entry.create):
        raise UsageError("schema_patch.no_subject", f"{where} says drop or create, but not of what.", "Name a feature.")
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
        raise UsageError("schema_patch.rename", f"{where}: a name stays.", "Drop the one, and create the other.")


def _check_values(descriptor: Descriptor, path: str, values: tuple[Any, ...], where: str) -> None:
    inside = "string_domain.value" if path == VALUES and descriptor.name == "Feature" else path
    field = field_at(descriptor, inside, where)
    if not is_set_like(field):
        raise UsageError("schema_patch.no_list", f"{where}: {path} is no list of values.", "Use `set`.")
    for value in values:
        scalar(field, value, f"{where}.{path}")
