"""Takes a run's own names out of a transform graph, so that equal rows and code give an equal graph.

TensorFlow names the tables of vocabularies by the files that they were read from, which lie in a scratch folder; and
models that apply the graph would carry that folder's name on to where they are served.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any

from tensorflow.core.protobuf import saved_model_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def name_tables_by_content(saved_model: Path, scratch: Path) -> None:
    """Names each table by the digest of all vocabularies where its name has the scratch folder.

    Not by the vocabulary's name alone: tables of one name are one table to TensorFlow, and another graph may have
    another vocabulary of that name.

    Args:
        saved_model: The folder of the graph's SavedModel, which is written anew.
        scratch: The folder that TFT was given.
    """
    path = saved_model / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    content = _digest(saved_model / "assets").encode()
    for node in _nodes(model):
        if "shared_name" in node.attr:
            name = node.attr["shared_name"]
            name.s = name.s.replace(os.fsencode(scratch), content)
    path.write_bytes(model.SerializeToString(deterministic=True))
    # It is of the graph before, and of newer TensorFlows a random number is in it; every reader does without.
    (saved_model / "fingerprint.pb").unlink(missing_ok=True)


def _nodes(model: Any) -> Iterator[Any]:
    for graph in (each.graph_def for each in model.meta_graphs):
        yield from graph.node
        for function in graph.library.function:
            yield from function.node_def


def _digest(assets: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(assets.rglob("*")):
        if file.is_file():
            digest.update(f"{file.relative_to(assets)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
    return f"sha256:{digest.hexdigest()}"
