"""Writes pages to files: one, or a run's with those of its artifacts in a folder beside it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assay.cli.pages.site import FileAddresses, Site, open_site
from assay.errors import LineageError, UsageError, did_you_mean, disk_full
from assay.files import write_durably
from assay.reports import render, to_html
from assay.reports.comparison_page import comparison_page, file_page
from assay.reports.gate_page import gate_page, is_gate_output
from assay.runners.local.session import layout_at

if TYPE_CHECKING:
    from assay.lineage import ArtifactRecord, LineageStore

_SHORTEST_DIGEST = 6


@dataclass(frozen=True, slots=True)
class ReportSubject:
    """What a report is about.

    Attributes:
        kind: `artifact` and `run` and `pipeline` of a root, or a `folder` or `file` of its own.
        name: The id of the run or the name of the pipeline.
        artifact_id: The artifact.
        path: The folder or file.
        root: The root that contains the folder, if any.
    """

    kind: Literal["artifact", "run", "pipeline", "root", "folder", "file"]
    name: str = ""
    artifact_id: int = 0
    path: Path | None = None
    root: Path | None = None


def subject_at(path: Path) -> ReportSubject:
    """Describe what is at a path.

    Raises:
        UsageError: There is nothing.
    """
    if path.is_file():
        return subject_at(path.resolve().parent) if path.name == "run.json" else ReportSubject("file", path=path)
    if not path.is_dir():
        raise UsageError("report.nothing", f"{path} does not exist; expected an artifact, a run or a pipeline.")
    place = path.resolve()
    if (place / "run.json").is_file():
        return ReportSubject("run", name=place.name, root=place.parents[1])
    if layout_at(place) is not None:
        return ReportSubject("root", path=place, root=place)
    root = next((folder for folder in place.parents if layout_at(folder) is not None), None)
    return ReportSubject("folder", path=place, root=root)


def subject_named(store: LineageStore, name: str) -> ReportSubject:
    """Look up a name in a root: a run's id, a pipeline's name, an artifact's id or digest.

    Raises:
        LineageError: It knows nothing of that name.
    """
    runs = store.runs()
    if any(run.id == name for run in runs):
        return ReportSubject("run", name=name)
    pipelines = {run.pipeline for run in runs}
    if name in pipelines:
        return ReportSubject("pipeline", name=name)
    artifact = _artifact(store, name)
    if artifact is not None:
        return ReportSubject("artifact", artifact_id=artifact.id)
    raise LineageError(
        "report.unknown",
        f"'{name}' is not a path, run, pipeline or artifact in this root.",
        did_you_mean(name, {*pipelines, *(run.id for run in runs[:20])}),
    )


def _artifact(store: LineageStore, name: str) -> ArtifactRecord | None:
    if name.isdecimal():
        return store.artifact(int(name))
    digest = name.removeprefix("sha256:")
    if len(digest) < _SHORTEST_DIGEST:
        return None
    return next((each for each in store.artifacts(state=None) if each.digest.startswith(f"sha256:{digest}")), None)


_STANDARD_OUTPUT = Path("-")


def write_pages(
    subject: ReportSubject,
    root: Path | None,
    output: Path | None,
    *,
    against: Path | None = None,
    store: str | None = None,
) -> list[Path] | None:
    """Write the requested page and those that it links to; return their paths, the requested one first.

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


def _page(subject: ReportSubject, root: Path | None, against: Path | None, store: str | None) -> str:
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
        raise UsageError(
            "report.folder", f"Expected a folder at {path.parent} to write {path.name} to; it does not exist."
        )
    write_durably(path, html.encode())
    return path


def _only_pipeline(site: Site) -> str:
    names = {str(record["pipeline"]) for record in site.records()}
    if len(names) == 1:
        return names.pop()
    raise UsageError(
        "report.pipeline", f"{site.root} has {len(names)} pipelines: {', '.join(sorted(names))}.", "Name one of them."
    )


def _file_name(subject: ReportSubject) -> str:
    if subject.path is not None:
        parts = subject.path.resolve().parts[-3:] if subject.kind == "folder" else subject.path.resolve().parts[-1:]
        name = "-".join(parts)
    else:
        name = subject.name or f"artifact-{subject.artifact_id}"
    return re.sub(r"[^\w.-]+", "-", name).strip("-") or "report"
