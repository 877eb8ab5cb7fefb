"""Patches as YAML files."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from assay.curation.patch import Entry, Patch
from assay.curation.patch_fields import check_fields
from assay.documents import parse_yaml, read_text
from assay.errors import DataError, UsageError, did_you_mean

_ENTRY_FIELDS: Final = tuple(item.name for item in dataclasses.fields(Entry))


def parse_patch(text: str, source: str = "patch") -> Patch:
    """Reads a patch from YAML (or JSON, which is YAML).

    Raises:
        DataError: The text is no YAML, or has a key twice; the message names `source` and the line.
        UsageError: The text is no patch, or an entry asks for what tensorflow-metadata's schema has no place for.
    """
    plain = parse_yaml(text, source, code="schema_patch.syntax", refusal=DataError)
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
    text = read_text(path, "a schema patch", code="schema_patch.unreadable", refusal=DataError)
    return parse_patch(text, str(path))


def format_patch(patch: Patch) -> str:
    """Gives a patch as YAML: what is not said is left out, and the same patch gives the same text."""
    return _dump({"version": patch.version, "entries": [plain_entry(entry) for entry in patch.entries]})


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


class _Dumper(yaml.SafeDumper):
    """YAML's safe dumper, with lists indented under their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002, ARG002  (PyYAML's)
        super().increase_indent(flow, False)


def _dump(plain: Any) -> str:
    """Return plain values as YAML, in their order."""
    text: str = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text
