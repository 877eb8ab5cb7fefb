"""Ways to get an unblessed model pushed: by no blessing, by another model's, or by one that was altered."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

from refusals import Refusals
from release_scene import Scene, edit, reseal, serving_digest, verdict_on, write

from assay.artifacts.blessing import ModelBlessing
from assay.artifacts.store import MANIFEST
from assay.gating.verdict import to_json
from assay.gating.waivers import WAIVED_UNTIL

ATTACKS = Refusals()


# The blessing is not one.


@ATTACKS.refused("does not bless the model: auc is below 0.8.")
def a_model_that_is_not_blessed(scene: Scene) -> None:
    scene.blessing = scene.bless(scene.model, "bad", ok=False)


@ATTACKS.refused("A model_blessing is required, and there is none")
def a_blessing_that_was_wired_and_found_by_no_resolver(scene: Scene) -> None:
    scene.arguments["model_blessing"] = None


@ATTACKS.refused("was changed after it was sealed (BLESSED, NOT_BLESSED)")
def the_mark_renamed(scene: Scene) -> None:
    a_model_that_is_not_blessed(scene)
    (scene.blessing.path / "NOT_BLESSED").rename(scene.blessing.path / "BLESSED")


@ATTACKS.refused("its digest is not the one that was recorded")
def the_mark_renamed_and_the_manifest_written_anew(scene: Scene) -> None:
    the_mark_renamed(scene)
    reseal(scene.blessing.path)


@ATTACKS.refused("was changed after it was sealed (BLESSED)")
def a_second_mark_beside_the_first(scene: Scene) -> None:
    a_model_that_is_not_blessed(scene)
    (scene.blessing.path / "BLESSED").touch()


@ATTACKS.refused("does not bless the model")
def the_property_set_to_blessed(scene: Scene) -> None:
    a_model_that_is_not_blessed(scene)
    edit(scene.blessing.path / MANIFEST, properties__blessed=1)
    scene.blessing.properties["blessed"] = 1


@ATTACKS.refused("it has no blessing.json")
def a_bare_mark_as_tfx_writes_it(scene: Scene) -> None:
    scene.blessing = ModelBlessing(scene.folder / "bare", properties={"blessed": 1})
    write(scene.blessing.path / "BLESSED", b"")


@ATTACKS.refused("predictions were judged, not a model")
def a_blessing_of_a_table_of_predictions(scene: Scene) -> None:
    scene.blessing = scene.bless(None, "predictions")


@ATTACKS.refused("is of kind 'infra'")
def an_infra_blessing_in_place_of_the_model_s(scene: Scene) -> None:
    infra = scene.bless_infra(scene.model, "infra")
    folder = scene.folder / "dressed"
    shutil.copytree(infra.path, folder)
    (folder / "INFRA_BLESSED").rename(folder / "BLESSED")
    (folder / MANIFEST).unlink()
    scene.blessing = ModelBlessing(folder, properties={"blessed": 1})


@ATTACKS.refused("schema version 99")
def a_statement_from_the_future(scene: Scene) -> None:
    edit(scene.blessing.path / "blessing.json", schema_version=99)
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


@ATTACKS.refused("is not a blessing")
def a_statement_that_is_no_statement(scene: Scene) -> None:
    (scene.blessing.path / "blessing.json").write_text('{"blessed": "yes"}')
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


# The blessing is for something else.


@ATTACKS.refused("is for another model")
def the_blessing_of_another_model(scene: Scene) -> None:
    scene.model = scene.make_model("other", b"bad weights")


@ATTACKS.refused("is for another model")
def the_blessing_copied_beside_another_model(scene: Scene) -> None:
    other = scene.make_model("other", b"bad weights")
    shutil.copytree(scene.blessing.path, other.path.parent / "other-blessing")
    scene.blessing = replace_path(scene.blessing, other.path.parent / "other-blessing")
    scene.model = other


@ATTACKS.refused("is for another model")
def the_properties_edited_to_name_another_model(scene: Scene) -> None:
    scene.model = scene.make_model("other", b"bad weights")
    scene.blessing.properties["current_model_digest"] = scene.model.digest
    edit(scene.blessing.path / MANIFEST, properties__current_model_digest=scene.model.digest)


@ATTACKS.refused("was changed after it was sealed (blessing.json)")
def the_statement_edited_to_name_another_model(scene: Scene) -> None:
    good = scene.model
    scene.model = scene.make_model("other", b"bad weights")
    edit(
        scene.blessing.path / "blessing.json",
        judged__model_artifact=scene.model.digest,
        judged__model=serving_digest(good),
    )


@ATTACKS.refused("The infra_blessing is for another model")
def the_infra_blessing_of_another_model(scene: Scene) -> None:
    scene.infra = scene.bless_infra(scene.make_model("other", b"bad weights"), "infra")


# The verdict was changed.


@ATTACKS.refused("was changed after it was sealed (verdict.json)")
def the_verdict_edited_by_hand(scene: Scene) -> None:
    a_model_that_is_not_blessed(scene)
    edit(scene.blessing.path / "verdict.json", ok=True)


@ATTACKS.refused("'s verdict was changed: its statement names")
def the_verdict_edited_and_the_manifest_written_anew_where_nothing_recorded_it(scene: Scene) -> None:
    edit(scene.blessing.path / "verdict.json", summary="Blessed by me.")
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


@ATTACKS.refused("verdict does not bless the model")
def a_verdict_with_failed_checks_that_says_ok(scene: Scene) -> None:
    bad = replace(verdict_on(scene.model, ok=False), ok=True)
    (scene.blessing.path / "verdict.json").write_bytes(to_json(bad))
    digest = f"sha256:{hashlib.sha256(to_json(bad)).hexdigest()}"
    edit(scene.blessing.path / "blessing.json", verdict=digest)
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


@ATTACKS.refused("rests on a waiver of auc on Overall that expired on 2026-05-01")
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


@ATTACKS.refused("contradicts itself: its verdict is on")
def the_good_verdict_of_another_model(scene: Scene) -> None:
    other = scene.make_model("other", b"other weights")
    content = to_json(verdict_on(other, ok=True))
    (scene.blessing.path / "verdict.json").write_bytes(content)
    edit(scene.blessing.path / "blessing.json", verdict=f"sha256:{hashlib.sha256(content).hexdigest()}")
    reseal(scene.blessing.path)
    scene.blessing.digest = ""


def replace_path(blessing: ModelBlessing, path: Path) -> ModelBlessing:
    return ModelBlessing(path, properties=dict(blessing.properties), digest=blessing.digest)
