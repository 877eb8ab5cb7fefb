"""What a person names on the command line: an artifact, a run, a pipeline, or a file of TFX."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assay.errors import LineageError, UsageError, did_you_mean
from assay.runners.local.layout import layout_at

if TYPE_CHECKING:
    from assay.lineage import ArtifactRecord, LineageReader

_SHORTEST_DIGEST = 6


@dataclass(frozen=True, slots=True)
class Subject:
    """What a report is about.

    Attributes:
        kind: `artifact` and `run` and `pipeline` of a root, or a `folder` or `file` of its own.
        name: The id of the run or the name of the pipeline.
        artifact_id: The artifact.
        path: The folder or file.
        root: The root that the folder lies in, where it does.
    """

    kind: Literal["artifact", "run", "pipeline", "root", "folder", "file"]
    name: str = ""
    artifact_id: int = 0
    path: Path | None = None
    root: Path | None = None


def subject_at(path: Path) -> Subject:
    """Tells what lies at a path.

    Raises:
        UsageError: There is nothing.
    """
    if path.is_file():
        return subject_at(path.resolve().parent) if path.name == "run.json" else Subject("file", path=path)
    if not path.is_dir():
        raise UsageError("report.nothing", f"Expected an artifact, a run or a pipeline; there is nothing at {path}.")
    place = path.resolve()
    if (place / "run.json").is_file():
        return Subject("run", name=place.name, root=place.parents[1])
    if layout_at(place) is not None:
        return Subject("root", path=place, root=place)
    root = next((folder for folder in place.parents if layout_at(folder) is not None), None)
    return Subject("folder", path=place, root=root)


def subject_named(store: LineageReader, name: str) -> Subject:
    """Tells what a root knows by a name: a run's id, a pipeline's name, an artifact's id or digest.

    Raises:
        LineageError: It knows nothing of that name.
    """
    runs = store.runs()
    if any(run.id == name for run in runs):
        return Subject("run", name=name)
    pipelines = {run.pipeline for run in runs}
    if name in pipelines:
        return Subject("pipeline", name=name)
    artifact = _artifact(store, name)
    if artifact is not None:
        return Subject("artifact", artifact_id=artifact.id)
    raise LineageError(
        "report.unknown",
        f"'{name}' is no path, and no run, pipeline or artifact of this root.",
        did_you_mean(name, {*pipelines, *(run.id for run in runs[:20])}),
    )


def _artifact(store: LineageReader, name: str) -> ArtifactRecord | None:
    if name.isdecimal():
        return store.artifact(int(name))
    digest = name.removeprefix("sha256:")
    if len(digest) < _SHORTEST_DIGEST:
        return None
    return next((each for each in store.artifacts(state=None) if each.digest.startswith(f"sha256:{digest}")), None)
