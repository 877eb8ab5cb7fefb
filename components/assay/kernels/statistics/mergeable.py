"""Statistics that can be merged later: what `assay stats merge` reads and writes."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
import pyarrow as pa
from google.protobuf.message import DecodeError
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import DataError, UsageError
from assay.kernels.feature_path import join_path
from assay.kernels.statistics.dataset import DatasetState, DatasetStatistics
from assay.kernels.statistics.features.categories import CategoryState
from assay.kernels.statistics.features.numeric import NumericState
from assay.kernels.statistics.options import StatisticsOptions
from assay.kernels.statistics.state_codec import decode_state, encode_state
from assay.kernels.statistics.widening import widen_integers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

_MAGIC = b"assay statistics 2\n"
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
    """An accumulator of the same statistics as `DatasetStatistics`, whose result can be merged besides.

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
        """Gives the state of no rows."""
        return self._statistics.create()

    def add_batch(self, state: DatasetState, batch: pa.RecordBatch) -> DatasetState:
        """Adds the rows of one batch to `state`, in place."""
        return self._statistics.add_batch(state, batch)

    def merge(self, states: Sequence[DatasetState]) -> DatasetState:
        """Gives the state of all rows."""
        return self._statistics.merge(states)

    def extract_proto(self, state: DatasetState) -> DatasetFeatureStatisticsList:
        """Gives the statistics alone."""
        return self._statistics.extract(state)

    def extract(self, state: DatasetState) -> Mergeable:
        """Gives the statistics and the state."""
        proto = self._statistics.extract(state)  # describes what waits, and refuses what does not fit
        schema = b"" if self.schema is None else self.schema.SerializeToString(deterministic=True)
        header = msgspec.json.encode(self.options)
        content = msgspec.msgpack.encode([header, schema, encode_state(state)])
        return Mergeable(proto, _MAGIC + sha256(content).digest() + content)


def merge_statistics(parts: Sequence[bytes]) -> Mergeable:
    """Merges what `MergeableStatistics` gave for parts of the data: the same as for all of it in one.

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
            raise UsageError("statistics.merge", f"The parts were made with different {what}.", "Compute them anew.")
    states = [state for _, state in opened]
    widen_integers(states, mergeable.options)
    return mergeable.extract(mergeable.merge(states))


def estimated_features(data: bytes) -> list[str]:
    """Gives the features with too many distinct values to keep: sketches of them depend on how parts were merged.

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
    """Gives the statistics proto.

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
            "A finished FeatureStats.pb cannot be merged: it does not tell which values two parts have in common.",
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
