"""The services of one run, and the bridge between sealed artifacts and lineage records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.artifacts.base import Artifact
from assay.engines.base import Engine
from assay.lineage.records import ArtifactRecord, NewArtifact
from assay.lineage.store import LineageStore
from assay.runners.local.layout import RootLayout
from assay.runners.local.progress import Progress
from assay.runners.local.result import StepResult
from assay.spec.pipeline import Pipeline


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
    """The artifact that a lineage record describes."""
    return artifact_class(
        Path(record.location),
        properties=record.properties,
        rows={split: int(str(count)) for split, count in record.rows.items()},
        digest=record.digest,
        id=record.id,
    )


def new_record(artifact: Artifact) -> NewArtifact:
    """The lineage record of a sealed artifact that the store does not know yet."""
    return NewArtifact(
        type=artifact.type_name,
        uri=str(artifact.path),
        digest=artifact.digest,
        properties=dict(artifact.properties),
        rows=dict(artifact.rows),
    )
