"""Which entries of a patch are in force: of two about the same thing the later, and never two that disagree."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from assay.curation.leaves import leaves
from assay.curation.patch import Entry, Patch
from assay.curation.patch_fields import MESSAGES
from assay.curation.plain import Descriptor, assign
from assay.curation.subjects import Subject
from assay.errors import UsageError

Numbered = tuple[int, Entry]


def in_force(patch: Patch) -> list[Numbered]:
    """Gives the entries with their numbers, from 1, without those that a later one about the same subject overrules.

    Whole entries are overruled only by a later `drop`, and a `drop` only by a later entry; of values in lists the
    later decision is kept. Fields need no care: they are set in the order of the dates.

    Raises:
        UsageError: Two entries of one date (or of none) ask for different things.
    """
    groups: dict[Subject, list[Numbered]] = defaultdict(list)
    for number, entry in enumerate(patch.entries, 1):
        groups[entry.subject].append((number, entry))
    kept = [numbered for group in groups.values() for numbered in _settled(group)]
    return sorted(kept, key=lambda numbered: numbered[0])


def _settled(group: list[Numbered]) -> list[Numbered]:
    if len(group) == 1:
        return group
    for (first, one), (second, other) in combinations(group, 2):
        if one.date == other.date and (point := _disagreement(one, other)):
            raise UsageError(
                "schema_patch.contradiction",
                f"Entries {first} and {second} disagree about {one.subject}: {point}.",
                "Keep one of them, or give each its date: the later one holds.",
            )
    newest_drop = max((_age(entry) for _, entry in group if entry.drop), default=None)
    newest_change = max((_age(entry) for _, entry in group if not entry.drop), default=None)
    if newest_drop is not None and (newest_change is None or newest_drop > newest_change):
        return [numbered for numbered in group if numbered[1].drop]
    return list(_with_latest_values([numbered for numbered in group if not numbered[1].drop]))


def _age(entry: Entry) -> str:
    return entry.date.isoformat() if entry.date else ""


def _disagreement(one: Entry, other: Entry) -> str:
    """What two entries of one date disagree about; empty where they do not."""
    if one.drop != other.drop:
        return "one drops it, one changes it"
    mine, theirs = _leaves(one), _leaves(other)
    for path in mine.keys() & theirs.keys():
        if mine[path] != theirs[path] and {} not in (mine[path], theirs[path]):
            return f"{path} is {mine[path]!r} and {theirs[path]!r}"
    for first, second in ((one, other), (other, one)):
        for path in first.unset:
            if any(_overlap(path, name) for name in _leaves(second)):
                return f"one unsets {path}, one sets it"
        for path, values in first.add.items():
            both = [value for value in values if value in second.remove.get(path, ())]
            if both:
                return f"one adds {both[0]!r} to {path}, one removes it"
    return _rival_kinds(MESSAGES[one.subject.kind].DESCRIPTOR, mine, theirs)


def _leaves(entry: Entry) -> dict[str, Any]:
    message = MESSAGES[entry.subject.kind]()
    assign(message, entry.set, "patch")
    return leaves(message)


def _overlap(path: str, other: str) -> bool:
    return path == other or path.startswith(f"{other}.") or other.startswith(f"{path}.")


def _rival_kinds(descriptor: Descriptor, mine: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Two fields of which a message can have one only, such as an int domain and a float domain."""
    for path in mine:
        for other in theirs:
            steps, others = path.split("."), other.split(".")
            shared = 0
            while shared < min(len(steps), len(others)) and steps[shared] == others[shared]:
                shared += 1
            holder = descriptor
            for name in steps[:shared]:
                holder = holder.fields_by_name[name].message_type
            if holder is None or shared in (len(steps), len(others)):
                continue
            first, second = holder.fields_by_name[steps[shared]], holder.fields_by_name[others[shared]]
            if first.containing_oneof is not None and first.containing_oneof == second.containing_oneof:
                return f"it cannot have both {path} and {other}"
    return ""


def _with_latest_values(group: list[Numbered]) -> Iterator[Numbered]:
    """Leaves out of `add` and `remove` the values that a later entry decides otherwise about."""
    latest: dict[tuple[str, Any], tuple[str, str]] = {}
    for _, entry in group:
        for what in ("add", "remove"):
            for path, values in getattr(entry, what).items():
                for value in values:
                    key = (path, value)
                    latest[key] = max(latest.get(key, ("", "")), (_age(entry), what))
    for number, entry in group:
        kept: dict[str, Any] = {
            what: {
                path: values
                for path, given in getattr(entry, what).items()
                if (values := tuple(value for value in given if latest[path, value][1] == what))
            }
            for what in ("add", "remove")
        }
        yield number, dataclasses.replace(entry, **kept)
