"""What a blessing states, bound by digest: the model, its baseline, the data, the configuration and the verdict.

`blessing.json` is stored beside the mark and `verdict.json`, and `blessing.sig` where it is signed. Whoever wants to
act on a blessing verifies it first ([`verify`][assay.gating.verification.verify]).

The digest is of the files that a model server would load. An artifact's digest names everything that training wrote;
this one names the folder that is served, and nothing else, so that it also tells whether a pushed version is still the
model that was blessed.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from hashlib import sha256
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from assay.artifacts.model import SERVING_FOLDER
from assay.artifacts.store import MANIFEST, FileEntry, digest_of, file_sha256
from assay.errors import ArtifactError
from assay.files import write_durably
from assay.gating import signature
from assay.gating.verdict import Verdict, write_verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from assay.artifacts.base import Artifact
    from assay.artifacts.blessing import InfraBlessing, ModelBlessing
    from assay.artifacts.model import Model

WARMUP: Final = "assets.extra/tf_serving_warmup_requests"
"""Where TensorFlow Serving looks for the requests that warm a model up."""
FILE_NAME: Final = "blessing.json"
REVOKED: Final = "REVOKED.json"
"""Beside the mark, once somebody has revoked the blessing: a `Revocation`."""

SCHEMA_VERSION: Final = 1

Kind: TypeAlias = Literal["model", "infra"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BlessedInputs:
    """Everything that a verdict depends on, by digest; empty where there was none.

    Attributes:
        model: The files of the model that are served.
        model_artifact: The whole artifact that contains them.
        baseline: The baseline's files that are served.
        examples: The data, in the order of the inputs.
        splits: The splits of it that were used.
        config: The configuration and the policies.
    """

    model: str = ""
    model_artifact: str = ""
    baseline: str = ""
    examples: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    config: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What `blessing.json` holds.

    Attributes:
        kind: `model` (it is good enough) or `infra` (it loads and answers).
        blessed: The decision.
        judged: What was judged.
        verdict: The digest of `verdict.json` beside it.
        warmup: The SHA-256 of the warm-up requests that may be pushed with the model.
        schema_version: The version of this layout.
    """

    kind: Kind = "model"
    blessed: bool
    judged: BlessedInputs
    verdict: str
    warmup: str = ""
    schema_version: int = SCHEMA_VERSION


def judged_by_digest(
    *,
    model: Model | None,
    baseline: Model | None = None,
    examples: Sequence[Artifact] = (),
    splits: Sequence[str] = (),
    config: Any = None,
) -> BlessedInputs:
    """Compute the digests of what is about to be evaluated; call it before the model is loaded.

    Args:
        model: The candidate; None where predictions are judged, which blesses no model.
        baseline: What it is compared with.
        examples: The data.
        splits: The splits of it.
        config: The configuration as plain values; equal values give equal digests.

    Raises:
        ArtifactError: A model is missing, or cannot be vouched for.
    """
    plain = msgspec.json.encode(config, order="deterministic")
    return BlessedInputs(
        model=served_digest(model.serving_path) if model else "",
        model_artifact=model.digest if model else "",
        baseline=served_digest(baseline.serving_path) if baseline else "",
        examples=tuple(artifact.digest for artifact in examples),
        splits=tuple(splits),
        config=f"sha256:{sha256(plain).hexdigest()}" if config is not None else "",
    )


def bless(
    judged: BlessedInputs,
    verdict: Verdict,
    blessing: ModelBlessing | InfraBlessing,
    *,
    model: Model | None,
    warmup: str = "",
    key: Ed25519PrivateKey | None = None,
) -> None:
    """Write a blessing: the verdict, the mark, the statement, and its signature where there is a key.

    Args:
        judged: What was judged, as it was before.
        verdict: What came of it.
        blessing: The artifact to fill.
        model: The model, to see that it is still what was judged.
        warmup: The SHA-256 of warm-up requests that may be pushed with it.
        key: The key to sign with; that of the environment by default.

    Raises:
        ArtifactError: The model was changed while it was evaluated.
        UsageError: The signing key cannot be read.
    """
    if model is not None and served_digest(model.serving_path) != judged.model:
        raise ArtifactError(
            "blessing.model_changed", f"{model.serving_path} was changed while it was evaluated.", "Run the step again."
        )
    path = write_verdict(verdict, blessing.path)
    statement = Statement(
        kind="model" if blessing.type_name == "ModelBlessing" else "infra",
        blessed=verdict.ok,
        judged=judged,
        verdict=f"sha256:{sha256(path.read_bytes()).hexdigest()}",
        warmup=warmup,
    )
    content = to_json(statement)
    write_durably(blessing.path / FILE_NAME, content)
    key = key or signature.signing_key()
    if key is not None:
        signed = msgspec.json.format(msgspec.json.encode(signature.sign(content, key)), indent=2) + b"\n"
        write_durably(blessing.path / signature.FILE_NAME, signed)
    blessing.mark(blessed=verdict.ok)


