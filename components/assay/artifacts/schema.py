"""Schema: a tensorflow-metadata schema as `schema.pbtxt`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.artifacts.base import Artifact
from assay.documents import MAX_PROTO_BYTES, parse_text_proto, read_text
from assay.errors import DataError, check_not_url
from assay.files import write_durably

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "schema.pbtxt"


def read_schema(path: Path) -> schema_pb2.Schema:
    """Read a schema from a text proto.

    Raises:
        DataError: If the file is missing, is not text, or has a syntax error; the message names line and column.
    """
    text = read_schema_text(path)
    return parse_text_proto(text, schema_pb2.Schema(), str(path), code="schema.syntax", refusal=DataError)


def read_schema_text(path: Path) -> str:
    """Return the text of a schema's file.

    Raises:
        DataError: The file is missing, is a folder, or is not text.
    """
    if path.is_dir():
        raise DataError(
            "schema.is_folder", f"Expected a schema file at {path}; it is a folder.", f"Name {path}/{FILE_NAME}."
        )
    if not path.exists():
        check_not_url(path, "The path of a schema")
        raise DataError(
            "schema.no_such_file",
            f"{path} does not exist; expected a schema.",
            "Infer one: `assay schema infer DATA -o schema.pbtxt`.",
        )
    return read_text(path, "a schema's text proto", code="schema.not_text", limit=MAX_PROTO_BYTES, refusal=DataError)


def format_schema(schema: schema_pb2.Schema) -> str:
    """Return the text proto of a schema, as TFDV writes it."""
    return text_format.MessageToString(schema)


class Schema(Artifact):
    """The expected types, domains and presence of features."""

    @property
    def file(self) -> Path:
        """The text proto's path."""
        return self.path / FILE_NAME

    def read(self) -> schema_pb2.Schema:
        """Read the schema; see `read_schema` for the errors."""
        self.require(FILE_NAME)
        return read_schema(self.file)

    def write(self, schema: schema_pb2.Schema) -> None:
        """Write the schema."""
        write_durably(self.file, format_schema(schema).encode())
