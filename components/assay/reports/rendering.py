"""Pages to HTML: one file, with its style and script in it, that asks nothing of a network."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import assay
from assay.display import visible
from assay.reports import figures
from assay.reports.blocks import Bars, DataTable, Graph, GraphNode, Link, Page, Pill, Section

_NODE_WIDTH, _NODE_HEIGHT = 156, 46
_GAP_ACROSS, _GAP_DOWN = 40, 16
_SWEEPS = 6


@dataclass(frozen=True, slots=True)
class NodePosition:
    """A node and its left upper corner."""

    node: GraphNode
    left: int
    top: int


@dataclass(frozen=True, slots=True)
class GraphLayout:
    """A graph with its size in pixels, where its nodes stand, and the paths of its edges."""

    width: int
    height: int
    places: tuple[NodePosition, ...]
    paths: tuple[str, ...]
    node_width: int = _NODE_WIDTH
    node_height: int = _NODE_HEIGHT


def laid_out(graph: Graph) -> GraphLayout:
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
    return GraphLayout(
        width=len(rows) * (_NODE_WIDTH + _GAP_ACROSS) - _GAP_ACROSS,
        height=height,
        places=tuple(NodePosition(known[name], *place[name]) for column in rows for name in column),
        paths=tuple(_path(place[tail], place[head]) for tail, head in edges),
    )


def _columns(names: list[str], edges: list[tuple[str, str]]) -> dict[str, int]:
    """Return the longest way from a node without a predecessor to each node."""
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
    """Return the nodes of each column from top to bottom, moved towards their neighbours a few times."""
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


TEMPLATE_VERSION = 1
"""Version of the templates, in each page, so that a page of an earlier version is recognised."""

_TEMPLATES = Path(__file__).parent / "templates"


def to_html(page: Page) -> str:
    """Return the page as one self-contained HTML document."""
    return _environment().get_template("page.html.j2").render(page=page)


def to_fragment(sections: list[Section], *, summary: str = "", status: Pill | None = None) -> str:
    """Return a part of a page that needs no script, as a notebook shows it."""
    template = _environment().get_template("fragment.html.j2")
    return template.render(sections=sections, summary=summary, status=status)


def embedded_json(value: Any) -> Markup:
    """Return JSON that is safe in a script element: nothing in it can end the element or open another."""
    text = json.dumps(_finite(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 (escaped above)


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity: they are shown as texts."""
    if isinstance(value, float):
        return value if math.isfinite(value) else figures.number(value)
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, str):
        # A lone surrogate cannot be written as UTF-8.
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, Link):
        return [value.text, value.href]
    if isinstance(value, Pill):
        return [value.word, value.tone]
    return value


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "assay_version": assay.__version__,
        "template_version": TEMPLATE_VERSION,
        "style": Markup(_asset("page.css")),  # noqa: S704 (our own file)
        "script": Markup(_asset("page.js")),  # noqa: S704 (our own file)
        "laid_out": laid_out,
    }
    environment.filters |= {
        "number": figures.number,
        "share": figures.share,
        "embedded": embedded_json,
    }
    environment.tests |= {
        "pill": lambda value: isinstance(value, Pill),
        "bars": lambda value: isinstance(value, Bars),
        "linked": lambda value: isinstance(value, Link),
        "interactive": lambda value: isinstance(value, DataTable),
    }
    return environment


def _visible(value: Any) -> Any:
    """Return a text with nothing in it that cannot be seen, such as a character that reorders a line."""
    return visible(value, lines=True) if type(value) is str else value  # not of Markup, which is our own


def _asset(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")
