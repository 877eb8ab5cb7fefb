"""The JSON that the data commands print: stable, with a JSON Schema each under `schemas/cli/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from inspect import cleandoc
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec

from assay.errors import on_command_line
from assay.kernels.distances import DriftThresholds
from assay.schema.compatibility import Kind as ChangeKind
from assay.schema.compatibility import Party
from assay.schema.subjects import Kind

if TYPE_CHECKING:
    from assay.api import DriftReport, Report, Statistics
    from assay.artifacts.quarantine import QuarantineCounts
    from assay.kernels.distances import FeatureDrift
    from assay.kernels.rows.row_report import RowReport
    from assay.validation import Finding
    from assay.validation.leakage import SplitPair
    from assay.validation.skew_report import FeatureSkewReport

_VERSION: Final = 1


class SkewedFeature(msgspec.Struct, frozen=True, kw_only=True):
    """One feature over all compared pairs; `data` and `control` count the pairs with values on that side."""

    feature: str
    data: int
    control: int
    match: int
    data_only: int
    control_only: int
    mismatch: int
    diff: int


class PairRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Two examples of one id that differ; bytes that are no text are shown as Python writes them."""

    data: dict[str, Any]
    control: dict[str, Any]
    mismatched: tuple[str, ...]
    data_only: tuple[str, ...]
    control_only: tuple[str, ...]


class ConfusionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """How often a value of the data stands where the control has another; null is a missing one."""

    feature: str
    data: str | int | None
    control: str | int | None
    count: int


class SkewDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `assay skew --json` prints; `ids` has TFDV's match statistics, with its "base" being the control."""

    ok: bool
    exit_code: int
    summary: str
    features: tuple[SkewedFeature, ...]
    ids: dict[str, int]
    pairs: tuple[PairRecord, ...]
    confusion: tuple[ConfusionRecord, ...]
    schema_version: int = _VERSION


class SharedRowRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A row that two datasets share: its values, how often each has it, and where first, from 0."""

    values: dict[str, Any]
    rows: tuple[int, int]
    first: tuple[int, int]


class SharedRowsRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What two datasets share."""

    data: tuple[str, str]
    num_rows: tuple[int, int]
    num_shared: tuple[int, int]
    num_distinct: int
    sentence: str
    samples: tuple[SharedRowRecord, ...]


class LeakageDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `assay leakage --json` prints."""

    ok: bool
    exit_code: int
    summary: str
    pairs: tuple[SharedRowsRecord, ...]
    schema_version: int = _VERSION


def skew_document(report: FeatureSkewReport, *, allow_duplicates: bool = False) -> SkewDocument:
    """Return a comparison by id."""
    return SkewDocument(
        ok=report.ok,
        exit_code=0 if report.ok else 3,
        summary=_summary(report, allow_duplicates=allow_duplicates),
        features=tuple(
            SkewedFeature(
                feature=each.feature_name,
                data=each.test_count,
                control=each.base_count,
                match=each.match_count,
                data_only=each.test_only,
                control_only=each.base_only,
                mismatch=each.mismatch_count,
                diff=each.diff_count,
            )
            for each in report.features
        ),
        ids=asdict(report.match_stats),
        pairs=tuple(
            PairRecord(
                data=plain(pair.test),
                control=plain(pair.base),
                mismatched=pair.mismatched_features,
                data_only=pair.test_only_features,
                control_only=pair.base_only_features,
            )
            for pair in report.pairs
        ),
        confusion=tuple(
            ConfusionRecord(feature=each.feature_name, data=each.test, control=each.base, count=each.count)
            for each in report.confusion
        ),
    )


def _summary(report: FeatureSkewReport, *, allow_duplicates: bool) -> str:
    ids, skewed = report.match_stats, report.skewed
    repeated = ids.duplicate_id_count if not allow_duplicates else 0
    left_out = f" {repeated:,} ids that occur several times were left out." if repeated else ""
    if not report.features:
        why = "no id is in both datasets" if not ids.matching_pairs_count else "no example has an id of its own"
        return f"Nothing was compared: {why}.{left_out}"
    names = ", ".join(feature.feature_name for feature in skewed[:5])
    more = f" and {len(skewed) - 5} more" if len(skewed) > 5 else ""
    return f"{len(skewed)} of {len(report.features)} features differ{': ' if skewed else ''}{names}{more}.{left_out}"


def leakage_document(pairs: Sequence[SplitPair]) -> LeakageDocument:
    """Shared rows of each two datasets."""
    sharing = [pair for pair in pairs if not pair.ok]
    return LeakageDocument(
        ok=not sharing,
        exit_code=3 if sharing else 0,
        summary=f"{len(sharing)} of {len(pairs)} pairs of datasets share rows.",
        pairs=tuple(
            SharedRowsRecord(
                data=pair.splits,
                num_rows=pair.num_rows,
                num_shared=pair.num_shared,
                num_distinct=pair.num_distinct,
                sentence=pair.sentence,
                samples=tuple(
                    SharedRowRecord(values=plain(sample.values), rows=sample.rows, first=sample.first)
                    for sample in pair.samples
                ),
            )
            for pair in pairs
        ),
    )


def plain(value: Any) -> Any:
    """Return a value as JSON: bytes as text if they are UTF-8, else their repr; unsupported values as text."""
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return repr(value)
    return value if value is None or isinstance(value, (bool, int, float, str)) else str(value)


class _Document(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is printed holds these fields and no others."""


class SubjectRecord(_Document, frozen=True, kw_only=True):
    """One thing that a schema describes; features inside structs have their path."""

    kind: Kind
    name: str


class InferDocument(_Document, frozen=True, kw_only=True):
    """What `assay schema infer --json` prints; the schema has the field names in tensorflow-metadata."""

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


Severity = Literal["error", "warning", "info"]


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """A feature in figures; those that its type does not have are null."""

    feature: str
    type: str
    present: int
    missing: float
    nan: float | None
    mean: float | None
    std_dev: float | None
    min: float | None
    median: float | None
    max: float | None
    zeros: float | None
    unique: int | None
    estimated: bool
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
    """Rows that were validated against rules."""

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
    alpha: float
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
    """Return the JSON Schema (2020-12) of a command's document, as `schemas/cli/<command>.schema.json` ships it."""
    schema = msgspec.json.schema(DOCUMENTS[command])
    for definition in schema["$defs"].values():
        definition["description"] = cleandoc(definition["description"])
    title = f"assay {command.replace('-', ' ')} --json"
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title, **schema}


def as_json(document: msgspec.Struct) -> str:
    """Return the document, indented; JSON has no NaN and no infinity: such figures are null."""
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
    """Return a validation."""
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
    """Return a comparison."""
    return DriftDocument(
        ok=report.ok,
        exit_code=exit_code,
        summary=report.summary,
        num_examples=report.num_examples,
        alpha=report.thresholds.get("*", DriftThresholds()).alpha,
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
