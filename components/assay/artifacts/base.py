"""What every artifact is: a folder with a type, declared properties, a digest and row counts."""

from __future__ import annotations

from collections import UserDict
from html import escape
from typing import TYPE_CHECKING, Any, ClassVar

from assay.artifacts.types import ArtifactType, PropertyDeclaration, builtin_types
from assay.errors import ArtifactError
from assay.files import split_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


class Properties(UserDict[str, Any]):
    """A mapping that accepts only the properties that an artifact type declares, in whichever way they are set."""

    def __init__(self, artifact_type: ArtifactType, values: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self._type = artifact_type
        for name, value in (values or {}).items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        """Set a declared property; raise ArtifactError for an undeclared name or a wrong type."""
        self._type.check_property(name, value)
        super().__setitem__(name, value)


class Artifact:
    """A typed folder that one step writes and others read.

    A sealed artifact never changes. An artifact that a component is writing is in a staging folder and has no digest
    yet; the runner seals it when the component returns.

    A pipeline author declares a type of their own by subclassing and setting `declaration`.

    Attributes:
        declaration: The type, for classes that are not declared in `schemas/artifacts`.
        TYPE_NAME: The type's name, as TFX's classes have it.
        PROPERTIES: With `TYPE_NAME`, the declared properties by name, as TFX's classes have them; each is an attribute
            of the artifact as well.
        path: The folder.
        properties: Values of the declared properties.
        rows: Number of rows by split, where the artifact holds rows.
        digest: `sha256:…` over names and contents of the files; empty until sealed.
        id: The id in the lineage store, where it is recorded.
    """

    declaration: ClassVar[ArtifactType | None] = None
    TYPE_NAME: ClassVar[str | None] = None
    PROPERTIES: ClassVar[Mapping[str, PropertyDeclaration]] = {}

    def __init__(
        self,
        path: Path,
        *,
        properties: Mapping[str, Any] | None = None,
        rows: Mapping[str, int] | None = None,
        digest: str = "",
        id: int | None = None,  # noqa: A002 (the field's name in TFX)
    ) -> None:
        self.path = path
        self.properties = Properties(self.type(), properties)
        self.rows: dict[str, int] = dict(rows or {})
        self.digest = digest
        self.id = id

    def __getattr__(self, name: str) -> Any:
        """Return a property of a class with TFX's `PROPERTIES`; None where it is not set."""
        if name in type(self).PROPERTIES:
            return self.properties.get(name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'", name=name, obj=self)

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; one that TFX's `PROPERTIES` declare is a property, which is sealed with the artifact."""
        if name in type(self).PROPERTIES:
            self.properties[name] = value
        else:
            super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, digest={self.digest[:19]!r})"

    def _repr_html_(self) -> str:
        """Type, rows and properties, which a notebook shows by itself; `assay.reports.show` gives the whole page."""
        facts = {"path": self.uri, "digest": self.digest[:19]}
        facts |= {f"rows, {split}": f"{count:,}" for split, count in self.rows.items()}
        facts |= {name: str(value) for name, value in self.properties.items() if value not in (None, "")}
        cells = "".join(
            f'<tr><td style="padding-right:14px;opacity:.7">{escape(name)}</td><td>{escape(value)}</td></tr>'
            for name, value in facts.items()
            if value
        )
        return f"<b>{escape(self.type_name)}</b><table>{cells}</table>"

    @classmethod
    def type(cls) -> ArtifactType:
        """Return the declared type of this class."""
        if cls.declaration is not None:
            return cls.declaration
        if isinstance(cls.TYPE_NAME, str):
            for name, declared in cls.PROPERTIES.items():
                if not isinstance(declared, PropertyDeclaration):
                    raise ArtifactError(
                        "artifact.property_declaration",
                        f"Property '{name}' of {cls.__name__} is declared as {declared!r}.",
                        "Declare it as Property(type=PropertyType.INT), both of assay.v1.types.artifact.",
                    )
            return ArtifactType(cls.TYPE_NAME, properties=dict(cls.PROPERTIES))
        types = builtin_types()
        # A subclass that only adds methods is of its parent's type.
        for base in cls.__mro__:
            if base.__name__ in types:
                return types[base.__name__]
        raise ArtifactError(
            "artifact.undeclared_type",
            f"Artifact class {cls.__name__} declares no type.",
            "Set its `declaration = ArtifactType(name=…)`.",
        )

    @property
    def type_name(self) -> str:
        """The name of the artifact's type."""
        return self.type().name

    @property
    def uri(self) -> str:
        """The folder as text, as TFX's artifacts have it."""
        return str(self.path)

    def describe(self) -> Mapping[str, Any]:
        """Properties that can be read off the folder, for artifacts that another tool wrote.

        A class overrides this where its layout tells (for example the splits of TFX's Examples).
        """
        return {}

    def require(self, relative: str) -> Path:
        """Return the path of a file that must exist.

        Raises:
            ArtifactError: If it does not.
        """
        target = self.path / relative
        if not target.exists():
            raise ArtifactError(
                "artifact.missing_file",
                f"{self.type_name} at {self.path} has no {relative}.",
                "The artifact was removed or changed; rerun the step that writes it with --force.",
            )
        return target

    def split_folders(self) -> Iterator[tuple[str, Path]]:
        """Return (split, folder) for each `Split-<name>` folder, by name."""
        yield from split_folders(self.path)
