"""Evaluator: metrics of a candidate and its baseline, by slice, and the blessing that they earn."""

from __future__ import annotations

from assay.components.evaluator.component import Evaluator

__all__ = ["Evaluator"]
