"""Atomic publication: staging folder, digest, manifest, fsync, rename.

A folder becomes an artifact by one `rename`, after every byte of it is on disk. Whatever stops the process before that
leaves only a staging folder, which no reader looks at.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from assay.artifacts.base import Artifact
from assay.errors import ArtifactError, disk_full
from assay.files import sync, write_durably

MANIFEST = "manifest.json"
MANIFEST_VERSION = 1
_CHUNK = 1 << 20
_A = TypeVar("_A", bound=Artifact)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file of an artifact: its path below the folder, size in bytes and SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Producer:
    """The execution that made an artifact."""

    component: str = ""
    component_version: str = ""
    node_id: str = ""
    output_key: str = ""
    pipeline: str = ""
    run_id: str = ""
    execution_id: int = 0
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The self-description in each artifact's folder, `manifest.json`."""

    type: str
    type_version: int
    digest: str
    files: tuple[FileEntry, ...]
    properties: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    producer: Producer = field(default_factory=Producer)
    manifest_version: int = MANIFEST_VERSION


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def list_files(folder: Path) -> tuple[FileEntry, ...]:
    """Return every file below `folder` but the manifest, sorted by path.

    Raises:
        ArtifactError: If a file's name is not UTF-8, so that no manifest can hold it.
    """
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    for path in paths:
        name = str(path.relative_to(folder))
        if any("\udc80" <= character <= "\udcff" for character in name):  # how Python shows bytes that are not UTF-8
            raise ArtifactError(
                "artifact.file_name", f"A file in {folder} has a name that is not UTF-8: {name!r}.", "Rename it."
            )
    return tuple(
        FileEntry(path.relative_to(folder).as_posix(), path.stat().st_size, file_sha256(path)) for path in paths
    )


def digest_of(files: tuple[FileEntry, ...]) -> str:
    """Return the digest of an artifact: SHA-256 over each file's path and SHA-256, in order of path.

    The text that is digested is what GNU's `sha256sum` prints, so that it can be checked without us.
    """
    lines = "".join(_digest_line(entry) for entry in files)
    return "sha256:" + hashlib.sha256(lines.encode()).hexdigest()


def _digest_line(entry: FileEntry) -> str:
    """Return a file's line. A line break in its name is escaped: it must not make one file look like two."""
    escaped = entry.path.replace("\\", r"\\").replace("\n", r"\n")
    return f"{'' if escaped == entry.path else chr(92)}{entry.sha256}  {escaped}\n"


