"""Applying a patch to a schema: whatever the order of its entries, once or twice, on this inference or the next."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final, Literal, TypeAlias

from tensorflow_metadata.proto.v0.schema_pb2 import Schema

from assay.errors import DataError, UsageError, did_you_mean
from assay.kernels.feature_path import join_path
from assay.schema.leaf_fields import clear, field_at, holder_of, is_set, leaves
from assay.schema.patch import MESSAGES, VALUES, Entry, Patch, check_fields
from assay.schema.proto_dict import Descriptor, assign
from assay.schema.subjects import SchemaSubject, SubjectPlace, index

Numbered = tuple[int, Entry]


def in_force(patch: Patch) -> list[Numbered]:
    """Return the entries with their numbers, from 1, without those that a later one about the same subject overrules.

    Whole entries are overruled only by a later `drop`, and a `drop` only by a later entry; of values in lists the
    later decision is kept. Fields need no care: they are set in the order of the dates.

    Raises:
        UsageError: Two entries of one date (or of none) ask for different things.
    """
    groups: dict[SchemaSubject, list[Numbered]] = defaultdict(list)
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
                "Keep one of them, or date them: the later one applies.",
            )
    newest_drop = max((_age(entry) for _, entry in group if entry.drop), default=None)
    newest_change = max((_age(entry) for _, entry in group if not entry.drop), default=None)
    if newest_drop is not None and (newest_change is None or newest_drop > newest_change):
        return [numbered for numbered in group if numbered[1].drop]
    return list(_with_latest_values([numbered for numbered in group if not numbered[1].drop]))


def _age(entry: Entry) -> str:
    return entry.date.isoformat() if entry.date else ""


def _disagreement(one: Entry, other: Entry) -> str:
    """Return what two entries of one date disagree about; empty where they do not."""
    if one.drop != other.drop:
        return "one drops it, the other changes it"
    mine, theirs = _leaves(one), _leaves(other)
    for path in mine.keys() & theirs.keys():
        if mine[path] != theirs[path] and {} not in (mine[path], theirs[path]):
            return f"{path} is {mine[path]!r} and {theirs[path]!r}"
    for first, second in ((one, other), (other, one)):
        for path in first.unset:
            if any(_overlap(path, name) for name in _leaves(second)):
                return f"one unsets {path}, the other sets it"
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
    """Find two fields that exclude each other, such as an int domain and a float domain."""
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


TAG: Final = "assay.suggested"
"""The tag on a feature or schema that holds a suggestion which nobody has accepted yet."""


def mark(message: Any, entry: Entry) -> None:
    """Tags what an entry changed, and says by what evidence; a second time changes nothing."""
    if "annotation" not in message.DESCRIPTOR.fields_by_name:
        return
    if TAG not in message.annotation.tag:
        message.annotation.tag.append(TAG)
    comment = f"Suggested: {entry.reason}{_evidence(entry)}"
    if comment not in message.annotation.comment:
        message.annotation.comment.append(comment)


def _evidence(entry: Entry) -> str:
    if not entry.evidence:
        return ""
    return f" ({', '.join(f'{name} = {value}' for name, value in entry.evidence.items())})"


Status: TypeAlias = Literal["applied", "unchanged", "conflict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryOutcome:
    """What came of one entry, or of one part of it.

    Attributes:
        entry: The entry's number in the patch, from 1.
        subject: What it is about.
        status: `applied`, `unchanged` where the schema says so already, `conflict` where it cannot be done.
        sentence: The outcome in words.
    """

    entry: int
    subject: SchemaSubject
    status: Status
    sentence: str


@dataclass(frozen=True, slots=True)
class Application:
    """A schema with a patch applied, as far as that could be done.

    Attributes:
        schema: The schema.
        outcomes: What came of each entry, in their order in the patch.
    """

    schema: Schema
    outcomes: tuple[EntryOutcome, ...]

    @property
    def conflicts(self) -> tuple[EntryOutcome, ...]:
        """What could not be done."""
        return tuple(outcome for outcome in self.outcomes if outcome.status == "conflict")


def apply(schema: Schema, patch: Patch) -> Schema:
    """Return `schema` with all decisions of `patch`; the argument is left as it is.

    Raises:
        DataError: A decision cannot be applied, for example because its feature is gone; all are listed.
        UsageError: The patch contradicts itself.
    """
    application = apply_with_report(schema, patch)
    if application.conflicts:
        listed = " ".join(f"Entry {outcome.entry}: {outcome.sentence}" for outcome in application.conflicts)
        raise DataError(
            "schema_patch.conflict",
            f"The patch does not fit the schema. {listed}",
            "Change or delete the entry, or see `apply_with_report`.",
        )
    return application.schema


def apply_with_report(schema: Schema, patch: Patch) -> Application:
    """Return `schema` with the decisions of `patch` that can be applied, and what came of each.

    Raises:
        UsageError: The patch contradicts itself.
        DataError: The schema has a name twice.
    """
    check_fields(patch)
    entries = in_force(patch)
    result = Schema()
    result.CopyFrom(schema)
    work = _Work(result, index(result))
    # Structs before what is in them; then fields; then values of lists, which may live in a domain that was just named.
    for number, entry in sorted(entries, key=lambda item: (len(item[1].subject.steps), item[0])):
        work.settle_existence(number, entry)
    for number, entry in sorted(entries, key=lambda item: _age(item[1])):
        work.set_fields(number, entry)
    for number, entry in sorted(entries, key=lambda item: _age(item[1])):
        work.change_lists(number, entry)
    return Application(result, tuple(sorted(work.outcomes, key=lambda outcome: outcome.entry)))


class _Work:
    """A schema that is being changed, and what came of it so far."""

    def __init__(self, schema: Schema, places: dict[SchemaSubject, SubjectPlace]) -> None:
        self.schema = schema
        self.places = places
        self.outcomes: list[EntryOutcome] = []

    def say(self, number: int, entry: Entry, status: Status, sentence: str) -> None:
        self.outcomes.append(EntryOutcome(entry=number, subject=entry.subject, status=status, sentence=sentence))

    def find(self, subject: SchemaSubject) -> SubjectPlace | None:
        """Return a subject's place, if the schema has it and no struct around it was emptied."""
        return self.places.get(subject) or self.places.get(SchemaSubject(subject.kind, join_path((subject.name,))))

    def _reindex(self, *, of_struct: bool) -> None:
        """Look up all subjects again, after a struct may have been removed with its contents."""
        if of_struct:
            self.places = index(self.schema)

    def settle_existence(self, number: int, entry: Entry) -> None:
        """Drop the trigger and create it again."""
        place = self.find(entry.subject)
        if entry.drop:
            if place is None:
                self.say(number, entry, "unchanged", f"The schema has no {entry.subject}: nothing to drop.")
                return
            place.remove()
            self._reindex(of_struct=subject_holds_others(place))
            self.places.pop(place.subject, None)
            self.say(number, entry, "applied", f"Dropped {entry.subject}.")
            return
        if place is None and entry.create:
            self._create(number, entry)
        elif place is None:
            known = [subject.name for subject in self.places if subject.kind == entry.subject.kind]
            hint = did_you_mean(entry.subject.name, known) if known else ""
            self.say(number, entry, "conflict", f"The schema has no {entry.subject}. {hint}".rstrip())
        if "struct_domain" in entry.set and (made := self.find(entry.subject)) is not None:
            made.message.struct_domain.SetInParent()  # now: what is in it comes next

    def _create(self, number: int, entry: Entry) -> None:
        subject = entry.subject
        *above, name = subject.steps if subject.kind in {"feature", "sparse_feature"} else (subject.name,)
        holder: Any = self.schema
        if above:
            outer = self.places.get(SchemaSubject("feature", join_path(above)))
            if outer is None or not outer.message.HasField("struct_domain"):
                self.say(number, entry, "conflict", f"There is no struct '{join_path(above)}' to hold {subject}.")
                return
            holder = outer.message.struct_domain
        siblings = getattr(holder, subject.kind)
        self.places[subject] = SubjectPlace(subject, siblings.add(name=name), siblings)
        if not (entry.set or entry.add):
            self.say(number, entry, "applied", f"Created {subject}.")

    def set_fields(self, number: int, entry: Entry) -> None:
        """Unsets, then sets."""
        place = self.find(entry.subject)
        if place is None or not (entry.unset or entry.set):
            return
        before = place.message.SerializeToString(deterministic=True)
        was_struct = subject_holds_others(place)
        gone = [path for path in entry.unset if is_set(place.message, path)]
        for path in entry.unset:
            clear(place.message, path)
        if "struct_domain" in entry.set:
            place.message.struct_domain.SetInParent()
        assign(place.message, {name: value for name, value in entry.set.items() if name != "struct_domain"}, "patch")
        if entry.suggested:
            mark(place.message, entry)
        changed = place.message.SerializeToString(deterministic=True) != before
        # What was in a struct that is none any more is gone with it.
        self._reindex(of_struct=was_struct)
        what = [f"unset {path}" for path in entry.unset] + [f"set {name}" for name in entry.set]
        if changed:
            self.say(number, entry, "applied", f"{entry.subject}: {', '.join(what)}.")
        elif entry.unset and not gone and not entry.set:
            self.say(number, entry, "unchanged", f"{entry.subject}: {', '.join(entry.unset)} is not set.")
        else:
            self.say(number, entry, "unchanged", f"{entry.subject} has it so already: {', '.join(what)}.")

    def change_lists(self, number: int, entry: Entry) -> None:
        """Remove values from lists, then add values."""
        place = self.find(entry.subject)
        if place is None:
            return
        for path, values in entry.remove.items():
            target = self._list(place, path, create=False)
            present = [value for value in values if target is not None and value in target]
            for value in present:
                while value in target:  # a list may hold a value twice
                    target.remove(value)
            absent = [value for value in values if value not in present]
            if present:
                self.say(number, entry, "applied", f"{entry.subject}: took {_quoted(present)} out of {path}.")
            if absent:
                self.say(number, entry, "unchanged", f"{entry.subject}: {_quoted(absent)} is not in {path} any more.")
        for path, values in entry.add.items():
            target = self._list(place, path, create=True)
            if target is None:
                self.say(
                    number,
                    entry,
                    "conflict",
                    f"{entry.subject} has no string domain that {_quoted(values)} could join.",
                )
                continue
            new = [value for value in dict.fromkeys(values) if value not in target]
            target.extend(new)
            if new:
                self.say(number, entry, "applied", f"{entry.subject}: added {_quoted(new)} to {path}.")
            else:
                self.say(number, entry, "unchanged", f"{entry.subject}: {path} has {_quoted(values)} already.")

    def _list(self, place: SubjectPlace, path: str, *, create: bool) -> Any:
        """Return the list that a path of `add` or `remove` leads to; None where there is none."""
        if path == VALUES and place.subject.kind == "feature":
            return self._domain_values(place.message)
        field_at(MESSAGES[place.subject.kind].DESCRIPTOR, path, "patch")
        found = holder_of(place.message, path, create=create)
        return None if found is None else getattr(found[0], found[1])

    def _domain_values(self, feature: Any) -> Any:
        if feature.HasField("string_domain"):
            return feature.string_domain.value
        shared = self.places.get(SchemaSubject("string_domain", feature.domain)) if feature.HasField("domain") else None
        return None if shared is None else shared.message.value


def subject_holds_others(place: SubjectPlace) -> bool:
    """Return whether a subject is a struct."""
    return place.subject.kind == "feature" and bool(place.message.HasField("struct_domain"))


def _quoted(values: Any) -> str:
    return ", ".join(repr(value) for value in values)
