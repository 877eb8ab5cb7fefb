"""The names of `tfx.v1.utils`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from google.protobuf.message import Message

from assay.documents import MAX_PROTO_BYTES, parse_text_proto, read_text
from assay.errors import ArtifactError

__all__ = ["JsonableType", "parse_pbtxt_file"]

JsonableType = Any
"""TFX's name for what has a JSON form; a type alias for annotations."""

M = TypeVar("M", bound=Message)


def parse_pbtxt_file(file_name: str, message: M) -> M:
    """Read a text proto, such as the schema at `fn_args.schema_path`, into a message, and return it.

    Raises:
        ArtifactError: The file is missing, or is no such text; the line is named.
    """
    text = read_text(
        Path(file_name), "a text proto", code="pbtxt.unreadable", limit=MAX_PROTO_BYTES, refusal=ArtifactError
    )
    return parse_text_proto(text, message, file_name, code="pbtxt.syntax", refusal=ArtifactError)
