"""Artifact types: what a folder of a given type must hold and which properties it declares."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

from assay.errors import ArtifactError, did_you_mean

PropertyType = Literal["int", "float", "bool", "string", "list", "map"]

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool, int),
    "string": (str,),
    "list": (list, tuple),
    "map": (dict,),
}


@dataclass(frozen=True, slots=True)
class PropertyDeclaration:
    """A property that an artifact type declares."""

    type: PropertyType
    description: str = ""


@dataclass(frozen=True, slots=True)
class ArtifactType:
    """A declared artifact type.

    Attributes:
        name: The type's name, such as `Examples`; TFX's name where TFX has the type.
        version: Version of the layout; a reader refuses a newer one.
        wire_type: The schema title that Kubeflow Pipelines sees, such as `system.Dataset`.
        description: One sentence for the reference documentation.
        layout: Glob patterns below the artifact's folder; each must match at least one file.
        properties: The declared properties by name.
    """

    name: str
    version: int = 1
    wire_type: str = "system.Artifact"
    description: str = ""
    layout: tuple[str, ...] = ()
    properties: dict[str, PropertyDeclaration] = field(default_factory=dict)

    def check_property(self, name: str, value: object) -> None:
        """Check that `name` is declared and that `value` has its type.

        Raises:
            ArtifactError: For an undeclared name or a value of another type.
        """
        declaration = self.properties.get(name)
        if declaration is None:
            raise ArtifactError(
                "artifact.unknown_property",
                f"{self.name} declares no property '{name}'.",
                did_you_mean(name, self.properties),
            )
        if value is not None and not isinstance(value, _PYTHON_TYPES[declaration.type]):
            raise ArtifactError(
                "artifact.property_type",
                f"Property '{name}' of {self.name} must be of type {declaration.type}, got {value!r}.",
            )

    def check_layout(self, folder: Path) -> None:
        """Check that every layout pattern matches something below `folder`.

        Raises:
            ArtifactError: Naming the patterns that match nothing.
        """
        missing = [pattern for pattern in self.layout if not any(folder.glob(pattern))]
        if missing:
            found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())[:10]
            raise ArtifactError(
                "artifact.layout",
                f"{folder} is not a complete {self.name}: expected {', '.join(missing)}; "
                f"found {', '.join(found) or 'nothing'}.",
                "Add the missing files, or name the artifact's own folder.",
            )


def _declarations_folder() -> Path:
    """Return the folder of type declarations: inside an installed wheel, or at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "schemas" / "artifacts"
    return installed if installed.is_dir() else package.parents[1] / "schemas" / "artifacts"


@cache
def builtin_types() -> dict[str, ArtifactType]:
    """Return the types declared in `schemas/artifacts/*.yaml`, by name."""
    declared = [
        msgspec.yaml.decode(path.read_bytes(), type=ArtifactType)
        for path in sorted(_declarations_folder().glob("*.yaml"))
    ]
    return {artifact_type.name: artifact_type for artifact_type in declared}
