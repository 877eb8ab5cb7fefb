"""Ways to get an unblessed or altered model pushed. Each is refused with its reason, and nothing is pushed.

An attacker, or an accident, may change the files of a model or of its blessing. What they cannot change is what the
lineage store recorded of both when they were sealed. Where there is no such record (another machine, the command
line), the blessing is signed, and what they lack is the private key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from release_scene import KEY, OTHER_KEY, Scene, edit, reseal, serving_digest, verdict_on, write

from assay.artifacts.blessing import ModelBlessing
from assay.artifacts.store import MANIFEST, digest_of, list_files
from assay.gating.verdict import to_json
from assay.gating.waivers import WAIVED_UNTIL

ATTACKS: dict[str, tuple[Callable[[Scene], None], str]] = {}


def attack(reason: str) -> Callable[[Callable[[Scene], None]], Callable[[Scene], None]]:
    def add(function: Callable[[Scene], None]) -> Callable[[Scene], None]:
        ATTACKS[function.__name__] = (function, reason)
        return function

    return add


# The blessing is not one.


@attack("does not bless the model: auc is below 0.8.")
def a_model_that_is_not_blessed(scene: Scene) -> None:
    scene.blessing = scene.bless(scene.model, "bad", ok=False)


@attack("A model_blessing is required, and there is none")
def a_blessing_that_was_wired_and_found_by_no_resolver(scene: Scene) -> None:
    scene.arguments["model_blessing"] = None


@attack("was changed after it was sealed (BLESSED, NOT_BLESSED)")
def the_mark_renamed(scene: Scene) -> None:
    a_model_that_is_not_blessed(scene)
    (scene.blessing.path / "NOT_BLESSED").rename(scene.blessing.path / "BLESSED")


@attack("its digest is not the one that was recorded")
def the_mark_renamed_and_the_manifest_written_anew(scene: Scene) -> None:
    the_mark_renamed(scene)
    reseal(scene.blessing.path)


@attack("was changed after it was sealed (BLESSED)")
def a_second_mark_beside_the_first(scene: Scene) -> None:
    a_model_that_is_not_blessed(scene)
    (scene.blessing.path / "BLESSED").touch()


@attack("does not bless the model")
def the_property_set_to_blessed(scene: Scene) -> None:
    a_model_that_is_not_blessed(scene)
    edit(scene.blessing.path / MANIFEST, properties__blessed=1)
    scene.blessing.properties["blessed"] = 1


@attack("names no model by digest: it has no blessing.json")
def a_bare_mark_as_tfx_writes_it(scene: Scene) -> None:
    scene.blessing = ModelBlessing(scene.folder / "bare", properties={"blessed": 1})
    write(scene.blessing.path / "BLESSED", b"")


@attack("predictions were judged, not a model")
def a_blessing_of_a_table_of_predictions(scene: Scene) -> None:
    scene.blessing = scene.bless(None, "predictions")


@attack("is of kind 'infra'")
def an_infra_blessing_in_place_of_the_model_s(scene: Scene) -> None:
    infra = scene.bless_infra(scene.model, "infra")
    folder = scene.folder / "dressed"
    shutil.copytree(infra.path, folder)
    (folder / "INFRA_BLESSED").rename(folder / "BLESSED")
    (folder / MANIFEST).unlink()
    scene.blessing = ModelBlessing(folder, properties={"blessed": 1})


@attack("schema version 99")
def a_statement_from_the_future(scene: Scene) -> None:
    edit(scene.blessing.path / "blessing.json", schema_version=99)
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


@attack("is not a blessing")
def a_statement_that_is_no_statement(scene: Scene) -> None:
    (scene.blessing.path / "blessing.json").write_text('{"blessed": "yes"}')
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


# The blessing is for something else.


@attack("is for another model")
def the_blessing_of_another_model(scene: Scene) -> None:
    scene.model = scene.make_model("other", b"bad weights")


@attack("is for another model")
def the_blessing_copied_beside_another_model(scene: Scene) -> None:
    other = scene.make_model("other", b"bad weights")
    shutil.copytree(scene.blessing.path, other.path.parent / "other-blessing")
    scene.blessing = replace_path(scene.blessing, other.path.parent / "other-blessing")
    scene.model = other


@attack("is for another model")
def the_properties_edited_to_name_another_model(scene: Scene) -> None:
    scene.model = scene.make_model("other", b"bad weights")
    scene.blessing.properties["current_model_digest"] = scene.model.digest
    edit(scene.blessing.path / MANIFEST, properties__current_model_digest=scene.model.digest)


@attack("was changed after it was sealed (blessing.json)")
def the_statement_edited_to_name_another_model(scene: Scene) -> None:
    good = scene.model
    scene.model = scene.make_model("other", b"bad weights")
    edit(
        scene.blessing.path / "blessing.json",
        judged__model_artifact=scene.model.digest,
        judged__model=serving_digest(good),
    )


@attack("The infra_blessing is for another model")
def the_infra_blessing_of_another_model(scene: Scene) -> None:
    scene.infra = scene.bless_infra(scene.make_model("other", b"bad weights"), "infra")


# The verdict was changed.


@attack("was changed after it was sealed (verdict.json)")
def the_verdict_edited_by_hand(scene: Scene) -> None:
    a_model_that_is_not_blessed(scene)
    edit(scene.blessing.path / "verdict.json", ok=True)


@attack("'s verdict was changed: its statement names")
def the_verdict_edited_and_the_manifest_written_anew_where_nothing_recorded_it(scene: Scene) -> None:
    edit(scene.blessing.path / "verdict.json", summary="Blessed by me.")
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


@attack("verdict does not bless the model")
def a_verdict_with_failed_checks_that_says_ok(scene: Scene) -> None:
    bad = replace(verdict_on(scene.model, ok=False), ok=True)
    (scene.blessing.path / "verdict.json").write_bytes(to_json(bad))
    digest = f"sha256:{hashlib.sha256(to_json(bad)).hexdigest()}"
    edit(scene.blessing.path / "blessing.json", verdict=digest)
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


@attack("rests on a waiver of auc on Overall that expired on 2026-05-01")
def a_blessing_by_a_waiver_that_has_expired(scene: Scene) -> None:
    waived = verdict_on(scene.model, ok=False)
    [failed] = waived.checks
    details = {WAIVED_UNTIL: "2026-05-01", "waived_by": "ann"}
    check = replace(failed, slice="Overall", severity="warning", details=details)
    content = to_json(replace(waived, ok=True, checks=(check,)))
    (scene.blessing.path / "verdict.json").write_bytes(content)
    edit(scene.blessing.path / "blessing.json", verdict=f"sha256:{hashlib.sha256(content).hexdigest()}")
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


@attack("contradicts itself: its verdict is on")
def the_good_verdict_of_another_model(scene: Scene) -> None:
    other = scene.make_model("other", b"other weights")
    content = to_json(verdict_on(other, ok=True))
    (scene.blessing.path / "verdict.json").write_bytes(content)
    edit(scene.blessing.path / "blessing.json", verdict=f"sha256:{hashlib.sha256(content).hexdigest()}")
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


# The model was changed after it was judged.


@attack("does not fit the model's files")
def the_weights_changed(scene: Scene) -> None:
    write(scene.model.serving_path / "variables" / "variables.data", b"bad weights!")


@attack("is for another model")
def the_weights_changed_and_the_model_sealed_anew(scene: Scene) -> None:
    the_weights_changed(scene)
    reseal(scene.model.path)
    scene.model.digest = digest_of(list_files(scene.model.path))


@attack("does not fit the model's files")
def a_file_added(scene: Scene) -> None:
    write(scene.model.serving_path / "assets" / "vocabulary", b"new")


@attack("does not fit the model's files")
def a_file_added_that_is_named_like_our_manifest(scene: Scene) -> None:
    write(scene.model.serving_path / MANIFEST, b"{}")


@attack("does not fit the model's files")
def a_file_removed(scene: Scene) -> None:
    (scene.model.serving_path / "variables" / "variables.index").unlink()


@attack("does not fit the model's files")
def two_files_exchanged(scene: Scene) -> None:
    folder = scene.model.serving_path / "variables"
    data, index = (folder / "variables.data").read_bytes(), (folder / "variables.index").read_bytes()
    write(folder / "variables.data", index)
    write(folder / "variables.index", data)


@attack("does not fit the model's files")
def warm_up_requests_that_no_blessing_names(scene: Scene) -> None:
    write(scene.model.serving_path / "assets.extra" / "tf_serving_warmup_requests", b"anything")


@attack("was changed after it was sealed")
def warm_up_requests_exchanged(scene: Scene) -> None:
    scene.infra = scene.bless_infra(scene.model, "infra", warmup=b"requests")
    scene.arguments["model"] = None
    write(scene.infra.stamped_path / "assets.extra" / "tf_serving_warmup_requests", b"others")


@attack("does not fit the model's files")
def the_stamped_model_exchanged_and_sealed_anew_where_nothing_recorded_it(scene: Scene) -> None:
    scene.infra = scene.bless_infra(scene.model, "infra", warmup=b"requests")
    scene.arguments["model"] = None
    write(scene.infra.stamped_path / "variables" / "variables.data", b"bad weights")
    reseal(scene.infra.path)
    scene.infra.digest = ""


# Where nothing was recorded, a signature is required.


@attack("the blessing is not signed")
def a_blessing_without_a_signature(scene: Scene) -> None:
    scene.sign_and_require(key=None)


@attack("which is not trusted")
def a_signature_by_another_key(scene: Scene) -> None:
    scene.sign_and_require(OTHER_KEY)


@attack("does not fit the blessing: one of the two was changed")
def a_signature_by_another_key_in_the_name_of_the_trusted_one(scene: Scene) -> None:
    scene.sign_and_require()
    trusted = json.loads((scene.blessing.path / "blessing.sig").read_text())["key"]
    scene.sign_and_require(OTHER_KEY)
    edit(scene.blessing.path / "blessing.sig", key=trusted)
    reseal(scene.blessing.path)


@attack("does not fit the blessing: one of the two was changed")
def the_whole_blessing_forged_with_the_signature_of_another(scene: Scene) -> None:
    good = scene.model
    scene.sign_and_require()
    signature = (scene.blessing.path / "blessing.sig").read_bytes()
    scene.model = scene.make_model("other", b"bad weights")
    scene.sign_and_require(key=None)
    (scene.blessing.path / "blessing.sig").write_bytes(signature)
    reseal(scene.blessing.path)
    assert good.digest != scene.model.digest


@attack("does not fit the blessing: one of the two was changed")
def a_signature_of_the_right_bytes_for_another_purpose(scene: Scene) -> None:
    scene.sign_and_require()
    raw = KEY.sign((scene.blessing.path / "blessing.json").read_bytes())  # what some other tool may have signed
    edit(scene.blessing.path / "blessing.sig", signature=base64.b64encode(raw).decode())
    reseal(scene.blessing.path)


@attack("A model_blessing is required, and there is none")
def a_required_signature_and_no_blessing_wired(scene: Scene) -> None:
    scene.sign_and_require()
    scene.arguments["model_blessing"] = None
    scene.wired = frozenset({"model"})


def replace_path(blessing: ModelBlessing, path: Path) -> ModelBlessing:
    return ModelBlessing(path, properties=dict(blessing.properties), digest=blessing.digest)
