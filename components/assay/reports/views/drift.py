"""Drift over spans: how far each span lies from the one before, and from the first, feature by feature."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from assay.reports.blocks import Charts, Column, DataTable, Section
from assay.reports.charts import line_chart
from assay.reports.views.differences import divergence, drifts
from assay.reports.views.histograms import DataSet, histogram_of, rounded

_LINES = 5


class Span(NamedTuple):
    """The statistics of a span, and its name."""

    name: str
    data: DataSet


def drift_section(spans: Sequence[Span]) -> Section:
    """Curves of the features that drift most, and a table of all features."""
    before = [_divergences(earlier, later) for earlier, later in pairwise(spans)]
    from_first = [_divergences(spans[0], later) for later in spans[1:]]
    features = list(dict.fromkeys(name for found in before for name in found))
    greatest = {name: max((found.get(name, 0.0), at) for at, found in enumerate(before)) for name in features}
    most = sorted(features, key=lambda name: -max(greatest[name][0], from_first[-1].get(name, 0.0)))[:_LINES]
    labels = [span.name for span in spans[1:]]
    charts = [
        line_chart(title, {name: _line(name, found) for name in most}, x_names=labels)
        for title, found in (("From the span before", before), ("From the first span", from_first))
    ]
    sizes = [(float(at), float(span.data.statistics.num_examples)) for at, span in enumerate(spans)]
    charts.append(line_chart("Examples", {"examples": sizes}, x_names=[span.name for span in spans]))
    rows = []
    for name in features:
        value, at = greatest[name]
        bars = histogram_of([spans[-1].data.features.get(name), spans[0].data.features.get(name)])
        rows.append(
            [
                name,
                bars.paths if bars else None,
                value,
                spans[at + 1].name,
                before[-1].get(name),
                from_first[-1].get(name),
            ]
        )
    table = DataTable(
        name="drift",
        caption="Drift by feature",
        columns=[
            Column(label="Feature", kind="name", search=True),
            Column(label="Distribution", kind="hist"),
            Column(label="Greatest step", kind="num", hint="The greatest divergence from the span before"),
            Column(label="In"),
            Column(label="Last step", kind="num"),
            Column(label="From the first", kind="num"),
        ],
        rows=rows,
        sort=-3,
        series=[spans[-1].name, spans[0].name],
        counted=("feature", "features"),
    )
    note = f"Jensen-Shannon divergence of the first split, from 0 (the same) to 1; {spans[0].name} to {spans[-1].name}."
    return Section(title="Drift over time", blocks=[Charts(charts), table], note=note)


def _divergences(earlier: Span, later: Span) -> dict[str, float]:
    found = ((each.feature, divergence(each)) for each in drifts(later.data, earlier.data))
    return {name: rounded(value) for name, value in found if value is not None}


def _line(name: str, found: Sequence[dict[str, float]]) -> list[tuple[float, float]]:
    return [(float(at), each[name]) for at, each in enumerate(found) if name in each]
