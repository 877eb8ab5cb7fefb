"""Ways to get an altered model pushed: by changes to its files after it was judged."""

from __future__ import annotations

from refusals import Refusals
from release_scene import Scene, reseal, write

from assay.artifacts.store import MANIFEST, digest_of, list_files

ATTACKS = Refusals()


@ATTACKS.refused("does not fit the model's files")
def the_weights_changed(scene: Scene) -> None:
    write(scene.model.serving_path / "variables" / "variables.data", b"bad weights!")


@ATTACKS.refused("is for another model")
def the_weights_changed_and_the_model_sealed_anew(scene: Scene) -> None:
    the_weights_changed(scene)
    reseal(scene.model.path)
    scene.model.digest = digest_of(list_files(scene.model.path))


@ATTACKS.refused("does not fit the model's files")
def a_file_added(scene: Scene) -> None:
    write(scene.model.serving_path / "assets" / "vocabulary", b"new")


@ATTACKS.refused("does not fit the model's files")
def a_file_added_that_is_named_like_our_manifest(scene: Scene) -> None:
    write(scene.model.serving_path / MANIFEST, b"{}")


@ATTACKS.refused("does not fit the model's files")
def a_file_removed(scene: Scene) -> None:
    (scene.model.serving_path / "variables" / "variables.index").unlink()


@ATTACKS.refused("does not fit the model's files")
def two_files_exchanged(scene: Scene) -> None:
    folder = scene.model.serving_path / "variables"
    data, index = (folder / "variables.data").read_bytes(), (folder / "variables.index").read_bytes()
    write(folder / "variables.data", index)
    write(folder / "variables.index", data)


@ATTACKS.refused("does not fit the model's files")
def warm_up_requests_that_no_blessing_names(scene: Scene) -> None:
    write(scene.model.serving_path / "assets.extra" / "tf_serving_warmup_requests", b"anything")


@ATTACKS.refused("was changed after it was sealed")
def warm_up_requests_exchanged(scene: Scene) -> None:
    scene.infra = scene.bless_infra(scene.model, "infra", warmup=b"requests")
    scene.arguments["model"] = None
    write(scene.infra.stamped_path / "assets.extra" / "tf_serving_warmup_requests", b"others")


@ATTACKS.refused("does not fit the model's files")
def the_stamped_model_exchanged_and_sealed_anew_where_nothing_recorded_it(scene: Scene) -> None:
    scene.infra = scene.bless_infra(scene.model, "infra", warmup=b"requests")
    scene.arguments["model"] = None
    write(scene.infra.stamped_path / "variables" / "variables.data", b"bad weights")
    reseal(scene.infra.path)
    scene.infra.digest = ""
