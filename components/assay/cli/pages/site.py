"""The pages of one root, made when they are asked for."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import msgspec

from assay.cli.lineage_store import chosen_root, open_lineage
from assay.errors import ArtifactError, AssayError, LineageError, did_you_mean
from assay.reports import to_html
from assay.reports.artifact_page import artifact_page
from assay.reports.blocks import Column, DataTable, Graph, GraphNode, Link, Notice, Page, Section, Tone
from assay.reports.figures import short_digest
from assay.reports.history_page import history_page
from assay.reports.root_page import root_page
from assay.reports.run_page import run_page

if TYPE_CHECKING:
    from assay.lineage import ArtifactRecord, ExecutionRecord, LineageStore

_MOST_NODES = 120
_TONES: dict[str, Tone] = {"COMPLETE": "ok", "CACHED": "info", "FAILED": "bad"}


def lineage_section(store: LineageStore, artifact_id: int, address: Callable[[int], str]) -> Section:
    """Draws the whole lineage of an artifact, both ways; of a very large one, the nearest part.

    Args:
        store: The lineage store.
        artifact_id: The artifact.
        address: Where the page of an artifact is.
    """
    artifacts: dict[int, ArtifactRecord] = {}
    executions: dict[int, ExecutionRecord] = {}
    edges: list[tuple[str, str]] = []
    for graph in (store.ancestors(artifact_id), store.descendants(artifact_id)):
        artifacts |= graph.artifacts
        executions |= graph.executions
        for event in graph.events:
            ends = (f"artifact {event.artifact_id}", f"execution {event.execution_id}")
            edges.append(ends if event.direction == "INPUT" else (ends[1], ends[0]))
    # A cached execution only hands on what another made: an edge from it would lead back.
    made = {f"artifact {each.id}": f"execution {each.producer_id}" for each in artifacts.values()}
    edges = [(tail, head) for tail, head in edges if head.startswith("execution") or made[head] == tail]
    nodes = {f"artifact {each.id}": _artifact_node(each, artifact_id, address) for each in artifacts.values()}
    nodes |= {f"execution {each.id}": _execution_node(each) for each in executions.values()}
    near = _nearest(f"artifact {artifact_id}", edges)
    shown = [nodes[name] for name in nodes if name in near]
    note = (
        f"From the left: what made it, and what came of it. {len(artifacts)} artifacts, {len(executions)} executions."
    )
    if len(shown) < len(nodes):
        note += f" The nearest {len(shown)} of {len(nodes)} are drawn; the table has every artifact."
    table = DataTable(
        name="lineage",
        caption="Artifacts of the lineage",
        columns=[
            Column(label="Artifact", kind="link", search=True),
            Column(label="Type", search=True),
            Column(label="Made by", search=True),
            Column(label="Run", search=True),
            Column(label="Made, UTC"),
            Column(label="Digest", search=True),
        ],
        rows=[_row(each, executions, address) for each in artifacts.values()],
        counted=("artifact", "artifacts"),
        page_size=15,
    )
    graph_block = Graph(caption="Lineage", nodes=shown, edges=edges)
    return Section(title="Lineage", blocks=[graph_block, table], note=note)


def _artifact_node(record: ArtifactRecord, here: int, address: Callable[[int], str]) -> GraphNode:
    state = "" if record.state == "LIVE" else ", deleted"
    return GraphNode(
        id=f"artifact {record.id}",
        label=record.type,
        note=f"{record.output_key or 'artifact'} {record.id}{state}",
        shape="artifact",
        href="" if record.id == here else address(record.id),
        here=record.id == here,
    )


def _execution_node(record: ExecutionRecord) -> GraphNode:
    return GraphNode(
        id=f"execution {record.id}",
        label=record.node_id,
        note=f"{record.state.lower()}, execution {record.id}",
        tone=_TONES.get(record.state, "plain"),
    )


def _nearest(start: str, edges: list[tuple[str, str]]) -> set[str]:
    near: dict[str, list[str]] = defaultdict(list)
    for tail, head in edges:
        near[tail].append(head)
        near[head].append(tail)
    found, queue = {start}, deque([start])
    while queue and len(found) < _MOST_NODES:
        for other in near[queue.popleft()]:
            if other not in found:
                found.add(other)
                queue.append(other)
    return found


def _row(record: ArtifactRecord, executions: dict[int, ExecutionRecord], address: Callable[[int], str]) -> list[object]:
    producer = executions.get(record.producer_id) if record.producer_id is not None else None
    return [
        [f"{record.id} {record.output_key}".strip(), address(record.id)],
        record.type,
        producer.node_id if producer else "",
        producer.run_id if producer else "",
        f"{record.created_at:%Y-%m-%d %H:%M}",
        short_digest(record.digest),
    ]


class Addresses(Protocol):
    """Returns the address of a page as seen from the page that links to it; empty if there is none."""

    def home(self) -> str:
        """Return the link to the overview of a root."""
        ...

    def pipeline(self, name: str) -> str:
        """Return the link to a pipeline's history."""
        ...

    def run(self, run_id: str) -> str:
        """Return the link to a run's page."""
        ...

    def artifact(self, artifact_id: int) -> str:
        """Return the link to an artifact's page."""
        ...


