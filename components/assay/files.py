"""Files as all of assay handles them: written durably, in the order of their numbers, and named within their folder."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from assay.errors import ArtifactError, disk_full

_NUMBER = re.compile("([0-9]+)")


def write_durably(path: Path, content: bytes) -> None:
    """Write a file by way of a temporary one, fsync and rename, so that it is there whole or not at all.

    A symbolic link stays, and the file that it leads to is replaced. A device or a pipe (`/dev/stdout`) is written to:
    a rename would put a file in its place.

    Raises:
        ArtifactError: If the file system refuses the write.
    """
    if is_stream(path):
        try:
            with path.open("wb") as stream:
                stream.write(content)
        except OSError as error:
            raise disk_full(path, error) from error
        return
    path = path.resolve() if path.is_symlink() else path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        sync(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):  # where the folder is missing, or the name is too long, so is the file
            temporary.unlink()
        raise disk_full(path, error) from error


def is_stream(path: Path) -> bool:
    """Return whether a path leads to a device, a pipe or a socket, which is neither replaced nor removed."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def is_storage_failure(error: OSError) -> bool:
    """Return whether the file system, not the program, is at fault: no space, quota, read-only."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}


def sync(path: Path) -> None:
    """Wait until a file, or the entries of a folder, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def shard_order(path: str | Path) -> tuple[list[str | int], str]:
    """Return a sort key that orders files as their numbers count: `part-2` before `part-10`.

    Rows of two tables belong together by their order, so every reader of several files goes by this one. Names with
    equal numbers (`part-1` and `part-01`) are ordered as text.
    """
    # Text and numbers alternate, so that two keys never compare a text with a number.
    return [int(part) if at % 2 else part for at, part in enumerate(_NUMBER.split(str(path)))], str(path)


def split_folders(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield (split, folder) for each `Split-<name>` folder, by name."""
    for each in sorted(folder.glob("Split-*")):
        if each.is_dir():
            yield each.name.removeprefix("Split-"), each


def local_path(folder: Path, name: str) -> Path:
    """Return the path of a file's copy within a folder.

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
            f"Expected file names inside a remote folder; '{name}' points outside of it.",
            "Remove that file from the store: assay never writes such names.",
        )
    return folder.joinpath(*parts)
