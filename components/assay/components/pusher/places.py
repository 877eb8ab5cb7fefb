"""Opens the destination that a configuration or a command line names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.components.pusher.kserve import INSIDE, KServe
from assay.components.pusher.versioned_folder import VersionedFolder
from assay.components.pusher.versioned_url import VersionedUrl, open_url

if TYPE_CHECKING:
    from assay.components.pusher.config import PushDestination
    from assay.components.pusher.receipt import Destination

_LOCAL = "file://"


def open_destination(destination: PushDestination) -> Destination:
    """Open the destination of a configuration.

    Raises:
        UsageError: It is a URL that cannot be opened.
    """
    if destination.kserve is not None:
        kserve = destination.kserve
        storage = open_base(kserve.base_directory, keep_last=kserve.keep_last, inside=INSIDE)
        return KServe(storage=storage, config=kserve)
    assert destination.filesystem is not None, "PushDestination has exactly one"
    return open_base(destination.filesystem.base_directory, keep_last=destination.filesystem.keep_last)


def open_base(base: str, *, keep_last: int | None = None, inside: str = "") -> VersionedFolder | VersionedUrl:
    """Open a folder or URL of versions.

    Raises:
        UsageError: It is a URL that cannot be opened.
    """
    if "://" in base and not base.startswith(_LOCAL):
        return open_url(base, keep_last=keep_last, inside=inside)
    return VersionedFolder(path=Path(base.removeprefix(_LOCAL)).absolute(), keep_last=keep_last, inside=inside)
