"""Statistics that can be merged later: what `assay stats merge` reads and writes."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields, is_dataclass
from hashlib import sha256
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pyarrow as pa
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import DataError, UsageError
from assay.kernels.arrow_types import FeatureType, Meaning
from assay.kernels.feature_path import join_path
from assay.kernels.statistics.categories import CategorySketch, CategoryState, HeavyHitters
from assay.kernels.statistics.dataset import DatasetState, DatasetStatistics, SliceState
from assay.kernels.statistics.feature import FeatureState
from assay.kernels.statistics.generators.composite_features import CompositeState
from assay.kernels.statistics.generators.cross_features import CrossState
from assay.kernels.statistics.generators.lift import FeatureLift, LiftState
from assay.kernels.statistics.generators.mutual_information import RowSample
from assay.kernels.statistics.generators.natural_language import LanguageState, TokenState
from assay.kernels.statistics.generators.semantic_domains import DomainState
from assay.kernels.statistics.numeric import NumericSketch, NumericState
from assay.kernels.statistics.options import StatisticsOptions
from assay.kernels.statistics.presence import ByteSizeState, LevelState, PresenceState
from assay.kernels.statistics.summaries.minimum_values import KMinimumValues
from assay.kernels.statistics.summaries.moments import Extremes, Mean, NumericMoments
from assay.kernels.statistics.summaries.quantiles import QuantilesSketch
from assay.kernels.statistics.summaries.value_counts import Counted, ValueCounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

    from assay.kernels.statistics.columns import Path

_CLASSES: dict[str, type] = {
    each.__name__: each
    for each in (
        *(ByteSizeState, CategorySketch, CategoryState, CompositeState, Counted, CrossState, DatasetState, DomainState),
        *(Extremes, FeatureLift, FeatureState, HeavyHitters, LanguageState, LevelState, LiftState, Mean, Meaning),
        *(KMinimumValues, NumericMoments, TokenState),
        *(NumericSketch, NumericState, PresenceState, QuantilesSketch, RowSample, SliceState, ValueCounts),
    )
}
_PLAIN = (type(None), bool, int, float, str, bytes)
_DTYPES = frozenset({"<i8", "<f8", "<u8"})


def encode_state(value: object) -> bytes:
    """Return a state as MessagePack.

    Raises:
        UsageError: It holds something else than this package's states do, such as a user's own state.
    """
    return msgspec.msgpack.encode(_encoded(value))


def decode_state(data: bytes) -> Any:
    """Return the state that was encoded.

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
    if _CLASSES.get(name) is not type(value):
        raise UsageError("statistics.state", f"A state that contains {name} cannot be written to a file.")
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


_EXACT = 2**53  # below it, every whole number is a double of its own
_NUMBERS = {FeatureType.INT, FeatureType.FLOAT}


def widen_integers(states: Sequence[DatasetState], options: StatisticsOptions) -> None:
    """Lets features of whole numbers in some states be floats, as they are in others.

    A CSV file tells the type of a column by its own cells, so that a column of amounts may hold integers on one day and
    fractions on the next. Only values that a double holds are widened: those are what a reader of both files would have
    read. Columns whose values name something (the label, slices) keep their type.
    """
    named = (column for spec in options.slices for column in (*spec.feature_keys, *spec.feature_values))
    roles = {options.label_feature, *named}
    types: dict[Path, set[int | None]] = {}
    for path, feature in chain.from_iterable(map(_features, states)):
        types.setdefault(path, set()).add(feature.type)
    mixed = {path for path, found in types.items() if found >= _NUMBERS and path[0] not in roles}
    for state in states:
        for path, feature in _features(state):
            if path in mixed and feature.type == FeatureType.INT and _can_be_float(feature):
                feature.type = FeatureType.FLOAT


def _features(state: DatasetState) -> Iterator[tuple[Path, FeatureState]]:
    for part in (state.overall, *state.slices.values()):
        yield from part.features.items()


def _can_be_float(feature: FeatureState) -> bool:
    values = feature.values
    if feature.meaning is not None or not isinstance(values, NumericState):
        return False
    if values.sketch is not None:
        extremes = values.sketch.moments.extremes
        return max(-extremes.min, extremes.max) < _EXACT
    table = values.exact.table()
    numbers = np.zeros(0) if table is None else table.values.to_numpy()
    return bool(((numbers > -_EXACT) & (numbers < _EXACT)).all())


_MAGIC = b"assay statistics 3\n"
"""The version changes with any state: a file is for the version that wrote it, the data is what lasts."""


@dataclass(frozen=True, slots=True)
class Mergeable:
    """Statistics, and what merges with the statistics of other rows.

    Attributes:
        proto: As `DatasetStatistics` gives them.
        state: Bytes with the options and the schema that they were made with.
    """

    proto: DatasetFeatureStatisticsList
    state: bytes


