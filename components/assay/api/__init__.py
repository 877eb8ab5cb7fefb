"""What a data scientist calls: statistics, schema and validation of whatever data is at hand."""

from __future__ import annotations

from assay.api.schema import infer_schema
from assay.api.statistics import Statistics, statistics
from assay.api.validation import Report, validate

__all__ = ["Report", "Statistics", "infer_schema", "statistics", "validate"]
