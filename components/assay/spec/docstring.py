"""Reads the parts of a Google-style docstring that a component's reference documentation shows."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, field

_SECTION = re.compile(r"^(Args|Returns|Raises|Yields|Attributes|Examples?|Notes?):\s*$")
_ENTRY = re.compile(r"^(?P<name>\*{0,2}\w+)(?:\s*\([^)]*\))?:\s*(?P<text>.*)$")


@dataclass(frozen=True, slots=True)
class Documentation:
    """A docstring's parts: the text before the sections, and the entries of `Args:`, `Returns:` and `Attributes:`."""

    summary: str
    arguments: dict[str, str] = field(default_factory=dict)
    returns: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)


def parse_docstring(docstring: str) -> Documentation:
    """Splits a Google-style docstring; text of an entry is joined to one line."""
    sections: dict[str, list[str]] = {"": []}
    current = ""
    for line in inspect.cleandoc(docstring).splitlines():
        heading = _SECTION.match(line)
        if heading:
            current = heading.group(1)
            sections[current] = []
        else:
            sections[current].append(line)
    return Documentation(
        summary="\n".join(sections[""]).strip(),
        arguments=_entries(sections.get("Args", [])),
        returns=_entries(sections.get("Returns", [])),
        attributes=_entries(sections.get("Attributes", [])),
    )


def _entries(lines: list[str]) -> dict[str, str]:
    entries: dict[str, str] = {}
    name = ""
    for line in inspect.cleandoc("\n".join(["", *lines])).splitlines():
        match = None if line.startswith(" ") else _ENTRY.match(line)
        if match:
            name = match.group("name")
            entries[name] = match.group("text").strip()
        elif name and line.strip():
            entries[name] = f"{entries[name]} {line.strip()}".strip()
    return entries
