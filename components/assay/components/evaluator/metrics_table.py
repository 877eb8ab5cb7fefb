"""Metrics as a table for everyone: a row for each model, slice and metric."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from assay.gate.figures import Figures, slice_name, slice_order

if TYPE_CHECKING:
    from pathlib import Path

METRICS_TABLE = "metrics.parquet"


def write_metrics_table(path: Path, figures: Figures) -> None:
    """Writes a row for each model, slice and metric: model, slice, metric, value, examples (null where unknown)."""
    rows = [
        {
            "model": model,
            "slice": slice_name(key),
            "metric": metric.label,
            "value": value,
            "examples": figures.examples.get(key),
        }
        for model, slices in (("candidate", figures.candidate), ("baseline", figures.baseline or {}))
        for key in sorted(slices, key=slice_order)
        for metric, value in sorted(slices[key].items(), key=lambda item: item[0].label)
    ]
    schema = pa.schema(
        [
            ("model", pa.string()),
            ("slice", pa.string()),
            ("metric", pa.string()),
            ("value", pa.float64()),
            ("examples", pa.int64()),
        ]
    )
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path)
