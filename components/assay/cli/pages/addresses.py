"""Where the pages are: addresses of a server, or names of files beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote


class Addresses(Protocol):
    """Gives the address of a page as seen from the page that links to it; empty where there is none."""

    def home(self) -> str:
        """Of the overview of a root."""
        ...

    def pipeline(self, name: str) -> str:
        """Of a pipeline's history."""
        ...

    def run(self, run_id: str) -> str:
        """Of a run."""
        ...

    def artifact(self, artifact_id: int) -> str:
        """Of an artifact."""
        ...


class ServedAddresses:
    """Addresses of `assay ui`."""

    def home(self) -> str:
        """Of the overview of a root."""
        return "/"

    def pipeline(self, name: str) -> str:
        """Of a pipeline's history."""
        return f"/pipeline/{quote(name, safe='')}"

    def run(self, run_id: str) -> str:
        """Of a run."""
        return f"/run/{quote(run_id, safe='')}"

    def artifact(self, artifact_id: int) -> str:
        """Of an artifact."""
        return f"/artifact/{artifact_id}"


@dataclass(frozen=True, slots=True)
class FileAddresses:
    """Addresses of files that were written together.

    Attributes:
        artifacts: The artifacts that have a page.
        folder: What leads to the artifacts' pages from the page that links: `report.pages/`; empty within that folder.
        runs: Addresses by the id of each run that has a page.
        history: The address of the pipeline's history, where it has a page.
    """

    artifacts: frozenset[int] = frozenset()
    folder: str = ""
    runs: tuple[tuple[str, str], ...] = ()
    history: str = ""

    def home(self) -> str:
        """A root's overview is only served."""
        return ""

    def pipeline(self, name: str) -> str:  # noqa: ARG002 (files are of one pipeline)
        """Of the pipeline's history."""
        return self.history

    def run(self, run_id: str) -> str:
        """Of a run."""
        return dict(self.runs).get(run_id, "")

    def artifact(self, artifact_id: int) -> str:
        """Of an artifact."""
        return f"{quote(self.folder)}artifact-{artifact_id}.html" if artifact_id in self.artifacts else ""
