"""The names of `tfx.v1.dsl.io.fileio`, for paths of this machine: what module files and components open and list."""

from __future__ import annotations

import glob as _glob
import os
import shutil
from builtins import open  # noqa: A004, UP029 (a name of this module: TFX's modules call fileio.open)
from os import listdir, makedirs, mkdir, remove, stat, walk
from os.path import exists, isdir
from pathlib import Path
from shutil import rmtree

from assay.errors import ArtifactError

NotFoundError = FileNotFoundError
PathType = str | bytes | os.PathLike[str]

__all__ = [
    "NotFoundError",
    "PathType",
    "copy",
    "exists",
    "glob",
    "isdir",
    "listdir",
    "makedirs",
    "mkdir",
    "open",
    "remove",
    "rename",
    "rmtree",
    "stat",
    "walk",
]


def copy(src: PathType, dst: PathType, overwrite: bool = False) -> None:  # noqa: FBT001, FBT002 (TFX's signature)
    """Copy a file.

    Raises:
        ArtifactError: If the target exists and may not be overwritten.
    """
    _check_target(dst, overwrite=overwrite)
    shutil.copyfile(os.fsdecode(src), os.fsdecode(dst))


def glob(pattern: PathType) -> list[str]:
    """Return the paths that a pattern matches, sorted."""
    return sorted(_glob.glob(os.fsdecode(pattern)))  # noqa: PTH207 (text in, text out)


def rename(src: PathType, dst: PathType, overwrite: bool = False) -> None:  # noqa: FBT001, FBT002 (TFX's signature)
    """Move a file or folder.

    Raises:
        ArtifactError: If the target exists and may not be overwritten.
    """
    _check_target(dst, overwrite=overwrite)
    Path(os.fsdecode(src)).replace(os.fsdecode(dst))


def _check_target(target: PathType, *, overwrite: bool) -> None:
    if not overwrite and Path(os.fsdecode(target)).exists():
        raise ArtifactError("fileio.exists", f"{os.fsdecode(target)} exists already.", "Pass overwrite=True.")
