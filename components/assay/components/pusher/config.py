"""Where a model is pushed to, in the shape of TFX's `pusher_pb2`."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from assay.errors import UsageError


class Versioning(str, enum.Enum):
    """How a version gets its name; both are the Unix time in seconds, counted up until it is free."""

    AUTO = "AUTO"
    UNIX_TIMESTAMP = "UNIX_TIMESTAMP"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesystemDestination:
    """A folder that a model server watches.

    Attributes:
        base_directory: The folder; each pushed model is a subfolder with a number for its name.
        versioning: How a version gets its name.
    """

    base_directory: str
    versioning: Versioning = Versioning.AUTO


@dataclass(frozen=True, slots=True, kw_only=True)
class PushDestination:
    """Where a model is pushed to.

    Attributes:
        Filesystem: The class of `filesystem`, under the name that it has in TFX.
        filesystem: A folder that a model server watches.
    """

    Filesystem: ClassVar[type[FilesystemDestination]] = FilesystemDestination

    filesystem: FilesystemDestination


def base_folder(destination: PushDestination) -> Path:
    """Gives the folder of versions.

    Raises:
        UsageError: None is named, or it is a URL.
    """
    named = destination.filesystem.base_directory
    if not named or "://" in named:
        raise UsageError(
            "push_destination.folder",
            f"`push_destination.filesystem.base_directory` must be a folder on this machine, got '{named}'.",
            "Give an absolute path; mount remote storage.",
        )
    return Path(named).absolute()