def to_json(statement: Statement) -> bytes:
    """Return a statement as indented JSON; the same statement gives the same bytes."""
    return msgspec.json.format(msgspec.json.encode(statement, order="deterministic"), indent=2) + b"\n"


def read_statement(folder: Path) -> tuple[Statement, bytes]:
    """Read `blessing.json`: the statement, and the bytes that the signature covers.

    Raises:
        ArtifactError: There is none, it is not a statement, or a newer assay wrote it.
    """
    path = folder / FILE_NAME
    try:
        content = path.read_bytes()
        statement = msgspec.json.decode(content, type=Statement)
    except FileNotFoundError:
        raise ArtifactError(
            "blessing.no_statement",
            f"The blessing at {folder} does not name a model by digest: it has no {FILE_NAME}.",
            "Evaluate the model with assay; blessings by TFX contain no digest.",
        ) from None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArtifactError("blessing.malformed", f"{path} is not a blessing: {error}.") from error
    if statement.schema_version > SCHEMA_VERSION:
        raise ArtifactError(
            "blessing.version",
            f"{path} has schema version {statement.schema_version}; this assay reads up to {SCHEMA_VERSION}.",
            "Upgrade assay.",
        )
    return statement, content


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a statement, as `schemas/blessing.schema.json` ships it."""
    schema = msgspec.json.schema(Statement)
    for definition in schema["$defs"].values():
        definition["description"] = cleandoc(definition["description"])
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "assay blessing", **schema}


if __name__ == "__main__":  # python -m assay.gating.blessing > schemas/blessing.schema.json
    import json
    import sys

    sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocation:
    """Why a blessing no longer holds.

    Attributes:
        reason: As whoever revoked it said.
        revoked_at: When, in ISO 8601 and UTC.
    """

    reason: str
    revoked_at: str

    def to_json(self) -> bytes:
        """Return the revocation as indented JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def revocation_of(folder: Path) -> Revocation | None:
    """Return why a blessing was revoked, or None where it was not.

    A record that cannot be read revokes as well: something must have put it there.
    """
    path = folder / REVOKED
    if not path.exists():
        return None
    try:
        return msgspec.json.decode(path.read_bytes(), type=Revocation)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return Revocation(reason=f"{path} cannot be read", revoked_at="")


def served_files(folder: Path) -> tuple[FileEntry, ...]:
    """Return every file of a served model, sorted by path, as it is now.

    Raises:
        ArtifactError: The folder is missing or holds no file, or something in it cannot be vouched for: a link to a
            folder (what it holds could change behind the digest), a device or a pipe, a name with a control character.
    """
    entries = tuple(
        FileEntry(path.relative_to(folder).as_posix(), path.stat().st_size, file_sha256(path))
        for path in sorted(_files(folder))
    )
    if not entries:
        raise ArtifactError(
            "model.none",
            f"Expected a model at {folder}; there is {'nothing in it' if folder.is_dir() else 'no such folder'}.",
            "Check that the Trainer saved the model for serving.",
        )
    return entries


def served_digest(folder: Path) -> str:
    """Return `sha256:` over the names and contents of the files of a served model.

    Raises:
        ArtifactError: As [`served_files`][assay.gating.blessing.served_files].
    """
    return digest_of(served_files(folder))


def serving_folder(given: Path) -> Path:
    """Return the folder that is served: `Format-Serving` of a Model artifact, or the folder itself.

    Raises:
        ArtifactError: It holds a `Format-Serving` folder and files of its own, which a server would load instead.
    """
    inside = given / SERVING_FOLDER
    if not inside.is_dir():
        return given
    beside = sorted(path.name for path in given.iterdir() if not path.is_dir() and path.name != MANIFEST)
    if beside:
        raise ArtifactError(
            "model.ambiguous",
            f"{given} has both a {SERVING_FOLDER} folder, as a Model artifact has, and files of its own, as a served "
            f"model has ({', '.join(beside[:3])}).",
            "Name the folder that the server loads.",
        )
    return inside


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder, onerror=_unreadable):
        for name in sorted([*folders, *files]):
            path = Path(parent) / name
            _refuse_unsafe(path, folder)
            if not path.is_dir():
                yield path


def _refuse_unsafe(path: Path, folder: Path) -> None:
    relative = str(path.relative_to(folder))
    if not relative.isprintable():
        # A line break in a name could make two different folders look the same to the digest.
        raise ArtifactError(
            "model.file_name", f"A file in {folder} has a name that a digest cannot cover: {relative!r}.", "Rename it."
        )
    mode = path.stat().st_mode if path.exists() else 0
    if (path.is_symlink() and stat.S_ISDIR(mode)) or not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
        raise ArtifactError(
            "model.not_a_file",
            f"{path} is neither a file nor a folder of its own, so it has no digest.",
            "Save the model with copies of its files.",
        )


def _unreadable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise ArtifactError("model.unreadable", f"{error.filename} cannot be read: {error.strerror}.") from error
