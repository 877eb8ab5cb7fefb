"""The JSON that the data commands print: stable, with a JSON Schema each under `schemas/cli/`."""

from __future__ import annotations

from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from assay.cli.data.row_documents import LeakageDocument, SkewDocument
from assay.cli.data.schema_documents import SCHEMA_DOCUMENTS
from assay.errors import on_command_line
from assay.kernels.distances import DriftLimits

if TYPE_CHECKING:
    from assay.api import DriftReport, Report, Statistics
    from assay.artifacts.quarantine import QuarantineCounts
    from assay.kernels.distances import FeatureDrift
    from assay.kernels.findings import Finding
    from assay.kernels.rows.row_report import RowReport

_VERSION: Final = 1
Severity = Literal["error", "warning", "info"]


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A feature in figures; those that its type does not have are null."""

    feature: str
    type: str
    present: int
    missing: float
    mean: float | None
    std_dev: float | None
    min: float | None
    median: float | None
    max: float | None
    zeros: float | None
    unique: int | None
    top: str | None
    top_count: int | None
    earliest: str | None
    latest: str | None


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """The features of a slice."""

    name: str
    num_examples: int
    features: tuple[Feature, ...]


class StatsDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `assay stats --json` prints."""

    num_examples: int
    features: tuple[Feature, ...]
    slices: tuple[Slice, ...]
    remarks: tuple[str, ...] = ()
    schema_version: int = _VERSION


class FindingRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One way in which the data does not fit; figures are null where there are none."""

    slice: str
    feature: str
    type: str
    name: str
    severity: Severity
    summary: str
    description: str
    observed: float | str | None
    limit: float | str | None
    schema_field: str
    count: int | None
    share: float | None
    values: tuple[str, ...]
    sentence: str


class RuleRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How the rows kept one rule; `broken` is null for a rule that names no rows."""

    rule: str
    reason: str
    columns: tuple[str, ...]
    severity: Severity
    ok: bool
    broken: int | None
    share: float
    sentence: str
    sample_rows: tuple[int, ...]


class RowsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Rows that were held against rules."""

    num_rows: int
    num_clean: int
    num_rejected: int
    rules: tuple[RuleRecord, ...]
    unchecked: tuple[str, ...]


class QuarantineRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the rows; `read` is `clean` and `rejected`."""

    read: int
    clean: int
    rejected: int


class ValidateDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `assay validate --json` prints."""

    ok: bool
    exit_code: int
    summary: str
    fail_on: str
    num_examples: int
    checks_passed: int
    checks_failed: int
    findings: tuple[FindingRecord, ...]
    rows: RowsRecord | None
    quarantine: QuarantineRecord | None
    remarks: tuple[str, ...] = ()
    schema_version: int = _VERSION


class DistanceRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One measure; `chance` is what equal distributions stay below, `limit` the greater of it and the threshold."""

    measure: str
    value: float
    limit: float | None
    threshold: float | None
    chance: float | None
    exceeded: bool
    where: str
    basis: str


class BinRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A bin of the population stability index, with its values on both sides."""

    name: str
    data: float
    control: float


class FeatureDriftRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How far a feature lies from the same feature of the other data."""

    feature: str
    kind: str
    drifted: bool
    problem: str
    remark: str
    distances: tuple[DistanceRecord, ...]
    bins: tuple[BinRecord, ...]


class DriftDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `assay drift --json` prints."""

    ok: bool
    exit_code: int
    summary: str
    num_examples: tuple[int, int]
    significance: float
    features: tuple[FeatureDriftRecord, ...]
    schema_version: int = _VERSION


DOCUMENTS: Final[dict[str, type[msgspec.Struct]]] = {
    "stats": StatsDocument,
    "validate": ValidateDocument,
    "drift": DriftDocument,
    "skew": SkewDocument,
    "leakage": LeakageDocument,
    **SCHEMA_DOCUMENTS,
}


def json_schema(command: str) -> dict[str, Any]:
    """Gives the JSON Schema (2020-12) of a command's document, as `schemas/cli/<command>.schema.json` ships it."""
    schema = msgspec.json.schema(DOCUMENTS[command])
    for definition in schema["$defs"].values():
        definition["description"] = cleandoc(definition["description"])
    title = f"assay {command.replace('-', ' ')} --json"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def as_json(document: msgspec.Struct) -> str:
    """The document, indented; JSON has no NaN and no infinity: such figures are null."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def stats_document(statistics: Statistics) -> StatsDocument:
    """Statistics and those of their slices."""
    return StatsDocument(
        num_examples=statistics.num_examples,
        features=tuple(Feature(**feature.as_dict()) for feature in statistics.features),
        slices=tuple(
            Slice(
                name=name,
                num_examples=part.num_examples,
                features=tuple(Feature(**feature.as_dict()) for feature in part.features),
            )
            for name, part in statistics.slices.items()
        ),
        remarks=_remarks(statistics),
    )


def _remarks(statistics: Statistics) -> tuple[str, ...]:
    return tuple(on_command_line(remark.text) for remark in statistics.csv_remarks)


def validate_document(
    report: Report, exit_code: int, rows: RowReport | None, quarantine: QuarantineCounts | None
) -> ValidateDocument:
    """A validation."""
    failed = len(report.verdict.failed)
    return ValidateDocument(
        ok=report.ok,
        exit_code=exit_code,
        summary=report.verdict.summary,
        fail_on=report.verdict.policy["fail_on"],
        num_examples=report.statistics.num_examples,
        checks_passed=len(report.verdict.checks) - failed,
        checks_failed=failed,
        findings=tuple(map(_finding, report.findings)),
        rows=None if rows is None else _rows(rows),
        remarks=_remarks(report.statistics),
        quarantine=None
        if quarantine is None
        else QuarantineRecord(read=quarantine.read, clean=quarantine.clean, rejected=quarantine.rejected),
    )


def drift_document(report: DriftReport, exit_code: int) -> DriftDocument:
    """A comparison."""
    return DriftDocument(
        ok=report.ok,
        exit_code=exit_code,
        summary=report.summary,
        num_examples=report.num_examples,
        significance=report.limits.get("*", DriftLimits()).significance,
        features=tuple(map(_drift, report.features)),
    )


def _finding(finding: Finding) -> FindingRecord:
    found = finding.evidence
    return FindingRecord(
        slice=finding.slice,
        feature=finding.feature,
        type=finding.type,
        name=finding.name,
        severity=finding.severity,
        summary=finding.summary,
        description=finding.description,
        observed=found.observed,
        limit=found.limit,
        schema_field=found.schema_field,
        count=found.count,
        share=found.share,
        values=found.values,
        sentence=finding.sentence,
    )


def _rows(report: RowReport) -> RowsRecord:
    return RowsRecord(
        num_rows=report.num_rows,
        num_clean=report.num_clean,
        num_rejected=report.num_rejected,
        unchecked=report.unchecked,
        rules=tuple(
            RuleRecord(
                rule=outcome.rule_id,
                reason=outcome.reason,
                columns=outcome.columns,
                severity=outcome.severity,
                ok=outcome.ok,
                broken=outcome.num_broken,
                share=outcome.share,
                sentence=outcome.sentence,
                sample_rows=tuple(sample.row for sample in outcome.samples),
            )
            for outcome in report.outcomes
        ),
    )


def _drift(drift: FeatureDrift) -> FeatureDriftRecord:
    return FeatureDriftRecord(
        feature=drift.feature,
        kind=drift.kind,
        drifted=drift.drifted,
        problem=drift.problem,
        remark=drift.remark,
        distances=tuple(msgspec.convert(each, DistanceRecord, from_attributes=True) for each in drift.distances),
        bins=tuple(BinRecord(name=each.name, data=each.treatment, control=each.control) for each in drift.bins),
    )
