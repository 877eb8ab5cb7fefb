"""The overview of a root: its pipelines and their runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assay.reports.blocks import Column, DataTable, Page, Section
from assay.reports.figures import plural, seconds
from assay.reports.run_page import Record, outcome, started_at

Address = Callable[[str], str]


def root_page(root: str, records: Sequence[Record], pipeline_link: Address, run_link: Address) -> Page:
    """Return the overview of a root.

    Args:
        root: The folder.
        records: The contents of the runs' `run.json`, the earliest first.
        pipeline_link: Where the history of a pipeline is.
        run_link: Where the page of a run is.
    """
    names = list(dict.fromkeys(record["pipeline"] for record in reversed(records)))
    pipelines = DataTable(
        name="pipelines",
        caption="Pipelines",
        columns=[
            Column(label="Pipeline", kind="link", search=True),
            Column(label="Runs", kind="int"),
            Column(label="Last run, UTC"),
            Column(label="Outcome", kind="pill"),
        ],
        rows=[_pipeline(name, [each for each in records if each["pipeline"] == name], pipeline_link) for name in names],
        counted=("pipeline", "pipelines"),
        empty="No pipeline has run below this root.",
    )
    runs = DataTable(
        name="runs",
        caption="Runs",
        columns=[
            Column(label="Run", kind="link", search=True),
            Column(label="Pipeline", search=True),
            Column(label="Started, UTC"),
            Column(label="Outcome", kind="pill"),
            Column(label="Took", kind="time"),
            Column(label="Steps", kind="int"),
            Column(label="Cached", kind="int"),
        ],
        rows=[_run(record, run_link) for record in reversed(records)],
        filters=(3,),
        counted=("run", "runs"),
        empty="Nothing has run below this root.",
    )
    return Page(
        kind="Root",
        title=root.rstrip("/").rsplit("/", 1)[-1] or root,
        summary=f"{plural(len(records), 'run')} of {plural(len(names), 'pipeline')} below {root}.",
        sections=[Section(title="Pipelines", blocks=[pipelines]), Section(title="Runs", blocks=[runs])],
    )


def _started(record: Record) -> str:
    start = started_at(record["run_id"])
    return f"{start:%Y-%m-%d %H:%M}" if start is not None else ""


def _pipeline(name: str, records: Sequence[Record], link: Address) -> list[object]:
    pill = outcome(records[-1])
    return [[name, link(name)], len(records), _started(records[-1]), [pill.word, pill.tone]]


def _run(record: Record, link: Address) -> list[object]:
    pill = outcome(record)
    steps = record["steps"]
    return [
        [record["run_id"], link(record["run_id"])],
        record["pipeline"],
        _started(record),
        [pill.word, pill.tone],
        [record["seconds"], seconds(record["seconds"]), 0],
        len(steps),
        sum(step["status"] == "cached" for step in steps),
    ]
