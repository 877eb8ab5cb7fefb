from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from assay.gating.signature import FILE_NAME, fingerprint, sign, signing_key, trusted_keys, why_untrusted
from raising import raises

OLD, NEW = (Ed25519PrivateKey.from_private_bytes(bytes([one]) * 32) for one in (1, 2))
PLAIN = NoEncryption()


def private_pem(key: Ed25519PrivateKey, encryption: KeySerializationEncryption = PLAIN) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_pem(*keys: Ed25519PrivateKey) -> bytes:
    return b"".join(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) for key in keys)


def signed(folder: Path, content: bytes, key: Ed25519PrivateKey) -> None:
    (folder / FILE_NAME).write_bytes(msgspec.json.encode(sign(content, key)))


def test_a_signature_by_a_trusted_key_is_good(tmp_path: Path) -> None:
    signed(tmp_path, b"content", NEW)
    (tmp_path / "trusted.pem").write_bytes(public_pem(OLD, NEW))
    trusted = trusted_keys(tmp_path / "trusted.pem")
    assert why_untrusted(b"content", tmp_path, trusted) is None
    assert "does not fit" in (why_untrusted(b"changed", tmp_path, trusted) or "")
    only_old = trusted[:1]
    assert why_untrusted(b"content", tmp_path, only_old) == (
        f"the blessing is signed with ed25519 by {fingerprint(NEW.public_key())[:19]}, which is not trusted "
        f"(trusted: {fingerprint(OLD.public_key())[:19]})"
    )


def test_equal_content_gives_equal_signatures() -> None:
    assert sign(b"content", OLD) == sign(b"content", OLD)


@pytest.mark.parametrize("content", [b"", b"{", b'{"key": 1}', b"\xff"])
def test_what_is_no_signature_is_not_trusted(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    assert "cannot be read" in (why_untrusted(b"content", tmp_path, (OLD.public_key(),)) or "")


def test_no_signature_is_not_trusted(tmp_path: Path) -> None:
    assert why_untrusted(b"content", tmp_path, (OLD.public_key(),)) == "the blessing is not signed"


def test_a_signature_that_is_no_base64_is_not_trusted(tmp_path: Path) -> None:
    signature = {"key": fingerprint(OLD.public_key()), "signature": "!"}
    (tmp_path / FILE_NAME).write_bytes(msgspec.json.encode(signature))
    assert "does not fit" in (why_untrusted(b"content", tmp_path, (OLD.public_key(),)) or "")


@pytest.mark.parametrize("form", ["text", "path"])
def test_the_key_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    file = tmp_path / "signing.pem"
    file.write_bytes(private_pem(OLD))
    monkeypatch.setenv("ASSAY_SIGNING_KEY", private_pem(OLD).decode() if form == "text" else str(file))
    found = signing_key()
    assert found is not None
    assert fingerprint(found.public_key()) == fingerprint(OLD.public_key())


def test_a_file_goes_before_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "new.pem").write_bytes(private_pem(NEW))
    monkeypatch.setenv("ASSAY_SIGNING_KEY", private_pem(OLD).decode())
    found = signing_key(tmp_path / "new.pem")
    assert found is not None
    assert fingerprint(found.public_key()) == fingerprint(NEW.public_key())


def test_without_a_key_nothing_is_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ASSAY_SIGNING_KEY", raising=False)
    assert signing_key() is None
    monkeypatch.setenv("ASSAY_SIGNING_KEY", " ")
    assert signing_key() is None


def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = private_pem(OLD).decode()
    for wrong in (secret.replace("M", "N", 1), private_pem(OLD, BestAvailableEncryption(b"word")).decode()):
        monkeypatch.setenv("ASSAY_SIGNING_KEY", wrong)
        with raises("signature.key", "ASSAY_SIGNING_KEY") as caught:
            signing_key()
        assert wrong.splitlines()[1] not in str(caught.value)
    exchange = X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, PLAIN)
    (tmp_path / "exchange.pem").write_bytes(exchange)
    with raises("signature.key"):
        signing_key(tmp_path / "exchange.pem")
    with raises("signature.no_key", "none.pem"):
        signing_key(tmp_path / "none.pem")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "signature.public_key"),
        (private_pem(OLD), "signature.public_key"),
        (
            X25519PrivateKey.from_private_bytes(b"1" * 32)
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            "signature.public_key",
        ),
        (b"-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----", "signature.public_key"),
    ],
)
def test_a_file_without_usable_public_keys_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    (tmp_path / "trusted.pem").write_bytes(content)
    with raises(code):
        trusted_keys(tmp_path / "trusted.pem")


def test_without_the_library_the_way_to_it_is_said(project_root: Path, tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_bytes(private_pem(OLD))
    code = """
import sys
sys.modules["cryptography"] = None
from pathlib import Path
from assay.errors import UsageError
from assay.gating.signature import signing_key
try:
    signing_key(Path(sys.argv[1]))
except UsageError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "key.pem")],
        env={"PYTHONPATH": str(project_root / "components")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Signatures need the package `cryptography`. pip install 'assay[sign]'\n"
