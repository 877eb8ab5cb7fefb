"""Writes pages to files: one, or a run's with those of its artifacts in a folder beside it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from assay.artifacts.store import write_durably
from assay.cli.pages.addresses import FileAddresses
from assay.cli.pages.site import Site, open_site
from assay.errors import UsageError, disk_full
from assay.reports import render, to_html
from assay.reports.comparison_page import comparison_page, file_page
from assay.reports.gate_page import gate_page, is_gate_output

if TYPE_CHECKING:
    from assay.cli.pages.subjects import Subject

_STANDARD_OUTPUT = Path("-")


def write_pages(
    subject: Subject,
    root: Path | None,
    output: Path | None,
    *,
    against: Path | None = None,
    store: str | None = None,
) -> list[Path] | None:
    """Writes what a person asked for; the first path is the page, the others those that it leads to.

    Returns:
        The files; None where the page went to standard output.
    """
    file = output or Path(f"{_file_name(subject)}.html")
    if subject.kind == "run" and file != _STANDARD_OUTPUT:
        with open_site(root, store) as site:
            return _write_run(site, subject.name, file)
    html = _page(subject, root, against, store)
    if file == _STANDARD_OUTPUT:
        sys.stdout.write(html)
        return None
    return [_write(file, html)]


def _page(subject: Subject, root: Path | None, against: Path | None, store: str | None) -> str:
    if subject.path is not None and against is not None:
        return to_html(comparison_page(subject.path, against))
    if subject.kind == "file" and subject.path is not None:
        return to_html(file_page(subject.path))
    if subject.kind == "folder" and subject.path is not None and is_gate_output(subject.path):
        return to_html(gate_page(subject.path))
    if subject.kind == "folder" and subject.path is not None and root is None:
        return render(subject.path)
    with open_site(root, store) as site:
        nowhere = FileAddresses()
        if subject.kind == "folder" and subject.path is not None:
            record = site.store.artifact_by_uri(subject.path)
            return site.artifact(record.id, nowhere) if record is not None else render(subject.path)
        if subject.kind == "artifact":
            return site.artifact(subject.artifact_id, nowhere)
        if subject.kind == "run":
            return site.run(subject.name, nowhere)
        return site.pipeline(subject.name or _only_pipeline(site), nowhere)


def _write_run(site: Site, run_id: str, file: Path) -> list[Path]:
    record = site.record(run_id)
    made = [
        artifact["id"]
        for step in record["steps"]
        for key in ("outputs", "inputs")
        for values in step[key].values()
        for artifact in values
        if artifact["id"] is not None
    ]
    artifacts = frozenset(made)
    folder = file.with_name(f"{file.stem}.pages")
    paths = [_write(file, site.run(run_id, FileAddresses(artifacts, f"{folder.name}/")))]
    inside = FileAddresses(artifacts, runs=((run_id, f"../{file.name}"),))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_full(folder, error) from error
    paths += [_write(folder / f"artifact-{each}.html", site.artifact(each, inside)) for each in sorted(artifacts)]
    return paths


def _write(path: Path, html: str) -> Path:
    if not path.parent.is_dir():
        raise UsageError("report.folder", f"Expected a folder at {path.parent} to write {path.name} in; there is none.")
    write_durably(path, html.encode())
    return path


def _only_pipeline(site: Site) -> str:
    names = {str(record["pipeline"]) for record in site.records()}
    if len(names) == 1:
        return names.pop()
    raise UsageError(
        "report.pipeline", f"{site.root} has {len(names)} pipelines: {', '.join(sorted(names))}.", "Name one of them."
    )


def _file_name(subject: Subject) -> str:
    if subject.path is not None:
        parts = subject.path.resolve().parts[-3:] if subject.kind == "folder" else subject.path.resolve().parts[-1:]
        name = "-".join(parts)
    else:
        name = subject.name or f"artifact-{subject.artifact_id}"
    return re.sub(r"[^\w.-]+", "-", name).strip("-") or "report"
