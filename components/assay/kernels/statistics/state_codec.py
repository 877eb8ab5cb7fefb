"""States of statistics as bytes, and back: unlike a pickle, reading them runs nothing that the bytes choose."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa

from assay import native
from assay.errors import UsageError
from assay.kernels.statistics.dataset import DatasetState
from assay.kernels.statistics.features.byte_sizes import ByteSizeState
from assay.kernels.statistics.features.categories import CategoryState
from assay.kernels.statistics.features.feature import FeatureState
from assay.kernels.statistics.features.numeric import NumericSketch, NumericState
from assay.kernels.statistics.features.presence import LevelState, PresenceState
from assay.kernels.statistics.generators.composite_features import CompositeState
from assay.kernels.statistics.generators.cross_features import CrossState
from assay.kernels.statistics.generators.lift import FeatureLift, LiftState
from assay.kernels.statistics.generators.row_sample import RowSample
from assay.kernels.statistics.generators.semantic_domains import DomainState
from assay.kernels.statistics.language.state import LanguageState, TokenState
from assay.kernels.statistics.reading.arrow_types import Meaning
from assay.kernels.statistics.slice_statistics import SliceState
from assay.kernels.statistics.summaries.category_sketch import CategorySketch
from assay.kernels.statistics.summaries.heavy_hitters import HeavyHitters
from assay.kernels.statistics.summaries.moments import Extremes, Mean, Moments
from assay.kernels.statistics.summaries.quantiles import QuantilesSketch
from assay.kernels.statistics.summaries.value_counts import Counted, ValueCounts

if TYPE_CHECKING:
    from collections.abc import Callable

_CLASSES: dict[str, type] = {
    each.__name__: each
    for each in (
        *(ByteSizeState, CategorySketch, CategoryState, CompositeState, Counted, CrossState, DatasetState, DomainState),
        *(Extremes, FeatureLift, FeatureState, HeavyHitters, LanguageState, LevelState, LiftState, Mean, Meaning),
        *(Moments, TokenState),
        *(NumericSketch, NumericState, PresenceState, QuantilesSketch, RowSample, SliceState, ValueCounts),
    )
}
_PLAIN = (type(None), bool, int, float, str, bytes)
_DTYPES = frozenset({"<i8", "<f8"})


def encode_state(value: object) -> bytes:
    """Gives a state as MessagePack.

    Raises:
        UsageError: It holds something else than this package's states do, such as a user's own state.
    """
    return msgspec.msgpack.encode(_encoded(value))


def decode_state(data: bytes) -> Any:
    """Gives the state that was encoded.

    Raises:
        ValueError: The bytes are something else.
    """
    try:
        return _decoded(msgspec.msgpack.decode(data))
    except (
        msgspec.MsgspecError,
        pa.ArrowException,
        LookupError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def _encoded(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, np.ndarray):
        return ["array", value.dtype.str, list(value.shape), np.ascontiguousarray(value).tobytes()]
    if isinstance(value, pa.Array):
        return ["arrow", _arrow_bytes(value)]
    for tag, (type_, _) in _CONTAINERS.items():
        if type(value) is type_:
            items: Any = value.items() if isinstance(value, dict) else value
            if isinstance(value, set):
                items = sorted(value)
            return [tag, [_encoded(each) for each in items]]
    name = type(value).__name__
    if isinstance(value, native.sketches().KmvSketch):
        return ["distinct", value.Serialize()]
    if _CLASSES.get(name) is not type(value):
        raise UsageError("statistics.state", f"A state that holds {name} cannot be written to a file.")
    return ["object", name, [[key, _encoded(each)] for key, each in _attributes(value)]]


def _attributes(value: Any) -> list[tuple[str, Any]]:
    if is_dataclass(value):
        return [(each.name, getattr(value, each.name)) for each in fields(value)]
    return sorted(vars(value).items())


def _decoded(value: Any) -> Any:
    if isinstance(value, _PLAIN):
        return value
    tag, *content = value
    if tag in _CONTAINERS:
        return _CONTAINERS[tag][1](_decoded(each) for each in content[0])
    if tag == "array":
        dtype, shape, data = content
        if dtype not in _DTYPES:
            raise TypeError(dtype)
        return np.frombuffer(data, dtype).reshape(shape).copy()
    if tag == "arrow":
        with pa.ipc.open_stream(content[0]) as reader:
            return reader.read_next_batch().column(0)
    if tag == "distinct":
        return native.sketches().KmvSketch.Deserialize(content[0])
    if tag != "object":
        raise LookupError(tag)
    class_ = _CLASSES[content[0]]
    restored: Any = object.__new__(class_)
    for name, each in content[1]:
        object.__setattr__(restored, name, _decoded(each))
    return restored


def _arrow_bytes(array: pa.Array) -> bytes:
    batch = pa.RecordBatch.from_arrays([array], ["values"])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _counter(items: Any) -> Counter[Any]:
    return Counter(dict(items))


_CONTAINERS: dict[str, tuple[type, Callable[[Any], Any]]] = {
    "list": (list, list),
    "tuple": (tuple, tuple),
    "set": (set, set),
    "dict": (dict, dict),
    "counter": (Counter, _counter),
}
