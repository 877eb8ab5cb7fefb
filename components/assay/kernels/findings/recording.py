"""Writes our own findings into an anomalies proto, so that TFDV's and TFX's readers see them too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay.kernels.feature_path import split_path
from assay.kernels.findings.finding import WHOLE_DATASET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies

    from assay.kernels.findings.finding import Finding

_SEVERITIES: Final = {"info": 0, "warning": 1, "error": 2}
_OF_PROTO: Final = {
    0: anomalies_pb2.AnomalyInfo.UNKNOWN,
    1: anomalies_pb2.AnomalyInfo.WARNING,
    2: anomalies_pb2.AnomalyInfo.ERROR,
}
_RANKS: Final = {severity: rank for rank, severity in _OF_PROTO.items()}


def record(anomalies: Anomalies, findings: Iterable[Finding]) -> None:
    """Adds a reason to the anomaly of each finding's feature, in place; the gravest severity holds, as in TFDV."""
    for finding in findings:
        whole = finding.feature == WHOLE_DATASET
        info = anomalies.dataset_anomaly_info if whole else anomalies.anomaly_info[finding.feature]
        if not whole and not info.path.step:
            info.path.step.extend(split_path(finding.feature))
        rank = _SEVERITIES[finding.severity]
        info.severity = _OF_PROTO[max(rank, _RANKS[info.severity] if info.reason else rank)]
        info.reason.add(
            type=anomalies_pb2.AnomalyInfo.Type.Value(finding.type),
            short_description=finding.summary,
            description=finding.description,
        )
        several = len(info.reason) > 1
        info.short_description = "Multiple errors" if several else finding.summary
        info.description = " ".join(reason.description for reason in info.reason)
