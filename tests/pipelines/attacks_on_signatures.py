"""Ways to get a forged blessing taken where nothing was recorded of it, and a signature is required."""

from __future__ import annotations

import base64
import json

from refusals import Refusals
from release_scene import KEY, OTHER_KEY, Scene, edit, reseal

ATTACKS = Refusals()


@ATTACKS.refused("the blessing is not signed")
def a_blessing_without_a_signature(scene: Scene) -> None:
    scene.sign_and_require(key=None)


@ATTACKS.refused("which is not trusted")
def a_signature_by_another_key(scene: Scene) -> None:
    scene.sign_and_require(OTHER_KEY)


@ATTACKS.refused("does not fit the blessing: one of the two was changed")
def a_signature_by_another_key_in_the_name_of_the_trusted_one(scene: Scene) -> None:
    scene.sign_and_require()
    trusted = json.loads((scene.blessing.path / "blessing.sig").read_text())["key"]
    scene.sign_and_require(OTHER_KEY)
    edit(scene.blessing.path / "blessing.sig", key=trusted)
    reseal(scene.blessing.path)


@ATTACKS.refused("does not fit the blessing: one of the two was changed")
def the_whole_blessing_forged_with_the_signature_of_another(scene: Scene) -> None:
    good = scene.model
    scene.sign_and_require()
    signature = (scene.blessing.path / "blessing.sig").read_bytes()
    scene.model = scene.make_model("other", b"bad weights")
    scene.sign_and_require(key=None)
    (scene.blessing.path / "blessing.sig").write_bytes(signature)
    reseal(scene.blessing.path)
    assert good.digest != scene.model.digest


@ATTACKS.refused("does not fit the blessing: one of the two was changed")
def a_signature_of_the_right_bytes_for_another_purpose(scene: Scene) -> None:
    scene.sign_and_require()
    raw = KEY.sign((scene.blessing.path / "blessing.json").read_bytes())  # what some other tool may have signed
    edit(scene.blessing.path / "blessing.sig", signature=base64.b64encode(raw).decode())
    reseal(scene.blessing.path)


@ATTACKS.refused("A model_blessing is required, and there is none")
def a_required_signature_and_no_blessing_wired(scene: Scene) -> None:
    scene.sign_and_require()
    scene.arguments["model_blessing"] = None
    scene.wired = frozenset({"model"})
