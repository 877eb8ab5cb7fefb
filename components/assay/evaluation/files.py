"""The files of what the kernels computed: TFMA's, for its loaders and displays, and a table of metrics for everyone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from assay.data.parquet import write_table
from assay.evaluation.plan import metric_name
from assay.evaluation.table_evaluation import bounds_of
from assay.evaluation.tfma_files import EvaluationRecords, write_records
from assay.evaluation.tfma_slices import baseline_of, candidate_of, prepared_config
from assay.evaluation.worst_rows import FLIPS_TABLE
from assay.files import write_durably
from assay.gating.markdown import to_markdown
from assay.gating.metric_values import Figures, MetricKey, SliceKey, slice_name, slice_order

if TYPE_CHECKING:
    from pathlib import Path

    from assay.evaluation.table_evaluation import TableEvaluation
    from assay.evaluation.tfma_validation import MetricName
    from assay.gating.verdict import Verdict

METRICS_TABLE = "metrics.parquet"

Bounds: TypeAlias = Mapping[tuple[str, SliceKey, MetricKey], tuple[float, float]]
"""The lower and upper bound of a metric, by `candidate`, `baseline` or `change`, slice and metric."""
SUMMARY = "summary.md"
CLASSES_FILE = "classes.json"
"""The label and, by number, the names of its classes; where they have names."""


def write_metrics(
    folder: Path, evaluation: TableEvaluation, confidence: float = 0.95, *, figures: Figures | None = None
) -> Path:
    """Write `metrics.parquet`, with bounds where replicates were drawn, and return its path; and `classes.json`.

    Args:
        folder: Where to.
        evaluation: What the kernels computed.
        confidence: Of the bounds, both sides together.
        figures: The kernels' figures and another engine's, where that computed some.
    """
    resampled = bool(evaluation.closed) or any(slices for slices in evaluation.changes.values())
    path = folder / METRICS_TABLE
    write_metrics_table(path, figures or evaluation.figures, bounds_of(evaluation, confidence) if resampled else None)
    naming = evaluation.naming
    if naming is not None and not naming.classes.are_numbers:
        content = {"label": naming.label, "classes": naming.classes.names}
        write_durably(folder / CLASSES_FILE, json.dumps(content, indent=2, ensure_ascii=False).encode())
    return path


def write_for_people(folder: Path, verdict: Verdict, flips: pa.Table | None) -> None:
    """Write `summary.md`, which fits a pull request, and `flips.parquet` where a slice became worse."""
    write_durably(folder / SUMMARY, to_markdown(verdict).encode())
    if flips is not None:
        write_table(folder / FLIPS_TABLE, flips)


def write_tfma_files(
    folder: Path,
    evaluation: TableEvaluation,
    *,
    more: tuple[Sequence[Any], Sequence[Any]] = ((), ()),
    name_of: MetricName = metric_name,
    data_location: str = "",
    model_locations: Mapping[str, str] | None = None,
) -> None:
    """Write TFMA's files.

    Args:
        folder: Where to.
        evaluation: What was computed.
        more: Another engine's `MetricsForSlice` and `PlotsForSlice` of the same slices.
        name_of: Gives a metric's name, for the thresholds; TFMA's own where it computed some.
        data_location: What was evaluated, for TFMA's display.
        model_locations: The models, by their part in it: `candidate` and `baseline`.
    """
    prepared = prepared_config(evaluation.config, has_baseline=evaluation.figures.baseline is not None)
    names = {"candidate": candidate_of(prepared)}
    baseline = baseline_of(prepared)
    if baseline is not None:
        names["baseline"] = baseline
    kept = evaluation.figures.candidate.keys()
    values = {
        name: {key: of_slice for key, of_slice in evaluation.values[model].items() if key in kept}
        for model, name in names.items()
        if model in evaluation.values
    }
    records = EvaluationRecords(
        prepared=prepared,
        metrics={one.key: one for one in evaluation.plan.metrics},
        plots={one.key: one for one in evaluation.plan.plots},
        values=values,
        more=more,
        name_of=name_of,
        data_location=data_location,
        model_locations=model_locations or {},
    )
    write_records(folder, records)


def metrics_table(figures: Figures, bounds: Bounds | None = None) -> pa.Table:
    """Return a row for each model, slice and metric: model, slice, metric, value, examples (null where unknown).

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
    """Write the [`metrics_table`][...metrics_table] as Parquet."""
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
