"""The page of a run, from its `run.json`: the graph with status and seconds, rows in and out, every artifact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from assay.reports.blocks import (
    Block,
    Code,
    Column,
    DataTable,
    Detail,
    Facts,
    Graph,
    GraphNode,
    Link,
    Notice,
    Page,
    Pill,
    Section,
    SmallTable,
    Tone,
)
from assay.reports.figures import plural, seconds, short_digest
from assay.reports.rendering import to_fragment

Record = Mapping[str, Any]
ArtifactLink = Callable[[Record], str]
"""Returns the address of the page of an artifact's record; empty if it has none."""

_TONES: dict[str, Tone] = {
    "complete": "ok",
    "cached": "info",
    "imported": "plain",
    "resolved": "plain",
    "failed": "bad",
    "skipped": "warn",
}
_OUTCOMES: dict[int, tuple[str, Tone]] = {
    0: ("passed", "ok"),
    1: ("failed", "bad"),
    3: ("anomalies found", "warn"),
    4: ("not blessed", "warn"),
    5: ("a step did nothing", "warn"),
}


def run_page(record: Record, link: ArtifactLink, *, crumbs: Sequence[Link] = ()) -> Page:
    """Return the page of a run.

    Args:
        record: The content of `run.json`.
        link: Where the page of each artifact is.
        crumbs: The way to the page.
    """
    steps: list[Record] = record["steps"]
    found = Counter(step["status"] for step in steps)
    facts: list[tuple[str, Any]] = [("pipeline", record["pipeline"])]
    start = started_at(record["run_id"])
    if start is not None:
        facts.append(("started", f"{start:%Y-%m-%d %H:%M:%S} UTC"))
    facts += [("took", seconds(record["seconds"])), ("root", record["root"])]
    sections = [Section(title="Graph", blocks=[*_problems(steps), run_graph(steps, link)])]
    sections.append(Section(title="Steps", blocks=[_steps(steps)]))
    sections.append(Section(title="Artifacts", blocks=[_artifacts(steps, link)], note="Each leads to its page."))
    rows = _rows(steps)
    if rows.rows:
        sections.append(Section(title="Rows", blocks=[rows], note="What each step read, and what became of it."))
    if record["parameters"]:
        sections.append(Section(title="Parameters", blocks=[Facts([*record["parameters"].items()])]))
    return Page(
        kind="Run",
        title=record["run_id"],
        summary=f"{plural(len(steps), 'step')}: {', '.join(f'{count} {status}' for status, count in found.items())}.",
        status=outcome(record),
        facts=facts,
        sections=sections,
        crumbs=crumbs,
    )


def run_fragment(record: Record) -> str:
    """Return the steps of a run as a notebook shows them."""
    rows = [
        (
            step["id"],
            Pill(step["status"], _TONES.get(step["status"], "plain")),
            seconds(step["seconds"]),
            ", ".join(f"{split} {count['written']:,}" for split, count in step["rows"].items()),
            step["reason"] or (step["closed_gate"] or {}).get("summary", ""),
        )
        for step in record["steps"]
    ]
    header = ("Step", "Status", "Took", "Rows", "What it said")
    table = SmallTable(caption="Steps", header=header, rows=rows, numbers=(2,))
    words = f"{record['pipeline']}, run {record['run_id']}, {seconds(record['seconds'])}"
    return to_fragment([Section(title="", blocks=[table])], summary=words, status=outcome(record))


def started_at(run_id: str) -> datetime | None:
    """Return when a run started, by its id; None for another tool's id."""
    try:
        return datetime.strptime(run_id[:15], "%Y%m%d-%H%M%S")  # noqa: DTZ007 (ids are in UTC, and are shown so)
    except ValueError:
        return None


def outcome(record: Record) -> Pill:
    """Return how a run ended, in a word."""
    if record["exit_code"] is None:
        return Pill(str(record["state"]), "info")
    word, tone = _OUTCOMES.get(record["exit_code"], (f"exit code {record['exit_code']}", "bad"))
    return Pill(word, tone)


