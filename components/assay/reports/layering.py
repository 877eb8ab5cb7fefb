"""Where the nodes of a graph stand: in columns from left to right, so that every edge leads to the right."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from assay.reports.blocks import Graph, Node

_NODE_WIDTH, _NODE_HEIGHT = 156, 46
_GAP_ACROSS, _GAP_DOWN = 40, 16
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class Place:
    """A node and its left upper corner."""

    node: Node
    left: int
    top: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A graph with its size in pixels, where its nodes stand, and the paths of its edges."""

    width: int
    height: int
    places: tuple[Place, ...]
    paths: tuple[str, ...]
    node_width: int = _NODE_WIDTH
    node_height: int = _NODE_HEIGHT


def laid_out(graph: Graph) -> Drawn:
    """Places nodes by the layered method of Sugiyama: column by longest path, order by the mean place of neighbours."""
    known = {node.id: node for node in graph.nodes}
    edges = [(tail, head) for tail, head in dict.fromkeys(graph.edges) if tail in known and head in known]
    columns = _columns(list(known), edges)
    rows = _ordered(columns, edges)
    most = max((len(column) for column in rows), default=0)
    height = most * (_NODE_HEIGHT + _GAP_DOWN) - _GAP_DOWN
    place: dict[str, tuple[int, int]] = {}
    for across, column in enumerate(rows):
        free = height - (len(column) * (_NODE_HEIGHT + _GAP_DOWN) - _GAP_DOWN)
        for down, name in enumerate(column):
            place[name] = (across * (_NODE_WIDTH + _GAP_ACROSS), free // 2 + down * (_NODE_HEIGHT + _GAP_DOWN))
    return Drawn(
        width=len(rows) * (_NODE_WIDTH + _GAP_ACROSS) - _GAP_ACROSS,
        height=height,
        places=tuple(Place(known[name], *place[name]) for column in rows for name in column),
        paths=tuple(_path(place[tail], place[head]) for tail, head in edges),
    )


def _columns(names: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """The longest way from a node without a predecessor to each node."""
    before: dict[str, list[str]] = defaultdict(list)
    for tail, head in edges:
        before[head].append(tail)
    column: dict[str, int] = {}
    for start in names:
        stack = [start]
        while stack:
            name = stack[-1]
            waiting = [tail for tail in before[name] if tail not in column and tail not in stack]
            if waiting:
                stack.append(waiting[0])
                continue
            stack.pop()
            column[name] = max((column[tail] + 1 for tail in before[name] if tail in column), default=0)
    return column


def _ordered(columns: dict[str, int], edges: list[tuple[str, str]]) -> list[list[str]]:
    """The nodes of each column from top to bottom, moved towards their neighbours a few times."""
    rows: list[list[str]] = [[] for _ in range(max(columns.values(), default=-1) + 1)]
    for name, column in columns.items():
        rows[column].append(name)
    near: dict[str, list[str]] = defaultdict(list)
    for tail, head in edges:
        near[tail].append(head)
        near[head].append(tail)
    for sweep in range(_SWEEPS):
        at = {name: (place + 0.5) / len(row) for row in rows for place, name in enumerate(row)}
        for row in rows if sweep % 2 else reversed(rows):
            row.sort(key=lambda name: sum(at[other] for other in near[name]) / len(near[name]) if near[name] else 0.5)
            at |= {name: (place + 0.5) / len(row) for place, name in enumerate(row)}
    return rows


def _path(tail: tuple[int, int], head: tuple[int, int]) -> str:
    x1, y1 = tail[0] + _NODE_WIDTH, tail[1] + _NODE_HEIGHT // 2
    x2, y2 = head[0], head[1] + _NODE_HEIGHT // 2
    bend = max(24, (x2 - x1) // 2)
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
