"""Schema: a tensorflow-metadata schema as `schema.pbtxt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.artifacts.base import Artifact
from assay.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "schema.pbtxt"


def read_schema(path: Path) -> schema_pb2.Schema:
    """Reads a schema from a text proto.

    Raises:
        DataError: If the file is missing, is not text, or has a syntax error; the message names line and column.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise DataError(
            "schema.no_such_file",
            f"Expected a schema at {path}; there is no such file.",
            "Infer one: `assay schema infer DATA -o schema.pbtxt`.",
        ) from None
    except IsADirectoryError:
        raise DataError(
            "schema.is_folder", f"Expected a schema file at {path}; it is a folder.", f"Name {path}/{FILE_NAME}."
        ) from None
    except UnicodeDecodeError as error:
        raise DataError(
            "schema.not_text", f"{path} is not a text proto: byte {error.start} is not UTF-8.", "Name a schema.pbtxt."
        ) from None
    try:
        return text_format.Parse(text, schema_pb2.Schema())
    except text_format.ParseError as error:
        line, column = error.GetLine(), error.GetColumn()
        place = f"line {line}, column {column}" if line else "unknown line"
        detail = str(error).split(" : ", 1)[-1]
        raise DataError(
            "schema.syntax",
            f"{path}, {place}: {detail}",
            "The file must be a text proto of tensorflow_metadata.v0.Schema.",
        ) from None


def format_schema(schema: schema_pb2.Schema) -> str:
    """The text proto of a schema, as TFDV writes it."""
    return text_format.MessageToString(schema)


class Schema(Artifact):
    """The expected types, domains and presence of features."""

    @property
    def file(self) -> Path:
        """The text proto's path."""
        return self.path / FILE_NAME

    def read(self) -> schema_pb2.Schema:
        """Reads the schema; see `read_schema` for the errors."""
        self.require(FILE_NAME)
        return read_schema(self.file)

    def write(self, schema: schema_pb2.Schema) -> None:
        """Writes the schema."""
        self.file.write_text(format_schema(schema), encoding="utf-8")
