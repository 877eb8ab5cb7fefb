from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from assay.lineage import NewArtifact
from assay.lineage.queries import (
    BlessedModel,
    latest_artifact,
    latest_blessed_model,
    producer,
    rolling_spans,
    span_range,
)

if TYPE_CHECKING:
    from assay.lineage import ArtifactRecord, LineageStore


def give(
    store: LineageStore, type_name: str, digest: str, run_id: str = "run-1", **properties: object
) -> ArtifactRecord:
    execution = store.start_execution(run_id, type_name, "Step", "f", {}, {})
    made = NewArtifact(type=type_name, uri=f"/{type_name}/{execution}", digest=digest, properties=properties)
    (record,) = store.complete_execution(execution, {"out": [made]}, {}, {})["out"]
    return record


def bless(store: LineageStore, digest: str, blessed: int = 1, run_id: str = "run-1") -> ArtifactRecord:
    return give(store, "ModelBlessing", f"blessing of {digest}", run_id, blessed=blessed, current_model_digest=digest)


def test_producer_is_the_execution_or_none_for_what_was_registered(store: LineageStore) -> None:
    made = give(store, "Model", "m")
    found = producer(store, made.id)
    assert found is not None
    assert found.id == made.producer_id
    assert producer(store, store.register_artifact(NewArtifact(type="Model", uri="/m", digest="m")).id) is None


def test_latest_artifact_filters_by_properties_and_digest(store: LineageStore) -> None:
    one = give(store, "Examples", "a", span=1)
    two = give(store, "Examples", "b", span=2)
    gone = give(store, "Examples", "c", span=1)
    store.mark_deleted([gone.id])
    assert latest_artifact(store, "Examples") == two
    assert latest_artifact(store, "Examples", properties={"span": 1}) == one
    assert latest_artifact(store, "Examples", exclude_digests={"b"}) == one
    assert latest_artifact(store, "Examples", properties={"version": None}) is None
    assert latest_artifact(store, "Examples", pipeline="penguin") is None
    assert latest_artifact(store, "Model") is None


def test_the_model_blessed_last_is_found(store: LineageStore) -> None:
    first, second = give(store, "Model", "m1"), give(store, "Model", "m2")
    bless(store, "m1")
    newest = bless(store, "m2")
    give(store, "Model", "m3")
    bless(store, "m3", blessed=0)
    assert latest_blessed_model(store, "taxi") == BlessedModel(model=second, blessing=newest)
    assert latest_blessed_model(store, "taxi").status == "found"
    again = latest_blessed_model(store, "taxi", exclude_digests=["m2"])
    assert (again.model, again.excluded) == (first, (newest,))


def test_a_first_run_has_never_blessed(store: LineageStore) -> None:
    give(store, "Model", "m")
    bless(store, "m", blessed=0)
    found = latest_blessed_model(store, "taxi")
    assert (found, found.status) == (BlessedModel(), "never")


def test_a_lost_model_is_not_a_first_run(store: LineageStore) -> None:
    model = give(store, "Model", "m")
    blessing = bless(store, "m")
    store.mark_deleted([model.id])
    found = latest_blessed_model(store, "taxi")
    assert (found, found.status) == (BlessedModel(lost=(blessing,)), "gone")


def test_an_older_model_is_given_together_with_what_was_lost(store: LineageStore) -> None:
    older, newer = give(store, "Model", "m1"), give(store, "Model", "m2")
    bless(store, "m1")
    lost = bless(store, "m2")
    store.mark_deleted([newer.id])
    found = latest_blessed_model(store, "taxi")
    assert (found.model, found.lost, found.status) == (older, (lost,), "found")


def test_a_deleted_blessing_no_longer_serves_and_is_not_forgotten(store: LineageStore) -> None:
    give(store, "Model", "m")
    blessing = bless(store, "m")
    store.mark_deleted([blessing.id])
    assert latest_blessed_model(store, "taxi").status == "gone"


def test_only_the_candidate_itself_was_blessed(store: LineageStore) -> None:
    give(store, "Model", "m")
    bless(store, "m")
    assert latest_blessed_model(store, "taxi", exclude_digests=("m",)).status == "excluded"


def test_a_copied_model_keeps_its_blessing(store: LineageStore) -> None:
    model = give(store, "Model", "m")
    blessing = bless(store, "m")
    store.mark_deleted([model.id])
    copy = store.register_artifact(NewArtifact(type="Model", uri="/copied", digest="m"))
    assert latest_blessed_model(store, "taxi") == BlessedModel(model=copy, blessing=blessing)


def test_a_blessing_counts_for_its_own_pipeline(store: LineageStore) -> None:
    store.start_run("run-2", "penguin", {}, owner="alive")
    give(store, "Model", "m")
    bless(store, "m", run_id="run-2")
    assert latest_blessed_model(store, "taxi").status == "never"
    assert latest_blessed_model(store, "penguin").status == "found"
    assert latest_blessed_model(store).status == "found"


@pytest.mark.parametrize(
    ("first", "last", "expected"), [(1, 3, ["c2", "b", "a"]), (2, 2, ["b"]), (4, 9, []), (3, 9, ["c2"])]
)
def test_span_range_gives_the_newest_of_each_span(
    store: LineageStore, first: int, last: int, expected: list[str]
) -> None:
    give(store, "Examples", "a", span=1)
    give(store, "Examples", "c2", span=3, version=2)
    give(store, "Examples", "c1", span=3, version=1)
    give(store, "Examples", "b0", span=2)
    give(store, "Examples", "b", span="2")
    give(store, "Examples", "no span")
    give(store, "Examples", "not a span", span="today")
    found = span_range(store, "Examples", first, last, pipeline="taxi", node_id="Examples")
    assert [record.digest for record in found] == expected


@pytest.mark.parametrize(
    ("count", "skip", "expected"),
    [(1, 0, ["d5"]), (2, 0, ["d5", "d4"]), (3, 1, ["d4", "d2"]), (9, 0, ["d5", "d4", "d2"])],
)
def test_rolling_spans_is_a_window_of_span_numbers(
    store: LineageStore, count: int, skip: int, expected: list[str]
) -> None:
    for span in (5, 2, 4):
        give(store, "Examples", f"d{span}", span=span)
    assert [record.digest for record in rolling_spans(store, "Examples", count, skip=skip)] == expected


def test_rolling_spans_of_nothing(store: LineageStore) -> None:
    assert rolling_spans(store, "Examples", 3) == ()


def test_blessings_that_name_no_model_or_were_revoked_are_passed_over(store: LineageStore) -> None:
    model = give(store, "Model", "m1")
    first, second = bless(store, "m1"), bless(store, "m1")
    bless(store, "")  # of predictions
    assert latest_blessed_model(store).blessing == second
    found = latest_blessed_model(store, is_revoked=lambda blessing: blessing.id == second.id)
    assert (found.model, found.blessing, found.lost) == (model, first, ())
    assert latest_blessed_model(store, is_revoked=lambda _: True).status == "never"
