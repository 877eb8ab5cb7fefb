"""What a page is made of. Views fill these from artifacts; the templates turn each into HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

Tone: TypeAlias = Literal["ok", "bad", "warn", "info", "plain"]
CellKind: TypeAlias = Literal[
    "name", "text", "long", "num", "int", "share", "change", "time", "pill", "hist", "series", "link", "hidden"
]
DetailKind: TypeAlias = Literal["facts", "bars", "values", "table", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table that the page itself searches, sorts and pages.

    Attributes:
        label: Its heading.
        kind: How a cell is shown; one that is `hidden` only serves a filter. A cell of kind `num`, `int` or `share`
            may hold a list: one value a series.
        search: Whether its text is searched.
        hint: Says more about the heading.
    """

    label: str
    kind: CellKind = "text"
    search: bool = False
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A part of what a row unfolds to; the row holds its data, so that labels are in the page once.

    Attributes:
        kind: `facts` (a value a label and series), `bars` (a histogram), `values` (counts by value), `table`, `text`.
        title: Its heading.
        labels: Of facts, or of a table's columns.
    """

    kind: DetailKind
    title: str = ""
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DataTable:
    """A table of any length: the rows are embedded as JSON, and a page of them is shown.

    Attributes:
        name: Tells the tables of a page apart.
        caption: What the table holds, for screen readers.
        rows: Cells in the order of the columns; one more item, if there are details, with their data.
        sort: Column to sort by at first, counted from 0; negative (-1 is the first) for the greatest first.
        filters: Columns by whose words the rows can be narrowed.
        series: Names of what is shown side by side, such as splits.
        empty: What is said where there is no row.
        counted: What the rows are, in the singular and the plural.
        page_size: How many rows are shown at once.
    """

    kind: ClassVar[str] = "data_table"
    name: str
    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    details: Sequence[Detail] = ()
    sort: int | None = None
    filters: Sequence[int] = ()
    series: Sequence[str] = ()
    empty: str = "Nothing here."
    counted: tuple[str, str] = ("row", "rows")
    page_size: int = 25

    def content(self) -> Mapping[str, Any]:
        """Return the data that the page's script reads."""
        return {
            "columns": [[each.label, each.kind, int(each.search), each.hint] for each in self.columns],
            "details": [[each.kind, each.title, list(each.labels)] for each in self.details],
            "sort": self.sort,
            "filters": list(self.filters),
            "series": list(self.series),
            "empty": self.empty,
            "counted": self.counted,
            "size": self.page_size,
            "rows": self.rows,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallTable:
    """A short table that is there without any script; `numbers` are the positions of right-aligned columns."""

    kind: ClassVar[str] = "small_table"
    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Any]]
    numbers: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Pill:
    """A word in a colour, in a cell or a heading."""

    word: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Bars:
    """A small histogram in a cell: its path in a box of 1000 by 100."""

    path: str


@dataclass(frozen=True, slots=True)
class Link:
    """A way to another page; plain text where there is no address."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """Labels and values in a row of small cards."""

    kind: ClassVar[str] = "facts"
    items: Sequence[tuple[str, Any]]


@dataclass(frozen=True, slots=True)
class Notice:
    """A sentence that must not be missed."""

    kind: ClassVar[str] = "notice"
    text: str
    tone: Tone = "info"
    items: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    kind: ClassVar[str] = "text"
    text: str


@dataclass(frozen=True, slots=True)
class Code:
    """Text in a fixed width, folded away under its title."""

    kind: ClassVar[str] = "code"
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """A line or area of a chart: its name, its path in a box of 1000 by 1000, its colour and way of drawing."""

    name: str
    path: str
    colour: int = 0
    style: Literal["line", "dashed", "area", "points"] = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A picture with axes; ticks are pairs of a position in per cent and a label.

    Attributes:
        description: What the picture shows, in words, for who cannot see it.
        aspect: Width over height.
    """

    kind: ClassVar[str] = "chart"
    title: str
    series: Sequence[Series]
    x_ticks: Sequence[tuple[float, str]] = ()
    y_ticks: Sequence[tuple[float, str]] = ()
    x_label: str = ""
    y_label: str = ""
    description: str = ""
    aspect: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """A confusion matrix: counts by actual (rows) and predicted (columns) class, darker where more."""

    kind: ClassVar[str] = "matrix"
    title: str
    labels: Sequence[str]
    counts: Sequence[Sequence[float]]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Charts:
    """Pictures side by side where there is room."""

    kind: ClassVar[str] = "charts"
    charts: Sequence[Chart | Matrix]


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphNode:
    """A step or an artifact in a graph.

    Attributes:
        id: Tells the nodes of a graph apart.
        label: Its name.
        note: What stands under the name, such as the seconds that it took.
        tone: Its colour.
        href: Where a click leads.
        shape: Steps have corners, artifacts are round.
        here: Whether it is what the page is about.
    """

    id: str
    label: str
    note: str = ""
    tone: Tone = "plain"
    href: str = ""
    shape: Literal["step", "artifact"] = "step"
    here: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Nodes, and edges between their ids; no edge leads back."""

    kind: ClassVar[str] = "graph"
    caption: str
    nodes: Sequence[GraphNode]
    edges: Sequence[tuple[str, str]]


Block: TypeAlias = DataTable | SmallTable | Facts | Notice | Text | Code | Chart | Charts | Matrix | Graph


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading and what stands below it."""

    title: str
    blocks: Sequence[Block]
    note: str = ""

    @property
    def anchor(self) -> str:
        """The part of an address that leads to the section."""
        return "".join(letter if letter.isalnum() else "-" for letter in self.title.lower()).strip("-")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page.

    Attributes:
        kind: What it is about, in a word: `Statistics`, `Run`.
        title: Its heading.
        summary: The outcome in a sentence.
        status: The outcome in a word.
        facts: What identifies it.
        crumbs: The way to it.
    """

    kind: str
    title: str
    sections: Sequence[Section]
    summary: str = ""
    status: Pill | None = None
    facts: Sequence[tuple[str, Any]] = field(default_factory=tuple)
    crumbs: Sequence[Link] = ()
