"""What a data scientist calls: statistics, schema, validation and drift of whatever data is at hand."""

from __future__ import annotations

from assay.api.drift import DriftReport, drift
from assay.api.merging import merge_statistics
from assay.api.report import Report
from assay.api.schema import infer_schema
from assay.api.statistics import Statistics, statistics
from assay.api.validation import validate

__all__ = [
    "DriftReport",
    "Report",
    "Statistics",
    "drift",
    "infer_schema",
    "merge_statistics",
    "statistics",
    "validate",
]
