"""Findings: where data does not fit what is expected of it, with what was observed, which limit it broke, how often."""

from __future__ import annotations

from assay.kernels.findings.comparators import Comparator, check_schema, comparators_of
from assay.kernels.findings.custom_checks import CheckResult, StatisticsCheck, is_statistics_check, statistics_check
from assay.kernels.findings.examination import Examination, Expectations, examine
from assay.kernels.findings.finding import WHOLE_DATASET, Finding, Severity, find

__all__ = [
    "WHOLE_DATASET",
    "CheckResult",
    "Comparator",
    "Examination",
    "Expectations",
    "Finding",
    "Severity",
    "StatisticsCheck",
    "check_schema",
    "comparators_of",
    "examine",
    "find",
    "is_statistics_check",
    "statistics_check",
]
