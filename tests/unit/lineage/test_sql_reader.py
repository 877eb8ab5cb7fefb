from __future__ import annotations

from typing import TYPE_CHECKING

from assay.lineage import LineageStore, NewArtifact

if TYPE_CHECKING:
    from pathlib import Path


def model(uri: str, digest: str = "sha256:m") -> NewArtifact:
    return NewArtifact(type="Model", uri=uri, digest=digest)


def test_artifacts_are_selected_by_type_pipeline_node_digest_and_state(store: LineageStore) -> None:
    trainer = store.start_execution("run-1", "Trainer", "Trainer", "f", {}, {})
    ids = [
        record.id
        for record in store.complete_execution(trainer, {"model": [model("a"), model("b", "sha256:n")]}, {}, {})[
            "model"
        ]
    ]
    other = store.register_artifact(NewArtifact(type="Schema", uri="s", digest="sha256:s")).id

    def found(*args: str, **filters: str | None) -> list[int]:
        return [record.id for record in store.artifacts(*args, **filters)]  # type: ignore[arg-type] # state is a str here

    assert found() == [other, *reversed(ids)]
    assert found("Model") == ids[::-1]
    assert found("Model", digest="sha256:n") == [ids[1]]
    assert found(pipeline="taxi", node_id="Trainer") == ids[::-1]
    assert found(pipeline="penguin") == []
    assert found(node_id="Gen") == []
    store.mark_deleted([ids[0]])
    assert found("Model") == [ids[1]]
    assert found("Model", state="DELETED") == [ids[0]]
    assert found("Model", state=None) == ids[::-1]


def test_what_a_pipeline_only_links_counts_as_its_own(store: LineageStore) -> None:
    imported = store.register_artifact(model("a"))
    store.start_run("run-2", "penguin", {}, owner="alive")
    importer = store.start_execution("run-2", "Importer", "Importer", "f", {}, {})
    store.complete_execution(importer, {"result": [imported.id]}, {}, {})
    assert store.artifacts("Model", pipeline="penguin") == (imported,)


def test_a_store_below_its_root_moves_with_it(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    outside = tmp_path / "outside" / "model"
    with LineageStore.open(before / "db" / "lineage.db", root=before) as store:
        inside = store.register_artifact(model(str(before / "Trainer" / "model" / "1")))
        assert inside.uri == "Trainer/model/1"
        store.register_artifact(model(str(outside)))
        store.register_artifact(model("gs://bucket/model"))
    before.rename(after)
    with LineageStore.open(after / "db" / "lineage.db", root=after) as store:
        locations = [record.location for record in store.artifacts()]
        assert locations == ["gs://bucket/model", str(outside), str(after / "Trainer" / "model" / "1")]
        found = store.artifact_by_uri(after / "Trainer" / "model" / "1")
        assert found is not None
        assert found.id == inside.id
        assert store.artifact_by_uri("gs://bucket/model") is not None
        assert store.artifact_by_uri(after / "Trainer") is None


def test_a_symbolic_link_to_the_root_leads_to_the_same_artifact(tmp_path: Path) -> None:
    root, alias = tmp_path / "root", tmp_path / "alias"
    with LineageStore.open(root / "lineage.db") as store:
        alias.symlink_to(root)
        recorded = store.register_artifact(model(str(alias / "model")))
        assert recorded.uri == "model"
        assert store.artifact_by_uri(root / "model") == recorded


def test_by_uri_gives_the_latest_and_by_digest_prefers_the_live(store: LineageStore) -> None:
    first = store.register_artifact(model("a"))
    second = store.register_artifact(model("b"))
    third = store.register_artifact(model("a"), reimport=True)
    store.mark_deleted([third.id])
    by_uri = store.artifact_by_uri(first.location)
    assert by_uri is not None
    assert (by_uri.id, by_uri.state) == (third.id, "DELETED")
    assert store.artifact_by_digest("sha256:m") == second
    assert store.artifact_by_digest("sha256:none") is None


def test_a_reader_sees_one_state_while_another_writes(store: LineageStore, store_url: str, tmp_path: Path) -> None:
    with LineageStore.open(store_url, root=tmp_path) as writer, store._database.reading() as connection:
        count = "SELECT COUNT(*) FROM artifacts"
        assert connection.exec_driver_sql(count).scalar() == 0
        writer.register_artifact(model("a"))
        assert connection.exec_driver_sql(count).scalar() == 0
    assert len(store.artifacts()) == 1
