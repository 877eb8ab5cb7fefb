"""What a notebook shows: fragments without a script, and whole pages in a frame of their own."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from assay.artifacts import Artifact
from assay.files import write_durably
from assay.kernels.feature_summary import has_numbers, num_nan
from assay.reports.artifact_page import render
from assay.reports.blocks import Bars, Section, SmallTable, Text
from assay.reports.figures import number, plural, share
from assay.reports.rendering import to_fragment
from assay.reports.views.histograms import DataSet, data_sets, histogram_of
from assay.reports.views.statistics import type_name

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

_MOST_FEATURES = 100


@dataclass(frozen=True, slots=True)
class ShownPage:
    """A page that a notebook shows in a frame, scripts and all; `html` is the whole of it."""

    html: str

    def save(self, path: str | Path) -> None:
        """Write the page to a file."""
        write_durably(Path(path), self.html.encode())

    def _repr_html_(self) -> str:
        """Return the page in a frame that runs its own script but cannot reach the rest of the notebook."""
        style = "width:100%;height:680px;border:1px solid #8884;border-radius:10px"
        return f'<iframe sandbox="allow-scripts" style="{style}" title="Report" srcdoc="{escape(self.html)}"></iframe>'


def show(artifact: Artifact | str | Path) -> ShownPage:
    """Return the page of an artifact for a notebook to show.

    Raises:
        ArtifactError: The folder is missing, or its content is not recognised.
    """
    return ShownPage(render(artifact))


def statistics_fragment(proto: DatasetFeatureStatisticsList) -> str:
    """Return a table of features with their histograms."""
    whole, slices = data_sets("", proto)
    names = list(whole.features)
    rows = [_row(whole, name) for name in names[:_MOST_FEATURES]]
    header = ("Feature", "Type", "Distribution", "Missing", "NaN", "Mean", "Min", "Max", "Distinct")
    table = SmallTable(caption="Features", header=header, rows=rows, numbers=(3, 4, 5, 6, 7, 8))
    sections = [Section(title="", blocks=[table])]
    if len(names) > len(rows):
        words = f"The first {_MOST_FEATURES} of {len(names):,} features."
        sections.append(Section(title="", blocks=[Text(words)]))
    summary = f"{plural(int(whole.statistics.num_examples), 'example')}, {plural(len(names), 'feature')}"
    return to_fragment(sections, summary=f"{summary}, {plural(len(slices), 'slice')}" if slices else summary)


def _row(whole: DataSet, name: str) -> list[object]:
    feature = whole.features[name]
    bars = histogram_of([feature])
    numbers = feature.num_stats if feature.HasField("num_stats") else None
    values = numbers.common_stats.tot_num_values if numbers is not None else 0
    nan = num_nan(numbers) / values if numbers is not None and values else None
    if numbers is not None and not has_numbers(numbers):
        numbers = None
    kind = feature.WhichOneof("stats")
    missing = getattr(feature, kind).common_stats.num_missing if kind else 0
    examples = whole.statistics.num_examples
    return [
        name,
        type_name(feature),
        Bars(bars.paths[0]) if bars else "",
        share(missing / examples if examples else None),
        share(nan),
        *(number(getattr(numbers, field)) if numbers is not None else "" for field in ("mean", "min", "max")),
        number(int(feature.string_stats.unique)) if feature.HasField("string_stats") else "",
    ]
