"""What made an artifact and what came of it, as a graph that can be walked and a table of the same."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING

from assay.reports.blocks import Column, DataTable, Graph, Node, Section, Tone
from assay.reports.figures import short_digest

if TYPE_CHECKING:
    from assay.lineage import ArtifactRecord, ExecutionRecord, LineageReader

_MOST_NODES = 120
_TONES: dict[str, Tone] = {"COMPLETE": "ok", "CACHED": "info", "FAILED": "bad"}


def lineage_section(store: LineageReader, artifact_id: int, address: Callable[[int], str]) -> Section:
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


def _artifact_node(record: ArtifactRecord, here: int, address: Callable[[int], str]) -> Node:
    state = "" if record.state == "LIVE" else ", deleted"
    return Node(
        id=f"artifact {record.id}",
        label=record.type,
        note=f"{record.output_key or 'artifact'} {record.id}{state}",
        shape="artifact",
        href="" if record.id == here else address(record.id),
        here=record.id == here,
    )


def _execution_node(record: ExecutionRecord) -> Node:
    return Node(
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
