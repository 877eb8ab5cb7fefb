"""The files of what the kernels computed: TFMA's, for its loaders and displays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.artifacts.formats.parquet import write_table
from assay.artifacts.store import write_durably
from assay.components.evaluator.kernel_engine.evaluation import bounds_of
from assay.components.evaluator.kernel_engine.flips import FLIPS_TABLE
from assay.components.evaluator.kernel_engine.plan import metric_name
from assay.components.evaluator.metrics_table import METRICS_TABLE, write_metrics_table
from assay.components.evaluator.tfma_output.files import EvaluationRecords, write_records
from assay.components.evaluator.tfma_output.prepared import baseline_of, candidate_of, prepared_config
from assay.gating.markdown import to_markdown

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from assay.components.evaluator.kernel_engine.evaluation import TableEvaluation
    from assay.components.evaluator.tfma_output.validation import MetricName
    from assay.gating.figures import Figures
    from assay.gating.verdict import Verdict

SUMMARY = "summary.md"
CLASSES_FILE = "classes.json"
"""The label and, by number, the names of its classes; where they have names."""


def write_metrics(
    folder: Path, evaluation: TableEvaluation, confidence: float = 0.95, *, figures: Figures | None = None
) -> Path:
    """Writes `metrics.parquet`, with bounds where replicates were drawn, and gives its path; and `classes.json`.

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
    """Writes `summary.md`, which fits a pull request, and `flips.parquet` where a slice became worse."""
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
    """Writes TFMA's files.

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