class ServedAddresses:
    """Addresses of `assay ui`."""

    def home(self) -> str:
        """Return the link to the overview of a root."""
        return "/"

    def pipeline(self, name: str) -> str:
        """Return the link to a pipeline's history."""
        return f"/pipeline/{quote(name, safe='')}"

    def run(self, run_id: str) -> str:
        """Return the link to a run's page."""
        return f"/run/{quote(run_id, safe='')}"

    def artifact(self, artifact_id: int) -> str:
        """Return the link to an artifact's page."""
        return f"/artifact/{artifact_id}"


@dataclass(frozen=True, slots=True)
class FileAddresses:
    """Addresses of files that were written together.

    Attributes:
        artifacts: The artifacts that have a page.
        folder: What leads to the artifacts' pages from the page that links: `report.pages/`; empty within that folder.
        runs: Addresses by the id of each run that has a page.
        history: The address of the pipeline's history, where it has a page.
    """

    artifacts: frozenset[int] = frozenset()
    folder: str = ""
    runs: tuple[tuple[str, str], ...] = ()
    history: str = ""

    def home(self) -> str:
        """Return no link: a root's overview is only served."""
        return ""

    def pipeline(self, name: str) -> str:  # noqa: ARG002 (files are of one pipeline)
        """Return the link to the pipeline's history."""
        return self.history

    def run(self, run_id: str) -> str:
        """Return the link to a run's page."""
        return dict(self.runs).get(run_id, "")

    def artifact(self, artifact_id: int) -> str:
        """Return the link to an artifact's page."""
        return f"{quote(self.folder)}artifact-{artifact_id}.html" if artifact_id in self.artifacts else ""


Record = Mapping[str, Any]


@contextmanager
def open_site(root: Path | None, store: str | None = None) -> Iterator[Site]:
    """Open the pages of a root; by default the only one below `assay-root/`.

    Raises:
        UsageError: There is not just one.
        LineageError: The root holds no lineage store.
    """
    place = chosen_root(root)
    with open_lineage(place, store) as standing:
        yield Site(place, standing.store)


@dataclass(frozen=True, slots=True)
class Site:
    """Makes the pages of a root.

    Attributes:
        root: The root folder.
        store: Its lineage store.
    """

    root: Path
    store: LineageStore

    def home(self, at: Addresses) -> str:
        """Return the overview: pipelines and runs."""
        page = root_page(str(self.root), self.records(), at.pipeline, at.run)
        return to_html(page)

    def pipeline(self, name: str, at: Addresses) -> str:
        """Return the history of a pipeline.

        Raises:
            LineageError: The root has no run of it.
        """
        records = [record for record in self.records() if record["pipeline"] == name]
        if not records:
            known = {record["pipeline"] for record in self.records()}
            raise LineageError(
                "report.pipeline", f"{self.root} has no run of a pipeline '{name}'.", did_you_mean(name, known)
            )
        page = history_page(name, records, at.run, _linked(at), crumbs=_crumbs(Link("runs", at.home())))
        return to_html(page)

    def run(self, run_id: str, at: Addresses) -> str:
        """Return the page of a run."""
        record = self.record(run_id)
        name = record["pipeline"]
        crumbs = _crumbs(Link("runs", at.home()), Link(name, at.pipeline(name)))
        return to_html(run_page(record, _linked(at), crumbs=crumbs))

    def artifact(self, artifact_id: int, at: Addresses) -> str:
        """Return the page of an artifact, with its lineage; of a deleted one, what the lineage store knows.

        Raises:
            LineageError: There is no such artifact.
        """
        record = self.store.artifact(artifact_id)
        lineage = lineage_section(self.store, artifact_id, at.artifact)
        run_id = self.store.execution(record.producer_id).run_id if record.producer_id is not None else ""
        crumbs = _crumbs(Link("runs", at.home()), Link(run_id, at.run(run_id) if run_id else ""))
        try:
            page = artifact_page(Path(record.location), lineage=lineage, crumbs=crumbs)
        except (AssayError, OSError) as error:
            page = _gone(record, str(error), lineage, crumbs)
        return to_html(page)

    def records(self) -> list[Record]:
        """Return the records of all runs, the earliest first."""
        paths = sorted((self.root / "runs").glob("*/run.json"))
        return [_read(path) for path in paths]

    def record(self, run_id: str) -> Record:
        """Return the record of a run.

        Raises:
            LineageError: The root has none of that id.
        """
        # An id comes from an address, too: only one of a run that is there leads to a file.
        known = {each.parent.name: each for each in (self.root / "runs").glob("*/run.json")}
        if run_id not in known:
            raise LineageError("report.run", f"{self.root} has no run '{run_id}'.", did_you_mean(run_id, known))
        return _read(known[run_id])


def _read(path: Path) -> Record:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError) as error:
        raise ArtifactError("report.run_record", f"{path} cannot be read: {error}.") from error


def _linked(at: Addresses) -> Any:
    return lambda record: at.artifact(record["id"]) if record.get("id") is not None else ""


def _crumbs(*links: Link) -> list[Link]:
    return [link for link in links if link.text and (link.href or link.text != "runs")]


def _gone(record: ArtifactRecord, reason: str, lineage: Section, crumbs: list[Link]) -> Page:
    return Page(
        kind=record.type,
        title=f"{record.output_key or record.type} {record.id}",
        facts=[("digest", short_digest(record.digest)), ("was at", record.location)],
        sections=[Section(title="Files", blocks=[Notice(f"It cannot be shown: {reason}", "warn")]), lineage],
        crumbs=crumbs,
    )
