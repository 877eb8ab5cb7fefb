"""Opens any artifact's folder: by its manifest, or by its files if another tool wrote it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from assay import artifacts
from assay.artifacts import Artifact, ArtifactType, PropertyDeclaration
from assay.artifacts.store import MANIFEST, read_manifest
from assay.artifacts.types import builtin_types
from assay.errors import ArtifactError


def opened(folder: Path) -> Artifact:
    """Open an artifact's folder: by its manifest, else by the files in it.

    Raises:
        ArtifactError: There is no such folder, or it is not an artifact.
    """
    if not folder.is_dir():
        raise ArtifactError("report.no_folder", f"Expected the folder of an artifact at {folder}; there is none.")
    if (folder / MANIFEST).is_file():
        manifest = read_manifest(folder)
        kind = _artifact_class(manifest.type)
        if kind is None:  # a type of the user's own
            declared = {name: type(value).__name__ for name, value in manifest.properties.items()}
            kind = _own_type(manifest.type, declared)
        return kind(folder, properties=manifest.properties, rows=manifest.rows, digest=manifest.digest)
    for name, declared_type in builtin_types().items():
        kind = _artifact_class(name)
        if kind is not None and declared_type.layout and _fits(declared_type, folder):
            found = kind(folder)
            for key, value in found.describe().items():
                found.properties[key] = value
            return found
    listed = ", ".join(sorted(path.name for path in folder.iterdir())[:8]) or "nothing"
    raise ArtifactError(
        "report.unknown",
        f"{folder} is not an artifact written by assay or TFX; it contains {listed}.",
        "Name its folder.",
    )


def _own_type(name: str, declared: dict[str, str]) -> type[Artifact]:
    kinds: dict[str, Any] = {
        "int": "int",
        "float": "float",
        "bool": "bool",
        "str": "string",
        "list": "list",
        "dict": "map",
    }
    properties = {key: PropertyDeclaration(kinds.get(kind, "string")) for key, kind in declared.items()}
    return type(name, (Artifact,), {"declaration": ArtifactType(name, properties=properties)})


def _fits(declared: ArtifactType, folder: Path) -> bool:
    wanted = [pattern for pattern in declared.layout if pattern != "verdict.json"]
    return bool(wanted) and all(any(folder.glob(pattern)) for pattern in wanted)


@cache
def _artifact_class(name: str) -> type[Artifact] | None:
    found = getattr(artifacts, name, None)
    return found if isinstance(found, type) and issubclass(found, Artifact) else None


Related = Mapping[str, Artifact]


def related_to(artifact: Artifact) -> dict[str, Artifact]:
    """Return the producing step's other inputs and outputs by key; nothing if its run's record is missing."""
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
