"""Statistics of a feature of opaque bytes, such as images: how large the values are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import statistics_pb2

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import BytesStatistics

    from assay.kernels.statistics.reading.columns import FeatureColumn


@dataclass(slots=True)
class ByteSizeState:
    """The sizes of the values so far, in bytes; `min` and `max` are `None` before the first."""

    total: int = 0
    min: int | None = None
    max: int | None = None


def add_sizes(state: ByteSizeState, column: FeatureColumn) -> None:
    """Adds the values of one batch."""
    if column.leaf is None or column.leaf.null_count == len(column.leaf):
        return
    sizes = pc.binary_length(column.leaf)
    extremes = pc.min_max(sizes).as_py()
    merge_sizes(state, ByteSizeState(pc.sum(sizes).as_py(), extremes["min"], extremes["max"]))


def merge_sizes(state: ByteSizeState, other: ByteSizeState) -> None:
    """Adds all that `other` holds."""
    state.total += other.total
    state.min = min((size for size in (state.min, other.min) if size is not None), default=None)
    state.max = max((size for size in (state.max, other.max) if size is not None), default=None)


def bytes_statistics(state: ByteSizeState, num_values: int) -> BytesStatistics:
    """Gives the proto, without the common statistics."""
    result = statistics_pb2.BytesStatistics()
    if num_values and state.min is not None and state.max is not None:
        result.avg_num_bytes = state.total / num_values
        result.min_num_bytes = state.min
        result.max_num_bytes = result.max_num_bytes_int = state.max
    return result
