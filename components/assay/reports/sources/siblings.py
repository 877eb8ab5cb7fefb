"""The artifacts that the step of an artifact read, found through the record of its run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from assay.artifacts import Artifact
from assay.artifacts.store import MANIFEST, read_manifest
from assay.errors import ArtifactError
from assay.reports.opening import opened

Related = Mapping[str, Artifact]


def related_to(artifact: Artifact) -> dict[str, Artifact]:
    """Gives what the producing step read and gave besides, by key; nothing where its run's record is not at hand."""
    if not (artifact.path / MANIFEST).is_file():
        return {}
    producer = read_manifest(artifact.path).producer
    root = artifact.path.resolve().parents[2]  # <root>/<node>/<key>/<execution>
    step = _step(root / "runs" / producer.run_id / "run.json", producer.node_id) if producer.run_id else {}
    found: dict[str, Artifact] = {}
    for key, records in [*step.get("inputs", {}).items(), *step.get("outputs", {}).items()]:
        for record in records[:1]:
            # A root may have been moved since: the folder is looked for below this one, too.
            recorded = Path(record["uri"])
            moved = root.joinpath(*recorded.parts[-3:])
            place = recorded if recorded.is_dir() else moved
            try:
                found[key] = opened(place)
            except ArtifactError:
                continue  # removed since: the page shows what there is
    return found


def _step(record: Path, node_id: str) -> dict[str, Any]:
    try:
        run = msgspec.json.decode(record.read_bytes())
        return next((step for step in run["steps"] if step["id"] == node_id), {})
    except (OSError, msgspec.MsgspecError, KeyError, TypeError):
        return {}
