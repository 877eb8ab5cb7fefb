"""The pages of one root, made when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from assay.cli.lineage_store import chosen_root, open_lineage
from assay.cli.pages.lineage_graph import lineage_section
from assay.errors import ArtifactError, AssayError, LineageError, did_you_mean
from assay.reports import to_html
from assay.reports.artifact_page import artifact_page
from assay.reports.blocks import Link, Notice, Page, Section
from assay.reports.figures import short_digest
from assay.reports.history_page import history_page
from assay.reports.root_page import root_page
from assay.reports.run_page import run_page

if TYPE_CHECKING:
    from assay.cli.pages.addresses import Addresses
    from assay.lineage import ArtifactRecord, LineageReader

Record = Mapping[str, Any]


@contextmanager
def open_site(root: Path | None, store: str | None = None) -> Iterator[Site]:
    """Opens the pages of a root; of the only one below `assay-root/` where none is given.

    Raises:
        UsageError: There is not just one.
        LineageError: The root holds no lineage store.
    """
    place = chosen_root(root)
    with open_lineage(place, store) as standing:
        yield Site(place, standing.store)


@dataclass(frozen=True, slots=True)
class Site:
    """Makes the pages of a root.

    Attributes:
        root: The root folder.
        store: Its lineage store.
    """

    root: Path
    store: LineageReader

    def home(self, at: Addresses) -> str:
        """The overview: pipelines and runs."""
        page = root_page(str(self.root), self.records(), at.pipeline, at.run)
        return to_html(page)

    def pipeline(self, name: str, at: Addresses) -> str:
        """The history of a pipeline.

        Raises:
            LineageError: The root has no run of it.
        """
        records = [record for record in self.records() if record["pipeline"] == name]
        if not records:
            known = {record["pipeline"] for record in self.records()}
            raise LineageError(
                "report.pipeline", f"{self.root} has no run of a pipeline '{name}'.", did_you_mean(name, known)
            )
        page = history_page(name, records, at.run, _linked(at), crumbs=_crumbs(Link("runs", at.home())))
        return to_html(page)

    def run(self, run_id: str, at: Addresses) -> str:
        """The page of a run."""
        record = self.record(run_id)
        name = record["pipeline"]
        crumbs = _crumbs(Link("runs", at.home()), Link(name, at.pipeline(name)))
        return to_html(run_page(record, _linked(at), crumbs=crumbs))

    def artifact(self, artifact_id: int, at: Addresses) -> str:
        """The page of an artifact, with its lineage; of one that was deleted, what is still known of it.

        Raises:
            LineageError: There is no such artifact.
        """
        record = self.store.artifact(artifact_id)
        lineage = lineage_section(self.store, artifact_id, at.artifact)
        run_id = self.store.execution(record.producer_id).run_id if record.producer_id is not None else ""
        crumbs = _crumbs(Link("runs", at.home()), Link(run_id, at.run(run_id) if run_id else ""))
        try:
            page = artifact_page(Path(record.location), lineage=lineage, crumbs=crumbs)
        except (AssayError, OSError) as error:
            page = _gone(record, str(error), lineage, crumbs)
        return to_html(page)

    def records(self) -> list[Record]:
        """The records of all runs, the earliest first."""
        paths = sorted((self.root / "runs").glob("*/run.json"))
        return [_read(path) for path in paths]

    def record(self, run_id: str) -> Record:
        """The record of a run.

        Raises:
            LineageError: The root has none of that id.
        """
        # An id comes from an address, too: only one of a run that is there leads to a file.
        known = {each.parent.name: each for each in (self.root / "runs").glob("*/run.json")}
        if run_id not in known:
            raise LineageError("report.run", f"{self.root} has no run '{run_id}'.", did_you_mean(run_id, known))
        return _read(known[run_id])


def _read(path: Path) -> Record:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError) as error:
        raise ArtifactError("report.run_record", f"{path} cannot be read: {error}.") from error


def _linked(at: Addresses) -> Any:
    return lambda record: at.artifact(record["id"]) if record.get("id") is not None else ""


def _crumbs(*links: Link) -> list[Link]:
    return [link for link in links if link.text and (link.href or link.text != "runs")]


def _gone(record: ArtifactRecord, reason: str, lineage: Section, crumbs: list[Link]) -> Page:
    return Page(
        kind=record.type,
        title=f"{record.output_key or record.type} {record.id}",
        facts=[("digest", short_digest(record.digest)), ("was at", record.location)],
        sections=[Section(title="Files", blocks=[Notice(f"It cannot be shown: {reason}", "warn")]), lineage],
        crumbs=crumbs,
    )
