from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from assay.lineage import NewArtifact
from assay.lineage.queries import DEEPEST, ArtifactNode, ancestor_tree, descendant_tree, record_json, tree_json

if TYPE_CHECKING:
    from assay.lineage import LineageStore


def step(store: LineageStore, node_id: str, output: str, **inputs: int) -> int:
    execution = store.start_execution("run-1", node_id, node_id, "f", {}, {key: [each] for key, each in inputs.items()})
    made = NewArtifact(type=output, uri=f"/{node_id}", digest=node_id)
    return store.complete_execution(execution, {output.lower(): [made]}, {}, {})[output.lower()][0].id


def outline(node: ArtifactNode) -> object:
    below = [
        (each.execution.node_id, [(keyed.key, outline(keyed.node)) for keyed in each.artifacts])
        for each in node.executions
    ]
    return (node.artifact.type, node.elided or below)


def test_the_tree_of_ancestors_lays_out_a_shared_input_once(store: LineageStore) -> None:
    examples = step(store, "Gen", "Examples")
    schema = step(store, "SchemaGen", "Schema", examples=examples)
    model = step(store, "Trainer", "Model", examples=examples, schema=schema)
    step(store, "Evaluator", "Evaluation", model=model)
    assert outline(ancestor_tree(store.ancestors(model))) == (
        "Model",
        [
            (
                "Trainer",
                [
                    ("examples", ("Examples", [("Gen", [])])),
                    ("schema", ("Schema", [("SchemaGen", [("examples", ("Examples", "shown_above"))])])),
                ],
            )
        ],
    )


def test_the_tree_of_descendants_follows_every_reader(store: LineageStore) -> None:
    examples = step(store, "Gen", "Examples")
    schema = step(store, "SchemaGen", "Schema", examples=examples)
    model = step(store, "Trainer", "Model", examples=examples, schema=schema)
    failed = store.start_execution("run-1", "Pusher", "Pusher", "f", {}, {"model": [model], "again": [model]})
    store.fail_execution(failed, "x", "y")
    assert outline(descendant_tree(store.descendants(examples))) == (
        "Examples",
        [
            ("SchemaGen", [("schema", ("Schema", [("Trainer", [("model", ("Model", [("Pusher", [])]))])]))]),
            ("Trainer", [("model", ("Model", "shown_above"))]),
        ],
    )


def test_cached_readers_lead_on_to_what_they_linked_and_a_cycle_ends(store: LineageStore) -> None:
    first = step(store, "Copy", "Examples")
    second = step(store, "Copy", "Examples", examples=first)
    source = store.artifact(second).producer_id
    assert source is not None
    store.record_cached("run-1", "Copy", "Copy", "f", {}, {"examples": [second]}, source)
    assert outline(descendant_tree(store.descendants(first))) == (
        "Examples",
        [("Copy", [("examples", ("Examples", [("Copy", [("examples", ("Examples", "shown_above"))])]))])],
    )
    assert outline(ancestor_tree(store.ancestors(second))) == (
        "Examples",
        [("Copy", [("examples", ("Examples", [("Copy", [])]))])],
    )


def test_a_long_chain_is_cut_where_it_is_too_deep(store: LineageStore) -> None:
    model = step(store, "Trainer", "Model")
    for _ in range(DEEPEST + 5):
        model = step(store, "Trainer", "Model", base_model=model)
    node, depth = ancestor_tree(store.ancestors(model), max_depth=10_000), 1
    while node.executions:
        node, depth = node.executions[0].artifacts[0].node, depth + 1
    assert (node.elided, depth) == ("too_deep", DEEPEST + 1)
    assert outline(ancestor_tree(store.ancestors(model), max_depth=1)) == (
        "Model",
        [("Trainer", [("base_model", ("Model", "too_deep"))])],
    )


def test_a_tree_and_its_records_are_json(store: LineageStore) -> None:
    examples = step(store, "Gen", "Examples")
    schema = step(store, "SchemaGen", "Schema", examples=examples)
    tree: Any = tree_json(ancestor_tree(store.ancestors(schema)))
    assert json.loads(json.dumps(tree)) == tree
    assert tree["artifact"] == record_json(store.artifact(schema))
    assert tree["elided"] == ""
    (made_by,) = tree["executions"]
    assert made_by["execution"]["node_id"] == "SchemaGen"
    assert [(each["key"], each["index"], each["artifact"]["id"]) for each in made_by["artifacts"]] == [
        ("examples", 0, examples)
    ]
    assert record_json(store.run("run-1"))["started_at"] == "2026-03-01T10:00:01+00:00"
