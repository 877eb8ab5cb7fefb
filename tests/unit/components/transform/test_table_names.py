from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.tensorflow


def written(folder: Path, vocabulary: str, *, scratch: str) -> Any:
    """A SavedModel with a table in its graph and another in a function, after their names were taken in hand."""
    from tensorflow.core.protobuf import saved_model_pb2

    from assay.components.transform.analysis import name_tables_by_content

    (folder / "assets").mkdir(parents=True)
    (folder / "assets" / "words").write_text(vocabulary, encoding="utf-8")
    (folder / "fingerprint.pb").write_bytes(b"of the graph before")
    model = saved_model_pb2.SavedModel()
    graph = model.meta_graphs.add().graph_def
    for nodes in (graph.node, graph.library.function.add().node_def):
        nodes.add(op="HashTableV2").attr["shared_name"].s = f"hash_table_{scratch}/words_-2_-1".encode()
        nodes.add(op="HashTableV2").attr["shared_name"].s = b"one of the user's own"
        nodes.add(op="NoOp")
    (folder / "saved_model.pb").write_bytes(model.SerializeToString())
    name_tables_by_content(folder, Path(scratch))
    return saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())


def test_equal_vocabularies_give_equal_graphs_wherever_they_were_made(tmp_path: Path) -> None:
    here = written(tmp_path / "here", "a b", scratch="/tmp/run-1")
    there = written(tmp_path / "there", "a b", scratch="/var/scratch/2")
    assert here == there
    assert sorted(path.name for path in (tmp_path / "here").iterdir()) == ["assets", "saved_model.pb"]


def test_another_vocabulary_of_the_same_name_is_another_table(tmp_path: Path) -> None:
    def tables(model: Any) -> list[bytes]:
        graph = model.meta_graphs[0].graph_def
        nodes = [*graph.node, *graph.library.function[0].node_def]
        return [node.attr["shared_name"].s for node in nodes if "shared_name" in node.attr]

    one = tables(written(tmp_path / "one", "a b", scratch="/tmp/run"))
    other = tables(written(tmp_path / "other", "a c", scratch="/tmp/run"))
    assert one[0] == one[2] != other[0] == other[2]
    assert one[1] == other[1] == b"one of the user's own"
