"""The summary for people, section by section."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec
from rich.table import Table
from rich.text import Text
from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay.artifacts import (
    Artifact,
    ExampleAnomalies,
    Examples,
    InfraBlessing,
    ModelBlessing,
    ModelEvaluation,
    PushedModel,
)
from assay.cli.console import bullet, heading, indented, print_result, table
from assay.cli.progress import short_reason
from assay.gating.verdict import FILE_NAME, Verdict, mark_of, read_verdict
from assay.runners.local.result import run_record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from rich.console import Console

    from assay.gating.verdict import Check
    from assay.runners.local import RunResult, StepResult

A = TypeVar("A", bound="Artifact")


class StepVerdict(NamedTuple):
    """A verdict, the artifact that holds it, and the step that reached it."""

    step: StepResult
    key: str
    artifact: Artifact
    verdict: Verdict


def outputs(result: RunResult, artifact_class: type[A]) -> Iterator[tuple[StepResult, str, A]]:
    """Return the artifacts of a class, in the order of the steps, with step and output key; each folder once."""
    seen = set()
    for step in result.steps:
        for key, artifacts in step.outputs.items():
            for artifact in artifacts:
                if isinstance(artifact, artifact_class) and artifact.path not in seen:
                    seen.add(artifact.path)
                    yield step, key, artifact


def verdicts(result: RunResult, artifact_class: type[Artifact]) -> Iterator[StepVerdict]:
    """Return the verdicts in artifacts of a class."""
    for step, key, artifact in outputs(result, artifact_class):
        if (artifact.path / FILE_NAME).is_file():
            yield StepVerdict(step, key, artifact, read_verdict(artifact.path))


_SHOWN = 30


def print_rows(console: Console, result: RunResult) -> None:
    """Print a line for each Examples artifact, with one column per split."""
    produced = [(f"{step.node_id}.{key}", examples) for step, key, examples in outputs(result, Examples)]
    if not produced:
        return
    splits = list(dict.fromkeys(split for _, examples in produced for split in examples.split_names))
    rows = table("examples", *splits, numbers=splits)
    for name, examples in produced:
        counts = [f"{examples.num_rows(split):,}" if split in examples.split_names else "" for split in splits]
        rows.add_row(name, *counts)
    heading(console, "Rows per split")
    console.print(rows)


def print_anomalies(console: Console, result: RunResult) -> None:
    """Print the anomalies that were found: split, feature, what, and TFDV's description with its shares and values."""
    for step, _, anomalies in outputs(result, ExampleAnomalies):
        found = {split: list(_reasons(anomalies.read(split))) for split in anomalies.split_names}
        counts = ", ".join(f"{split} {len(reasons) or 'none'}" for split, reasons in found.items())
        heading(console, f"Anomalies ({step.node_id}: {counts})")
        if any(found.values()):
            console.print(_anomaly_table(found))
        hidden = sum(map(len, found.values())) - _SHOWN
        if hidden > 0:
            console.print(f"  and {hidden} more in {anomalies.path / 'verdict.json'}", soft_wrap=True)


def _anomaly_table(found: dict[str, list[tuple[str, str, str]]]) -> Table:
    rows = table("split", "feature", "anomaly")
    lines = [(split, *reason) for split, reasons in found.items() for reason in reasons]
    for split, feature, short, description in lines[:_SHOWN]:
        rows.add_row(split, feature, Text.assemble((f"{short}.", "yellow"), " ", description))
    return rows


def _reasons(anomalies: anomalies_pb2.Anomalies) -> Iterator[tuple[str, str, str]]:
    """Return (feature, short description, description) of each reason, by feature; the dataset's own last."""
    infos = sorted(anomalies.anomaly_info.items())
    if anomalies.HasField("dataset_anomaly_info"):
        infos.append(("(all)", anomalies.dataset_anomaly_info))
    for feature, info in infos:
        for reason in info.reason:
            mark = "" if info.severity == anomalies_pb2.AnomalyInfo.ERROR else " (warning)"
            yield feature, f"{reason.short_description}{mark}", reason.description
    if anomalies.data_missing:
        yield "(all)", "No data", "The split holds no rows."


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
    """Read `metrics.parquet`."""
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
    """Print the metrics of every evaluation in the run."""
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
    """Print as many metrics and slices as fit; the file contains them all."""
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
    """Return the first metrics whose columns fit; at least one."""
    shown: list[str] = []
    for metric in metrics:
        width -= max(len(metric), _FIGURE_WIDTH) + _GAP
        if shown and width < _GAP:
            break
        shown.append(metric)
    return shown


def figure(value: float | None) -> str:
    """Return a metric's value as people compare it; `-` where there is none, or none can be computed."""
    if value is None or value != value:  # noqa: PLR0124 (NaN differs from itself)
        return "-"
    return f"{value:,.4f}" if abs(value) < 1e5 else f"{value:,.6g}"


def _change(candidate: float | None, baseline: float | None) -> str:
    if candidate is None or baseline is None:
        return "-"
    change = candidate - baseline
    return "-" if change != change else f"{change:+.4f}"  # noqa: PLR0124 (NaN differs from itself)


