"""Where a remote file's copy lies: a store takes any text as a name, `..` too, so that a name is looked at first."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from assay.errors import ArtifactError


def local_path(folder: Path, name: str) -> Path:
    """Gives the path of a file's copy within a folder.

    Args:
        folder: The folder of the copies.
        name: The file's name below the remote folder, such as `Split-train/data.parquet`.

    Raises:
        ArtifactError: The name leads out of the folder.
    """
    parts = PurePosixPath(name.lstrip("/")).parts
    if ".." in parts:
        raise ArtifactError(
            "artifact.outside",
            f"Expected names of files below a remote folder; '{name}' leads out of it.",
            "Remove that file from the store: assay writes no such name.",
        )
    return folder.joinpath(*parts)
