"""The history of a pipeline: its runs, metrics and drift over time, and the models that were blessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assay.artifacts import ExampleStatistics
from assay.errors import AssayError
from assay.reports.blocks import Block, Charts, Column, DataTable, Facts, Link, Notice, Page, Section
from assay.reports.charts import line_chart
from assay.reports.figures import plural, seconds, short_digest
from assay.reports.opening import opened
from assay.reports.run_page import ArtifactLink, Record, outcome, started_at
from assay.reports.sources.evaluation_files import BASELINE, CANDIDATE, OVERALL, Metric, read_metrics
from assay.reports.views.drift import Span, drift_section
from assay.reports.views.histograms import data_sets, rounded

RunLink = Callable[[str], str]
_MOST_METRICS = 12
_COUNTS = frozenset({"example_count", "weighted_example_count"})
_MOST_SPANS = 60


def history_page(
    pipeline: str,
    records: Sequence[Record],
    run_link: RunLink,
    artifact_link: ArtifactLink,
    *,
    crumbs: Sequence[Link] = (),
) -> Page:
    """Return the page of a pipeline.

    Args:
        pipeline: Its name.
        records: The contents of the runs' `run.json`, the earliest first.
        run_link: Where the page of a run is.
        artifact_link: Where the page of an artifact is.
        crumbs: The way to the page.
    """
    metrics = {record["run_id"]: _metrics(record) for record in records}
    sections = [
        Section(title="Overview", blocks=[_overview(records)]),
        Section(title="Runs", blocks=[_runs(records, run_link, metrics)]),
    ]
    charts = _metric_charts(records, metrics)
    if charts:
        note = "Of the candidate on all examples, run by run; the baseline's where there was one."
        sections.append(Section(title="Metrics over time", blocks=[Charts(charts)], note=note))
    spans = _spans(records)
    if len(spans) > 1:
        sections.append(drift_section(spans))
    sections.append(Section(title="Models", blocks=[_models(records, run_link, artifact_link)]))
    last = records[-1] if records else None
    return Page(
        kind="Pipeline",
        title=pipeline,
        summary=f"{plural(len(records), 'run')}."
        if last is None
        else f"{plural(len(records), 'run')}; the last {outcome(last).word}.",
        status=outcome(last) if last is not None else None,
        sections=sections,
        crumbs=crumbs,
    )


def _overview(records: Sequence[Record]) -> Facts:
    passed = sum(record["exit_code"] == 0 for record in records)
    blessed = sum(bool(found["properties"].get("blessed") == 1) for _, _, found in _of_type(records, "ModelBlessing"))
    pushed = sum(bool(found["properties"].get("pushed") == 1) for _, _, found in _of_type(records, "PushedModel"))
    last = started_at(records[-1]["run_id"]) if records else None
    items: list[tuple[str, Any]] = [
        ("runs", len(records)),
        ("passed", passed),
        ("blessings", blessed),
        ("pushes", pushed),
    ]
    if last is not None:
        items.append(("last run, UTC", f"{last:%Y-%m-%d %H:%M}"))
    return Facts(items)


def _of_type(records: Sequence[Record], type_name: str) -> list[tuple[Record, Record, Record]]:
    """Yield each (run, step, artifact) of a type that a step of a run made itself."""
    return [
        (record, step, artifact)
        for record in records
        for step in record["steps"]
        if step["status"] not in {"cached", "resolved"}
        for values in step["outputs"].values()
        for artifact in values
        if artifact["type"] == type_name
    ]


def _runs(records: Sequence[Record], run_link: RunLink, metrics: Mapping[str, Mapping[str, Metric]]) -> DataTable:
    names = list(dict.fromkeys(name for each in metrics.values() for name in each))[:4]
    rows = []
    for record in reversed(records):
        pill = outcome(record)
        start = started_at(record["run_id"])
        cached = sum(step["status"] == "cached" for step in record["steps"])
        values = [metrics[record["run_id"]].get(name) for name in names]
        rows.append(
            [
                [record["run_id"], run_link(record["run_id"])],
                f"{start:%Y-%m-%d %H:%M}" if start is not None else "",
                [pill.word, pill.tone],
                [record["seconds"], seconds(record["seconds"]), 0],
                f"{cached} of {len(record['steps'])}",
                *(rounded(each.value) if each is not None and each.value is not None else None for each in values),
            ]
        )
    return DataTable(
        name="runs",
        caption="Runs",
        columns=[
            Column(label="Run", kind="link", search=True),
            Column(label="Started, UTC"),
            Column(label="Outcome", kind="pill"),
            Column(label="Took", kind="time"),
            Column(label="Steps cached"),
            *(Column(label=name, kind="num") for name in names),
        ],
        rows=rows,
        filters=(2,),
        counted=("run", "runs"),
        empty="The pipeline has not run yet.",
    )


def _metrics(record: Record, model: str = CANDIDATE) -> dict[str, Metric]:
    """Return the metrics of all examples of a run's evaluation."""
    for step in record["steps"]:
        for values in step["outputs"].values():
            for artifact in values:
                if artifact["type"] == "ModelEvaluation" and Path(artifact["uri"]).is_dir():
                    try:
                        found = read_metrics(Path(artifact["uri"]))
                    except AssayError:  # removed or damaged since; the history shows the rest
                        continue
                    return {
                        each.name: each
                        for each in found
                        if each.model == model and each.slice == OVERALL and each.name not in _COUNTS
                    }
    return {}


