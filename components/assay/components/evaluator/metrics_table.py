"""Metrics as a table for everyone: a row for each model, slice and metric."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from assay.artifacts.formats.parquet import write_table
from assay.gating.figures import Figures, MetricKey, SliceKey, slice_name, slice_order

if TYPE_CHECKING:
    from pathlib import Path

METRICS_TABLE = "metrics.parquet"

Bounds: TypeAlias = Mapping[tuple[str, SliceKey, MetricKey], tuple[float, float]]
"""The lower and upper bound of a metric, by `candidate`, `baseline` or `change`, slice and metric."""


def metrics_table(figures: Figures, bounds: Bounds | None = None) -> pa.Table:
    """Gives a row for each model, slice and metric: model, slice, metric, value, examples (null where unknown).

    Args:
        figures: The metrics.
        bounds: Where given, the columns `lower` and `upper` (null where there are none), and rows for the change from
            the baseline wherever that has bounds.
    """
    fields = [
        ("model", pa.string()),
        ("slice", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("examples", pa.int64()),
    ]
    if bounds is not None:
        fields[4:4] = [("lower", pa.float64()), ("upper", pa.float64())]
    rows = list(_rows(figures, bounds))
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def write_metrics_table(path: Path, figures: Figures, bounds: Bounds | None = None) -> None:
    """Writes the [`metrics_table`][...metrics_table] as Parquet."""
    write_table(path, metrics_table(figures, bounds))


def _rows(figures: Figures, bounds: Bounds | None) -> Iterator[dict[str, Any]]:
    parts = [("candidate", figures.candidate), ("baseline", figures.baseline or {})]
    if bounds is not None:
        parts.append(("change", _changes(figures, bounds)))
    for model, slices in parts:
        for key in sorted(slices, key=slice_order):
            for metric, value in sorted(slices[key].items(), key=lambda item: item[0].label):
                row = {
                    "model": model,
                    "slice": slice_name(key),
                    "metric": metric.label,
                    "value": value,
                    "examples": figures.examples.get(key),
                }
                if bounds is not None:
                    row["lower"], row["upper"] = bounds.get((model, key, metric), (None, None))
                yield row


def _changes(figures: Figures, bounds: Bounds) -> dict[SliceKey, dict[MetricKey, float]]:
    changes: dict[SliceKey, dict[MetricKey, float]] = {}
    for model, key, metric in bounds:
        if model == "change" and figures.baseline is not None:
            change = figures.candidate[key][metric] - figures.baseline[key][metric]
            changes.setdefault(key, {})[metric] = change
    return changes
