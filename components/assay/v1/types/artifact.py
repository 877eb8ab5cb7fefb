"""The names of `tfx.types.artifact` that an artifact class of one's own needs."""

from __future__ import annotations

from enum import Enum

from assay.artifacts import Artifact
from assay.artifacts.types import PropertyDeclaration

__all__ = ["Artifact", "Property", "PropertyType"]


class PropertyType(Enum):
    """The types of properties, under TFX's names."""

    INT = "int"
    FLOAT = "float"
    STRING = "string"
    BOOLEAN = "bool"
    JSON_VALUE = "map"


def Property(type: PropertyType) -> PropertyDeclaration:  # noqa: A002 (TFX's names)
    """Declare a property of an artifact class, as TFX does.

    Args:
        type: Its type; `JSON_VALUE` takes a dict.
    """
    return PropertyDeclaration(type.value)