def _metric_charts(records: Sequence[Record], metrics: Mapping[str, Mapping[str, Metric]]) -> list[Any]:
    names = list(dict.fromkeys(name for each in metrics.values() for name in each))[:_MOST_METRICS]
    evaluated = [record for record in records if metrics[record["run_id"]]]
    if not evaluated:
        return []
    baselines = [_metrics(record, BASELINE) for record in evaluated]
    labels = [_label(record["run_id"]) for record in evaluated]
    charts = []
    for name in names:
        lines, bands = {}, {}
        for model, found in (
            (CANDIDATE, [metrics[record["run_id"]] for record in evaluated]),
            (BASELINE, baselines),
        ):
            of_name = [(at, each[name]) for at, each in enumerate(found) if name in each]
            points = [(float(at), metric.value) for at, metric in of_name if metric.value is not None]
            if points:
                lines[model] = points
                bands[model] = [
                    (float(at), metric.lower, metric.upper)
                    for at, metric in of_name
                    if metric.lower is not None and metric.upper is not None
                ]
        charts.append(line_chart(name, lines, x_label="run", x_names=labels, bounds=bands))
    return charts


def _label(run_id: str) -> str:
    start = started_at(run_id)
    return f"{start:%m-%d %H:%M}" if start is not None else run_id[:12]


def _spans(records: Sequence[Record]) -> list[Span]:
    """Return the statistics of each span, the latest of several; where there is one span only, of each run."""
    found: dict[tuple[str, int], tuple[str, Record]] = {}
    for record, step, artifact in _of_type(records, "ExampleStatistics"):
        span = int(artifact["properties"].get("span") or 0)
        found[step["id"], span] = (record["run_id"], artifact)
    nodes = list(dict.fromkeys(node for node, _ in found))
    if not nodes:
        return []
    of_node = {span: value for (node, span), value in found.items() if node == nodes[0]}
    chosen = [(f"span {span}", artifact) for span, (_, artifact) in sorted(of_node.items())]
    if len(chosen) < 2:
        runs = {
            artifact["digest"]: (_label(record["run_id"]), artifact)
            for record, step, artifact in _of_type(records, "ExampleStatistics")
            if step["id"] == nodes[0]
        }
        chosen = list(runs.values())
    spans = []
    for name, artifact in chosen[-_MOST_SPANS:]:
        try:
            opened_artifact = opened(Path(artifact["uri"]))
        except AssayError:
            continue
        if isinstance(opened_artifact, ExampleStatistics) and opened_artifact.split_names:
            split = opened_artifact.split_names[0]
            spans.append(Span(name, data_sets(name, opened_artifact.read(split))[0]))
    return spans


def _models(records: Sequence[Record], run_link: RunLink, artifact_link: ArtifactLink) -> Block:
    pushes = {
        step["properties"].get("pushed_version"): record["run_id"]
        for record, _, step in _of_type(records, "PushedModel")
    }
    rows = []
    for record, _, blessing in reversed(_of_type(records, "ModelBlessing")):
        properties = blessing["properties"]
        blessed = properties.get("blessed") == 1
        version = next((v for v, run_id in pushes.items() if run_id == record["run_id"] and v), "")
        rows.append(
            [
                [short_digest(str(properties.get("current_model_digest") or "")), artifact_link(blessing)],
                ["blessed", "ok"] if blessed else ["not blessed", "bad"],
                [record["run_id"], run_link(record["run_id"])],
                short_digest(str(properties.get("baseline_model_digest") or "")),
                str(version) if blessed else "",
            ]
        )
    if not rows:
        return Notice("No run has judged a model yet.")
    return DataTable(
        name="models",
        caption="Judged models",
        columns=[
            Column(label="Model", kind="link", search=True),
            Column(label="Decision", kind="pill"),
            Column(label="Run", kind="link", search=True),
            Column(label="Baseline", search=True),
            Column(label="Pushed as"),
        ],
        rows=rows,
        filters=(1,),
        counted=("model", "models"),
    )
