"""Waivers: failed checks that somebody answers for until a date, in a YAML file kept in git."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final

import msgspec

from assay.documents import parse_yaml, read_text
from assay.errors import UsageError, did_you_mean
from assay.gating.verdict import Check

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WAIVED_UNTIL: Final = "waived_until"
"""Where a waived check's details hold the last day of its waiver."""
_WAIVABLE: Final = {"value_threshold", "change_threshold", "missing_slice"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Lets one check fail for a while.

    Attributes:
        check: The metric that the check is on, or the check's whole id.
        slice: The slice, as the verdict names it: `Overall`, `trip_start_hour=5`, `a=x&b=y`.
        who: Who answers for it.
        why: The reason.
        expires: The last day on which it holds.
    """

    check: str
    slice: str = "Overall"
    who: str
    why: str
    expires: date

    def covers(self, check: Check) -> bool:
        """Tells whether it is for this check. Nothing but a threshold can be waived: not missing data, for one."""
        if check.kind not in _WAIVABLE:
            return False
        return self.check == check.id or (self.check == check.subject and self.slice == check.slice)


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """Reads a YAML list of waivers.

    Raises:
        UsageError: The file cannot be read, or an entry lacks a field, an owner or a reason.
    """
    text = read_text(path, "waivers", code="waivers.file")
    hint = "Each waiver has check, slice, who, why and expires (YYYY-MM-DD)."
    plain = parse_yaml(text, str(path), code="waivers.format", hint=hint)
    try:
        waivers = msgspec.convert([] if plain is None else plain, tuple[Waiver, ...])
    except msgspec.ValidationError as error:
        raise UsageError("waivers.format", f"{path} is not a list of waivers: {error}.", hint) from error
    strange = sorted({str(key) for one in plain or () for key in one} - {field.name for field in fields(Waiver)})
    if strange:
        # A misspelt slice would otherwise waive the whole data.
        raise UsageError(
            "waivers.format",
            f"{path}: a waiver has no field '{strange[0]}'.",
            did_you_mean(strange[0], [field.name for field in fields(Waiver)]),
        )
    for waiver in waivers:
        if not waiver.who.strip() or not waiver.why.strip():
            raise UsageError("waivers.unsigned", f"{path}: the waiver of {waiver.check} must say who and why.")
    return waivers


def waive(checks: Sequence[Check], waivers: Sequence[Waiver], today: date) -> list[Check]:
    """Gives the checks with waived failures as warnings, and a note for each waiver that expired or covered nothing.

    Args:
        checks: What was held.
        waivers: What is waived.
        today: The day on which the gate decides.
    """
    result = [_waived(check, waivers, today) for check in checks]
    for waiver in waivers:
        covered = any(waiver.covers(check) and not check.ok for check in checks)
        if waiver.expires < today:
            result.append(_note(waiver, f"expired on {waiver.expires}, so the check counts again"))
        elif not covered:
            result.append(_note(waiver, "covers no failed check, and can go"))
    return result


def json_schema() -> dict[str, Any]:
    """Gives the JSON Schema (2020-12) of a file of waivers, as `schemas/waivers.schema.json` ships it."""
    schema = msgspec.json.schema(tuple[Waiver, ...])
    definition = schema["$defs"]["Waiver"]
    definition |= {"description": cleandoc(definition["description"]), "additionalProperties": False}
    for name in ("who", "why"):
        definition["properties"][name] |= {"pattern": r"\S"}
    # An empty file holds no waiver.
    shape = {"anyOf": [{key: value for key, value in schema.items() if key != "$defs"}, {"type": "null"}]}
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "assay waivers"}
    return title | shape | {"$defs": schema["$defs"]}


def _waived(check: Check, waivers: Sequence[Waiver], today: date) -> Check:
    if check.ok:
        return check
    waiver = next((one for one in waivers if one.covers(check) and one.expires >= today), None)
    if waiver is None:
        return check
    return replace(
        check,
        severity="warning",
        sentence=f"{check.sentence} Waived by {waiver.who} until {waiver.expires}: {waiver.why}",
        details=check.details | {"waived_by": waiver.who, WAIVED_UNTIL: str(waiver.expires), "waiver": waiver.why},
    )


def _note(waiver: Waiver, what: str) -> Check:
    return Check(
        id=f"waiver:{waiver.check}@{waiver.slice}",
        kind="waiver",
        ok=True,
        severity="info",
        subject=waiver.check,
        slice=waiver.slice,
        sentence=f"The waiver of {waiver.check} on {waiver.slice} by {waiver.who} {what}.",
        applied=False,
    )


if __name__ == "__main__":  # python -m assay.gating.waivers > schemas/waivers.schema.json
    import json
    import sys

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
