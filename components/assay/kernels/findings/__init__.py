"""Anomalies with their evidence: what was observed, which limit it broke, how often."""

from __future__ import annotations

from assay.kernels.findings.finding import WHOLE_DATASET, Finding, Severity, find

__all__ = ["WHOLE_DATASET", "Finding", "Severity", "find"]
