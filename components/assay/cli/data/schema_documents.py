"""The JSON of `assay schema …`: its forms, from which the JSON Schemas under `schemas/cli/` are made."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from assay.curation.compatibility import Kind as ChangeKind
from assay.curation.compatibility_rules import Party
from assay.curation.subjects import Kind


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is printed holds these fields and no others."""


class SubjectRecord(_Document, frozen=True, kw_only=True):
    """One thing that a schema describes; features inside structs have their path."""

    kind: Kind
    name: str


class InferDocument(_Document, frozen=True, kw_only=True):
    """What `assay schema infer --json` prints; the schema has the field names of tensorflow-metadata."""

    schema_file: str | None
    schema: dict[str, Any]


class SuggestDocument(_Document, frozen=True, kw_only=True):
    """What `assay schema suggest --json` prints; the entries are those of a patch file."""

    patch_file: str | None
    entries: tuple[dict[str, Any], ...]


class ChangeRecord(_Document, frozen=True, kw_only=True):
    """One change between two schemas, and whom it can break."""

    subject: SubjectRecord
    path: str
    kind: ChangeKind
    before: Any
    after: Any
    rule: str
    breaks: tuple[Party, ...]
    sentence: str


class DiffDocument(_Document, frozen=True, kw_only=True):
    """What `assay schema diff --json` prints."""

    breaking: int
    changes: tuple[ChangeRecord, ...]


class OutcomeRecord(_Document, frozen=True, kw_only=True):
    """What came of one entry of a patch, or of one part of it; entries count from 1."""

    entry: int
    subject: SubjectRecord
    status: Literal["applied", "unchanged", "conflict"]
    sentence: str


class ApplyDocument(_Document, frozen=True, kw_only=True):
    """What `assay schema apply --json` prints; the schema where it is neither written to a file nor held back."""

    ok: bool
    schema_file: str | None
    outcomes: tuple[OutcomeRecord, ...]
    schema: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class RelaxDocument(_Document, frozen=True, kw_only=True):
    """What `assay schema relax --accept ID --json` prints; the entries are those of a patch file."""

    accepted: tuple[str, ...]
    patch_file: str | None
    entries: tuple[dict[str, Any], ...]
    schema_file: str | None
    schema: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class AnomalyIdsDocument(_Document, frozen=True, kw_only=True):
    """What `assay schema relax --json` prints where nothing is accepted: the anomalies that can be."""

    anomalies: tuple[str, ...]


class ContradictionRecord(_Document, frozen=True, kw_only=True):
    """One thing that is wrong with a schema; its line counts from 1."""

    code: str
    severity: Literal["error", "warning"]
    subject: SubjectRecord
    path: str
    sentence: str
    line: int | None


class CheckDocument(_Document, frozen=True, kw_only=True):
    """What `assay schema check --json` prints."""

    ok: bool
    errors: int
    warnings: int
    findings: tuple[ContradictionRecord, ...]


SCHEMA_DOCUMENTS: dict[str, type[msgspec.Struct]] = {
    "schema-infer": InferDocument,
    "schema-suggest": SuggestDocument,
    "schema-diff": DiffDocument,
    "schema-apply": ApplyDocument,
    "schema-relax": RelaxDocument,
    "schema-relax-ids": AnomalyIdsDocument,
    "schema-check": CheckDocument,
}
