"""Findings: TFDV's anomalies, one for each reason of each feature, with evidence; and our own, written beside them.

Our own go into the same anomalies proto, so that TFDV's and TFX's readers see them too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final, Literal

from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay.display import shortened
from assay.kernels.default_slice import default_dataset
from assay.kernels.feature_path import path_of, split_path
from assay.validation import evidence
from assay.validation.evidence import AnomalyEvidence, FeatureSubject, subjects_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

Severity = Literal["error", "warning", "info"]

WHOLE_DATASET = "the dataset"
_LONGEST = 2000  # of a description in a sentence; a value may be a whole document
_SEVERITIES: dict[int, Severity] = {
    anomalies_pb2.AnomalyInfo.ERROR: "error",
    anomalies_pb2.AnomalyInfo.WARNING: "warning",
    anomalies_pb2.AnomalyInfo.UNKNOWN: "info",
}
_OF_FEATURE: dict[str, Callable[[FeatureSubject], AnomalyEvidence]] = {
    "ENUM_TYPE_UNEXPECTED_STRING_VALUES": evidence.unexpected_values,
    "BOOL_TYPE_UNEXPECTED_STRING": evidence.unexpected_values,
    "BOOL_TYPE_BIG_INT": partial(evidence.numeric_bound, bound="max"),
    "BOOL_TYPE_SMALL_INT": partial(evidence.numeric_bound, bound="min"),
    "FEATURE_TYPE_LOW_FRACTION_PRESENT": evidence.present_fraction,
    "FEATURE_TYPE_LOW_NUMBER_PRESENT": evidence.present_count,
    "FEATURE_TYPE_NOT_PRESENT": evidence.absent,
    "FEATURE_TYPE_LOW_NUMBER_VALUES": partial(evidence.value_count, bound="min"),
    "FEATURE_TYPE_HIGH_NUMBER_VALUES": partial(evidence.value_count, bound="max"),
    "FEATURE_TYPE_LOW_UNIQUE": partial(evidence.unique_values, bound="min"),
    "FEATURE_TYPE_HIGH_UNIQUE": partial(evidence.unique_values, bound="max"),
    "INVALID_FEATURE_SHAPE": evidence.shape,
    "INT_TYPE_SMALL_INT": partial(evidence.numeric_bound, bound="min"),
    "INT_TYPE_BIG_INT": partial(evidence.numeric_bound, bound="max"),
    "FLOAT_TYPE_SMALL_FLOAT": partial(evidence.numeric_bound, bound="min"),
    "FLOAT_TYPE_BIG_FLOAT": partial(evidence.numeric_bound, bound="max"),
    "FLOAT_TYPE_HAS_NAN": evidence.not_a_number,
    "FLOAT_TYPE_HAS_INF": evidence.infinite,
    "SCHEMA_MISSING_COLUMN": evidence.absent,
    "SCHEMA_NEW_COLUMN": evidence.new_column,
    "UNEXPECTED_DATA_TYPE": evidence.data_type,
    "DATASET_LOW_NUM_EXAMPLES": partial(evidence.examples_count, bound="min"),
    "DATASET_HIGH_NUM_EXAMPLES": partial(evidence.examples_count, bound="max"),
}
_DISTANCES = {
    "COMPARATOR_L_INFTY_HIGH": ("L_INFTY", "infinity_norm"),
    "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH": ("JENSEN_SHANNON_DIVERGENCE", "jensen_shannon_divergence"),
    "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH": ("NORMALIZED_ABSOLUTE_DIFFERENCE", "normalized_abs_difference"),
}
_NUMBER = r"([-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?)"
_RATIO = re.compile(
    rf" is {_NUMBER} \(up to six significant digits\), which is (?:below|above) the threshold {_NUMBER}"
)
_PROTO_SEVERITIES: Final = {"info": 0, "warning": 1, "error": 2}
_OF_PROTO: Final = {
    0: anomalies_pb2.AnomalyInfo.UNKNOWN,
    1: anomalies_pb2.AnomalyInfo.WARNING,
    2: anomalies_pb2.AnomalyInfo.ERROR,
}
_RANKS: Final = {severity: rank for rank, severity in _OF_PROTO.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One way in which data does not fit its schema.

    Attributes:
        feature: The feature's name, or `the dataset`.
        type: TFDV's anomaly type, such as `ENUM_TYPE_UNEXPECTED_STRING_VALUES`.
        severity: `error`, `warning` or `info`.
        summary: TFDV's short description.
        description: TFDV's description.
        evidence: What was observed, the threshold, where the schema sets it, count and share.
        slice: The slice of the data; empty for all of it.
        name: Tells apart findings of one type on one feature: the check or the measure that found it.
        origin: Where the limit stands, if not in the schema.
    """

    feature: str
    type: str
    severity: Severity
    summary: str
    description: str
    evidence: AnomalyEvidence
    slice: str = ""
    name: str = ""
    origin: str = ""

    def __str__(self) -> str:
        """Return the finding in a sentence."""
        return self.sentence

    @property
    def sentence(self) -> str:
        """The finding in a sentence that a person understands."""
        found = self.evidence
        where = f" in the slice {self.slice}" if self.slice else ""
        text = f"{self.feature}{where}: {self.summary.rstrip('.')}. {shortened(self.description, _LONGEST)}".strip()
        text += "" if text.endswith(".") else "."
        if found.count is not None and found.share is not None:
            text += f" {found.count:,} affected ({found.share:.2%})."
        if self.origin:
            text += f" Threshold set in {self.origin}."
        elif found.schema_field:
            text += f" Threshold set in schema.{found.schema_field}."
        return text