_SHOWN_VALUES = 12


def print_blessings(console: Console, result: RunResult) -> None:
    """Print each gate's decision on the model and the reasons for it."""
    for artifact_class in (InfraBlessing, ModelBlessing):
        for judged in verdicts(result, artifact_class):
            heading(console, f"Blessing ({judged.step.node_id})")
            _print_verdict(console, judged)


def _print_verdict(console: Console, judged: StepVerdict) -> None:
    verdict = judged.verdict
    console.print(indented(Text(verdict.summary, "bold green" if verdict.ok else "bold yellow")))
    # What failed is the reason for a no; what was held is the reason for a yes.
    reasons = [check for check in verdict.failed or verdict.checks if check.sentence not in verdict.summary]
    for check in reasons[:_SHOWN_VALUES]:
        console.print(bullet(*_mark(check), check.sentence))
    if len(reasons) > _SHOWN_VALUES:
        console.print(
            f"  and {len(reasons) - _SHOWN_VALUES} more in {judged.artifact.path / 'verdict.json'}", soft_wrap=True
        )


def _mark(check: Check) -> tuple[str, str]:
    """Return (mark, style) of a check."""
    mark = mark_of(check)
    return mark, {"ok": "green", "FAIL": "red", "warn": "yellow"}.get(mark, "dim")


def print_pushes(console: Console, result: RunResult) -> None:
    """Print the pushed version, or that nothing was pushed and why."""
    lines = [_push(step, pushed) for step, _, pushed in outputs(result, PushedModel)]
    lines += [
        f"Nothing pushed: {short_reason(step).rstrip('.')}."
        for step in result.steps
        if _may_push(step) and not step.done
    ]
    if not lines:
        return
    heading(console, "Pushed")
    for line in lines:
        console.print(indented(line))


def _may_push(step: StepResult) -> bool:
    return step.component == "Pusher"


def _push(step: StepResult, pushed: PushedModel) -> str:
    if pushed.properties.get("pushed") != 1:
        # The receipt's reason goes on to repeat the verdict, which stands above.
        return f"Nothing pushed: {str(pushed.receipt().get('reason', '')).partition(': ')[0]}."
    when = " by an earlier run" if step.status == "cached" else ""
    version, destination = pushed.properties.get("pushed_version"), pushed.properties.get("pushed_destination")
    return f"Version {version}{when}, to {destination}"


_OUTCOMES = {0: ("passed", "bold green"), 1: ("failed", "bold red")}
_GATE_OUTCOMES = {3: "stopped: anomalies found", 4: "not blessed", 5: "a step did nothing"}


def print_summary(console: Console, result: RunResult) -> None:
    """Print what the run's artifacts say, then how the run ended and where it is."""
    print_rows(console, result)
    print_anomalies(console, result)
    print_metrics(console, result)
    print_blessings(console, result)
    print_pushes(console, result)
    _print_outcome(console, result)


def print_failed_steps(console: Console, result: RunResult) -> None:
    """Print why steps did nothing or failed: the user's own traceback first, the reason, and the step's log."""
    for step in result.steps:
        if step.idle:
            console.print(Text.assemble((f"{step.node_id} did nothing: ", "bold yellow"), step.reason))
        if step.status != "failed":
            continue
        console.print()
        if step.user_traceback:
            console.print(step.user_traceback.rstrip(), soft_wrap=True)
        console.print(Text.assemble((f"{step.node_id} failed: ", "bold red"), step.reason), soft_wrap=True)
        if step.log is not None:
            console.print(f"Log: {step.log}", soft_wrap=True)


def _print_outcome(console: Console, result: RunResult) -> None:
    outcome, style = _OUTCOMES.get(result.exit_code, (_GATE_OUTCOMES.get(result.exit_code, "stopped"), "bold yellow"))
    cached = sum(step.status == "cached" for step in result.steps)
    note = f", {cached} of {len(result.steps)} steps from the cache" if cached else ""
    console.print()
    seconds = f" in {result.seconds:.1f} s{note}"
    print_result(console, Text.assemble("Run ", result.run_id, ": ", (outcome, style), seconds))
    console.print(f"  folder  {result.folder}", soft_wrap=True)
    console.print("          run.json, logs/, artifacts/", soft_wrap=True)


def run_document(result: RunResult) -> str:
    """Return the run's record, as in `run.json`, with `verdicts`: what each gate decided, and which checks failed.

    A verdict with all of its checks is at its `path`.
    """
    state = "failed" if result.exit_code == 1 else "complete"
    decided = [
        {
            "step": judged.step.node_id,
            "output": judged.key,
            "type": judged.artifact.type_name,
            "ok": judged.verdict.ok,
            "summary": judged.verdict.summary,
            "checks": len(judged.verdict.checks),
            "failed": [
                {"id": check.id, "severity": check.severity, "sentence": check.sentence}
                for check in judged.verdict.failed
            ],
            "path": str(judged.artifact.path / "verdict.json"),
        }
        for judged in verdicts(result, Artifact)
    ]
    return msgspec.json.format(msgspec.json.encode(run_record(result, state) | {"verdicts": decided})).decode()
