"""The page of what `assay gate -o DIR` writes: verdict, metrics, and the rows behind a slice that became worse."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from assay.artifacts import ModelEvaluation
from assay.artifacts.store import MANIFEST
from assay.gating.verdict import FILE_NAME, read_verdict
from assay.reports.blocks import Page, Pill, Section
from assay.reports.views.evaluation import show_evaluation
from assay.reports.views.examples import first_rows
from assay.reports.views.verdict import verdict_sections

_FLIPS = "flips.parquet"
_MOST_ROWS = 500


def is_gate_output(folder: Path) -> bool:
    """Return whether a folder contains a verdict that is not part of an artifact."""
    is_artifact = (folder / MANIFEST).is_file() or any(folder.glob("*BLESSED")) or any(folder.glob("Split-*"))
    return (folder / FILE_NAME).is_file() and not is_artifact


def gate_page(folder: Path) -> Page:
    """Return the page of a gate's output.

    Raises:
        ArtifactError: It holds no verdict.
    """
    verdict = read_verdict(folder)
    sections = verdict_sections(verdict)
    if (folder / _FLIPS).is_file():
        rows = pq.ParquetFile(folder / _FLIPS).read().slice(0, _MOST_ROWS)
        batches = rows.combine_chunks().to_batches()
        if batches:
            blocks = first_rows(batches[0], rows.schema.names)
            note = "The rows by which a failing slice became worse, those that became worst first."
            sections.append(Section(title="Rows that became worse", blocks=blocks, note=note))
    if (folder / "metrics.parquet").is_file():
        sections += show_evaluation(ModelEvaluation(folder)).sections
    return Page(
        kind="Gate",
        title=folder.resolve().name,
        summary=verdict.summary,
        status=Pill("passed", "ok") if verdict.ok else Pill("not passed", "bad"),
        sections=sections,
        facts=[("folder", str(folder))],
    )
