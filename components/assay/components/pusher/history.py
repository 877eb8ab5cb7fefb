"""The versions at a destination, and the rules on them: which comes next, which a rollback restores, which go.

A version never changes and its number is never used again. The current version is the one with the highest number,
since that is what a model server loads; so a rollback, too, is a new version, with the files of an old one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.errors import ArtifactError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from assay.components.pusher.receipt import Receipt


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
    """Whether a model server takes a folder of this name for a version: TensorFlow Serving reads a 64-bit integer."""
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
            f"The largest version that a model server can read, {_LARGEST}, exists already; no version can follow it.",
            "Remove that version, or push to another folder.",
        )
    return number


def rollback_target(versions: Sequence[Version], wanted: str = "") -> Version:
    """Gives the version whose files a rollback restores: what was current before the current one's files came.

    Rolling back twice goes back by two: a version that is itself a rollback counts as the version that it restored.

    Args:
        versions: The versions that are there, in order.
        wanted: The version to restore; the one before by default.

    Raises:
        ArtifactError: There is none to go back to, or assay did not push it.
    """
    if not versions:
        raise ArtifactError("rollback.no_version", "There is no version to roll back.")
    by_name = {version.name: version for version in versions}
    if wanted:
        if wanted not in by_name:
            raise ArtifactError("rollback.unknown", f"There is no version {wanted}.", did_you_mean(wanted, by_name))
        return _with_receipt(by_name[wanted])
    current = versions[-1]
    earlier = [version for version in versions[:-1] if version.number < int(current.origin)]
    if not earlier:
        raise ArtifactError(
            "rollback.no_version",
            f"There is no version before {current.origin}"
            + (f", which {current.name} restored." if current.origin != current.name else "."),
            "Push a model, or name one of `assay push --list` with --version.",
        )
    before = earlier[-1]
    return _with_receipt(by_name.get(before.origin, before))


def removable(versions: Sequence[Version], keep_last: int | None) -> tuple[Version, ...]:
    """Gives the versions that `keep_last` lets go: the oldest ones, never the current, only what assay pushed."""
    if keep_last is None:
        return ()
    return tuple(version for version in versions[: -max(keep_last, 1)] if version.receipt is not None)


def _with_receipt(version: Version) -> Version:
    if version.receipt is None:
        raise ArtifactError(
            "rollback.no_receipt",
            f"Version {version.name} has no receipt: nothing says what it should hold.",
            "It was not pushed by assay; push its model instead.",
        )
    return version
