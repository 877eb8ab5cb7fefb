"""The JSON Schema of patches, for editors: what a patch may hold, down to each field in tensorflow-metadata."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any, Final

import msgspec
from google.protobuf.descriptor import FieldDescriptor

from assay.schema.leaf_fields import is_set_like
from assay.schema.patch import MESSAGES, NAMED_KINDS, VALUES, Patch
from assay.schema.proto_dict import Descriptor, Field, is_map, is_repeated
from assay.schema.subjects import PARTS, Kind

# Domains that tensorflow-metadata 1.21 has and 1.16 has not. The shipped schema allows them; a patch that uses one is
# refused where it is applied with the older.
_NEWER_DOMAINS: Final = {
    "audio_domain": "AudioDomain",
    "content_chunk_domain": "ContentChunkDomain",
    "video_domain": "VideoDomain",
}

_SCALARS: Final[dict[Any, dict[str, Any]]] = {
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer"},
    FieldDescriptor.CPPTYPE_INT64: {"type": "integer"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "minimum": 0},
    FieldDescriptor.CPPTYPE_UINT64: {"type": "integer", "minimum": 0},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number"},
    FieldDescriptor.CPPTYPE_STRING: {"type": "string"},
}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a patch, as `schemas/schema_patch.schema.json` ships it."""
    schema = msgspec.json.schema(Patch)
    definitions: dict[str, Any] = schema["$defs"]
    for definition in definitions.values():
        definition["description"] = cleandoc(definition["description"])
        definition["additionalProperties"] = False
    entry = definitions["Entry"]
    entry["allOf"] = [_narrowing(kind) for kind in NAMED_KINDS] + [_narrowing_of_schema()]
    for kind, message in MESSAGES.items():
        _define(message.DESCRIPTOR, definitions)
        definitions[f"SetOf_{kind}"] = _settings(kind, definitions[message.DESCRIPTOR.name])
        definitions[f"ListsOf_{kind}"] = _lists(kind, message.DESCRIPTOR)
    ordered = {name: definitions[name] for name in sorted(definitions)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "assay schema patch",
        **schema,
        "$defs": ordered,
    }


def _narrowing(kind: Kind) -> dict[str, Any]:
    """Check that an entry sets only the fields of its own kind, and names no other subject."""
    others = [{"required": [other]} for other in NAMED_KINDS if other != kind]
    return {"if": {"required": [kind]}, "then": {"properties": _properties(kind), "not": {"anyOf": others}}}


def _narrowing_of_schema() -> dict[str, Any]:
    named = [{"required": [kind]} for kind in NAMED_KINDS]
    properties = {**_properties("schema"), "drop": {"const": False}, "create": {"const": False}}
    return {"if": {"not": {"anyOf": named}}, "then": {"properties": properties}}


def _properties(kind: Kind) -> dict[str, Any]:
    lists = {"$ref": f"#/$defs/ListsOf_{kind}"}
    return {"set": {"$ref": f"#/$defs/SetOf_{kind}"}, "add": lists, "remove": lists}


def _settings(kind: Kind, message: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that `set` takes: not the name, and not what has entries of its own."""
    hidden = {"name"} | (PARTS if kind == "schema" else frozenset())
    properties = {name: field for name, field in message["properties"].items() if name not in hidden}
    if "struct_domain" in properties:
        properties["struct_domain"] = {"type": "object", "maxProperties": 0}
    return {**message, "properties": properties}


def _lists(kind: Kind, descriptor: Descriptor) -> dict[str, Any]:
    """Return the lists that `add` and `remove` take, by their dotted path."""
    paths = dict(_paths_of_lists(descriptor, "", ()))
    if kind == "feature":
        paths[VALUES] = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "properties": {path: paths[path] for path in sorted(paths)},
        "additionalProperties": False,
    }


def _paths_of_lists(descriptor: Descriptor, prefix: str, above: tuple[str, ...]) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for field in descriptor.fields:
        if is_set_like(field):
            found.append((f"{prefix}{field.name}", _of_field(field)))
            continue
        is_part = field.name == "struct_domain" or (descriptor.name == "Schema" and field.name in PARTS)
        message = None if is_repeated(field) or is_part else field.message_type
        if message is not None and message.name not in above:
            found.extend(_paths_of_lists(message, f"{prefix}{field.name}.", (*above, message.name)))
    return found


def _define(descriptor: Descriptor, definitions: dict[str, Any]) -> None:
    """Add the definition of a message, and of those in it."""
    if descriptor.name in definitions:
        return
    definitions[descriptor.name] = {}  # a message may hold itself
    properties = {field.name: _of_field(field) for field in descriptor.fields}
    if descriptor.name == "Feature":
        for name, message in _NEWER_DOMAINS.items():
            properties[name] = {"$ref": f"#/$defs/{message}"}
            definitions[message] = {"type": "object", "properties": {}, "additionalProperties": False}
    definitions[descriptor.name] = {
        "type": "object",
        "properties": {name: properties[name] for name in sorted(properties)},
        "additionalProperties": False,
    }
    for field in descriptor.fields:
        inner = _inner(field)
        if inner is not None:
            _define(inner, definitions)


def _inner(field: Field) -> Descriptor | None:
    """Return the message that a field holds; of a map, that of its values."""
    return field.message_type.fields_by_name["value"].message_type if is_map(field) else field.message_type


def _of_field(field: Field) -> dict[str, Any]:
    if is_map(field):
        return {"type": "object", "additionalProperties": _of_value(field.message_type.fields_by_name["value"])}
    if is_repeated(field):
        return {"type": "array", "items": _of_value(field)}
    return _of_value(field)


def _of_value(field: Field) -> dict[str, Any]:
    if field.message_type is not None:
        return {"$ref": f"#/$defs/{field.message_type.name}"}
    if field.enum_type is not None:
        return {"enum": [value.name for value in field.enum_type.values]}
    return dict(_SCALARS[field.cpp_type])


if __name__ == "__main__":  # python -m assay.schema.patch_schema > schemas/schema_patch.schema.json
    import json
    import sys

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