class MergeableStatistics:
    """An accumulator of the same statistics as `DatasetStatistics`, whose result can also be merged.

    Args:
        options: What to compute.
        schema: As `DatasetStatistics` takes it.
        vocabularies: As `DatasetStatistics` takes them; only reading rows needs them.
    """

    def __init__(
        self,
        options: StatisticsOptions,
        schema: Schema | None = None,
        vocabularies: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.options = options
        self.schema = schema
        self._statistics = DatasetStatistics(options, schema, vocabularies=vocabularies)

    def create(self) -> DatasetState:
        """Return the state of no rows."""
        return self._statistics.create()

    def add_batch(self, state: DatasetState, batch: pa.RecordBatch) -> DatasetState:
        """Add the rows of one batch to `state`, in place."""
        return self._statistics.add_batch(state, batch)

    def merge(self, states: Sequence[DatasetState]) -> DatasetState:
        """Return the state of all rows."""
        return self._statistics.merge(states)

    def extract_proto(self, state: DatasetState) -> DatasetFeatureStatisticsList:
        """Return the statistics alone."""
        return self._statistics.extract(state)

    def extract(self, state: DatasetState) -> Mergeable:
        """Return the statistics and the state."""
        proto = self._statistics.extract(state)  # describes what waits, and refuses what does not fit
        schema = b"" if self.schema is None else self.schema.SerializeToString(deterministic=True)
        header = msgspec.json.encode(self.options)
        content = msgspec.msgpack.encode([header, schema, encode_state(state)])
        return Mergeable(proto, _MAGIC + sha256(content).digest() + content)


def merge_statistics(parts: Sequence[bytes]) -> Mergeable:
    """Merge the `MergeableStatistics` of parts of the data into those of all of it.

    Raises:
        UsageError: No part is given, or the parts were made with other options or another schema.
        DataError: A part is something else, or the parts' columns do not fit together.
    """
    opened = [_open(part) for part in parts]
    if not opened:
        raise UsageError("statistics.merge", "There is nothing to merge.")
    mergeable = opened[0][0]
    for other, _ in opened[1:]:
        if (other.options, other.schema) != (mergeable.options, mergeable.schema):
            what = "options" if other.options != mergeable.options else "schemas"
            raise UsageError("statistics.merge", f"The parts were made with different {what}.", "Compute them again.")
    states = [state for _, state in opened]
    widen_integers(states, mergeable.options)
    return mergeable.extract(mergeable.merge(states))


def estimated_features(data: bytes) -> list[str]:
    """Return the features with too many distinct values to keep: sketches of them depend on how parts were merged.

    Quantiles then are within `options.epsilon` by rank, and numbers of distinct values within about 1 %. All else is
    exact: counts, extremes, and (within rounding) means and deviations.

    Raises:
        DataError: The bytes are something else.
    """
    _, state = _open(data)
    return [
        join_path(path)
        for path, feature in state.overall.features.items()
        if isinstance(feature.values, (NumericState, CategoryState)) and feature.values.sketch is not None
    ]


def statistics_of_mergeable(data: bytes) -> DatasetFeatureStatisticsList:
    """Return the statistics proto.

    Raises:
        DataError: The bytes are something else.
    """
    mergeable, state = _open(data)
    return mergeable.extract_proto(state)


def _open(data: bytes) -> tuple[MergeableStatistics, DatasetState]:
    if not data.startswith(_MAGIC):
        raise DataError(
            "statistics.not_mergeable",
            "These bytes are not mergeable statistics of this version.",
            "A finished FeatureStats.pb cannot be merged: it does not record which values two parts have in common.",
        )
    start = len(_MAGIC) + sha256().digest_size
    digest, content = data[len(_MAGIC) : start], data[start:]
    if sha256(content).digest() != digest:
        raise DataError(
            "statistics.damaged",
            "These mergeable statistics are damaged: their content does not match their checksum.",
            "Compute them again from the data.",
        )
    try:
        header, schema_bytes, state_bytes = msgspec.msgpack.decode(content, type=tuple[bytes, bytes, bytes])
        options = msgspec.json.decode(header, type=StatisticsOptions)
        state: Any = decode_state(state_bytes)
        schema = schema_pb2.Schema.FromString(schema_bytes) if schema_bytes else None
    except (msgspec.MsgspecError, DecodeError, ValueError) as error:
        raise DataError("statistics.not_mergeable", f"Mergeable statistics are damaged: {error}.") from error
    if not isinstance(state, DatasetState):
        raise DataError("statistics.not_mergeable", f"Mergeable statistics hold {type(state).__name__}.")
    return MergeableStatistics(options, schema), state
