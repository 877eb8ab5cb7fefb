"""What a SavedModel can be asked for, read from `saved_model.pb` without TensorFlow.

TensorFlow's protos are generated modules inside its package, which takes seconds to import. What is needed here are
four nested fields, read from protobuf's wire format: MetaGraphDef.signature_def, SignatureDef's inputs and outputs,
and the name, type and shape of each TensorInfo.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from assay.data.protobuf_wire import fields
from assay.errors import ArtifactError

_Value: TypeAlias = int | memoryview

# Field numbers of tensorflow/core/protobuf/{saved_model,meta_graph}.proto and framework/tensor_shape.proto.
_META_GRAPHS, _META_INFO, _TAGS, _SIGNATURE_DEF = 2, 1, 4, 5
_INPUTS, _OUTPUTS = 1, 2
_NAME, _DTYPE, _SHAPE = 1, 2, 3
_DIMENSION, _SIZE, _UNKNOWN_RANK = 2, 1, 3


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
        graphs = [value for field, value in _fields(memoryview(path.read_bytes())) if field == _META_GRAPHS]
        for graph in graphs:
            if tag in _tags(graph):
                entries = (_entry(value) for field, value in _fields(graph) if field == _SIGNATURE_DEF)
                return {name: _signature(value) for name, value in entries if not name.startswith("__")}
    except (OSError, ValueError, TypeError) as error:
        raise ArtifactError("evaluator.saved_model", f"{path} cannot be read as a SavedModel: {error}.") from error
    raise ArtifactError("evaluator.saved_model", f"{path} has no graph with the tag '{tag}'; it has {len(graphs)}.")


def _tags(graph: _Value) -> set[str]:
    infos = [value for field, value in _fields(graph) if field == _META_INFO]
    return {_text(value) for info in infos for field, value in _fields(info) if field == _TAGS}


def _signature(message: _Value) -> ModelSignature:
    tensors: dict[int, dict[str, Tensor]] = {_INPUTS: {}, _OUTPUTS: {}}
    for field, value in _fields(message):
        if field in tensors:
            name, info = _entry(value)
            tensors[field][name] = _tensor(info)
    return ModelSignature(tensors[_INPUTS], tensors[_OUTPUTS])


def _tensor(message: _Value) -> Tensor:
    found = dict(_fields(message))
    dtype = found.get(_DTYPE, 0)
    shape = _shape(found[_SHAPE]) if _SHAPE in found else None
    return Tensor(_text(found.get(_NAME, memoryview(b""))), dtype if isinstance(dtype, int) else 0, shape)


def _shape(message: _Value) -> tuple[int | None, ...] | None:
    sizes: list[int | None] = []
    for field, value in _fields(message):
        if field == _UNKNOWN_RANK and value:
            return None
        if field == _DIMENSION:
            size = dict(_fields(value)).get(_SIZE, 0)
            # A negative number is ten bytes long: an unknown size is -1.
            sizes.append(size if isinstance(size, int) and size < 1 << 63 else None)
    return tuple(sizes)


def _entry(message: _Value) -> tuple[str, _Value]:
    """Return key and value of an entry of a map."""
    found = dict(_fields(message))
    return _text(found.get(1, memoryview(b""))), found.get(2, memoryview(b""))


def _text(value: _Value) -> str:
    if isinstance(value, int):
        raise TypeError("expected text, got a number")
    return bytes(value).decode()


def _fields(message: _Value) -> Iterator[tuple[int, _Value]]:
    """Return the number and the value of each field of a message."""
    if isinstance(message, int):
        raise TypeError("expected a message, got a number")
    return fields(message)
