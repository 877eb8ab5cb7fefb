"""What data is: anomalies, comparators, drift, feature skew, leakage and a user's own checks, as findings.

A finding says where data does not fit what is expected of it: what was observed, which limit it broke, and how often.
"""

from __future__ import annotations

from assay.validation.comparators import Comparator, check_schema, comparators_of
from assay.validation.custom_checks import CheckResult, StatisticsCheck, is_statistics_check, statistics_check
from assay.validation.examination import Examination, Expectations, examine
from assay.validation.findings import WHOLE_DATASET, Finding, Severity, find

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
