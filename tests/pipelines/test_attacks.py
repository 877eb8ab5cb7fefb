"""What is tried to get an unblessed or altered model pushed is refused with its reason, and nothing is pushed.

An attacker, or an accident, may change the files of a model or of its blessing. What they cannot change is what the
lineage store recorded of both when they were sealed. Where there is no such record (another machine, the command
line), the blessing is signed, and what they lack is the private key.
"""

from __future__ import annotations

from pathlib import Path

import attacks_on_blessings
import attacks_on_models
import attacks_on_signatures
import pytest
from release_scene import Scene

ATTACKS = attacks_on_blessings.ATTACKS | attacks_on_models.ATTACKS | attacks_on_signatures.ATTACKS


def test_the_scene_itself_is_pushed(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    assert scene.push() == (True, f"Pushed as version {scene.pushed()[0]}.")
    signed = Scene(tmp_path / "signed")
    signed.sign_and_require()
    assert signed.push()[0]
    warmed = Scene(tmp_path / "warmed")
    warmed.infra = warmed.bless_infra(warmed.model, "infra", warmup=b"requests")
    warmed.arguments["model"] = None
    assert warmed.push()[0]


def test_there_are_at_least_twenty() -> None:
    assert len(ATTACKS) >= 20


@pytest.mark.parametrize("name", ATTACKS)
def test_the_attack_is_refused_with_its_reason(tmp_path: Path, name: str) -> None:
    change, reason = ATTACKS[name]
    scene = Scene(tmp_path)
    change(scene)
    pushed, said = scene.push()
    assert not pushed
    assert reason in said
    assert scene.pushed() == []
    assert [path.name for path in (tmp_path / "pushed").iterdir()] == ["receipt.json"]
