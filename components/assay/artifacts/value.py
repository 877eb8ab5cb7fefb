"""Artifacts of one small value, as TFX has them: custom components pass them as `InputArtifact[Integer]`, for example.

The value is in the file `value`, encoded as TFX encodes it. Their types are declared here and not in
`schemas/artifacts`: by its layout alone, a folder with a file of that name is none of them.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from assay.artifacts.base import Artifact
from assay.artifacts.types import ArtifactType
from assay.errors import ArtifactError
from assay.files import write_durably

_FILE = "value"


class ValueArtifact(Artifact):
    """An artifact of one value.

    Attributes:
        takes: The Python types that it holds.
    """

    takes: ClassVar[tuple[type, ...]]

    @property
    def value(self) -> Any:
        """The value; assigning to it writes it.

        Raises:
            ArtifactError: If none was written, it is damaged, or one of another type is assigned.
        """
        return self.read()

    @value.setter
    def value(self, value: Any) -> None:
        self.write(value)

    def read(self) -> Any:
        """Return the value."""
        path = self.require(_FILE)
        try:
            return self.decode(path.read_bytes())
        except ValueError as error:  # of int, float, UTF-8 and JSON alike
            raise ArtifactError("artifact.value", f"{path} holds no {self.type_name}: {error}.") from error

    def write(self, value: Any) -> None:
        """Write the value."""
        if not isinstance(value, self.takes) or (isinstance(value, bool) and bool not in self.takes):
            names = " or ".join("None" if kind is type(None) else kind.__name__ for kind in self.takes)
            raise ArtifactError("artifact.value_type", f"A value of type {self.type_name} is {names}, got {value!r}.")
        write_durably(self.path / _FILE, self.encode(value))

    def encode(self, value: Any) -> bytes:
        """Return the bytes of the file."""
        return str(value).encode()

    def decode(self, content: bytes) -> Any:
        """Return the value that the bytes of the file stand for."""
        raise NotImplementedError


class String(ValueArtifact):
    """Text, in UTF-8."""

    declaration = ArtifactType("String", layout=(_FILE,))
    takes = (str,)

    def decode(self, content: bytes) -> str:
        """Return the text."""
        return content.decode()


class Bytes(ValueArtifact):
    """Bytes as they are."""

    declaration = ArtifactType("Bytes", layout=(_FILE,))
    takes = (bytes,)

    def encode(self, value: bytes) -> bytes:
        """Return the bytes as they are."""
        return value

    def decode(self, content: bytes) -> bytes:
        """Return the bytes as they are."""
        return content


class Integer(ValueArtifact):
    """A whole number, in decimal."""

    declaration = ArtifactType("Integer", layout=(_FILE,))
    takes = (int,)

    def decode(self, content: bytes) -> int:
        """Return the number."""
        return int(content)


class Float(ValueArtifact):
    """A number; the infinities and NaN as `Infinity`, `-Infinity` and `NaN`, which other languages read."""

    declaration = ArtifactType("Float", layout=(_FILE,))
    takes = (float, int)

    def encode(self, value: float) -> bytes:
        """Return the shortest text that gives the same number."""
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(float(value)), str(float(value))).encode()

    def decode(self, content: bytes) -> float:
        """Return the number."""
        return float(content)


class Boolean(ValueArtifact):
    """Yes or no, as `1` or `0`."""

    declaration = ArtifactType("Boolean", layout=(_FILE,))
    takes = (bool,)

    def encode(self, value: bool) -> bytes:  # noqa: FBT001 (it is the value)
        """`1` or `0`."""
        return b"1" if value else b"0"

    def decode(self, content: bytes) -> bool:
        """Return whether the number is not 0."""
        return int(content) != 0


class JsonValue(ValueArtifact):
    """Any JSON value."""

    declaration = ArtifactType("JsonValue", layout=(_FILE,))
    takes = (dict, list, str, int, float, bool, type(None))

    def encode(self, value: Any) -> bytes:
        """JSON text."""
        try:
            return json.dumps(value, sort_keys=True).encode()
        except TypeError as error:
            raise ArtifactError(
                "artifact.value_type", f"A value of type JsonValue must be valid JSON: {error}."
            ) from error

    def decode(self, content: bytes) -> Any:
        """Return the value."""
        return json.loads(content)
