"""The names of `tfx.v1.utils`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from google.protobuf import text_format
from google.protobuf.message import Message

from assay.errors import ArtifactError

__all__ = ["JsonableType", "parse_pbtxt_file"]

JsonableType = Any
"""TFX's name for what has a JSON form; a type alias for annotations."""

M = TypeVar("M", bound=Message)


def parse_pbtxt_file(file_name: str, message: M) -> M:
    """Reads a text proto, such as the schema at `fn_args.schema_path`, into a message, and gives it.

    Raises:
        ArtifactError: The file is missing, or is no such text; the line is named.
    """
    try:
        return text_format.Parse(Path(file_name).read_text(encoding="utf-8"), message)
    except (OSError, UnicodeDecodeError) as error:
        raise ArtifactError("pbtxt.unreadable", f"{file_name} cannot be read: {error}.") from error
    except text_format.ParseError as error:
        raise ArtifactError(
            "pbtxt.syntax", f"{file_name} is no text proto of {message.DESCRIPTOR.full_name}: {error}."
        ) from error
