"""The receipt of a push: what was pushed, where, on whose word; or why nothing was."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from assay.errors import ArtifactError

RECEIPT_VERSION = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a push did, or why there was none.

    It lies in the PushedModel artifact, and beside the versions at the destination.

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
        """The receipt as indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def read_receipt(content: bytes, source: str) -> Receipt:
    """Reads a receipt.

    Args:
        content: Its JSON.
        source: Where it came from, for the message.

    Raises:
        ArtifactError: It is no receipt.
    """
    try:
        return msgspec.json.decode(content, type=Receipt)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArtifactError("pusher.receipt", f"{source} is not a receipt of a push: {error}.") from error
