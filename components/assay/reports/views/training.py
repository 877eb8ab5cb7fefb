"""A training run: every scalar of its TensorBoard logs as a curve, the loss first."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec

from assay.artifacts import ModelRun
from assay.reports.blocks import Block, Charts, Column, DataTable, Facts, Notice, Section, SmallTable
from assay.reports.charts import line_chart
from assay.reports.figures import plural, seconds
from assay.reports.sources.event_files import RunLog, read_logs
from assay.reports.views.histograms import rounded
from assay.reports.views.shown import Shown

_MOST_CHARTS = 60


def show_model_run(artifact: ModelRun) -> Shown:
    """Return the page of a training run."""
    logs = [log for log in read_logs(artifact.path) if log.scalars or log.is_cut]
    tags = sorted({scalar.tag for log in logs for scalar in log.scalars}, key=_loss_first)
    sections = [Section(title="Curves", blocks=_curves(logs, tags))]
    if tags:
        sections.append(Section(title="Last values", blocks=[_last_values(logs, tags)]))
    versions = _versions(artifact.path / "versions.json")
    if versions:
        table = SmallTable(caption="Libraries", header=("Library", "Version"), rows=versions)
        sections.append(Section(title="Libraries", blocks=[table]))
    times = [scalar.wall_time for log in logs for scalar in log.scalars if scalar.wall_time]
    steps = max((scalar.step for log in logs for scalar in log.scalars), default=0)
    summary = f"{plural(len(tags), 'curve')} from {plural(len(logs), 'log')}."
    if times:
        facts = Facts(
            [("last step", steps), ("time between the first and last value", seconds(max(times) - min(times)))]
        )
        sections.insert(0, Section(title="Overview", blocks=[facts]))
    return Shown(sections=sections, summary=summary)


def _loss_first(tag: str) -> tuple[bool, str]:
    return "loss" not in tag.lower(), tag


def _curves(logs: list[RunLog], tags: list[str]) -> list[Block]:
    if not tags:
        return [
            Notice("The run wrote no TensorBoard scalars. Give Keras's fit a TensorBoard callback on model_run_dir.")
        ]
    charts = []
    for tag in tags[:_MOST_CHARTS]:
        lines = {}
        for log in logs:
            points = [(float(scalar.step), scalar.value) for scalar in log.scalars if scalar.tag == tag]
            if points:
                lines[log.name if log.name != "." else tag] = sorted(points)
        charts.append(line_chart(tag.replace("_", " "), lines, x_label="step or epoch"))
    blocks: list[Block] = [Charts(charts)]
    if any(log.is_cut for log in logs):
        blocks.insert(
            0, Notice("A log ends within a record, as that of a killed run does; what was whole is shown.", "warn")
        )
    if len(tags) > _MOST_CHARTS:
        blocks.append(Notice(f"The first {_MOST_CHARTS} of {len(tags)} curves are drawn; the table has them all."))
    return blocks


def _last_values(logs: list[RunLog], tags: list[str]) -> DataTable:
    rows = []
    for tag in tags:
        for log in logs:
            found = [scalar for scalar in log.scalars if scalar.tag == tag]
            values = [scalar.value for scalar in found if math.isfinite(scalar.value)]
            if found:
                least, most = (rounded(min(values)), rounded(max(values))) if values else (None, None)
                rows.append([tag, log.name, found[-1].step, rounded(found[-1].value), least, most, len(found)])
    return DataTable(
        name="values",
        caption="Last values",
        columns=[
            Column(label="Scalar", kind="name", search=True),
            Column(label="Log"),
            Column(label="Last step", kind="int"),
            Column(label="Last", kind="num"),
            Column(label="Least", kind="num"),
            Column(label="Most", kind="num"),
            Column(label="Values", kind="int"),
        ],
        rows=rows,
        counted=("scalar", "scalars"),
    )


def _versions(path: Path) -> list[tuple[str, str]]:
    if not path.is_file():
        return []
    content = msgspec.json.decode(path.read_bytes())
    libraries = content.get("libraries", {}) if isinstance(content, dict) else {}
    return [(str(name), str(version)) for name, version in sorted(libraries.items())]
