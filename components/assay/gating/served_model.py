"""The digest of the files that a model server would load: what a blessing names, and what a push is held against.

An artifact's digest names everything that training wrote. This one names the folder that is served, and nothing else,
so that it also tells whether a pushed version is still the model that was blessed.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

from assay.artifacts.model import SERVING_FOLDER
from assay.artifacts.store import MANIFEST, FileEntry, digest_of, file_sha256
from assay.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterator

WARMUP: Final = "assets.extra/tf_serving_warmup_requests"
"""Where TensorFlow Serving looks for the requests that warm a model up."""


def served_files(folder: Path) -> tuple[FileEntry, ...]:
    """Gives every file of a served model, sorted by path, as it is now.

    Raises:
        ArtifactError: The folder is missing or holds no file, or something in it cannot be vouched for: a link to a
            folder (what it holds could change behind the digest), a device or a pipe, a name with a control character.
    """
    entries = tuple(
        FileEntry(path.relative_to(folder).as_posix(), path.stat().st_size, file_sha256(path))
        for path in sorted(_files(folder))
    )
    if not entries:
        raise ArtifactError(
            "model.none",
            f"Expected a model at {folder}; there is {'nothing in it' if folder.is_dir() else 'no such folder'}.",
            "The Trainer must save the model for serving.",
        )
    return entries


def served_digest(folder: Path) -> str:
    """Gives `sha256:` over the names and contents of the files of a served model.

    Raises:
        ArtifactError: As [`served_files`][assay.gating.served_model.served_files].
    """
    return digest_of(served_files(folder))


def serving_folder(given: Path) -> Path:
    """Return the folder that is served: `Format-Serving` of a Model artifact, or the folder itself.

    Raises:
        ArtifactError: It holds a `Format-Serving` folder and files of its own, which a server would load instead.
    """
    inside = given / SERVING_FOLDER
    if not inside.is_dir():
        return given
    beside = sorted(path.name for path in given.iterdir() if not path.is_dir() and path.name != MANIFEST)
    if beside:
        raise ArtifactError(
            "model.ambiguous",
            f"{given} has both a {SERVING_FOLDER} folder, as a Model artifact has, and files of its own, as a served "
            f"model has ({', '.join(beside[:3])}).",
            "Name the folder that the server loads.",
        )
    return inside


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=_unreadable):
        for name in sorted([*folders, *files]):
            path = Path(parent) / name
            _refuse_unsafe(path, folder)
            if not path.is_dir():
                yield path


def _refuse_unsafe(path: Path, folder: Path) -> None:
    relative = str(path.relative_to(folder))
    if not relative.isprintable():
        # A line break in a name could make two different folders look the same to the digest.
        raise ArtifactError(
            "model.file_name", f"A file in {folder} has a name that cannot be vouched for: {relative!r}.", "Rename it."
        )
    mode = path.stat().st_mode if path.exists() else 0
    if (path.is_symlink() and stat.S_ISDIR(mode)) or not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise ArtifactError(
            "model.not_a_file",
            f"{path} is neither a file nor a folder of its own, so that no digest can vouch for it.",
            "Save the model with copies of its files.",
        )


def _unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise ArtifactError("model.unreadable", f"{error.filename} cannot be read: {error.strerror}.") from error
