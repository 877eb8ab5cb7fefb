"""An InferenceService as a YAML file, for `assay push --kserve`."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import msgspec

from assay.components.pusher.config import KServeDestination
from assay.documents import parse_yaml, read_text
from assay.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from pathlib import Path

_OF_THE_COMMAND = {"base_directory", "keep_last"}


def read_kserve(path: Path, base_directory: str, keep_last: int | None) -> KServeDestination:
    """Reads the fields of a [`KServeDestination`][...config.KServeDestination], but for those of the command line.

    Args:
        path: YAML with `name`, `manifest` and whatever else differs from the defaults.
        base_directory: Where the models are stored.
        keep_last: How many versions to keep.

    Raises:
        UsageError: The file cannot be read, lacks a field, or has one that does not exist.
    """
    text = read_text(path, "the YAML of an InferenceService", code="kserve.file")
    plain = parse_yaml(text, str(path), code="kserve.file", hint="See PushDestination.KServe for the fields.")
    if not isinstance(plain, dict):
        raise UsageError("kserve.file", f"{path} must hold a mapping with the fields name and manifest.")
    known = sorted({field.name for field in fields(KServeDestination)} - _OF_THE_COMMAND)
    for name in plain:
        if name not in known:
            raise UsageError("kserve.file", f"{path} has no use for '{name}'.", did_you_mean(str(name), known))
    given = plain | {"base_directory": base_directory, "keep_last": keep_last}
    try:
        return msgspec.convert(given, KServeDestination)
    except msgspec.ValidationError as error:
        raise UsageError("kserve.file", f"{path}: {error}.", "See PushDestination.KServe for the fields.") from error
