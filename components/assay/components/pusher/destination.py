"""What every destination of a push can do: the one protocol behind folders, URLs and KServe."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.components.pusher.history import Version
    from assay.components.pusher.receipt import Receipt

OWN_FOLDER = ".assay"
"""Beside the versions: receipts and locks. A model server passes over a name that is no number."""


class Destination(Protocol):
    """A place that keeps versions of a model."""

    @property
    def base(self) -> str:
        """The folder or URL of versions."""
        ...

    def versions(self) -> Sequence[Version]:
        """The complete versions, by number; the last is the current one."""
        ...

    def staging(self) -> AbstractContextManager[Path]:
        """A local folder to fill with a model; whatever was not published from it is removed."""
        ...

    def publish(self, staged: Path, receipt: Receipt) -> Receipt:
        """Makes the staged model a version, whole or not at all, and gives the receipt with its name filled in.

        The model that is already the current version is not published again.
        """
        ...

    def fetch(self, version: Version, folder: Path) -> None:
        """Copies a version's files to a local folder, which must be empty."""
        ...

    def digest(self, version: Version) -> str:
        """The digest of a version's files, as they are now."""
        ...
