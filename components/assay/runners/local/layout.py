"""Where a root keeps what: artifacts, staging folders, runs, locks and the lineage store."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class RootLayout:
    """The folders below a root.

    Sealed artifacts lie as TFX lays them out: `<node id>/<output key>/<execution id>/`.

    Attributes:
        root: The root folder.
        metadata_path: The lineage store's file where it does not lie in the root.
    """

    root: Path
    metadata_path: Path | None = None

    @property
    def lineage(self) -> Path:
        """The lineage store."""
        return self.metadata_path or self.root / "lineage.db"

    @property
    def locks(self) -> Path:
        """Lock files of the processes that run pipelines; beside the lineage store, which several roots may share."""
        return self.lineage.parent / ".locks"

    @property
    def staging_folder(self) -> Path:
        """The staging folders of all executions."""
        return self.root / ".staging"

    def staging(self, execution_id: int) -> Path:
        """Where an execution writes before its outputs are sealed."""
        return self.staging_folder / str(execution_id)

    def artifact(self, node_id: str, key: str, execution_id: int) -> Path:
        """Where an output is sealed."""
        return self.root / node_id / key / str(execution_id)

    def run(self, run_id: str) -> Path:
        """A run's folder: `run.json`, logs, and links to its artifacts."""
        return self.root / "runs" / run_id

    def log(self, run_id: str, node_id: str) -> Path:
        """The log of one step of a run."""
        return self.run(run_id) / "logs" / f"{node_id}.log"

    def link(self, run_id: str, node_id: str, key: str, index: int, count: int) -> Path:
        """The link from a run's folder to an artifact that one of its steps put out."""
        name = key if count == 1 else f"{key}-{index}"
        return self.run(run_id) / "artifacts" / node_id / name
