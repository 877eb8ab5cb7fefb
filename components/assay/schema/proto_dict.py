"""Protos as plain values and back: field names as in the proto, enums by name, numbers as numbers.

`json_format` writes 64-bit integers as strings and drops which empty messages are set; YAML that people edit needs
numbers, and `url_domain {}` says something.
"""

from __future__ import annotations

import base64
import math
import struct
from typing import Any, TypeAlias

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from assay.errors import UsageError, did_you_mean

# The stubs give the classes of the Python and of the C++ implementation by turns.
Field: TypeAlias = Any
Descriptor: TypeAlias = Any

_INTEGERS = {
    FieldDescriptor.CPPTYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, (1 << 64) - 1),
}
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)


def is_repeated(field: Field) -> bool:
    """Return whether a field is repeated; protobuf 6 has a property for it and deprecates `label`."""
    known: Any = getattr(field, "is_repeated", None)
    return bool(field.label == field.LABEL_REPEATED if known is None else known)


def is_map(field: Field) -> bool:
    """Return whether a field is a map."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def to_plain(message: Message) -> dict[str, Any]:
    """Return the fields that are set, in the proto's order."""
    return {field.name: _plain_field(field, value) for field, value in message.ListFields()}


def _plain_field(field: Field, value: Any) -> Any:
    if is_map(field):
        entry = field.message_type.fields_by_name["value"]
        return {str(key): _plain_value(entry, value[key]) for key in sorted(value)}
    if is_repeated(field):
        return [_plain_value(field, item) for item in value]
    return _plain_value(field, value)


def _plain_value(field: Field, value: Any) -> Any:
    if field.message_type is not None:
        return to_plain(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return known.name if known is not None else int(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT:
        return shortest_float(value)
    return value


def shortest_float(value: float) -> float:
    """Return the number with the fewest digits that is the same 32-bit float."""
    if not math.isfinite(value):
        return value
    for digits in range(6, 10):
        short = float(f"{value:.{digits}g}")
        if struct.pack("<f", short) == struct.pack("<f", value):
            return short
    return value


def field_of(descriptor: Descriptor, name: str, where: str) -> Field:
    """Return a field by its name.

    Raises:
        UsageError: There is none; `where` says what asked for it.
    """
    field = descriptor.fields_by_name.get(name)
    if field is None:
        raise UsageError(
            "schema.unknown_field",
            f"{where}: {descriptor.name} has no field '{name}'.",
            did_you_mean(name, descriptor.fields_by_name),
        )
    return field


def assign(message: Message, plain: dict[str, Any], where: str) -> None:
    """Set fields of `message` from plain values; messages are merged field by field, lists are replaced.

    Raises:
        UsageError: A field is unknown, or its value is of another kind; `where` names the place.
    """
    for name, value in plain.items():
        field = field_of(message.DESCRIPTOR, name, where)
        _assign_field(message, field, value, f"{where}.{name}")


def _assign_field(message: Message, field: Field, value: Any, where: str) -> None:
    if is_map(field):
        _assign_map(message, field, value, where)
    elif is_repeated(field):
        _expect(isinstance(value, list | tuple), "a list", value, where)
        message.ClearField(field.name)
        target = getattr(message, field.name)
        for i, item in enumerate(value):
            if field.message_type is not None:
                _assign_message(target.add(), item, f"{where}[{i}]")
            else:
                target.append(scalar(field, item, f"{where}[{i}]"))
    elif field.message_type is not None:
        target = getattr(message, field.name)
        target.SetInParent()
        _assign_message(target, value, where)
    else:
        setattr(message, field.name, scalar(field, value, where))


def _assign_map(message: Message, field: Field, value: Any, where: str) -> None:
    _expect(isinstance(value, dict), "a mapping", value, where)
    message.ClearField(field.name)
    entry = field.message_type.fields_by_name["value"]
    for key, item in value.items():
        if entry.message_type is not None:
            _assign_message(getattr(message, field.name)[key], item, f"{where}[{key}]")
        else:
            getattr(message, field.name)[key] = scalar(entry, item, f"{where}[{key}]")


def _assign_message(message: Message, value: Any, where: str) -> None:
    _expect(isinstance(value, dict), "a mapping of field names to values", value, where)
    message.SetInParent()
    assign(message, value, where)


def scalar(field: Field, value: Any, where: str) -> Any:
    """Return a plain value as the field takes it.

    Raises:
        UsageError: The value is of another kind, or out of the field's range.
    """
    if field.enum_type is not None:
        known = field.enum_type.values_by_name
        if not isinstance(value, str) or value not in known:
            raise UsageError(
                "schema.unknown_name",
                f"{where}: {value!r} is no {field.enum_type.name}.",
                did_you_mean(str(value), known),
            )
        return known[value].number
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        _expect(isinstance(value, bool), "true or false", value, where)
        return value
    if field.cpp_type in _INTEGERS:
        low, high = _INTEGERS[field.cpp_type]
        _expect(isinstance(value, int) and not isinstance(value, bool), "a whole number", value, where)
        _expect(low <= value <= high, f"a number from {low} to {high}", value, where)
        return value
    if field.cpp_type in _FLOATS:
        return _float(field, value, where)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _bytes(value, where)
    _expect(isinstance(value, str), "text (in quotes, where YAML takes it for something else)", value, where)
    return value


def _float(field: Field, value: Any, where: str) -> float:
    if isinstance(value, str):  # YAML 1.1 reads 1e-3, which has no point, as text
        try:
            value = float(value)
        except ValueError:
            _expect(False, "a number", value, where)
    _expect(isinstance(value, int | float) and not isinstance(value, bool), "a number", value, where)
    if field.cpp_type == FieldDescriptor.CPPTYPE_FLOAT and math.isfinite(value):
        try:
            struct.pack("<f", value)
        except OverflowError:
            _expect(False, "a number that fits 32-bit floats", value, where)
    return float(value)


def _bytes(value: Any, where: str) -> bytes:
    _expect(isinstance(value, str), "bytes in base64", value, where)
    try:
        return base64.b64decode(value, validate=True)
    except ValueError:
        _expect(False, "bytes in base64", value, where)
        raise


def _expect(holds: object, expected: str, value: Any, where: str) -> None:
    if not holds:
        raise UsageError("schema.value", f"{where}: expected {expected}, got {value!r}.")
