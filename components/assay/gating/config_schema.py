"""The JSON Schema of a configuration: TFMA's `EvalConfig`, walked field by field, and what assay adds to it."""

from __future__ import annotations

import re
from inspect import cleandoc
from typing import Any, Final

import msgspec

from assay.gating.policy import POLICY, SIGNIFICANT, WrittenPolicy
from assay.protos import tfma

_SIGNIFICANT: Final = {
    "description": "What must be significant of this bound: block only a regression that is real (true is the same), "
    "bless only what is shown not worse, or hold the point estimate.",
    "enum": ["regression", "not_worse", "off", True, False],
}
_SCALARS: Final[dict[str, dict[str, Any]]] = {
    "double": {"type": "number"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "string": {"type": "string"},
    "bytes": {"type": "string"},
    "int32": {"type": "integer"},
    "uint32": {"type": "integer"},
    # Protobuf's JSON writes 64-bit integers as texts and reads both.
    "int64": {"type": ["integer", "string"]},
    "uint64": {"type": ["integer", "string"]},
}
_WRAPPER: Final = re.compile(r"google\.protobuf\.(\w+)Value")


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a configuration, as `schemas/eval_config.schema.json` ships it.

    Fields are named as in the proto, or in camel case as protobuf's JSON writes them.
    """
    definitions: dict[str, Any] = {}
    root = tfma.EvalConfig.DESCRIPTOR
    _define(root, definitions)
    written = msgspec.json.schema(WrittenPolicy)["$defs"]["WrittenPolicy"]
    written |= {"description": cleandoc(written["description"]), "additionalProperties": False}
    written["properties"][SIGNIFICANT] = _SIGNIFICANT
    definitions["WrittenPolicy"] = written
    definitions[root.name]["properties"][POLICY] = {"$ref": "#/$defs/WrittenPolicy"}
    for name in ("GenericValueThreshold", "GenericChangeThreshold"):
        definitions[name]["properties"][SIGNIFICANT] = _SIGNIFICANT
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "assay evaluation configuration",
        "$ref": f"#/$defs/{root.name}",
        "$defs": dict(sorted(definitions.items())),
    }


def _define(message: Any, definitions: dict[str, Any]) -> str:
    """Define a message and those within it, once each, and return its name."""
    name = message.full_name.removeprefix("tensorflow_model_analysis.")
    if name not in definitions:
        definitions[name] = {"type": "object", "additionalProperties": False, "properties": {}}
        properties = definitions[name]["properties"]
        for field in message.fields:
            properties[field.name] = _field(field, definitions)
            if field.json_name != field.name:
                properties[field.json_name] = properties[field.name]
    return str(name)


def _field(field: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": _value(inner.fields_by_name["value"], definitions)}
    value = _value(field, definitions)
    # Protobuf 6 warns of `label`, protobuf 4 has nothing else.
    repeated = field.is_repeated if hasattr(field, "is_repeated") else field.label == field.LABEL_REPEATED
    return {"type": "array", "items": value} if repeated else value


def _value(field: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if field.enum_type is not None:
        return {"enum": [value.name for value in field.enum_type.values]}
    if field.message_type is None:
        scalar: dict[str, Any] = dict(_SCALARS[_kind(field)])
        # A metric's settings are JSON in a text; here they may be written as they are.
        is_settings = field.containing_type.name == "MetricConfig" and field.name == "config"
        return {"type": ["string", "object"]} if is_settings else scalar
    if wrapper := _WRAPPER.fullmatch(field.message_type.full_name):
        bare: dict[str, Any] = dict(_SCALARS[wrapper[1].lower()])
        whole = {"type": "object", "properties": {"value": bare}, "required": ["value"], "additionalProperties": False}
        return {"anyOf": [bare, whole]}
    if field.message_type.full_name.startswith("google.protobuf."):
        return {}  # a Struct or Any holds what it likes
    return {"$ref": f"#/$defs/{_define(field.message_type, definitions)}"}


def _kind(field: Any) -> str:
    """Return a scalar field's type as a proto file writes it."""
    return next(
        name[5:].lower() for name in dir(field) if name.startswith("TYPE_") and getattr(field, name) == field.type
    )


if __name__ == "__main__":  # python -m assay.gating.config_schema > schemas/eval_config.schema.json
    import json
    import sys

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
