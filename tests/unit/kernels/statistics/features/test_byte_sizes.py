from __future__ import annotations

import pyarrow as pa
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.kernels.statistics.columns import feature_columns
from assay.kernels.statistics.presence import ByteSizeState, add_sizes, bytes_statistics, merge_sizes


def _state(*values: bytes | None) -> ByteSizeState:
    state = ByteSizeState()
    add_sizes(state, next(feature_columns(("x",), pa.array(values, pa.binary()), None)))
    return state


def test_sizes_add_up_over_parts_with_and_without_values() -> None:
    state = _state(None)
    merge_sizes(state, _state(b"123", None, b""))
    merge_sizes(state, _state())
    assert state == ByteSizeState(total=3, min=0, max=3)
    proto = bytes_statistics(state, 2)
    assert (proto.avg_num_bytes, proto.min_num_bytes, proto.max_num_bytes, proto.max_num_bytes_int) == (1.5, 0, 3, 3)


def test_no_values_are_no_statistics() -> None:
    assert bytes_statistics(_state(None), 0) == statistics_pb2.BytesStatistics()
