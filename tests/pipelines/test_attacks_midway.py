"""Attacks on what no digest names: links, file names, the time between check and copy, pushed versions, the key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from release_scene import KEY, Scene, verdict_on, write

from assay.artifacts.blessing import ModelBlessing
from assay.components.pusher.compute import Push, push, rollback
from assay.components.pusher.versioned_folder import VersionedFolder
from assay.gating.blessing import bless, judged_by_digest
from assay.gating.verification import Claim
from raising import raises


def test_a_folder_behind_a_link_cannot_be_vouched_for(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    variables = scene.model.serving_path / "variables"
    variables.rename(tmp_path / "elsewhere")
    variables.symlink_to(tmp_path / "elsewhere")
    with raises("model.not_a_file"):
        scene.push()
    assert scene.pushed() == []


def test_two_files_folded_into_one_name_cannot_be_vouched_for(tmp_path: Path) -> None:
    # The digest is over lines of hash and name: a name with a line break could stand for two files.
    scene = Scene(tmp_path)
    index = scene.model.serving_path / "variables" / "variables.index"
    digest = hashlib.sha256(index.read_bytes()).hexdigest()
    data = index.with_name("variables.data")
    folded = index.with_name(f"variables.data\n{digest}  variables")
    folded.mkdir()
    data.rename(folded / "variables.index")
    index.unlink()
    with raises("model.file_name"):
        scene.push()
    assert scene.pushed() == []


class Exchange(VersionedFolder):
    """A destination during whose preparation someone exchanges the model."""

    @contextmanager
    def staging(self) -> Iterator[Path]:
        with VersionedFolder.staging(self) as staged:
            write(self.path.parent / "model" / "Format-Serving" / "variables" / "variables.data", b"bad weights")
            yield staged


def test_a_model_exchanged_between_check_and_copy_is_not_pushed(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    wanted = Push(serving=scene.model.serving_path, claims=(Claim(folder=scene.blessing.path),))
    receipt = push(wanted, Exchange(path=scene.serving))
    assert (receipt.pushed, receipt.reason) == (False, "The model was changed while it was being pushed.")
    assert scene.pushed() == []


def test_a_model_exchanged_while_it_is_judged_is_not_blessed(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    judged = judged_by_digest(model=scene.model)
    write(scene.model.serving_path / "variables" / "variables.data", b"bad weights!")
    blessing = ModelBlessing(tmp_path / "late")
    blessing.path.mkdir()
    with raises("blessing.model_changed"):
        bless(judged, verdict_on(scene.model, ok=True), blessing, model=scene.model)
    assert list(blessing.path.iterdir()) == []


def test_a_version_altered_at_the_destination_is_not_rolled_back_to(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    folder = VersionedFolder(path=scene.serving)
    for model in (scene.model, scene.make_model("other", b"other weights")):
        push(Push(serving=model.serving_path), folder)
    first = min(scene.pushed())
    write(scene.serving / first / "variables" / "variables.data", b"bad weights")
    with raises("rollback.changed", first):
        rollback(folder)
    assert len(scene.pushed()) == 2


def test_the_private_key_stays_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pem = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    monkeypatch.setenv("ASSAY_SIGNING_KEY", pem)
    scene = Scene(tmp_path)
    assert (scene.blessing.path / "blessing.sig").is_file()
    secret = pem.splitlines()[1]
    assert not any(secret in path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
