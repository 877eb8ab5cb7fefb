"""Deciding whether a model may be pushed, and pushing it.

What is decided here is said in the receipt: a model that is not pushed is no error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.components.pusher.versioned_folder import Version, content_digest, latest_version, push_version
from assay.errors import ArtifactError

RECEIPT_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Blessing:
    """What a blessing says.

    Attributes:
        kind: `model_blessing` or `infra_blessing`.
        blessed: Whether it blesses.
        model_digest: The model that it names; empty where it names none by digest, as TFX's do not.
        digest: The blessing's own digest.
        reason: Why it does not bless.
    """

    kind: str
    blessed: bool
    model_digest: str = ""
    digest: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a push did, or why there was none.

    Attributes:
        pushed: Whether the model is at the destination.
        reason: The outcome in a sentence.
        destination: The folder of the version.
        version: Its name.
        model_digest: The model.
        content_digest: The digest of the files that were pushed.
        blessings: The digests of the blessings that vouched for it, by kind.
        already_there: Whether an earlier push had put it there.
        schema_version: The version of this layout.
    """

    pushed: bool
    reason: str
    destination: str = ""
    version: str = ""
    model_digest: str = ""
    content_digest: str = ""
    blessings: dict[str, str]
    already_there: bool = False
    schema_version: int = RECEIPT_VERSION


def why_not(model_digest: str, blessings: tuple[Blessing, ...]) -> str | None:
    """Gives the reason why a model may not be pushed, or None where every blessing that is wired vouches for it."""
    for blessing in blessings:
        if not blessing.blessed:
            return f"The {blessing.kind} does not bless the model" + (
                f": {blessing.reason}" if blessing.reason else "."
            )
        if blessing.model_digest and model_digest and blessing.model_digest != model_digest:
            return (
                f"The {blessing.kind} is for another model: it names {_short(blessing.model_digest)}, "
                f"the model to push is {_short(model_digest)}."
            )
    return None


def push(serving: Path, base: Path, *, model_digest: str, blessings: tuple[Blessing, ...]) -> Receipt:
    """Pushes the model in `serving` to a new version under `base`, if its blessings allow it.

    Raises:
        ArtifactError: There is no model, or the destination cannot be written; nothing is left behind.
    """
    vouched = {blessing.kind: blessing.digest for blessing in blessings}
    refusal = why_not(model_digest, blessings)
    if refusal is not None:
        return Receipt(pushed=False, reason=refusal, model_digest=model_digest, blessings=vouched)
    version = push_version(serving, base)
    return Receipt(
        pushed=True,
        reason=_outcome(version, blessings),
        destination=str(version.path),
        version=version.name,
        model_digest=model_digest,
        content_digest=version.digest,
        blessings=vouched,
        already_there=version.already_there,
    )


def still_pushed(receipt: dict[str, Any]) -> str | None:
    """Gives the reason why what a receipt promised no longer holds, or None where it does.

    A push is an effect on the outside world: a run that finds it in the cache may skip it only if the world still has
    it.
    """
    if not receipt.get("pushed"):
        return None
    destination = Path(str(receipt.get("destination", "")))
    if not destination.is_dir():
        return f"the pushed version {destination} is gone"
    try:
        changed = content_digest(destination) != receipt.get("content_digest")
    except ArtifactError:
        changed = True
    if changed:
        return f"the pushed version {destination} was changed"
    newest = latest_version(destination.parent)
    if newest is not None and newest.name != destination.name:
        return f"version {newest.name} was pushed after {destination.name}"
    return None


def _outcome(version: Version, blessings: tuple[Blessing, ...]) -> str:
    done = (
        f"Version {version.name} already holds this very model; nothing was copied."
        if version.already_there
        else f"Pushed as version {version.name}."
    )
    return done if blessings else f"{done} No blessing was wired: nothing vouched for this model."


def _short(digest: str) -> str:
    return digest[:19] if digest.startswith("sha256:") else digest
