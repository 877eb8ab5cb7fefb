"""Importer: a folder that another tool wrote becomes an input of a pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assay.artifacts.base import Artifact
from assay.errors import UsageError
from assay.spec.channel import OutputChannel, Outputs
from assay.spec.node import Node


class Importer(Node):
    """Registers an existing folder as an artifact, in place.

    Args:
        source_uri: The folder, laid out as the type asks for: TFX's layouts, and the project's own.
        artifact_type: A class of `assay.artifacts`, or a subclass of `Artifact`.
        reimport: Whether a folder that was registered with the same content before becomes an artifact of its own.
        properties: The artifact's properties, as its type declares them.
        custom_properties: More of them; TFX keeps the two apart.
        output_key: The key of the one output.

    Raises:
        UsageError: The type is not an artifact class.
        ArtifactError: The type declares no such property, or one of another type.
    """

    def __init__(
        self,
        source_uri: str | Path,
        artifact_type: type[Artifact],
        *,
        reimport: bool = False,
        properties: Mapping[str, Any] | None = None,
        custom_properties: Mapping[str, Any] | None = None,
        output_key: str = "result",
    ) -> None:
        super().__init__("Importer")
        given: Any = artifact_type
        if not (isinstance(given, type) and issubclass(given, Artifact)):
            raise UsageError("importer.type", f"Importer's artifact_type must be an artifact class: {artifact_type!r}.")
        self.source_uri = str(source_uri)
        self.artifact_type = artifact_type
        self.reimport = reimport
        self.properties = {**(properties or {}), **(custom_properties or {})}
        for name, value in self.properties.items():
            artifact_type.type().check_property(name, value)
        self.outputs = Outputs(self, {output_key: OutputChannel(self, output_key, artifact_type)})
