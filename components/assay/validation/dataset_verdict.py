"""What was found in each split, and the verdict over all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from assay.gating.verdict import Check, Detail, Verdict
from assay.kernels.feature_path import join_path, split_path
from assay.validation import WHOLE_DATASET, Examination, Finding, Severity
from assay.validation.evidence import AnomalyEvidence
from assay.validation.row_validation import AND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema

    from assay.validation.examination import SliceAnomalies

FailOn = Literal["error", "warning", "never"]

_CLOSING: dict[FailOn, frozenset[Severity]] = {
    "error": frozenset({"error"}),
    "warning": frozenset({"error", "warning"}),
    "never": frozenset(),
}

_OF_SCHEMA = frozenset(
    {
        "INVALID_SCHEMA_SPECIFICATION",
        "INVALID_DOMAIN_SPECIFICATION",
        "DOMAIN_INVALID_FOR_TYPE",
        "FEATURE_MISSING_NAME",
        "FEATURE_MISSING_TYPE",
        "SPARSE_FEATURE_NAME_COLLISION",
        "WEIGHTED_FEATURE_NAME_COLLISION",
    }
)


def counts_against(checks: Iterable[Check], split: str, fail_on: FailOn) -> bool:
    """Return whether a split failed a check at or above `fail_on`; with `never`, at or above `error`.

    A gate that never closes still does not bless data with errors.
    """
    level = _CLOSING["error" if fail_on == "never" else fail_on]
    return any(
        not check.ok and check.severity in level and split in check.slice.partition("/")[0].split(AND)
        for check in checks
    )


def with_contradictions(examination: Examination, schema: Schema) -> Examination:
    """Add the schema's contradictions, most of which TFDV ignores, unless TFDV's core already reported them."""
    from assay.schema import check

    told = {finding.feature for finding in examination.overall.findings if finding.type in _OF_SCHEMA}
    found = tuple(
        Finding(
            feature=each.subject.name or WHOLE_DATASET,
            type="INVALID_SCHEMA_SPECIFICATION",
            severity="error",
            summary="The schema contradicts itself",
            description=each.sentence,
            evidence=AnomalyEvidence(schema_field=each.path),
            name=each.code,
            origin="schema",
        )
        for each in check(schema)
        if each.severity == "error" and each.subject.name not in told
    )
    overall = replace(examination.overall, findings=(*examination.overall.findings, *found))
    return replace(examination, overall=overall) if found else examination


def data_verdict(
    examinations: Mapping[str, Examination], schema: Schema, fail_on: FailOn, more: Iterable[Check] = ()
) -> Verdict:
    """Return the verdict over all splits and their slices: a check for each finding and for everything that passed.

    Args:
        examinations: What was found, by split.
        schema: The schema that the data was validated against.
        fail_on: The minimum severity that closes the gate.
        more: Further checks, such as those of rows.
    """
    checks = [check for split, examination in examinations.items() for check in _of_split(split, examination, schema)]
    checks += more
    closing = [check for check in checks if not check.ok and check.severity in _CLOSING[fail_on]]
    return Verdict(ok=not closing, summary=_summary(checks, fail_on), checks=tuple(checks), policy={"fail_on": fail_on})


def _of_split(split: str, examination: Examination, schema: Schema) -> Iterator[Check]:
    yield from _of_findings(split, examination.overall.findings)
    failed = {finding.feature for finding in examination.overall.findings}
    # A struct does not fit where one of its fields does not.
    failed |= {join_path(steps[:depth]) for steps in map(split_path, failed) for depth in range(1, len(steps))}
    for name in [WHOLE_DATASET, *(join_path((feature.name,)) for feature in schema.feature)]:
        if name not in failed:
            yield Check(
                id=f"{split}/{name}/NO_ANOMALY",
                kind="anomaly",
                ok=True,
                subject=name,
                slice=split,
                limit_origin=_place(f"feature[{name}]" if name != WHOLE_DATASET else ""),
                sentence=f"{split}: {name} fits the schema.",
                details={"anomaly_type": "NO_ANOMALY"},
            )
    yield from _passed(split, examination.overall)
    for name, examined in examination.slices.items():
        part = f"{split}/{name}"
        yield from _of_findings(part, examined.findings)
        yield from _passed(part, examined)
        if not examined.findings:
            yield Check(
                id=f"{part}/{WHOLE_DATASET}/NO_ANOMALY",
                kind="anomaly",
                ok=True,
                subject=WHOLE_DATASET,
                slice=part,
                limit_origin="schema",
                sentence=f"{part}: the slice fits the schema.",
                details={"anomaly_type": "NO_ANOMALY"},
            )


def _of_findings(place: str, findings: Iterable[Finding]) -> Iterator[Check]:
    seen: dict[str, int] = {}
    for finding in findings:
        key = f"{place}/{finding.feature}/{finding.type}{f'/{finding.name}' if finding.name else ''}"
        seen[key] = seen.get(key, 0) + 1
        yield _failed(place, finding, key if seen[key] == 1 else f"{key}-{seen[key]}")


def _failed(place: str, finding: Finding, id: str) -> Check:  # noqa: A002
    found = finding.evidence
    details: dict[str, Detail] = {"anomaly_type": finding.type, "count": found.count, "share": found.share}
    if found.values:
        details["values"] = list(found.values)
    for name in ("observed", "limit"):
        if isinstance(getattr(found, name), str):
            details[name] = getattr(found, name)
    is_custom = finding.type == "CUSTOM_VALIDATION" and not finding.origin
    return Check(
        id=id,
        kind="custom_check" if is_custom else "anomaly",
        ok=False,
        severity=finding.severity,
        subject=finding.feature,
        slice=place,
        observed=found.observed if isinstance(found.observed, float) else None,
        limit=found.limit if isinstance(found.limit, float) else None,
        limit_origin=finding.origin or (f"checks.{finding.name}" if is_custom else _place(found.schema_field)),
        sentence=f"{place}: {finding.sentence}",
        details={name: value for name, value in details.items() if value is not None},
    )


def _passed(place: str, examined: SliceAnomalies) -> Iterator[Check]:
    """Return the distances that kept their limits, and the custom checks that passed."""
    for comparison in examined.comparisons:
        comparator, observed = comparison.comparator, comparison.observed
        limit = comparator.threshold
        if observed is not None and limit is not None and observed <= limit:
            yield _distance(place, comparator.feature, comparator.field, observed, limit)
    for each in examined.drift:
        if not each.distance.exceeded and each.distance.limit is not None:
            yield _distance(place, each.feature, each.origin, each.distance.value, each.distance.limit)
    for name in examined.passed_checks:
        yield Check(
            id=f"{place}/{name}",
            kind="custom_check",
            ok=True,
            subject=name,
            slice=place,
            limit_origin=f"checks.{name}",
            sentence=f"{place}: the check {name} passed.",
        )


def _distance(place: str, feature: str, field: str, observed: float, limit: float) -> Check:
    return Check(
        id=f"{place}/{field}",
        kind="distance",
        ok=True,
        subject=feature,
        slice=place,
        observed=observed,
        limit=limit,
        limit_origin=field if field.startswith("drift_thresholds") else _place(field),
        sentence=f"{place}: {feature} is {observed:.4g} from the data it is compared with; the threshold is {limit:g}.",
    )


def _place(field: str) -> str:
    return f"schema.{field}" if field else "schema"


def _summary(checks: list[Check], fail_on: FailOn) -> str:
    failed = [check for check in checks if not check.ok]
    if not failed:
        return "No anomalies."
    by_severity = [
        f"{count} of severity {severity}"
        for severity in ("error", "warning", "info")
        if (count := sum(check.severity == severity for check in failed))
    ]
    subjects = sorted({f"{check.subject} ({check.slice})" for check in failed})
    named = ", ".join(subjects[:5]) + (f" and {len(subjects) - 5} more" if len(subjects) > 5 else "")
    return f"Anomalies: {', '.join(by_severity)}, in {named}; fail_on is {fail_on}."
