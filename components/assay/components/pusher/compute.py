"""Deciding whether a model may be pushed, and pushing it; and going back.

The receipt records the decision: a model that is not pushed is not an error.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from assay.artifacts.store import digest_of, list_files
from assay.components.pusher.receipt import Receipt, rollback_target
from assay.components.pusher.versioned_folder import copy_model
from assay.errors import ArtifactError
from assay.gating.blessing import served_digest, served_files
from assay.gating.verification import Claim, verify_all

if TYPE_CHECKING:
    from collections.abc import Sequence

    from assay.artifacts.store import FileEntry
    from assay.components.pusher.receipt import Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What is to be pushed, and what must hold for it.

    Attributes:
        serving: The folder whose files become the version's.
        model_digest: The digest of the model artifact that they come from, as it was recorded.
        claims: The blessings; each must vouch for the very files.
        required: Names of blessings without which nothing is pushed.
    """

    serving: Path
    model_digest: str = ""
    claims: tuple[Claim, ...] = ()
    required: tuple[str, ...] = ()


def push(wanted: Push, destination: Destination) -> Receipt:
    """Pushes a model as a new version, if its blessings allow it.

    The files are checked against the blessings and copied, and the copy is compared with them: what is published
    is what was verified, whatever happens to the source meanwhile.

    Raises:
        ArtifactError: There is no model, or the destination cannot be written; nothing is left behind.
        UsageError: A public key cannot be read.
    """
    refusal = why_not(wanted, None)  # what does not bless at all may come without a model
    if refusal is not None:
        return _refused(wanted, refusal)
    files = served_files(wanted.serving)
    refusal = why_not(wanted, files)
    if refusal is not None:
        return _refused(wanted, refusal)
    with destination.staging() as staged:
        copy_model(wanted.serving, staged)
        if served_files(staged) != files:
            return _refused(wanted, "The model was changed while it was being pushed.")
        receipt = Receipt(
            pushed=True,
            reason="" if wanted.claims else "No blessing was wired: nothing vouched for this model.",
            model_digest=wanted.model_digest,
            content_digest=digest_of(files),
            blessings=_digests(wanted),
        )
        return _said(destination.publish(staged, receipt))


def why_not(wanted: Push, files: Sequence[FileEntry] | None) -> str | None:
    """Return why a model may not be pushed, or None if every blessing covers its files.

    Args:
        wanted: The push.
        files: The model's files; None asks whether the blessings bless anything.

    Raises:
        UsageError: A public key cannot be read.
    """
    given = {claim.name for claim in wanted.claims}
    for name in wanted.required:
        if name not in given:
            return f"A {name} is required, and there is none."
    verdict = verify_all(wanted.claims, files, model_artifact=wanted.model_digest)
    return None if verdict.ok else verdict.summary


def rollback(destination: Destination, version: str = "") -> Receipt:
    """Make an earlier version current again, as a new version with its files.

    Nothing that a server may be reading is touched.

    Args:
        destination: Where the versions are.
        version: The version to restore; what was current before by default.

    Raises:
        ArtifactError: There is none, or its files are not those that were pushed.
    """
    target = rollback_target(destination.versions(), version)
    before = target.receipt
    assert before is not None, "rollback_target gives versions with a receipt"
    with destination.staging() as staged:
        destination.fetch(target, staged)
        if served_digest(staged) != before.content_digest:
            raise ArtifactError(
                "rollback.changed",
                f"Version {target.name} was changed after it was pushed; nothing was rolled back.",
                "Restore its files, or name another version with --version.",
            )
        receipt = Receipt(
            pushed=True,
            reason="",
            model_digest=before.model_digest,
            content_digest=before.content_digest,
            blessings=before.blessings,
            restores=target.origin,
        )
        return _said(destination.publish(staged, receipt))


def still_pushed(receipt: Receipt, destination: Destination) -> str | None:
    """Return why a receipt is no longer valid, or None if it is.

    A push is an effect on the outside world: a run that finds it in the cache may skip it only if the world still has
    it.
    """
    if not receipt.pushed:
        return "nothing was pushed"
    versions = {version.name: version for version in destination.versions()}
    mine = versions.get(receipt.version)
    if mine is None:
        return f"the pushed version {receipt.destination} is gone"
    try:
        changed = destination.digest(mine) != receipt.content_digest
    except ArtifactError:
        changed = True
    if changed:
        return f"the pushed version {receipt.destination} was changed"
    newest = list(versions)[-1]
    if newest != receipt.version:
        return f"version {newest} was pushed after {receipt.version}"
    return None


def _refused(wanted: Push, reason: str) -> Receipt:
    return Receipt(pushed=False, reason=reason, model_digest=wanted.model_digest, blessings=_digests(wanted))


def _digests(wanted: Push) -> dict[str, str]:
    """Return the blessings' digests by kind; of an unrecorded one, as it is on disk."""
    return {claim.name: claim.digest or digest_of(list_files(claim.folder)) for claim in wanted.claims}


def _said(receipt: Receipt) -> Receipt:
    """Describe the outcome in words."""
    if receipt.already_there:
        done = f"Version {receipt.version} already holds this very model; it stays."
    elif receipt.restores:
        done = f"Rolled back: version {receipt.version} has the files of version {receipt.restores}."
    else:
        done = f"Pushed as version {receipt.version}."
    removed = f" Removed {', '.join(receipt.removed)}." if receipt.removed else ""
    return replace(receipt, reason=" ".join(f"{done}{removed} {receipt.reason}".split()))
