"""Whether a blessing may be acted on: held, by digest, against the bytes that it is to vouch for.

Without a public key this catches every accident, and every change to a single part: another model, a changed model, an
edited verdict. Someone who may write the whole folder can rewrite all of its parts; against them, sign, and require
the signature.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timezone
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from assay.artifacts.store import MANIFEST, changed_files, digest_of, list_files, read_manifest
from assay.errors import ArtifactError
from assay.gating.blessing import WARMUP, Kind, Statement, read_statement, revocation_of
from assay.gating.signature import FILE_NAME as SIGNATURE
from assay.gating.signature import trusted_keys, why_untrusted
from assay.gating.verdict import FILE_NAME as VERDICT
from assay.gating.verdict import Check, Verdict, blocking, read_verdict
from assay.gating.waivers import WAIVED_UNTIL

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from assay.artifacts.store import FileEntry

_MARKS: Final[dict[Kind, tuple[str, str]]] = {
    "model": ("BLESSED", "NOT_BLESSED"),
    "infra": ("INFRA_BLESSED", "INFRA_NOT_BLESSED"),
}
_NAMES: Final[dict[Kind, str]] = {"model": "model_blessing", "infra": "infra_blessing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A blessing that someone wants to act on.

    Attributes:
        folder: Where it lies.
        kind: `model` or `infra`.
        digest: Its digest as it was recorded elsewhere (in the lineage store); empty where nothing recorded it.
        public_key_file: The keys one of which must have signed it; None where no signature is required.
    """

    folder: Path
    kind: Kind = "model"
    digest: str = ""
    public_key_file: Path | None = None

    @property
    def name(self) -> str:
        """`model_blessing` or `infra_blessing`."""
        return _NAMES[self.kind]


def verify(
    claim: Claim,
    files: Sequence[FileEntry] | None = None,
    *,
    model_artifact: str = "",
    warmup: str = "",
    today: date | None = None,
) -> Verdict:
    """Return the verdict on a blessing: every check, and what is wrong with those that failed.

    Args:
        claim: The blessing.
        files: The files that it must cover; with None, only the blessing itself is checked.
        model_artifact: The digest of the artifact that the files come from, where it is known.
        warmup: The SHA-256 of warm-up requests that another blessing covers, and that the files may include.
        today: The day by which waivers expire; by default today's, in UTC.

    Raises:
        UsageError: The public key cannot be read.
    """
    checks = [*_revoked(claim), *_sealed(claim), *_mark(claim)]
    try:
        statement, content = read_statement(claim.folder)
    except ArtifactError as error:
        checks.append(_check("statement", False, error.message))
        return _verdict(claim, checks, None)
    checks.append(
        _check(
            "statement",
            statement.kind == claim.kind and statement.blessed,
            "The blessing's statement blesses."
            if statement.kind == claim.kind and statement.blessed
            else f"The blessing's statement is of kind '{statement.kind}' and "
            f"{'blesses' if statement.blessed else 'does not bless'} the model.",
        )
    )
    checks += _verdict_checks(claim, statement, today or datetime.now(tz=timezone.utc).date())
    checks += _signature(claim, content)
    if files is not None:
        checks += _model(claim, statement, files, model_artifact, warmup)
    return _verdict(claim, checks, statement)


def verify_all(claims: Sequence[Claim], files: Sequence[FileEntry] | None, *, model_artifact: str = "") -> Verdict:
    """Return the verdict on several blessings of one model; see [`verify`][assay.gating.verification.verify].

    Raises:
        UsageError: A public key cannot be read.
    """
    checks: list[Check] = []
    summaries, warmup, subjects = [], "", {}
    # What InfraValidator vouches for includes the warm-up requests, which the model's blessing does not know.
    for claim in sorted(claims, key=lambda claim: claim.kind != "infra"):
        verdict = verify(claim, files, model_artifact=model_artifact, warmup=warmup)
        checks += verdict.checks
        summaries += [] if verdict.ok else [verdict.summary]
        subjects = verdict.subjects
        if verdict.ok and claim.kind == "infra":
            warmup = read_statement(claim.folder)[0].warmup
    held = " and ".join(f"the {claim.name}" for claim in claims)
    return Verdict(
        ok=not summaries,
        summary=summaries[0] if summaries else f"{held[:1].upper()}{held[1:]} {'hold' if claims[1:] else 'holds'}.",
        checks=tuple(checks),
        policy={"signature": "required" if any(claim.public_key_file for claim in claims) else "not required"},
        subjects=subjects,
    )


def _revoked(claim: Claim) -> Iterator[Check]:
    revocation = revocation_of(claim.folder)
    if revocation is not None:
        when = f" on {revocation.revoked_at}" if revocation.revoked_at else ""
        yield _check("revoked", False, f"The {claim.name} was revoked{when}: {revocation.reason}.")


def _sealed(claim: Claim) -> Iterator[Check]:
    """Check the blessing's folder against its own manifest, and against its record."""
    try:
        changed = changed_files(claim.folder) if (claim.folder / MANIFEST).is_file() else []
        if claim.digest and not changed:
            found = digest_of(list_files(claim.folder))
            recorded = read_manifest(claim.folder).digest if (claim.folder / MANIFEST).is_file() else found
            if {found, recorded} != {claim.digest}:
                changed = ["its digest is not the one that was recorded"]
    except (ArtifactError, OSError) as error:
        changed = [str(error)]
    sentence = "Its files are those that were sealed."
    if changed:
        sentence = f"The {claim.name} was changed after it was sealed ({', '.join(changed[:3])})."
    yield _check("sealed", not changed, sentence)


