"""Which change of a schema can break whom: those who write the data, or those who read it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tensorflow_metadata.proto.v0.schema_pb2 import Schema

from assay.curation.compatibility_rules import Party, ruling
from assay.curation.differences import Difference, differences
from assay.curation.subjects import Place, Subject, index

Kind: TypeAlias = Literal["added", "removed", "changed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change between two schemas.

    Attributes:
        subject: What changed.
        path: The field, such as `presence.min_fraction`; empty where the subject as a whole came or went.
        kind: Whether the field, or the subject, was added, removed or changed.
        before: Its value before; of a list without order, the values that are gone.
        after: Its value after; of a list without order, the values that are new.
        rule: The compatibility rule by its name, such as `narrower`.
        breaks: Whom the change can break. `producer`: data that was valid may be refused now. `consumer`: data that is
            valid now may be such as a reader of the earlier schema does not expect.
        sentence: The change in words.
    """

    subject: Subject
    path: str
    kind: Kind
    before: Any
    after: Any
    rule: str
    breaks: tuple[Party, ...]
    sentence: str


def diff(before: Schema, after: Schema) -> tuple[Change, ...]:
    """Names every change between two schemas, and says whom it can break.

    Raises:
        DataError: A schema has a name twice.
    """
    olds, news = index(before), index(after)
    return tuple(_change(difference, olds, news) for difference in differences(before, after))


def _change(difference: Difference, olds: dict[Subject, Place], news: dict[Subject, Place]) -> Change:
    rule, breaks, meaning = ruling(difference, olds, news)
    kind: Kind = "changed"
    if difference.before is None or not (difference.path or difference.subject in olds):
        kind = "added"
    elif difference.after is None:
        kind = "removed"
    sentence = _what(difference, kind)
    sentence = f"{sentence[0].upper()}{sentence[1:]}"
    return Change(
        subject=difference.subject,
        path=difference.path,
        kind=kind,
        before=difference.before,
        after=difference.after,
        rule=rule,
        breaks=breaks,
        sentence=f"{sentence[0].upper()}{sentence[1:]}: {meaning}."
        if meaning
        else f"{sentence[0].upper()}{sentence[1:]}.",
    )


def _what(difference: Difference, kind: Kind) -> str:
    subject, path = difference.subject, difference.path
    if not path:
        return f"{subject} was {kind}"
    if difference.is_edit:
        parts = [
            f"{word} {', '.join(map(_shown, values))}"
            for word, values in (("lost", difference.before), ("gained", difference.after))
            if values
        ]
        return f"{subject}, {path} {' and '.join(parts)}"
    if kind == "added":
        return f"{subject}, {path} is now {_shown(difference.after)}"
    if kind == "removed":
        return f"{subject}, {path} is no longer set (was {_shown(difference.before)})"
    return f"{subject}, {path} went from {_shown(difference.before)} to {_shown(difference.after)}"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:59]}…"
