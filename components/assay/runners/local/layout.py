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
        metadata: The lineage store where it does not lie in the root: a file, or the URL of a database.
    """

    root: Path
    metadata: Path | str | None = None

    @property
    def own_lineage(self) -> Path:
        """The file of a lineage store that lies in the root."""
        return self.root / "lineage.db"

    @property
    def lineage(self) -> Path | str:
        """The lineage store: a file, or the URL of a database."""
        return self.metadata or self.own_lineage

    @property
    def locks(self) -> Path:
        """Lock files of the processes that run pipelines; beside the lineage store, which several roots may share.

        A database has no folder: then they lie in the root, and tell nothing of the runs of other roots.
        """
        return (self.lineage.parent if isinstance(self.lineage, Path) else self.root) / ".locks"

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

    def last_execution(self, node_id: str) -> int:
        """Return the highest execution id that a sealed output of this node is named after; 0 without one."""
        numbers = (path.name for path in (self.root / node_id).glob("*/*"))
        return max((int(name) for name in numbers if name.isascii() and name.isdigit()), default=0)

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