def severity_of(name: str) -> Severity:
    """Return the severity that tensorflow-metadata calls `ERROR`, `WARNING` or `UNKNOWN`."""
    return _SEVERITIES[anomalies_pb2.AnomalyInfo.Severity.Value(name)]


def find(statistics: DatasetFeatureStatisticsList, schema: Schema, anomalies: Anomalies) -> tuple[Finding, ...]:
    """Return a finding for each reason of each anomaly, the dataset's own last.

    Args:
        statistics: What was validated; of slices, the one of all examples counts.
        schema: What it was validated against.
        anomalies: What TFDV's core found.
    """
    return tuple(_findings(statistics, schema, anomalies))


def _findings(statistics: DatasetFeatureStatisticsList, schema: Schema, anomalies: Anomalies) -> Iterator[Finding]:
    subjects = subjects_of(default_dataset(statistics), schema)
    measured = {path_of(info): info for info in anomalies.drift_skew_info}
    for name, info in sorted(anomalies.anomaly_info.items()):
        for reason in info.reason:
            yield _finding(subjects[name], info, reason, measured.get(name))
    if anomalies.data_missing:
        empty = AnomalyEvidence(observed=0.0, limit=1.0, schema_field="", count=0)
        yield Finding(
            feature=WHOLE_DATASET,
            type="DATA_MISSING",
            severity="error",
            summary="No data",
            description="There are no examples.",
            evidence=empty,
        )
    if anomalies.HasField("dataset_anomaly_info"):
        info = anomalies.dataset_anomaly_info
        for reason in info.reason:
            yield _finding(subjects[WHOLE_DATASET], info, reason, None)


def _finding(
    subject: FeatureSubject,
    info: anomalies_pb2.AnomalyInfo,
    reason: anomalies_pb2.AnomalyInfo.Reason,
    measured: anomalies_pb2.DriftSkewInfo | None,
) -> Finding:
    type_name = anomalies_pb2.AnomalyInfo.Type.Name(reason.type)
    if type_name in _DISTANCES:
        found = _distance(subject, reason, measured)
    elif type_name in _OF_FEATURE:
        found = _OF_FEATURE[type_name](subject)
    else:
        found = _ratio(reason)
    return Finding(
        feature=subject.name,
        type=type_name,
        severity=_SEVERITIES[info.severity],
        summary=reason.short_description.strip(),
        description=reason.description.strip(),
        evidence=found,
    )


def _distance(
    subject: FeatureSubject, reason: anomalies_pb2.AnomalyInfo.Reason, measured: anomalies_pb2.DriftSkewInfo | None
) -> AnomalyEvidence:
    """Check the distance from the control data, which TFDV measures in full precision."""
    measure, field = _DISTANCES[anomalies_pb2.AnomalyInfo.Type.Name(reason.type)]
    is_skew = "serving" in reason.short_description
    comparator = "skew_comparator" if is_skew else "drift_comparator"
    place = f"{subject.field}.{comparator}.{field}.threshold"
    if measured is not None:
        for measurement in measured.skew_measurements if is_skew else measured.drift_measurements:
            if type(measurement).Type.Name(measurement.type) == measure:
                return AnomalyEvidence(observed=measurement.value, limit=measurement.threshold, schema_field=place)
    return AnomalyEvidence(schema_field=place)


def _ratio(reason: anomalies_pb2.AnomalyInfo.Reason) -> AnomalyEvidence:
    """Return the numbers of examples that the description of a ratio names; empty for other anomalies."""
    match = _RATIO.search(reason.description)
    if not match:
        return AnomalyEvidence()
    previous = "version" if "version" in reason.description else "drift"
    bound = "min" if "below" in reason.description else "max"
    field = f"dataset_constraints.num_examples_{previous}_comparator.{bound}_fraction_threshold"
    return replace(AnomalyEvidence(), observed=float(match[1]), limit=float(match[2]), schema_field=field)


def record(anomalies: Anomalies, findings: Iterable[Finding]) -> None:
    """Add a reason to the anomaly of each finding's feature, in place; the highest severity applies, as in TFDV."""
    for finding in findings:
        whole = finding.feature == WHOLE_DATASET
        info = anomalies.dataset_anomaly_info if whole else anomalies.anomaly_info[finding.feature]
        if not whole and not info.path.step:
            info.path.step.extend(split_path(finding.feature))
        rank = _PROTO_SEVERITIES[finding.severity]
        info.severity = _OF_PROTO[max(rank, _RANKS[info.severity] if info.reason else rank)]
        info.reason.add(
            type=anomalies_pb2.AnomalyInfo.Type.Value(finding.type),
            short_description=finding.summary,
            description=finding.description,
        )
        several = len(info.reason) > 1
        info.short_description = "Multiple errors" if several else finding.summary
        info.description = " ".join(reason.description for reason in info.reason)
