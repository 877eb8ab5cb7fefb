"""Slices of statistics: how many examples each holds, and where it differs from the whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from assay.reports.blocks import Column, DataTable, Section
from assay.reports.views.differences import divergence, drifts
from assay.reports.views.histograms import histogram_of, rounded

if TYPE_CHECKING:
    from assay.reports.views.histograms import DataSet

_MOST_SLICES = 200
_MOST_FEATURES = 20


def slices_section(shown: Sequence[DataSet], slices: Mapping[str, Sequence[DataSet]]) -> Section:
    """Return a table of slices, and one of the features in which each slice differs most from all examples."""
    sizes, differing = [], []
    for whole in shown:
        for each in slices.get(whole.name, ())[:_MOST_SLICES]:
            examples = int(each.statistics.num_examples)
            of = int(whole.statistics.num_examples) or 1
            sizes.append([each.name, whole.name, examples, rounded(examples / of), len(each.features)])
            differing += _differing(whole, each)
    size_table = DataTable(
        name="slices",
        caption="Slices",
        columns=[
            Column(label="Slice", kind="name", search=True),
            Column(label="Of"),
            Column(label="Examples", kind="int"),
            Column(label="Share", kind="share"),
            Column(label="Features", kind="int"),
        ],
        rows=sizes,
        sort=-3,
        counted=("slice", "slices"),
    )
    feature_table = DataTable(
        name="slice-features",
        caption="Features of slices",
        columns=[
            Column(label="Slice", kind="name", search=True),
            Column(label="Feature", search=True),
            Column(label="Differs", kind="num", hint="Jensen-Shannon divergence from all examples"),
            Column(label="Distribution", kind="hist"),
        ],
        rows=differing,
        sort=-3,
        series=["slice", "all examples"],
        counted=("feature of a slice", "features of slices"),
    )
    left_out = max((len(each) for each in slices.values()), default=0) > _MOST_SLICES
    note = f"For each slice the {_MOST_FEATURES} features that differ most from all examples."
    return Section(
        title="Slices",
        blocks=[size_table, feature_table],
        note=f"{note} Only the first {_MOST_SLICES} slices are shown." if left_out else note,
    )


def _differing(whole: DataSet, part: DataSet) -> list[list[Any]]:
    measured = [(divergence(each), each.feature) for each in drifts(part, whole)]
    known = sorted(((value, name) for value, name in measured if value is not None), reverse=True)[:_MOST_FEATURES]
    rows = []
    for value, name in known:
        bars = histogram_of([part.features.get(name), whole.features.get(name)])
        rows.append([[part.name, f"of {whole.name}"], name, value, bars.paths if bars else None])
    return rows
