"""Pages on files and on two of a kind: statistics beside statistics, a schema against another."""

from __future__ import annotations

from pathlib import Path

from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0.schema_pb2 import Schema as SchemaProto
from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

from assay.artifacts import Artifact, ExampleStatistics, Schema
from assay.artifacts.schema import read_schema
from assay.errors import DataError, UsageError
from assay.reports.blocks import Page, Section
from assay.reports.figures import plural
from assay.reports.opening import opened
from assay.reports.views.histograms import DataSet, data_sets
from assay.reports.views.schema import difference_table, schema_sections
from assay.reports.views.statistics import statistics_sections

Named = dict[str, DatasetFeatureStatisticsList]


def file_page(path: Path) -> Page:
    """Return the page of a statistics file (`.pb`) or a schema (`.pbtxt`), as TFDV writes them."""
    found = _read(path)
    if isinstance(found, SchemaProto):
        return Page(kind="Schema", title=path.name, sections=schema_sections(found), facts=[("file", str(path))])
    return _statistics_page(path.name, found)


def comparison_page(first: Path, second: Path) -> Page:
    """Return the page that compares two artifacts of one type.

    Args:
        first: Statistics or a schema: an artifact's folder or a file.
        second: What it is compared with, of the same kind.

    Raises:
        UsageError: They are of different kinds, or of one that cannot be compared.
    """
    ours, theirs = _read(first), _read(second)
    title = f"{_name(first)} and {_name(second)}"
    if isinstance(ours, SchemaProto) and isinstance(theirs, SchemaProto):
        table = difference_table(theirs, ours)
        facts = [("before", str(second)), ("after", str(first))]
        return Page(
            kind="Schema difference",
            title=title,
            summary=f"{plural(len(table.rows), 'difference')}.",
            sections=[Section(title="Differences", blocks=[table])],
            facts=facts,
        )
    if isinstance(ours, dict) and isinstance(theirs, dict):
        same = [split for split in ours if split in theirs] or [next(iter(ours))]
        shown: Named = {}
        for split in same[:2]:
            other = split if split in theirs else next(iter(theirs))
            mark = f" {split}" if len(same) > 1 else ""
            shown |= {f"{_name(first)}{mark}": ours[split], f"{_name(second)}{mark} ": theirs[other]}
        return _statistics_page(title, shown)
    raise UsageError(
        "report.comparison", f"Only statistics with statistics, and schemas with schemas, can be compared: {title}."
    )


def _statistics_page(title: str, named: Named) -> Page:
    shown: list[DataSet] = []
    slices = {}
    for name, proto in named.items():
        whole, parts = data_sets(name.strip(), proto)
        shown.append(whole)
        slices[whole.name] = parts
    count = len({name for each in shown for name in each.features})
    return Page(
        kind="Statistics",
        title=title,
        summary=f"{plural(count, 'feature')}.",
        sections=statistics_sections(shown, slices),
    )


def _name(path: Path) -> str:
    return "/".join(path.resolve().parts[-2:]) if path.is_dir() else path.name


def _read(path: Path) -> Named | SchemaProto:
    if path.is_file():
        if path.suffix == ".pbtxt":
            return read_schema(path)
        try:
            return {path.name: DatasetFeatureStatisticsList.FromString(path.read_bytes())}
        except DecodeError:
            raise DataError("report.file", f"{path} is not a statistics proto.") from None
    found: Artifact = opened(path)
    if isinstance(found, Schema):
        return found.read()
    if isinstance(found, ExampleStatistics):
        return {split: found.read(split) for split in found.split_names}
    raise UsageError("report.kind", f"{path} is {found.type_name}; statistics and schemas can be compared.")
