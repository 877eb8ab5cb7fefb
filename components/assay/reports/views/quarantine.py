"""Rejected rows: counts that add up, the rules they broke, and the first of them with their reasons."""

from __future__ import annotations

from itertools import islice

from assay.artifacts import Quarantine
from assay.reports.blocks import Column, DataTable, Section, SmallTable
from assay.reports.figures import plural, share
from assay.reports.views.examples import first_rows
from assay.reports.views.shown import Shown


def show_quarantine(artifact: Quarantine) -> Shown:
    """The page of a quarantine."""
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
