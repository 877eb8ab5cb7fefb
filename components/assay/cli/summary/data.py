"""What the run says about the data: rows by split, and anomalies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay.artifacts import ExampleAnomalies, Examples
from assay.cli.layout import heading, table
from assay.cli.summary.produced import outputs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from assay.runners.local import RunResult

_SHOWN = 30


def print_rows(console: Console, result: RunResult) -> None:
    """Prints a line for each Examples artifact, with a column a split."""
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
    """Prints the anomalies that were found: split, feature, what, and TFDV's description with its shares and values."""
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
    """Gives (feature, short description, description) for each reason, by feature; the data set's own last."""
    infos = sorted(anomalies.anomaly_info.items())
    if anomalies.HasField("dataset_anomaly_info"):
        infos.append(("(all)", anomalies.dataset_anomaly_info))
    for feature, info in infos:
        for reason in info.reason:
            mark = "" if info.severity == anomalies_pb2.AnomalyInfo.ERROR else " (warning)"
            yield feature, f"{reason.short_description}{mark}", reason.description
    if anomalies.data_missing:
        yield "(all)", "No data", "The split holds no rows."
