"""Where two schemas differ, leaf by leaf, and the patch that leads from one to the other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tensorflow_metadata.proto.v0.schema_pb2 import Schema

from assay.schema.leaf_fields import field_at, holder_of, is_set, is_set_like, leaves, merge, nested
from assay.schema.patch import MESSAGES, Entry, Patch, entry_for
from assay.schema.subjects import Kind, SchemaSubject, SubjectPlace, index, own_fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One leaf of one subject, or the subject as a whole.

    Attributes:
        subject: What differs.
        path: The field, such as `presence.min_fraction`; empty where the subject is in one schema only.
        before: Its value before; None where it was not set. For a list without order: the values that are gone.
        after: Its value after; None where it is not set. For a list without order: the values that are new.
        is_edit: Whether `before` and `after` are the values that went out of a list and those that came in.
    """

    subject: SchemaSubject
    path: str = ""
    before: Any = None
    after: Any = None
    is_edit: bool = False


def differences(before: Schema, after: Schema) -> list[Difference]:
    """List where two schemas differ, in the order of the first, then of the second.

    The order of features and domains, and of values in a domain or of environments, says nothing and is not compared.

    Raises:
        DataError: A schema has a name twice.
    """
    olds, news = index(before), index(after)
    found: list[Difference] = []
    for subject, old in olds.items():
        new = news.get(subject)
        if new is None:
            found.append(Difference(subject=subject, before=leaves(own_fields(old.message))))
        else:
            found.extend(_of_one(subject, old, new))
    for subject, new in news.items():
        if subject not in olds:
            found.append(Difference(subject=subject, after=leaves(own_fields(new.message))))
    return found


def _of_one(subject: SchemaSubject, old: SubjectPlace, new: SubjectPlace) -> Iterator[Difference]:
    was, now = leaves(own_fields(old.message)), leaves(own_fields(new.message))
    for path in dict.fromkeys([*was, *now]):
        gone, come = was.get(path), now.get(path)
        if gone == come:
            continue
        if _has_no_order(subject.kind, path, gone, come):
            removed = [value for value in gone or () if value not in (come or ())]
            added = [value for value in come or () if value not in (gone or ())]
            if removed or added:
                yield Difference(subject=subject, path=path, before=removed or None, after=added or None, is_edit=True)
        else:
            yield Difference(subject=subject, path=path, before=gone, after=come)


def _has_no_order(kind: Kind, path: str, *lists: Any) -> bool:
    """Return whether a leaf is an unordered list; one with repeated values is compared in order."""
    known = is_set_like(field_at(MESSAGES[kind].DESCRIPTOR, path, "schema"))
    return known and all(values is None or len(set(values)) == len(values) for values in lists)


def patch_from(
    before: Schema,
    after: Schema,
    *,
    owner: str = "",
    reason: str = "",
    date: dt.date | None = None,
) -> Patch:
    """Return the patch that makes `after` of `before`: what someone edited by hand, as decisions that can be kept.

    Args:
        before: The schema as it was inferred.
        after: The schema as it was edited.
        owner: Who answers for the decisions.
        reason: Why they were made.
        date: When they were made.

    Raises:
        DataError: A schema has a name twice.
    """
    signed = {"owner": owner, "reason": reason, "date": date}
    drafts: dict[SchemaSubject, _Draft] = {}
    befores, afters = index(before), index(after)
    for difference in differences(before, after):
        draft = drafts.setdefault(difference.subject, _Draft(difference.subject))
        new = afters.get(difference.subject)
        if new is None:
            draft.drop = True
        elif not difference.path:
            draft.create = True
            for path, value in difference.after.items():
                if path != "name":
                    merge(draft.set, nested(path, value))
        else:
            draft.note(difference, befores[difference.subject].message, new.message)
    return Patch(entries=tuple(draft.entry(signed) for draft in drafts.values()))


@dataclass(slots=True)
class _Draft:
    """An entry that is being put together."""

    subject: SchemaSubject
    drop: bool = False
    create: bool = False
    unset: list[str] = field(default_factory=list)
    set: dict[str, Any] = field(default_factory=dict)
    add: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    remove: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def note(self, difference: Difference, old: Any, new: Any) -> None:
        """Record one leaf that differs."""
        path, before, after = difference.path, difference.before, difference.after
        gone = _highest_unset(new, path, lists=not difference.is_edit)
        if gone is not None:
            if gone not in self.unset and not _replaced(new, gone):
                self.unset.append(gone)
        elif after is None and not difference.is_edit:
            return  # a message that was empty has fields now, which are leaves of their own
        elif not difference.is_edit or _highest_unset(old, path, lists=False) is not None:
            merge(self.set, nested(path, after))
        else:
            if before:
                self.remove[path] = tuple(before)
            if after:
                self.add[path] = tuple(after)

    def entry(self, signed: dict[str, Any]) -> Entry:
        return entry_for(
            self.subject,
            drop=self.drop,
            create=self.create,
            unset=tuple(self.unset),
            set=self.set,
            add=self.add,
            remove=self.remove,
            **signed,
        )


def _highest_unset(message: Any, path: str, *, lists: bool) -> str | None:
    """Return the outermost unset field on a path; a list counts as set if `lists` is false."""
    steps = path.split(".")
    for depth in range(1, len(steps) + 1):
        prefix = ".".join(steps[:depth])
        if depth == len(steps) and not lists:
            return None
        if not is_set(message, prefix):
            return prefix
    return None


def _replaced(message: Any, path: str) -> bool:
    """Return whether a field is unset because another of the same oneof is set; setting that one is enough."""
    found = holder_of(message, path)
    if found is None:
        return False
    holder, name = found
    choice = holder.DESCRIPTOR.fields_by_name[name].containing_oneof
    return choice is not None and holder.WhichOneof(choice.name) is not None
