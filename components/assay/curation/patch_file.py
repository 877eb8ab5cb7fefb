"""Patches as YAML files."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

import msgspec

from assay.curation.patch import Entry, Patch
from assay.curation.patch_fields import check_fields
from assay.curation.patch_yaml import dump_yaml, load_yaml
from assay.errors import DataError, UsageError, did_you_mean

_ENTRY_FIELDS: Final = tuple(item.name for item in dataclasses.fields(Entry))


def parse_patch(text: str, source: str = "patch") -> Patch:
    """Reads a patch from YAML (or JSON, which is YAML).

    Raises:
        DataError: The text is no YAML, or has a key twice; the message names `source` and the line.
        UsageError: The text is no patch, or an entry asks for what tensorflow-metadata's schema has no place for.
    """
    plain = load_yaml(text, source)
    try:
        patch = msgspec.convert({} if plain is None else _known(plain, source), Patch)
    except msgspec.ValidationError as error:
        raise UsageError(
            "schema_patch.malformed",
            f"{source} is not a schema patch: {error}.",
            "schemas/schema_patch.schema.json says what a patch may hold.",
        ) from None
    check_fields(patch, source)
    return patch


def _known(plain: Any, source: str) -> Any:
    """Refuses keys that no entry has; msgspec would pass over them."""
    if not isinstance(plain, dict):
        return plain
    _refuse_unknown(plain, Patch, source)
    entries = plain.get("entries")
    for number, entry in enumerate(entries if isinstance(entries, list) else (), 1):
        if isinstance(entry, dict):
            _refuse_unknown(entry, Entry, f"{source}, entry {number}")
    return plain


def _refuse_unknown(plain: dict[Any, Any], of: type[Patch | Entry], where: str) -> None:
    names = [item.name for item in dataclasses.fields(of)]
    for name in plain:
        if name not in names:
            raise UsageError(
                "schema_patch.unknown_key", f"{where}: there is no '{name}'.", did_you_mean(str(name), names)
            )


def read_patch(path: Path) -> Patch:
    """Reads a patch from a file.

    Raises:
        DataError: The file is missing, or is no YAML.
        UsageError: The file is no patch; see `parse_patch`.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError("schema_patch.unreadable", f"Expected a schema patch at {path}: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise DataError("schema_patch.not_text", f"{path} is not text: byte {error.start} is not UTF-8.") from None
    return parse_patch(text, str(path))


def format_patch(patch: Patch) -> str:
    """Gives a patch as YAML: what is not said is left out, and the same patch gives the same text."""
    return dump_yaml({"version": patch.version, "entries": [plain_entry(entry) for entry in patch.entries]})


def plain_entry(entry: Entry) -> dict[str, Any]:
    """Gives an entry as plain values, without what it does not say."""
    plain = {name: getattr(entry, name) for name in _ENTRY_FIELDS}
    return {name: _listed(value) for name, value in plain.items() if value not in ("", False, None, (), {})}


def _listed(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_listed(item) for item in value]
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return value
