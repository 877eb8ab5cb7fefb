"""Anomalies: the verdict over all splits, each finding with its bars, its values and rows that have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import anomalies_pb2

from assay.artifacts import Artifact, ExampleAnomalies, Examples, ExampleStatistics
from assay.gating.verdict import Verdict, find_verdict
from assay.kernels.python_values import python_value
from assay.reports.blocks import Column, DataTable, Facts, Notice, Pill, Section
from assay.reports.figures import plural
from assay.reports.opening import Related, related_to
from assay.reports.views.histograms import DataSet, data_sets, histogram_of, top_values
from assay.reports.views.shown import Shown
from assay.reports.views.verdict import verdict_sections

_MOST_ROWS = 3
_SCANNED_ROWS = 500_000
_SHOWN_COLUMNS = 12
_LONGEST = 60


def rows_with(examples: Examples, split: str, feature: str, values: Sequence[str]) -> list[str]:
    """Return the first rows of a split in which a text column has one of the values, each as a line of text.

    At most half a million rows are looked at: a page is made in a moment, and the quarantine has every row.
    """
    if split not in examples.split_names:
        return []
    wanted = pa.array(list(values), pa.string())
    found: list[str] = []
    first = 0
    for batch in examples.batches(split):
        if feature not in batch.schema.names or first >= _SCANNED_ROWS:
            return found
        column = batch.column(batch.schema.get_field_index(feature))
        if pa.types.is_list(column.type) or pa.types.is_large_list(column.type):
            places = _places_in_lists(column, wanted)
        else:
            places = _places(column, wanted)
        found += [_line(batch, place, first + place, feature) for place in places[: _MOST_ROWS - len(found)]]
        if len(found) == _MOST_ROWS:
            return found
        first += batch.num_rows
    return found


def _places(column: pa.Array, wanted: pa.Array) -> list[int]:
    if not (
        pa.types.is_string(column.type) or pa.types.is_large_string(column.type) or pa.types.is_binary(column.type)
    ):
        return []
    mask = pc.is_in(column.cast(pa.string()), value_set=wanted)
    return [int(place) for place in pc.indices_nonzero(mask).to_pylist()]


def _places_in_lists(column: pa.Array, wanted: pa.Array) -> list[int]:
    parents = pc.list_parent_indices(column).to_pylist()
    return sorted({int(parents[place]) for place in _places(pc.list_flatten(column), wanted)})


def _line(batch: pa.RecordBatch, place: int, number: int, feature: str) -> str:
    names = [feature, *(name for name in batch.schema.names if name != feature)][:_SHOWN_COLUMNS]
    cells = {name: _cell(python_value(batch.column(batch.schema.get_field_index(name))[place])) for name in names}
    known = ", ".join(f"{name}: {value}" for name, value in cells.items() if value)
    return f"Row {number:,}: {known}"


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(_cell(item) for item in value[:5])
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


_LISTED_VALUES, _SHOWN_VALUES = 1000, 12
_CONTROLS = ("previous_statistics", "baseline_statistics", "serving_statistics")


def show_anomalies(artifact: ExampleAnomalies, related: Related | None = None) -> Shown:
    """Return the page of anomalies; `related` may hold the `statistics` that were validated."""
    verdict = find_verdict(artifact.path)
    protos = {split: artifact.read(split) for split in artifact.split_names}
    found = sum(len(proto.anomaly_info) for proto in protos.values())
    sections = [Section(title="Overview", blocks=[_overview(protos)])]
    if verdict is None:  # TFX writes no verdict
        table = _plain_table(protos)
        return Shown(
            sections=[*sections, Section(title="Anomalies", blocks=[table])],
            summary=f"{plural(found, 'feature')} with anomalies.",
            status=Pill("anomalies" if found else "no anomalies", "bad" if found else "ok"),
        )
    side = related_to(artifact) if related is None else related
    evidence, series = evidence_of(verdict, side)
    if not evidence and any(not check.ok for check in verdict.checks):
        sections[0] = Section(
            title="Overview",
            blocks=[
                *sections[0].blocks,
                Notice("The statistics behind the findings are not at hand, so no bars are shown."),
            ],
        )
    failed = [check for check in verdict.checks if not check.ok]
    status = (
        Pill("passed", "ok") if verdict.ok and not failed else Pill("anomalies", "bad" if not verdict.ok else "warn")
    )
    return Shown(
        sections=[*sections, *verdict_sections(verdict, evidence, series=series)],
        summary=verdict.summary,
        status=status,
    )


def _overview(protos: Mapping[str, anomalies_pb2.Anomalies]) -> Facts:
    return Facts([(f"features with anomalies, {split}", len(proto.anomaly_info)) for split, proto in protos.items()])


def evidence_of(verdict: Verdict, related: Related) -> tuple[dict[str, list[Any]], tuple[str, ...]]:
    """Bars, values and rows for each check that did not pass, and the names of what stands side by side."""
    statistics = related.get("statistics")
    if not isinstance(statistics, ExampleStatistics):
        return {}, ()
    control = next((related[name] for name in _CONTROLS if name in related), None)
    sets = {split: data_sets(split, statistics.read(split))[0] for split in statistics.split_names}
    others = _controls(control, sets)
    examples = related.get("examples") or related_to(statistics).get("examples")
    evidence: dict[str, list[Any]] = {}
    for check in verdict.checks:
        if check.ok or check.slice not in sets:
            continue
        sides = [sets[check.slice].features.get(check.subject)]
        if others:
            sides.append(others[check.slice].features.get(check.subject))
        elif len(sets) > 1:
            sides += [each.features.get(check.subject) for split, each in sets.items() if split != check.slice][:1]
        bars = histogram_of(sides)
        shape = [bars.paths, bars.low, bars.high] if bars and bars.low is not None else None
        values = top_values(sides, _LISTED_VALUES)
        named = check.details.get("values")
        if isinstance(named, list):  # the unexpected ones first
            values = sorted(values, key=lambda row: row[0] not in named)
        values = values[:_SHOWN_VALUES]
        rows: list[str] = []
        if isinstance(named, list) and isinstance(examples, Examples):
            rows = rows_with(examples, check.slice, check.subject, list(map(str, named)))
        evidence[check.id] = [shape, values or None, rows or None]
    second = "compared with" if others else "another split"
    return evidence, ("this split", second) if others or len(sets) > 1 else ("this split",)


def _controls(control: Artifact | None, sets: Mapping[str, DataSet]) -> dict[str, DataSet]:
    if not isinstance(control, ExampleStatistics) or not control.split_names:
        return {}
    names = control.split_names
    read = {split: data_sets(split, control.read(split))[0] for split in names}
    return {split: read.get(split, read[names[0]]) for split in sets}


def _plain_table(protos: Mapping[str, anomalies_pb2.Anomalies]) -> DataTable:
    rows = [row for split, proto in protos.items() for row in _reasons(split, proto)]
    return DataTable(
        name="anomalies",
        caption="Anomalies",
        columns=[
            Column(label="Feature", kind="name", search=True),
            Column(label="Severity", kind="pill"),
            Column(label="Split"),
            Column(label="Anomaly", search=True),
            Column(label="In words", kind="long", search=True),
        ],
        rows=rows,
        filters=(1,),
        counted=("anomaly", "anomalies"),
        empty="No anomalies.",
    )


def _reasons(split: str, proto: anomalies_pb2.Anomalies) -> Iterator[list[Any]]:
    for feature, info in sorted(proto.anomaly_info.items()):
        is_error = info.severity == anomalies_pb2.AnomalyInfo.ERROR
        for reason in info.reason:
            severity = ["error", "bad"] if is_error else ["warning", "warn"]
            yield [feature, severity, split, reason.short_description, reason.description]