def run_graph(steps: Sequence[Record], link: ArtifactLink) -> Graph:
    """Return the steps, and which reads another's outputs."""
    made = {artifact["id"]: step["id"] for step in steps for values in step["outputs"].values() for artifact in values}
    nodes, edges = [], []
    for step in steps:
        first = next((values[0] for values in step["outputs"].values() if values), None)
        gate = step.get("closed_gate")
        note = seconds(step["seconds"]) if step["status"] == "complete" else step["status"]
        nodes.append(
            GraphNode(
                id=step["id"],
                label=step["id"],
                note=f"{note}, gate closed" if gate else note,
                tone="warn" if gate else _TONES.get(step["status"], "plain"),
                href=link(first) if first else "",
            )
        )
        for values in step["inputs"].values():
            edges += [
                (made[each["id"]], step["id"]) for each in values if made.get(each["id"], step["id"]) != step["id"]
            ]
    return Graph(caption="Steps of the run", nodes=nodes, edges=edges)


def _problems(steps: Sequence[Record]) -> list[Block]:
    blocks: list[Block] = []
    for step in steps:
        if step["status"] == "failed":
            blocks.append(Notice(f"{step['id']} failed: {step['reason']}", "bad"))
            if step["user_traceback"]:
                blocks.append(Code(f"Traceback of {step['id']}", step["user_traceback"]))
        if step.get("closed_gate"):
            blocks.append(Notice(f"{step['id']}: {step['closed_gate']['summary']}", "warn"))
    return blocks


def _steps(steps: Sequence[Record]) -> DataTable:
    longest = max((step["seconds"] for step in steps), default=0) or 1
    rows = [
        [
            [step["id"], step["component"] if step["component"] != step["id"] else ""],
            [step["status"], _TONES.get(step["status"], "plain")],
            [step["seconds"], seconds(step["seconds"]), round(step["seconds"] / longest, 4)],
            sum(map(len, step["inputs"].values())),
            sum(map(len, step["outputs"].values())),
            step["reason"] or (step["closed_gate"] or {}).get("summary", ""),
            [
                [[name, _text(value)] for name, value in step["output_parameters"].items()] or None,
                [
                    ["fingerprint", step["fingerprint"]],
                    ["execution", str(step["execution_id"])],
                    ["log", step["log"] or ""],
                ],
            ],
        ]
        for step in steps
    ]
    return DataTable(
        name="steps",
        caption="Steps",
        columns=[
            Column(label="Step", kind="name", search=True),
            Column(label="Status", kind="pill"),
            Column(label="Took", kind="time"),
            Column(label="Inputs", kind="int"),
            Column(label="Outputs", kind="int"),
            Column(label="What it said", kind="long"),
        ],
        rows=rows,
        details=[
            Detail(kind="table", title="Output parameters", labels=("name", "value")),
            Detail(kind="table", title="Execution", labels=("what", "value")),
        ],
        filters=(1,),
        counted=("step", "steps"),
        page_size=50,
    )


def _text(value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _artifacts(steps: Sequence[Record], link: ArtifactLink) -> DataTable:
    rows = [
        [
            [f"{step['id']}.{key}", link(artifact)],
            artifact["type"],
            sum(artifact["rows"].values()) if artifact["rows"] else None,
            "earlier" if step["status"] in {"cached", "resolved"} else "this run",
            short_digest(artifact["digest"]),
        ]
        for step in steps
        for key, values in step["outputs"].items()
        for artifact in values
    ]
    return DataTable(
        name="artifacts",
        caption="Artifacts",
        columns=[
            Column(label="Artifact", kind="link", search=True),
            Column(label="Type", search=True),
            Column(label="Rows", kind="int"),
            Column(label="Made in"),
            Column(label="Digest", search=True),
        ],
        rows=rows,
        counted=("artifact", "artifacts"),
        empty="The run made no artifact.",
        page_size=50,
    )


def _rows(steps: Sequence[Record]) -> DataTable:
    rows = [
        [step["id"], split, count["read"], count["written"], count["rejected"]]
        for step in steps
        for split, count in step["rows"].items()
    ]
    return DataTable(
        name="rows",
        caption="Rows in and out",
        columns=[
            Column(label="Step", kind="name"),
            Column(label="Split"),
            Column(label="Read", kind="int"),
            Column(label="Written", kind="int"),
            Column(label="Rejected", kind="int"),
        ],
        rows=rows,
        counted=("count", "counts"),
        page_size=50,
    )
