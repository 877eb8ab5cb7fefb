from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.errors import DataError
from assay.kernels.statistics import DatasetStatistics, SlicingSpec, StatisticsOptions
from assay.kernels.statistics.merging import (
    MergeableStatistics,
    decode_state,
    encode_state,
    merge_statistics,
    statistics_of_mergeable,
)
from raising import raises

_SCHEMA = text_format.Parse(
    """feature { name: "code" type: INT int_domain { is_categorical: true } }
    sparse_feature { name: "sparse" value_feature { name: "word" } index_feature { name: "code" } }""",
    schema_pb2.Schema(),
)
_EVERYTHING = StatisticsOptions(
    slices=(SlicingSpec(feature_keys=("code",)), SlicingSpec(where="x > 0")),
    label_feature="code",
    feature_crosses="all",
    enable_semantic_domain_stats=True,
    weight_feature="w",
)


def _batch(rows: int = 3000) -> pa.RecordBatch:
    rng = np.random.default_rng(0)
    columns = {
        "x": pa.array(rng.normal(size=rows)),
        "word": pa.array(rng.integers(0, 3000, rows).astype(str)),
        "code": pa.array(np.arange(rows) % 3),
        "w": pa.array((np.arange(rows) % 2).astype(float)),
        "lists": pa.array([[n] * (n % 3) if n % 5 else None for n in range(rows)]),
        "when": pa.array(np.arange(rows), pa.timestamp("s")),
        "struct": pa.array([{"a": n} for n in range(rows)]),
    }
    return pa.RecordBatch.from_arrays(list(columns.values()), list(columns))


def _bytes(accumulator: Any, *batches: pa.RecordBatch) -> bytes:
    state = accumulator.create()
    for batch in batches:
        state = accumulator.add_batch(state, batch)
    result: bytes = accumulator.extract(state).state
    return result


@pytest.mark.parametrize("max_exact_bytes", [256 << 20, 0])
def test_merged_parts_are_the_statistics_of_the_whole(max_exact_bytes: int) -> None:
    options = replace(_EVERYTHING, max_exact_bytes=max_exact_bytes)
    batch = _batch()
    mergeable = MergeableStatistics(options, _SCHEMA)
    parts = [_bytes(mergeable, batch.slice(start, 1000)) for start in (0, 1000, 2000)]
    merged = merge_statistics([merge_statistics(parts[:2]).state, parts[2]])

    accumulator = DatasetStatistics(options, _SCHEMA)
    states = [accumulator.add_batch(accumulator.create(), batch.slice(start, 1000)) for start in (0, 1000, 2000)]
    for state in states:
        accumulator.extract(state)
    expected = accumulator.extract(accumulator.merge(states))
    assert statistics_of_mergeable(merged.state) == merged.proto == expected


def test_parts_of_other_options_are_refused() -> None:
    one = _bytes(MergeableStatistics(StatisticsOptions()), _batch(3))
    with raises("statistics.merge"):
        merge_statistics([one, _bytes(MergeableStatistics(StatisticsOptions(num_top_values=3)), _batch(3))])
    with raises("statistics.merge"):
        merge_statistics([one, _bytes(MergeableStatistics(StatisticsOptions(), _SCHEMA), _batch(3))])
    with raises("statistics.merge"):
        merge_statistics([])


def test_other_bytes_are_refused() -> None:
    proto = DatasetStatistics().extract(DatasetStatistics().create()).SerializeToString()
    with raises("statistics.not_mergeable"):
        merge_statistics([proto])
    whole = _bytes(MergeableStatistics(StatisticsOptions()), _batch(3))
    for cut in (20, len(whole) // 2, len(whole) - 1):
        with raises("statistics.damaged"):
            statistics_of_mergeable(whole[:cut])


@pytest.mark.parametrize(
    "value",
    [["object", "Popen", []], ["object", "Mean", 3], ["nothing"], ["array", "|O8", [1], b"x"], [], ["arrow", b"x"]],
)
def test_decoding_makes_nothing_but_states(value: list[Any]) -> None:
    with pytest.raises(ValueError, match=r"Error|Arrow|unpack"):
        decode_state(msgspec.msgpack.encode(value))


def test_bytes_nested_without_end_are_refused() -> None:
    with pytest.raises(ValueError, match="RecursionError"):
        decode_state(b"\x91" * 200_000)


def test_a_users_state_is_not_written() -> None:
    with raises("statistics.state", "object"):
        encode_state(object())


def test_a_state_with_any_changed_byte_is_refused() -> None:
    data = _bytes(MergeableStatistics(StatisticsOptions()), _batch(50))
    rng = np.random.default_rng(1)
    for at in [*rng.integers(0, len(data), 200), len(data) - 1]:
        changed = bytearray(data)
        changed[at] ^= 1 << int(rng.integers(0, 8))
        with raises("statistics.*", kind=DataError):
            merge_statistics([data, bytes(changed)])
    for cut in (0, 10, len(data) // 2, len(data) - 1):
        with raises("statistics.*", kind=DataError):
            merge_statistics([data[:cut]])