def _mark(claim: Claim) -> Iterator[Check]:
    blessed, not_blessed = _MARKS[claim.kind]
    there = [name for name in (blessed, not_blessed) if (claim.folder / name).exists()]
    ok = there == [blessed]
    sentence = (
        f"It is marked {blessed}." if ok else f"The {claim.name} is marked {' and '.join(there) or 'by nothing'}."
    )
    if not there and any((claim.folder / mark).exists() for marks in _MARKS.values() for mark in marks):
        sentence = (
            "It is InfraValidator's blessing, which says that the model loads and answers, not that it is good enough."
            if claim.kind == "model"
            else "It is the Evaluator's blessing, not InfraValidator's."
        )
    if there == [not_blessed]:
        sentence = f"The {claim.name} does not bless the model{_reason(claim)}"
    yield _check("mark", ok, sentence)


def _reason(claim: Claim) -> str:
    try:
        return f": {read_verdict(claim.folder).summary}"
    except ArtifactError:
        return "."  # TFX's Evaluator gives none


def _verdict_checks(claim: Claim, statement: Statement, today: date) -> Iterator[Check]:
    try:
        found = f"sha256:{sha256((claim.folder / VERDICT).read_bytes()).hexdigest()}"
        verdict = read_verdict(claim.folder)
    except (ArtifactError, OSError) as error:
        yield _check("verdict", False, f"The {claim.name}'s verdict cannot be read: {error}")
        return
    same = found == statement.verdict
    yield _check(
        "verdict",
        same,
        "The verdict is the one that was blessed."
        if same
        else f"The {claim.name}'s verdict was changed: its statement names {_short(statement.verdict)}, "
        f"{VERDICT} is {_short(found)}.",
    )
    opens = verdict.ok and not blocking(verdict.checks)
    yield _check(
        "verdict_opens",
        opens,
        verdict.summary if opens else f"The {claim.name}'s verdict does not bless the model: {verdict.summary}",
    )
    yield from _waivers(claim, verdict, today)
    judged = statement.judged
    named = verdict.subjects.get("model", "")
    if named and judged.model_artifact and named != judged.model_artifact:
        yield _check(
            "subjects",
            False,
            f"The {claim.name} contradicts itself: its verdict is on {_short(named)}, "
            f"its statement on {_short(judged.model_artifact)}.",
        )


def _waivers(claim: Claim, verdict: Verdict, today: date) -> Iterator[Check]:
    """Check that the waivers that a blessing depends on have not expired."""
    for check in verdict.checks:
        until = str(check.details.get(WAIVED_UNTIL, ""))
        if check.ok or not until:
            continue
        holds = until >= today.isoformat()
        where = f"{check.subject} on {check.slice}"
        sentence = f"It rests on the waiver of {where} until {until}."
        if not holds:
            sentence = (
                f"The {claim.name} rests on a waiver of {where} that expired on {until}: evaluate the model again, "
                "or renew the waiver."
            )
        yield _check(f"waiver:{check.id}", holds, sentence)


def _signature(claim: Claim, content: bytes) -> Iterator[Check]:
    if claim.public_key_file is None:
        if (claim.folder / SIGNATURE).exists():
            sentence = "It is signed; no public key was given to verify the signature with."
            yield _check("signature", True, sentence, applied=False)
        return
    reason = why_untrusted(content, claim.folder, trusted_keys(claim.public_key_file))
    yield _check(
        "signature",
        reason is None,
        "It is signed by a trusted key." if reason is None else f"The {claim.name} is not to be trusted: {reason}.",
    )


def _model(
    claim: Claim, statement: Statement, files: Sequence[FileEntry], model_artifact: str, warmup: str
) -> Iterator[Check]:
    judged = statement.judged
    if not judged.model:
        yield _check("model", False, f"The {claim.name} names no model: predictions were judged, not a model.")
        return
    if model_artifact and judged.model_artifact and model_artifact != judged.model_artifact:
        yield _check(
            "model_artifact",
            False,
            f"The {claim.name} is for another model: it names {_short(judged.model_artifact)}, "
            f"the model to push is {_short(model_artifact)}.",
        )
    ok = _same_model(judged.model, files, {warmup, statement.warmup} - {""})
    yield _check(
        "model",
        ok,
        "The model's files are those that were judged."
        if ok
        else f"The {claim.name} does not fit the model's files: it was given to {_short(judged.model)}, "
        f"the files are {_short(digest_of(tuple(files)))}. Another model, or changed since.",
    )


def _same_model(digest: str, files: Sequence[FileEntry], warmups: set[str]) -> bool:
    """Return whether these are the files of a digest, possibly with warm-up requests that a blessing names."""
    without = tuple(entry for entry in files if entry.path != WARMUP or entry.sha256 not in warmups)
    return digest in {digest_of(tuple(files)), digest_of(without)}


def _check(name: str, ok: bool, sentence: str, *, applied: bool = True) -> Check:  # noqa: FBT001 (the point of it)
    return Check(id=name, kind="blessing", ok=ok, subject=name, sentence=sentence, applied=applied)


def _verdict(claim: Claim, checks: list[Check], statement: Statement | None) -> Verdict:
    failed = [check.sentence for check in checks if not check.ok]
    subjects = {"model": statement.judged.model} if statement else {}
    return Verdict(
        ok=not failed,
        summary=failed[0] if failed else f"The {claim.name} holds.",
        checks=tuple(checks),
        policy={"signature": "required" if claim.public_key_file else "not required"},
        subjects=subjects,
    )


def _short(digest: str) -> str:
    return digest[:19] if digest.startswith("sha256:") else digest
