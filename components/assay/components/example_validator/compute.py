"""Anomalies of a split, and the verdict over all splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from assay.gate.verdict import Check, Detail, Verdict
from assay.kernels.anomalies import validate_statistics
from assay.kernels.findings import WHOLE_DATASET, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

FailOn = Literal["error", "warning", "never"]

_CLOSING: dict[FailOn, frozenset[Severity]] = {
    "error": frozenset({"error"}),
    "warning": frozenset({"error", "warning"}),
    "never": frozenset(),
}


@dataclass(frozen=True, slots=True)
class SplitStatistics:
    """Statistics of a split, and those that drift and skew compare it with."""

    statistics: DatasetFeatureStatisticsList
    previous: DatasetFeatureStatisticsList | None = None
    serving: DatasetFeatureStatisticsList | None = None


def find_anomalies(
    split: SplitStatistics,
    schema: Schema,
    *,
    environment: str | None = None,
    severity_overrides: Mapping[str, str] | None = None,
) -> Anomalies:
    """Finds the anomalies of a split; see `assay.kernels.anomalies.validate_statistics`."""
    return validate_statistics(
        split.statistics,
        schema,
        environment,
        previous_span=split.previous,
        serving=split.serving,
        severity_overrides=severity_overrides,
    )


def counts_against(findings: Iterable[Finding], fail_on: FailOn) -> bool:
    """Tells whether a split has a finding at or above `fail_on`; with `never`, at or above `error`.

    A gate that never closes still does not bless data with errors.
    """
    level = _CLOSING["error" if fail_on == "never" else fail_on]
    return any(finding.severity in level for finding in findings)


def data_verdict(findings: Mapping[str, Sequence[Finding]], schema: Schema, fail_on: FailOn) -> Verdict:
    """The verdict over all splits: a check for each finding, and a passed one for each feature without any."""
    checks = [check for split, found in findings.items() for check in _checks(split, found, schema)]
    closing = [check for check in checks if not check.ok and check.severity in _CLOSING[fail_on]]
    return Verdict(ok=not closing, summary=_summary(checks, fail_on), checks=tuple(checks), policy={"fail_on": fail_on})


def _checks(split: str, findings: Sequence[Finding], schema: Schema) -> Iterator[Check]:
    for number, finding in enumerate(findings):
        earlier = sum(finding.feature == other.feature and finding.type == other.type for other in findings[:number])
        yield _failed(split, finding, f"-{earlier + 1}" if earlier else "")
    failed = {finding.feature for finding in findings}
    for name in [WHOLE_DATASET, *(feature.name for feature in schema.feature)]:
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


def _failed(split: str, finding: Finding, suffix: str) -> Check:
    found = finding.evidence
    details: dict[str, Detail] = {"anomaly_type": finding.type, "count": found.count, "share": found.share}
    if found.values:
        details["values"] = list(found.values)
    for name in ("observed", "limit"):
        if isinstance(getattr(found, name), str):
            details[name] = getattr(found, name)
    return Check(
        id=f"{split}/{finding.feature}/{finding.type}{suffix}",
        kind="anomaly",
        ok=False,
        severity=finding.severity,
        subject=finding.feature,
        slice=split,
        observed=found.observed if isinstance(found.observed, float) else None,
        limit=found.limit if isinstance(found.limit, float) else None,
        limit_origin=_place(found.schema_field),
        sentence=f"{split}: {finding.sentence}",
        details={name: value for name, value in details.items() if value is not None},
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
