"""Waivers: failed checks that somebody answers for until a date, in a YAML file kept in git."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final

import msgspec

from assay.display import OVERALL_NAME, pairs_named, slice_name, slices_named
from assay.documents import parse_yaml, read_text
from assay.errors import UsageError, did_you_mean
from assay.gating.metric_values import SlicePair
from assay.gating.verdict import Check
from assay.kernels.metrics.slices import is_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from assay.gating.metric_values import SliceKey, SliceValue
    from assay.gating.thresholds import LimitCheck

WAIVED_UNTIL: Final = "waived_until"
"""Where a waived check's details hold the last day of its waiver."""
_MOST_KNOWN: Final = 12  # slices in a hint
_WAIVABLE: Final = {"value_threshold", "change_threshold", "missing_slice"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiver:
    """Lets one check fail for a while.

    Attributes:
        check: The metric that the check is on, or the check's whole id.
        slice: The slice, as the verdict names it (`Overall`, `trip_start_hour=5`, `a=x&b=y`), or a mapping of each of
            its features to its value: `{a: x, b: y}`. The slice's own type decides whether a value is meant: text must
            be equal, a number must be the number that is written, `07` is not 7; see `assay.kernels.metrics.slices`.
        who: Who answers for it.
        why: The reason.
        expires: The last day on which it holds.
    """

    check: str
    slice: str | dict[str, str | int | float | bool] = OVERALL_NAME
    who: str
    why: str
    expires: date

    @property
    def slice_name(self) -> str:
        """The slice as a verdict names it."""
        return self.slice if isinstance(self.slice, str) else slice_name(sorted(self.slice.items()))

    def covers(self, held: LimitCheck) -> bool:
        """Return whether it is for this check. Only thresholds can be waived, not missing data, for example."""
        if held.check.kind not in _WAIVABLE:
            return False
        return self.check == held.check.id or (self.check == held.check.subject and self._is_slice(held))

    def _is_slice(self, held: LimitCheck) -> bool:
        if held.key is None:  # a slice that was not computed has no value, only what the threshold names
            return self.slice_name == held.check.slice
        named = self.slice
        wanted = [_pairs(name) for name in slices_named(named)] if isinstance(named, str) else [dict(named)]
        keys = (held.key.first, held.key.second) if isinstance(held.key, SlicePair) else (held.key,)
        return len(keys) == len(wanted) and all(map(_is_key, wanted, keys))


def read_waivers(path: Path) -> tuple[Waiver, ...]:
    """Read a YAML list of waivers.

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
            raise UsageError("waivers.unsigned", f"{path}: the waiver of {waiver.check} must set who and why.")
    return waivers


def waive(points: Sequence[LimitCheck], waivers: Sequence[Waiver], today: date) -> list[Check]:
    """Return the checks with waived failures as warnings, and a note for each waiver that expired or covered nothing.

    Args:
        points: What was checked, and in which slice.
        waivers: What is waived.
        today: The day on which the gate decides.
    """
    result = [_waived(held, waivers, today) for held in points]
    for waiver in waivers:
        covered = [held.check for held in points if waiver.covers(held)]
        if not covered:
            result.append(_unmatched(waiver, points))
        elif waiver.expires < today:
            result.append(_note(waiver, f"expired on {waiver.expires}, so the check counts again"))
        elif all(check.ok for check in covered):
            result.append(_note(waiver, "covers no failed check: remove it"))
    return result


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a file of waivers, as `schemas/waivers.schema.json` ships it."""
    schema = msgspec.json.schema(tuple[Waiver, ...])
    definition = schema["$defs"]["Waiver"]
    definition |= {"description": cleandoc(definition["description"]), "additionalProperties": False}
    for name in ("who", "why"):
        definition["properties"][name] |= {"pattern": r"\S"}
    # An empty file holds no waiver.
    shape = {"anyOf": [{key: value for key, value in schema.items() if key != "$defs"}, {"type": "null"}]}
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "assay waivers"}
    return title | shape | {"$defs": schema["$defs"]}


def _pairs(name: str) -> dict[str, SliceValue] | None:
    try:
        return dict(pairs_named(name))
    except ValueError:
        return None


def _is_key(wanted: Mapping[str, SliceValue] | None, key: SliceKey) -> bool:
    """Return whether the slice has exactly these features with these values."""
    if wanted is None or wanted.keys() != dict(key).keys():
        return False
    return all(is_value(value, wanted[feature]) for feature, value in key)


def _unmatched(waiver: Waiver, points: Sequence[LimitCheck]) -> Check:
    """Return a warning: a waiver of what is not checked is a slip of the pen, or what it waived is gone."""
    checks = [held.check for held in points]
    subjects = {check.subject for check in checks}
    slices = {check.slice for check in checks if check.subject == waiver.check}
    hint = did_you_mean(waiver.slice_name, slices) if slices else did_you_mean(waiver.check, subjects)
    if len(slices) > _MOST_KNOWN and hint.startswith("Known"):
        hint = ""
    note = _note(waiver, "matches no check, because none has this metric and slice", hint)
    return replace(note, ok=False, severity="warning")


def _waived(held: LimitCheck, waivers: Sequence[Waiver], today: date) -> Check:
    check = held.check
    if check.ok:
        return check
    waiver = next((one for one in waivers if one.covers(held) and one.expires >= today), None)
    if waiver is None:
        return check
    return replace(
        check,
        severity="warning",
        sentence=f"{check.sentence} Waived by {waiver.who} until {waiver.expires}: {waiver.why}",
        details=check.details | {"waived_by": waiver.who, WAIVED_UNTIL: str(waiver.expires), "waiver": waiver.why},
    )


def _note(waiver: Waiver, what: str, hint: str = "") -> Check:
    return Check(
        id=f"waiver:{waiver.check}@{waiver.slice_name}",
        kind="waiver",
        ok=True,
        severity="info",
        subject=waiver.check,
        slice=waiver.slice_name,
        sentence=f"The waiver of {waiver.check} on {waiver.slice_name} by {waiver.who} {what}. {hint}".rstrip(),
        applied=False,
    )


if __name__ == "__main__":  # python -m assay.gating.waivers > schemas/waivers.schema.json
    import json
    import sys

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
