"""Rows: how many by split, their columns, and the first of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq

from assay.artifacts import Examples, InferenceResult, Quarantine
from assay.kernels.python_values import python_values
from assay.reports.blocks import Block, Column, DataTable, Facts, Section, SmallTable
from assay.reports.figures import plural, share
from assay.reports.views.shown import Shown

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN_ROWS = 20
_SHOWN_COLUMNS = 200
_LONGEST = 200


def show_examples(artifact: Examples) -> Shown:
    """Return the page of examples."""
    counts = {split: artifact.num_rows(split) for split in artifact.split_names}
    sections = [Section(title="Splits", blocks=[Facts([*counts.items()])])]
    for split in artifact.split_names[:1]:
        rows = next(artifact.batches(split), None)
        if rows is not None:
            sections += rows_sections(rows, split)
    total = sum(counts.values())
    return Shown(sections=sections, summary=f"{plural(total, 'row')} in {plural(len(counts), 'split')}.")


def show_predictions(artifact: InferenceResult) -> Shown:
    """Return the page of a model's predictions."""
    counts = {split: pq.ParquetFile(artifact.file(split)).metadata.num_rows for split in artifact.split_names}
    sections = [Section(title="Splits", blocks=[Facts([*counts.items()])])]
    for split in artifact.split_names[:1]:
        rows = next(pq.ParquetFile(artifact.file(split)).iter_batches(_SHOWN_ROWS), None)
        if rows is not None:
            sections += rows_sections(rows, split)
    return Shown(sections=sections, summary=f"Predictions for {plural(sum(counts.values()), 'example')}.")


def rows_sections(batch: pa.RecordBatch, place: str) -> list[Section]:
    """Return the columns of rows, and the first rows."""
    names = list(batch.schema.names)
    columns = DataTable(
        name="columns",
        caption="Columns",
        columns=[Column(label="Column", kind="name", search=True), Column(label="Type", search=True)],
        rows=[[field.name, str(field.type)] for field in batch.schema],
        counted=("column", "columns"),
        page_size=15,
    )
    return [
        Section(title="Columns", blocks=[columns]),
        Section(title="First rows", blocks=first_rows(batch.slice(0, _SHOWN_ROWS), names), note=f"Of {place}."),
    ]


def first_rows(batch: pa.RecordBatch, names: Sequence[str]) -> list[Block]:
    """Return a table of a few rows; of very many columns, the first."""
    shown = list(names)[:_SHOWN_COLUMNS]
    cells = [
        [_cell(value) for value in python_values(batch.column(at))] for at, name in enumerate(names) if at < len(shown)
    ]
    rows = [list(row) for row in zip(*cells, strict=True)] if cells else []
    columns = [Column(label=name, kind="num" if _all_numbers(rows, at) else "text") for at, name in enumerate(shown)]
    return [DataTable(name="rows", caption="First rows", columns=columns, rows=rows, counted=("row", "rows"))]


def _all_numbers(rows: Sequence[Sequence[Any]], at: int) -> bool:
    values = [row[at] for row in rows if row[at] is not None]
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _cell(value: Any) -> Any:
    """Return a cell's JSON value; a list of one value becomes that value, and bytes that are text become text."""
    if isinstance(value, list | tuple):
        if len(value) == 1:
            return _cell(value[0])
        value = ", ".join(str(_cell(item)) for item in value[:20]) + ("…" if len(value) > 20 else "")
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"


def show_quarantine(artifact: Quarantine) -> Shown:
    """Return the page of a quarantine."""
    counts = {split: artifact.counts(split) for split in artifact.split_names}
    rows = [
        (split, found.read, found.clean, found.rejected, share(found.rejected / found.read if found.read else None))
        for split, found in counts.items()
    ]
    table = SmallTable(
        caption="Rows by split",
        header=("Split", "Read", "Clean", "Rejected", "Share rejected"),
        rows=rows,
        numbers=(1, 2, 3, 4),
    )
    broken = DataTable(
        name="rules",
        caption="Rules that rows broke",
        columns=[
            Column(label="Rule", kind="name", search=True),
            Column(label="Split"),
            Column(label="Rows", kind="int"),
            Column(label="Share of rows", kind="share"),
        ],
        rows=[
            [rule, split, number, number / found.read if found.read else None]
            for split, found in counts.items()
            for rule, number in found.broken.items()
        ],
        sort=-3,
        counted=("rule", "rules"),
        empty="No row broke a rule.",
    )
    sections = [Section(title="Rows", blocks=[table]), Section(title="Broken rules", blocks=[broken])]
    for split in artifact.split_names:
        batch = next(islice(artifact.rejected(split).batches(), 1), None)
        if batch is not None and batch.num_rows:
            title = f"First rejected rows of {split}"
            sections.append(Section(title=title, blocks=first_rows(batch.slice(0, 20), batch.schema.names)))
    rejected = sum(found.rejected for found in counts.values())
    read = sum(found.read for found in counts.values())
    return Shown(sections=sections, summary=f"{rejected:,} of {plural(read, 'row')} rejected.")
