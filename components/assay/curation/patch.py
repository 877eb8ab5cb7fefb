"""A patch: what people decided about a schema, as a YAML file that is kept in git."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from assay.curation.subjects import Kind, Subject

VERSION: Final = 1

Evidence: TypeAlias = str | int | float | bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One decision about one feature or domain, or about the schema itself where none is named.

    Names of fields are those of tensorflow-metadata's schema; a field inside another is `presence.min_fraction`.

    Attributes:
        feature: The feature; one inside a struct by its path, as anomalies give it: `trip.fare`.
        sparse_feature: The sparse feature.
        weighted_feature: The weighted feature.
        string_domain: The string domain that features share by its name.
        int_domain: The shared int domain.
        float_domain: The shared float domain.
        drop: Take it out of the schema.
        create: Put it into the schema where it is missing.
        unset: Fields to clear, before those in `set` are set.
        set: Fields and their values, such as `{presence: {min_fraction: 1.0}}`; fields that are not named keep theirs.
        add: Values to add to lists, such as `{not_in_environment: [SERVING]}`. `values` is the feature's string
            domain, its own or the shared one that it names.
        remove: Values to take out of lists.
        owner: Who answers for the decision.
        reason: Why it was made.
        date: When; of two decisions about the same thing the later one holds.
        suggested: Made by `assay schema suggest` and not yet accepted: what it sets is marked in the schema.
        evidence: What was observed, such as `{observed_max: 98.5, n: 15002}`.
    """

    feature: str = ""
    sparse_feature: str = ""
    weighted_feature: str = ""
    string_domain: str = ""
    int_domain: str = ""
    float_domain: str = ""
    drop: bool = False
    create: bool = False
    unset: tuple[str, ...] = ()
    set: dict[str, Any] = field(default_factory=dict)
    add: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    remove: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    owner: str = ""
    reason: str = ""
    date: dt.date | None = None
    suggested: bool = False
    evidence: dict[str, Evidence] = field(default_factory=dict)

    @property
    def subject(self) -> Subject:
        """What the decision is about."""
        for kind in NAMED_KINDS:
            if name := getattr(self, kind):
                return Subject(kind, name)
        return Subject()

    @property
    def changes_something(self) -> bool:
        """Whether it asks for any change."""
        return bool(self.drop or self.create or self.unset or self.set or self.add or self.remove)


NAMED_KINDS: Final[tuple[Kind, ...]] = (
    "feature",
    "sparse_feature",
    "weighted_feature",
    "string_domain",
    "int_domain",
    "float_domain",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patch:
    """Decisions about a schema. Their order in the file says nothing.

    Attributes:
        entries: The decisions.
        version: The version of this layout.
    """

    entries: tuple[Entry, ...] = ()
    version: Literal[1] = VERSION

    def __add__(self, other: Patch) -> Patch:
        """Gives the decisions of both, without those that stand in both."""
        return Patch(entries=(*self.entries, *(entry for entry in other.entries if entry not in self.entries)))


def entry_for(subject: Subject, **content: Any) -> Entry:
    """Gives an entry about a subject."""
    name: dict[str, Any] = {} if subject.kind == "schema" else {subject.kind: subject.name}
    return Entry(**name, **content)
