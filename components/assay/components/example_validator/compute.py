"""Anomalies of a split, and the verdict over all splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay.gate.verdict import Check, Verdict
from assay.kernels.anomalies import validate_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

FailOn = Literal["error", "warning", "never"]
Severity = Literal["error", "warning", "info"]

_SEVERITIES: dict[int, Severity] = {
    anomalies_pb2.AnomalyInfo.ERROR: "error",
    anomalies_pb2.AnomalyInfo.WARNING: "warning",
    anomalies_pb2.AnomalyInfo.UNKNOWN: "info",
}
_CLOSING: dict[FailOn, frozenset[Severity]] = {
    "error": frozenset({"error"}),
    "warning": frozenset({"error", "warning"}),
    "never": frozenset(),
}
_WHOLE_DATASET = "the data set"


@dataclass(frozen=True, slots=True)
class SplitStatistics:
    """Statistics of a split, and those that drift and skew compare it with."""

    statistics: DatasetFeatureStatisticsList
    previous: DatasetFeatureStatisticsList | None = None
    serving: DatasetFeatureStatisticsList | None = None


@dataclass(frozen=True, slots=True)
class _Finding:
    """One feature's anomaly, or the data set's."""

    subject: str
    severity: Severity
    info: anomalies_pb2.AnomalyInfo


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


def counts_against(anomalies: Anomalies, fail_on: FailOn) -> bool:
    """Tells whether a split has an anomaly at or above `fail_on`; with `never`, at or above `error`.

    A gate that never closes still does not bless data with errors.
    """
    level = _CLOSING["error" if fail_on == "never" else fail_on]
    return any(finding.severity in level for finding in _findings(anomalies))


def data_verdict(anomalies: Mapping[str, Anomalies], schema: Schema, fail_on: FailOn) -> Verdict:
    """The verdict over all splits: a check for each feature of each split, passed or failed."""
    checks = [check for split, found in anomalies.items() for check in _checks(split, found, schema)]
    closing = [check for check in checks if not check.ok and check.severity in _CLOSING[fail_on]]
    return Verdict(ok=not closing, summary=_summary(checks, fail_on), checks=tuple(checks), policy={"fail_on": fail_on})


def _findings(anomalies: Anomalies) -> Iterator[_Finding]:
    for name, info in sorted(anomalies.anomaly_info.items()):
        yield _Finding(name, _SEVERITIES[info.severity], info)
    if anomalies.HasField("dataset_anomaly_info"):
        info = anomalies.dataset_anomaly_info
        yield _Finding(_WHOLE_DATASET, _SEVERITIES[info.severity], info)


def _checks(split: str, anomalies: Anomalies, schema: Schema) -> Iterator[Check]:
    """A failed check for each reason of each anomaly, and a passed one for each feature without any."""
    failed = set()
    if anomalies.data_missing:
        failed.add(_WHOLE_DATASET)
        yield _check(split, _WHOLE_DATASET, "DATA_MISSING", sentence=f"{split}: the split holds no rows.")
    for finding in _findings(anomalies):
        failed.add(finding.subject)
        for reason in finding.info.reason:
            kind = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
            yield _check(
                split,
                finding.subject,
                kind,
                severity=finding.severity,
                sentence=f"{split}: {finding.subject}: {reason.short_description}. {reason.description}".strip(),
            )
    for name in [_WHOLE_DATASET, *(feature.name for feature in schema.feature)]:
        if name not in failed:
            yield _check(split, name, "NO_ANOMALY", ok=True, sentence=f"{split}: {name} fits the schema.")


def _check(
    split: str, subject: str, kind: str, *, sentence: str, ok: bool = False, severity: Severity = "error"
) -> Check:
    return Check(
        id=f"{split}/{subject}/{kind}",
        kind="anomaly",
        ok=ok,
        severity=severity,
        subject=subject,
        slice=split,
        limit_origin="schema" if subject == _WHOLE_DATASET else f"schema.feature[{subject}]",
        sentence=sentence,
        details={"anomaly_type": kind},
    )


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
