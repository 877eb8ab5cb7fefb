"""Metrics: over all examples beside the baseline's, then by slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.artifacts import ModelEvaluation
from assay.cli.layout import heading, table
from assay.cli.summary.produced import outputs

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.console import Console
    from rich.table import Table

    from assay.runners.local import RunResult

_OVERALL = "Overall"
_COUNT = "example_count"
_SHOWN_SLICES = 30
_LONGEST_NAME = 44
# What a figure takes, and what stands between two columns.
_FIGURE_WIDTH, _GAP = 8, 3


@dataclass(frozen=True, slots=True)
class MetricTable:
    """The content of `metrics.parquet`.

    Attributes:
        values: Value by model (`candidate`, `baseline`), slice and metric.
        examples: Examples by slice, where they are known.
    """

    values: Mapping[tuple[str, str, str], float]
    examples: Mapping[str, int]

    @property
    def metrics(self) -> list[str]:
        """Names of the candidate's metrics, but for the number of examples."""
        names = dict.fromkeys(metric for model, _, metric in self.values if model == "candidate")
        return [name for name in names if name != _COUNT]

    @property
    def slices(self) -> list[str]:
        """Names of the slices, the whole data excluded, in the order of the file."""
        return [name for name in dict.fromkeys(slice_name for _, slice_name, _ in self.values) if name != _OVERALL]

    @property
    def has_baseline(self) -> bool:
        """Whether a baseline was evaluated beside the candidate."""
        return any(model == "baseline" for model, _, _ in self.values)


def read_metrics(path: Path) -> MetricTable:
    """Reads `metrics.parquet`."""
    import pyarrow.parquet as pq

    values, examples = {}, {}
    for row in pq.ParquetFile(path).read().to_pylist():  # read_table would import pandas
        values[row["model"], row["slice"], row["metric"]] = row["value"]
        counted = row["examples"]
        if counted is None and row["metric"] == _COUNT and row["value"] is not None:
            counted = int(row["value"])
        if counted is not None:
            examples[row["slice"]] = counted
    return MetricTable(values, examples)


def print_metrics(console: Console, result: RunResult) -> None:
    """Prints the metrics of every evaluation that the run holds."""
    for step, _, evaluation in outputs(result, ModelEvaluation):
        if not evaluation.metrics_table.is_file():  # an evaluation that TFX wrote has none
            continue
        metrics = read_metrics(evaluation.metrics_table)
        examples = metrics.examples.get(_OVERALL)
        heading(console, f"Metrics ({step.node_id}{f', {examples:,} examples' if examples else ''})")
        console.print(_overall(metrics))
        if metrics.slices:
            console.print()
            _print_slices(console, metrics, evaluation.metrics_table)


def _overall(metrics: MetricTable) -> Table:
    columns = ["candidate", "baseline", "change"] if metrics.has_baseline else ["candidate"]
    rows = table("metric", *columns, numbers=columns)
    for metric in metrics.metrics:
        candidate = metrics.values.get(("candidate", _OVERALL, metric))
        cells = [figure(candidate)]
        if metrics.has_baseline:
            baseline = metrics.values.get(("baseline", _OVERALL, metric))
            cells += [figure(baseline), _change(candidate, baseline)]
        rows.add_row(metric, *cells)
    return rows


def _print_slices(console: Console, metrics: MetricTable, path: Path) -> None:
    """Prints as many metrics and slices as fit; the file has them all."""
    names = metrics.slices[:_SHOWN_SLICES]
    shown = _fitting(metrics.metrics, console.width - min(max(map(len, names)), _LONGEST_NAME) - len(" examples "))
    rows = table("slice", "examples", *shown, numbers=["examples", *shown])
    for name in names:
        count = metrics.examples.get(name)
        values = [figure(metrics.values.get(("candidate", name, metric))) for metric in shown]
        rows.add_row(name, f"{count:,}" if count is not None else "", *values)
    console.print(rows)
    if len(shown) < len(metrics.metrics) or len(metrics.slices) > _SHOWN_SLICES:
        console.print(f"  all {len(metrics.slices)} slices and {len(metrics.metrics)} metrics: {path}", soft_wrap=True)


def _fitting(metrics: Sequence[str], width: int) -> list[str]:
    """The first metrics whose columns fit; at least one."""
    shown: list[str] = []
    for metric in metrics:
        width -= max(len(metric), _FIGURE_WIDTH) + _GAP
        if shown and width < _GAP:
            break
        shown.append(metric)
    return shown


def figure(value: float | None) -> str:
    """A metric's value as people compare it; `-` where there is none, or none can be computed."""
    if value is None or value != value:  # noqa: PLR0124 (NaN differs from itself)
        return "-"
    return f"{value:,.4f}" if abs(value) < 1e5 else f"{value:,.6g}"


def _change(candidate: float | None, baseline: float | None) -> str:
    if candidate is None or baseline is None:
        return "-"
    change = candidate - baseline
    return "-" if change != change else f"{change:+.4f}"  # noqa: PLR0124 (NaN differs from itself)
