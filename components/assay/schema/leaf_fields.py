"""A message as its leaves: `presence.min_fraction` -> 1.0. Differences and patches are made of them."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.message import Message

from assay.errors import UsageError
from assay.schema.proto_dict import Descriptor, Field, field_of, is_map, is_repeated, to_plain

# Lists whose order says nothing; a patch adds to them and removes from them.
_SET_LIKE: Final = {
    "default_environment",
    "in_environment",
    "not_in_environment",
    "tag",
    "comment",
    "value",
    "excluded_string_tokens",
    "excluded_int_tokens",
    "oov_string_tokens",
    "excluded_int_value",
    "excluded_string_value",
}


def leaves(message: Message) -> dict[str, Any]:
    """Return the set leaves by their dotted path; a message that is set but empty is the leaf `{}`."""
    return dict(_flatten(message.DESCRIPTOR, to_plain(message), ""))


def flat(plain: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return nested plain values by their dotted path."""
    found: list[tuple[str, Any]] = []
    for name, value in plain.items():
        if isinstance(value, dict) and value:
            found.extend(flat(value, f"{prefix}{name}."))
        else:
            found.append((f"{prefix}{name}", value))
    return found


def _flatten(descriptor: Descriptor, plain: dict[str, Any], prefix: str) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in plain.items():
        field = descriptor.fields_by_name[name]
        path = f"{prefix}{name}"
        if is_repeated(field) or is_map(field) or field.message_type is None or not value:
            found.append((path, value))
        else:
            found.extend(_flatten(field.message_type, value, f"{path}."))
    return found


def field_at(descriptor: Descriptor, path: str, where: str) -> Field:
    """Return the field that a dotted path leads to.

    Raises:
        UsageError: There is none.
    """
    *above, last = path.split(".")
    for name in above:
        field = field_of(descriptor, name, where)
        if field.message_type is None or is_repeated(field):
            raise UsageError("schema.unknown_field", f"{where}: {path}: '{name}' has no fields of its own.")
        descriptor = field.message_type
    return field_of(descriptor, last, where)


def is_set_like(field: Field) -> bool:
    """Return whether a field is a list of values whose order says nothing."""
    return is_repeated(field) and field.message_type is None and field.name in _SET_LIKE


def holder_of(message: Any, path: str, *, create: bool = False) -> tuple[Any, str] | None:
    """Return the message that holds the last step of a dotted path, and that step; None where it is not set."""
    *above, last = path.split(".")
    for name in above:
        if not create and not message.HasField(name):
            return None
        message = getattr(message, name)
        if create:
            message.SetInParent()
    return message, last


def is_set(message: Any, path: str) -> bool:
    """Return whether a field is set, or a list has values."""
    found = holder_of(message, path)
    if found is None:
        return False
    holder, name = found
    # Fields of proto3 messages, of which a derived feature's source is made, know no other presence.
    return any(field.name == name for field, _ in holder.ListFields())


def clear(message: Any, path: str) -> None:
    """Unsets a field, with all that is in it."""
    found = holder_of(message, path)
    if found is not None:
        found[0].ClearField(found[1])


def nested(path: str, value: Any) -> dict[str, Any]:
    """Return `{"presence": {"min_count": 1}}` for `presence.min_count` and 1."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


def merge(into: dict[str, Any], plain: dict[str, Any]) -> None:
    """Add nested plain values to others."""
    for name, value in plain.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value
