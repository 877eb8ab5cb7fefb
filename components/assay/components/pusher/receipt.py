"""The receipt of a push: what was pushed, where, on whose word; or why nothing was."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from assay.errors import ArtifactError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

RECEIPT_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a push did, or why there was none.

    It is stored in the PushedModel artifact, and beside the versions at the destination.

    Attributes:
        pushed: Whether the model is at the destination.
        reason: The outcome in a sentence.
        base: The folder or URL of versions.
        destination: The folder or URL of the version.
        version: Its name.
        model_digest: The model artifact.
        content_digest: The digest of the files that were pushed.
        blessings: The digests of the blessings that vouched for it, by kind.
        restores: The version whose files these are, where this is a rollback.
        pushed_at: When, in seconds since 1970.
        already_there: Whether an earlier push had put it there.
        removed: The versions that were removed because of it.
        traffic_percent: The share of requests that it gets; the version before it that got all keeps the rest.
        schema_version: The version of this layout.
    """

    pushed: bool
    reason: str
    base: str = ""
    destination: str = ""
    version: str = ""
    model_digest: str = ""
    content_digest: str = ""
    blessings: dict[str, str] = field(default_factory=dict)
    restores: str = ""
    pushed_at: float = 0.0
    already_there: bool = False
    removed: tuple[str, ...] = ()
    traffic_percent: int = 100
    schema_version: int = RECEIPT_VERSION

    def to_json(self) -> bytes:
        """Return the receipt as indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def read_receipt(content: bytes, source: str) -> Receipt:
    """Read a receipt.

    Args:
        content: Its JSON.
        source: Where it came from, for the message.

    Raises:
        ArtifactError: It is not a receipt.
    """
    try:
        return msgspec.json.decode(content, type=Receipt)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArtifactError("pusher.receipt", f"{source} is not a receipt of a push: {error}.") from error


# The versions at a destination, and the rules on them: which comes next, which a rollback restores, which go.
#
# A version never changes and its number is never used again. The current version is the one with the highest number,
# since that is what a model server loads; so a rollback, too, is a new version, with the files of an old one.


_LARGEST = (1 << 63) - 1
_DIGITS = len(str(_LARGEST))


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version at a destination.

    Attributes:
        name: Its number.
        location: Its folder or URL.
        receipt: What is known of its push; None where assay did not push it.
    """

    name: str
    location: str
    receipt: Receipt | None = None

    @property
    def number(self) -> int:
        """The name as a number, by which servers order versions."""
        return int(self.name)

    @property
    def origin(self) -> str:
        """The version that its files first came in: itself, unless it is a rollback."""
        return (self.receipt.restores if self.receipt else "") or self.name


def is_version(name: str) -> bool:
    """Return whether a model server reads a folder of this name as a version: TF Serving parses a 64-bit integer."""
    return name.isascii() and name.isdecimal() and len(name.lstrip("0")) <= _DIGITS and int(name) <= _LARGEST


def next_number(taken: Iterable[str], now: float) -> int:
    """Return the number of a new version: the time in seconds, but above every version that is there.

    Raises:
        ArtifactError: The largest number that a model server reads is taken.
    """
    number = max([int(now), *(int(name) + 1 for name in taken)])
    if number > _LARGEST:
        raise ArtifactError(
            "pusher.no_number",
            f"The largest version that a model server can read, {_LARGEST}, already exists, so no version "
            "can follow it.",
            "Remove that version, or push to another folder.",
        )
    return number


def rollback_target(versions: Sequence[Version], wanted: str = "") -> Version:
    """Return the version whose files a rollback restores: what was current before the current one's files came.

    Rolling back twice goes back by two: a version that is itself a rollback counts as the version that it restored.

    Args:
        versions: The versions that are there, in order.
        wanted: The version to restore; the one before by default.

    Raises:
        ArtifactError: There is none to go back to, or assay did not push it.
    """
    if not versions:
        raise ArtifactError("rollback.no_version", "There are no versions to roll back to.")
    by_name = {version.name: version for version in versions}
    if wanted:
        if wanted not in by_name:
            raise ArtifactError("rollback.unknown", f"Version {wanted} does not exist.", did_you_mean(wanted, by_name))
        return _with_receipt(by_name[wanted])
    current = versions[-1]
    earlier = [version for version in versions[:-1] if version.number < int(current.origin)]
    if not earlier:
        raise ArtifactError(
            "rollback.no_version",
            f"No version precedes {current.origin}"
            + (f", which {current.name} restored." if current.origin != current.name else "."),
            "Push a model, or name one of `assay versions` with --version.",
        )
    before = earlier[-1]
    return _with_receipt(by_name.get(before.origin, before))


def removable(versions: Sequence[Version], keep_last: int | None) -> tuple[Version, ...]:
    """Return the versions that `keep_last` removes: the oldest ones, never the current, only what assay pushed."""
    if keep_last is None:
        return ()
    return tuple(version for version in versions[: -max(keep_last, 1)] if version.receipt is not None)


def _with_receipt(version: Version) -> Version:
    if version.receipt is None:
        raise ArtifactError(
            "rollback.no_receipt",
            f"Version {version.name} has no receipt that lists its files.",
            "Push its model instead; assay did not push this version.",
        )
    return version


OWN_FOLDER = ".assay"
"""Receipts and locks, beside the versions. Model servers ignore names that are not numbers."""


class Destination(Protocol):
    """A place that keeps versions of a model."""

    @property
    def base(self) -> str:
        """The folder or URL of versions."""
        ...

    def versions(self) -> Sequence[Version]:
        """Return the complete versions, by number; the last is the current one."""
        ...

    def staging(self) -> AbstractContextManager[Path]:
        """Yield a local folder to fill with a model; remove whatever was not published from it."""
        ...

    def publish(self, staged: Path, receipt: Receipt) -> Receipt:
        """Make the staged model a version, whole or not at all, and return the receipt with its name filled in.

        The model that is already the current version is not published again.
        """
        ...

    def fetch(self, version: Version, folder: Path) -> None:
        """Copy a version's files to a local folder, which must be empty."""
        ...

    def digest(self, version: Version) -> str:
        """Return the digest of a version's files, as they are now."""
        ...
