"""The history of what `assay monitor` watches: spans, the problems of each, and the model's metrics over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypedDict

from assay.reports.blocks import Chart, Charts, Column, DataTable, Detail, Facts, Page, Pill, Section
from assay.reports.charts import line_chart
from assay.reports.figures import plural
from assay.reports.rendering import to_html

_COUNTS: Final = frozenset({"example_count", "weighted_example_count"})
_MOST_METRICS: Final = 12
_OUTCOMES: Final = {
    "ok": Pill("as expected", "ok"),
    "anomalies": Pill("anomalies or drift", "bad"),
    "model": Pill("model below threshold", "bad"),
}


class WatchedSpan(TypedDict):
    """A span as the page shows it.

    Attributes:
        name: As people call it.
        rows: How many.
        anomalies: A sentence for each.
        drifted: The features that drifted, by what they were compared with.
        metrics: Of the model over all rows; empty until labels came.
        quality: What the gate says of the model, in a sentence.
        outcome: `ok`, `anomalies` or `model`.
        examined: When, as ISO 8601.
    """

    name: str
    rows: int
    anomalies: list[str]
    drifted: dict[str, list[str]]
    metrics: dict[str, float]
    quality: str
    outcome: str
    examined: str


def monitor_page(pattern: str, spans: Sequence[WatchedSpan]) -> str:
    """Return the page as HTML.

    Args:
        pattern: What is watched.
        spans: The earliest first.
    """
    last = spans[-1] if spans else None
    amiss = sum(span["outcome"] != "ok" for span in spans)
    sections = [
        Section(title="Overview", blocks=[Facts([("spans", len(spans)), ("with problems", amiss)])]),
        Section(title="Spans", blocks=[_table(spans)]),
    ]
    if spans:
        sections.append(Section(title="Over time", blocks=[Charts(_data_charts(spans) + _metric_charts(spans))]))
    return to_html(
        Page(
            kind="Monitor",
            title=pattern,
            summary=f"{plural(len(spans), 'span')}; the last, {last['name']}, {_OUTCOMES[last['outcome']].word}."
            if last is not None
            else "No span has come yet.",
            status=_OUTCOMES[last["outcome"]] if last is not None else None,
            sections=sections,
        )
    )


def _table(spans: Sequence[WatchedSpan]) -> DataTable:
    rows: list[list[Any]] = []
    for span in reversed(spans):
        pill = _OUTCOMES[span["outcome"]]
        drifted = [f"from {name}: {', '.join(features)}" for name, features in span["drifted"].items() if features]
        details = [span["anomalies"] or ["none"], drifted or ["none"], [span["quality"] or "no labels yet"]]
        rows.append(
            [
                span["name"],
                [pill.word, pill.tone],
                span["rows"],
                len(span["anomalies"]),
                sum(map(len, span["drifted"].values())),
                span["examined"],
                details,
            ]
        )
    return DataTable(
        name="spans",
        caption="Spans",
        columns=[
            Column(label="Span", kind="name", search=True),
            Column(label="Outcome", kind="pill"),
            Column(label="Rows", kind="int"),
            Column(label="Anomalies", kind="int"),
            Column(label="Features drifted", kind="int"),
            Column(label="Looked at, UTC"),
        ],
        details=[Detail(kind="text", title=title) for title in ("Anomalies", "Drift", "Model")],
        rows=rows,
        filters=(1,),
        counted=("span", "spans"),
        empty="No span has come yet.",
    )


def _data_charts(spans: Sequence[WatchedSpan]) -> list[Chart]:
    others = list(dict.fromkeys(_other(name) for span in spans for name in span["drifted"]))
    drifted = {
        f"from {other}": [
            (float(at), float(len(features)))
            for at, span in enumerate(spans)
            for name, features in span["drifted"].items()
            if _other(name) == other
        ]
        for other in others
    }
    rows = [(float(at), float(span["rows"])) for at, span in enumerate(spans)]
    anomalies = [(float(at), float(len(span["anomalies"]))) for at, span in enumerate(spans)]
    lines = {"Rows": {"rows": rows}, "Anomalies": {"anomalies": anomalies}, "Features drifted": drifted}
    return [line_chart(title, points, x_names=_ticks(spans)) for title, points in lines.items() if points]


def _other(name: str) -> str:
    return "training" if name == "training" else "the span before"


def _metric_charts(spans: Sequence[WatchedSpan]) -> list[Chart]:
    judged = [span for span in spans if span["metrics"]]
    metrics = [name for name in dict.fromkeys(m for span in judged for m in span["metrics"]) if name not in _COUNTS]
    return [
        line_chart(
            name,
            {name: [(float(at), span["metrics"][name]) for at, span in enumerate(judged) if name in span["metrics"]]},
            x_names=_ticks(judged),
        )
        for name in metrics[:_MOST_METRICS]
    ]


def _ticks(spans: Sequence[WatchedSpan]) -> list[str]:
    """Return the names of the first and the last span: dates are too wide for more beneath a small picture."""
    return [span["name"] if at in {0, len(spans) - 1} else "" for at, span in enumerate(spans)]
