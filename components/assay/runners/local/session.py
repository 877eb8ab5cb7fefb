"""The services of one run, and the bridge between sealed artifacts and lineage records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from assay.artifacts.base import Artifact
from assay.engines.base import Engine
from assay.errors import LineageError
from assay.files import write_durably
from assay.lineage.database import without_password
from assay.lineage.records import ArtifactRecord, NewArtifact
from assay.lineage.store import LineageStore
from assay.runners.local.progress import Progress
from assay.runners.local.result import StepResult
from assay.spec.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class RootLayout:
    """The folders below a root.

    Sealed artifacts lie as TFX lays them out: `<node id>/<output key>/<execution id>/`.

    Attributes:
        root: The root folder.
        metadata: The lineage store if it is not in the root: a file, or the URL of a database.
    """

    root: Path
    metadata: Path | str | None = None

    @property
    def own_lineage(self) -> Path:
        """The file of a lineage store inside the root."""
        return self.root / "lineage.db"

    @property
    def lineage(self) -> Path | str:
        """The lineage store: a file, or the URL of a database."""
        return self.metadata or self.own_lineage

    @property
    def store_record(self) -> Path:
        """Names the lineage store of the runs in the root, if it is outside of the root."""
        return self.root / "lineage.json"

    @property
    def locks(self) -> Path:
        """Lock files of the processes that run pipelines; beside the lineage store, which several roots may share.

        A database has no folder: then they are in the root, and do not show the runs of other roots.
        """
        return (self.lineage.parent if isinstance(self.lineage, Path) else self.root) / ".locks"

    @property
    def staging_folder(self) -> Path:
        """The staging folders of all executions."""
        return self.root / ".staging"

    def staging(self, execution_id: int) -> Path:
        """Return the folder that an execution writes to before its outputs are sealed."""
        return self.staging_folder / str(execution_id)

    def artifact(self, node_id: str, key: str, execution_id: int) -> Path:
        """Return the folder in which an output is sealed."""
        return self.root / node_id / key / str(execution_id)

    def last_execution(self, node_id: str) -> int:
        """Return the highest execution id that a sealed output of this node is named after; 0 without one."""
        numbers = (path.name for path in (self.root / node_id).glob("*/*"))
        return max((int(name) for name in numbers if name.isascii() and name.isdigit()), default=0)

    def run(self, run_id: str) -> Path:
        """Return a run's folder: `run.json`, logs, and links to its artifacts."""
        return self.root / "runs" / run_id

    def log(self, run_id: str, node_id: str) -> Path:
        """Return the log of one step of a run."""
        return self.run(run_id) / "logs" / f"{node_id}.log"

    def link(self, run_id: str, node_id: str, key: str, index: int, count: int) -> Path:
        """Return the link from a run's folder to an artifact that one of its steps wrote."""
        name = key if count == 1 else f"{key}-{index}"
        return self.run(run_id) / "artifacts" / node_id / name


def record_store(layout: RootLayout) -> None:
    """Record in the root where its lineage store is, so that commands which are given the root find it.

    A password is left out: whoever asks must have it, in the environment or in `--store`.
    """
    if layout.metadata is None:
        layout.store_record.unlink(missing_ok=True)
    else:
        where = without_password(layout.metadata)
        store = where if "://" in where else str(Path(where).absolute())
        write_durably(layout.store_record, msgspec.json.format(msgspec.json.encode({"store": store})) + b"\n")


def layout_at(root: Path, store: str | None = None) -> RootLayout | None:
    """Return the layout of a root with the store that is given, the one that it records, or its own; else None.

    Raises:
        LineageError: The record cannot be read.
    """
    own = RootLayout(root)
    if store is not None:
        return RootLayout(root, store if "://" in store else Path(store))
    if not own.store_record.is_file():
        return own if own.own_lineage.is_file() else None
    try:
        named = msgspec.json.decode(own.store_record.read_bytes(), type=dict[str, str])["store"]
    except (OSError, msgspec.MsgspecError, KeyError) as error:
        raise LineageError(
            "lineage.record", f"{own.store_record} does not name a lineage store: {error}.", "Name it: --store."
        ) from error
    return layout_at(root, named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One run of one pipeline.

    Attributes:
        parameters: The values of the runtime parameters.
        force: Ids of the steps that are not taken from the cache.
        results: How each step ended so far, by id.
    """

    pipeline: Pipeline
    run_id: str
    layout: RootLayout
    store: LineageStore
    engine: Engine
    progress: Progress
    parameters: Mapping[str, Any]
    force: frozenset[str] = frozenset()
    seed: int = 0
    results: dict[str, StepResult] = field(default_factory=dict)


def artifact_of(record: ArtifactRecord, artifact_class: type[Artifact]) -> Artifact:
    """Return the artifact that a lineage record describes."""
    return artifact_class(
        Path(record.location),
        properties=record.properties,
        rows={split: int(str(count)) for split, count in record.rows.items()},
        digest=record.digest,
        id=record.id,
    )


def new_record(artifact: Artifact) -> NewArtifact:
    """Return the lineage record of a sealed artifact that the store does not know yet."""
    return NewArtifact(
        type=artifact.type_name,
        uri=str(artifact.path),
        digest=artifact.digest,
        properties=dict(artifact.properties),
        rows=dict(artifact.rows),
    )
