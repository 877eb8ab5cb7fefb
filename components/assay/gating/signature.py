"""Ed25519 signatures of blessings: who may bless is who holds the private key.

Keys are PEM, as OpenSSL writes them:

    openssl genpkey -algorithm ed25519 -out signing.pem
    openssl pkey -in signing.pem -pubout -out trusted.pem

A file of public keys may hold several, one after the other: while a key is replaced, both are trusted.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from assay.errors import ArtifactError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

FILE_NAME: Final = "blessing.sig"
ENVIRONMENT: Final = "ASSAY_SIGNING_KEY"
# A signature of these bytes is good for a blessing only, whatever else the key may sign.
_DOMAIN: Final = b"assay blessing v1\n"
_PUBLIC_KEY: Final = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlessingSignature:
    """A detached signature, as `blessing.sig` holds it.

    Attributes:
        algorithm: Always `ed25519`.
        key: The fingerprint of the public key: `sha256:` of its 32 bytes.
        signature: The 64 bytes in base64.
    """

    algorithm: str = "ed25519"
    key: str
    signature: str


def sign(content: bytes, key: Ed25519PrivateKey) -> BlessingSignature:
    """Signs a blessing's statement."""
    return BlessingSignature(
        key=fingerprint(key.public_key()), signature=base64.b64encode(key.sign(_DOMAIN + content)).decode()
    )


def signing_key(file: Path | None = None) -> Ed25519PrivateKey | None:
    """Return the private key of a file, else of the environment; None if neither names one.

    `ASSAY_SIGNING_KEY` holds the PEM text itself, or the path of a file with it.

    Raises:
        UsageError: The key cannot be read, is encrypted or is not an Ed25519 key. Its content is never shown.
    """
    given = os.environ.get(ENVIRONMENT, "") if file is None else ""
    if file is None and not given.strip():
        return None
    pem = given.encode() if "-----BEGIN" in given else _read(file or Path(given.strip()), "signing key")
    where = f"The signing key {'in ' + ENVIRONMENT if file is None else file}"
    return _private_key(pem, where)


def _private_key(pem: bytes, where: str) -> Ed25519PrivateKey:
    _require_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    hint = "Create one: openssl genpkey -algorithm ed25519 -out signing.pem"
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise UsageError("signature.key", f"{where} is not an unencrypted PEM private key.", hint) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError("signature.key", f"{where} is not an Ed25519 key.", hint)
    return key


def trusted_keys(file: Path) -> tuple[Ed25519PublicKey, ...]:
    """Read the public keys whose signatures are accepted.

    Raises:
        UsageError: The file cannot be read or holds no Ed25519 public key, or another kind of key.
    """
    _require_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    keys = []
    for pem in _PUBLIC_KEY.findall(_read(file, "public key")):
        try:
            key = load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            key = None
        if not isinstance(key, Ed25519PublicKey):
            raise UsageError("signature.public_key", f"{file} contains a public key that is not Ed25519.")
        keys.append(key)
    if not keys:
        raise UsageError(
            "signature.public_key",
            f"{file} contains no PEM public key.",
            "Derive it from the private key: openssl pkey -in signing.pem -pubout -out trusted.pem",
        )
    return tuple(keys)


def why_untrusted(content: bytes, folder: Path, trusted: tuple[Ed25519PublicKey, ...]) -> str | None:
    """Return why a statement's signature is invalid, or None if one of the trusted keys made it.

    Args:
        content: The statement's bytes.
        folder: The blessing's folder, which contains `blessing.sig`.
        trusted: The keys that are accepted.
    """
    from cryptography.exceptions import InvalidSignature

    try:
        signature = read_signature(folder)
    except ArtifactError as error:
        return error.message
    known = {fingerprint(key): key for key in trusted}
    key = known.get(signature.key)
    if signature.algorithm != "ed25519" or key is None:
        return (
            f"the blessing is signed with {signature.algorithm} by {signature.key[:19]}, which is not trusted "
            f"(trusted: {', '.join(one[:19] for one in known)})"
        )
    try:
        key.verify(base64.b64decode(signature.signature, validate=True), _DOMAIN + content)
    except (InvalidSignature, binascii.Error, ValueError):
        return f"the signature by {signature.key[:19]} does not fit the blessing: one of the two was changed"
    return None


def read_signature(folder: Path) -> BlessingSignature:
    """Read `blessing.sig`.

    Raises:
        ArtifactError: There is none, or it is not a signature.
    """
    try:
        return msgspec.json.decode((folder / FILE_NAME).read_bytes(), type=BlessingSignature)
    except FileNotFoundError:
        raise ArtifactError("signature.none", "the blessing is not signed") from None
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ArtifactError("signature.malformed", f"{FILE_NAME} cannot be read: {error}") from error


def fingerprint(key: Ed25519PublicKey) -> str:
    """Return `sha256:` over the 32 bytes of a public key."""
    return f"sha256:{sha256(key.public_bytes_raw()).hexdigest()}"


def _read(file: Path, what: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError("signature.no_key", f"The {what} {file} cannot be read: {error.strerror}.") from None


def _require_cryptography() -> None:
    try:
        import cryptography  # noqa: F401 (whether it is there is the question)
    except ImportError:
        raise UsageError(
            "signature.no_library", "Signatures need the package `cryptography`.", "pip install 'assay[sign]'"
        ) from None
