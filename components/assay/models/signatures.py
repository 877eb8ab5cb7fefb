"""What a SavedModel can be asked for, read from `saved_model.pb` without TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from assay.errors import ArtifactError
from assay.protos import tensorflow


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a signature.

    Attributes:
        name: In the graph, such as `StatefulPartitionedCall:0`; empty for a sparse or composite tensor.
        dtype: TensorFlow's number of the type.
        shape: The sizes by dimension, None where any will do; None for an unknown rank.
    """

    name: str
    dtype: int
    shape: tuple[int | None, ...] | None


@dataclass(frozen=True, slots=True)
class ModelSignature:
    """A signature of a SavedModel.

    Attributes:
        inputs: By name.
        outputs: By name.
    """

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]


def read_signatures(model: Path, tag: str = "serve") -> dict[str, ModelSignature]:
    """Return the signatures of a SavedModel's graph for serving.

    Raises:
        ArtifactError: There is no `saved_model.pb`, it cannot be read as one, or no graph of it has the tag.
    """
    path = model / "saved_model.pb"
    try:
        graphs = tensorflow.SavedModel.FromString(path.read_bytes()).meta_graphs
    except (OSError, DecodeError) as error:
        raise ArtifactError("evaluator.saved_model", f"{path} cannot be read as a SavedModel: {error}.") from error
    for graph in graphs:
        if tag in graph.meta_info_def.tags:
            return {
                name: ModelSignature(_tensors(signature.inputs), _tensors(signature.outputs))
                for name, signature in graph.signature_def.items()
                if not name.startswith("__")
            }
    raise ArtifactError("evaluator.saved_model", f"{path} has no graph with the tag '{tag}'; it has {len(graphs)}.")


def _tensors(infos: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: Tensor(info.name, info.dtype, _shape(info)) for name, info in infos.items()}


def _shape(info: Any) -> tuple[int | None, ...] | None:
    if not info.HasField("tensor_shape") or info.tensor_shape.unknown_rank:
        return None
    return tuple(None if each.size < 0 else each.size for each in info.tensor_shape.dim)