def seal(artifact: Artifact, destination: Path, producer: Producer) -> None:
    """Publish a staged artifact at `destination` and set its path and digest.

    Args:
        artifact: The artifact in its staging folder, on the same file system as `destination`.
        destination: Where it shall lie; must not exist.
        producer: The execution that made it.

    Raises:
        ArtifactError: If the layout is incomplete, the destination exists, or the file system refuses.
    """
    artifact.type().check_layout(artifact.path)
    if destination.exists():
        raise ArtifactError("artifact.exists", f"{destination} exists already.", "Remove it, or choose another --root.")
    files = list_files(artifact.path)
    artifact.rows = {split: int(count) for split, count in artifact.rows.items()}  # numpy's integers are no JSON
    manifest = Manifest(
        type=artifact.type_name,
        type_version=artifact.type().version,
        digest=digest_of(files),
        files=files,
        properties=dict(artifact.properties),
        rows=artifact.rows,
        producer=producer,
    )
    try:
        for entry in files:
            sync(artifact.path / entry.path)
        content = msgspec.json.format(msgspec.json.encode(asdict(manifest)), indent=1)
        write_durably(artifact.path / MANIFEST, content + b"\n")
        for folder in [path for path in artifact.path.rglob("*") if path.is_dir()]:
            sync(folder)
        destination.parent.mkdir(parents=True, exist_ok=True)
        artifact.path.rename(destination)
        sync(destination.parent)
    except OSError as error:
        raise disk_full(destination, error) from error
    artifact.path = destination
    artifact.digest = manifest.digest


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a sealed artifact.

    Raises:
        ArtifactError: If there is none, it cannot be read, or a newer assay wrote it.
    """
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise ArtifactError(
            "artifact.no_manifest",
            f"{folder} holds no {MANIFEST}, so assay did not write it as an artifact.",
            "Import folders of other tools with an Importer.",
        ) from None
    except msgspec.MsgspecError as error:
        raise ArtifactError(
            "artifact.bad_manifest",
            f"{path} cannot be read: {error}.",
            "Restore the file, or rerun the step that writes it with --force.",
        ) from error
    if manifest.manifest_version > MANIFEST_VERSION:
        raise ArtifactError(
            "artifact.newer_manifest",
            f"{path} has version {manifest.manifest_version}; this assay reads up to {MANIFEST_VERSION}.",
            "Upgrade assay.",
        )
    return manifest


def check_type(folder: Path, found: str, version: int, expected: type[Artifact]) -> None:
    """Check that a folder of type `found` may be read as `expected`.

    Raises:
        ArtifactError: For another type or a newer layout version.
    """
    wanted = expected.type()
    if found != wanted.name:
        raise ArtifactError("artifact.wrong_type", f"Expected {wanted.name} at {folder}, found {found}.")
    if version > wanted.version:
        raise ArtifactError(
            "artifact.newer_type",
            f"{folder} is {found} of version {version}; this assay reads up to {wanted.version}.",
            "Upgrade assay.",
        )


def open_artifact(folder: Path, expected: type[_A]) -> _A:
    """Open a sealed artifact by its manifest.

    Raises:
        ArtifactError: If it is missing, unsealed, or of another type or a newer version.
    """
    manifest = read_manifest(folder)
    check_type(folder, manifest.type, manifest.type_version, expected)
    return expected(folder, properties=manifest.properties, rows=manifest.rows, digest=manifest.digest)


def changed_files(folder: Path) -> list[str]:
    """Compare a sealed artifact with its manifest; return the paths that are missing, new or changed."""
    recorded = {entry.path: entry for entry in read_manifest(folder).files}
    present = {entry.path: entry for entry in list_files(folder)}
    return sorted(path for path in recorded.keys() | present.keys() if recorded.get(path) != present.get(path))


def damage(folder: Path, digest: str) -> str:
    """Return what is wrong with a recorded artifact: `is gone`, `was changed …`, or nothing.

    Args:
        folder: Where it should lie.
        digest: The digest that was recorded for it.
    """
    if not folder.is_dir():
        return "is gone"
    if not (folder / MANIFEST).is_file():  # adopted in place from another tool
        return "" if digest_of(list_files(folder)) == digest else "was changed after it was imported"
    changed = changed_files(folder)
    if changed:
        return f"was changed after it was sealed ({', '.join(changed[:3])})"
    return "" if read_manifest(folder).digest == digest else "was replaced by another"


def adopt(folder: Path, artifact_class: type[_A]) -> _A:
    """Describe a folder that another tool wrote (such as TFX) as an artifact, without changing it.

    Raises:
        ArtifactError: If the folder is missing, lacks what the type's layout asks for, or cannot be read; or if it was
            sealed by assay and changed since.
    """
    if not folder.is_dir():
        raise ArtifactError("artifact.missing", f"Expected a folder at {folder}; there is none.", "Check the path.")
    if (folder / MANIFEST).is_file():
        changed = changed_files(folder)
        if changed:
            raise ArtifactError(
                "artifact.changed",
                f"{folder} was changed after it was sealed: {', '.join(changed[:5])}.",
                f"Restore it, or remove its {MANIFEST} to import it as it is now.",
            )
        return open_artifact(folder, artifact_class)
    artifact = artifact_class(folder)
    artifact.type().check_layout(folder)
    for name, value in artifact.describe().items():
        artifact.properties[name] = value
    artifact.digest = digest_of(list_files(folder))
    return artifact
