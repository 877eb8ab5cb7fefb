"""Slices and what goes beyond single features do not depend on how rows are split, nor on the number of threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pyarrow as pa
from google.protobuf import text_format
from hypothesis import given, settings
from hypothesis import strategies as st
from tensorflow_metadata.proto.v0 import schema_pb2

from assay.engines.embedded import EmbeddedEngine
from assay.kernels.statistics import DatasetStatistics, SlicingSpec, StatisticsOptions

_COLUMNS = {
    "kind": (pa.list_(pa.string()), st.lists(st.sampled_from("abc"), max_size=3)),
    "label": (pa.int64(), st.integers(0, 2)),
    # Sums that are exact in any order.
    "x": (pa.float64(), st.sampled_from([-1.0, 0.0, 0.5, 2.0])),
    "when": (pa.timestamp("s"), st.integers(0, 10**9)),
    "struct": (
        pa.struct([("y", pa.list_(pa.int64()))]),
        st.fixed_dictionaries({"y": st.lists(st.integers(0, 3), max_size=2)}),
    ),
}
_OPTIONS = StatisticsOptions(
    slices=(
        SlicingSpec(feature_keys=("kind",), bins={"x": (0.0,)}),
        SlicingSpec(periods={"when": "year"}),
        SlicingSpec(where="x > 0 and label != 1"),
    ),
    label_feature="label",
    enable_semantic_domain_stats=True,
)
_SCHEMA = text_format.Parse(
    """feature { name: "label" type: INT int_domain { is_categorical: true } } feature { name: "kind" type: BYTES }
    weighted_feature { name: "weighted" feature { step: "kind" } weight_feature { step: "x" } }""",
    schema_pb2.Schema(),
)


@st.composite
def _tables(draw: st.DrawFn) -> pa.RecordBatch:
    rows = draw(st.integers(1, 20))
    arrays = [
        pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), type_)
        for type_, values in _COLUMNS.values()
    ]
    return pa.RecordBatch.from_arrays(arrays, list(_COLUMNS))


@settings(max_examples=15)
@given(batch=_tables(), cuts=st.lists(st.integers(0, 20), max_size=3), sample=st.booleans())
def test_any_split_gives_the_same_bytes(batch: pa.RecordBatch, cuts: list[int], sample: bool) -> None:
    options = StatisticsOptions(sample_rate=0.5) if sample else _OPTIONS
    accumulator = DatasetStatistics(options, _SCHEMA)
    edges = [0, *sorted(min(cut, batch.num_rows) for cut in cuts), batch.num_rows]
    states = []
    for low, high in pairwise(edges):
        state = accumulator.add_batch(accumulator.create(), batch.slice(low, high - low))
        accumulator.extract(state)  # describes what waits
        states.append(state)
    whole = accumulator.extract(accumulator.add_batch(accumulator.create(), batch))
    merged = accumulator.extract(accumulator.merge(states))
    assert merged.SerializeToString(deterministic=True) == whole.SerializeToString(deterministic=True)


@dataclass(frozen=True)
class _Part:
    rows: pa.RecordBatch

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield self.rows.slice(0, 600)
        yield self.rows.slice(600)


@dataclass(frozen=True)
class _Parts:
    shards: tuple[_Part, ...]
    bounded: bool


def test_the_same_bytes_on_any_number_of_threads() -> None:
    rng = np.random.default_rng(0)
    rows = 10_000
    batch = pa.RecordBatch.from_arrays(
        [
            pa.array(rng.normal(size=rows)),
            pa.array(rng.integers(0, 7_000, rows).astype(str)),
            pa.array(rng.integers(0, 5, rows)),
            pa.array(rng.lognormal(size=rows)),
        ],
        ["x", "word", "label", "other"],
    )
    options = StatisticsOptions(
        slices=(SlicingSpec(feature_keys=("label",)),),
        label_feature="label",
        feature_crosses="all",
        weight_feature="other",
        max_exact_bytes=1 << 14,
    )
    parts = tuple(_Part(batch.slice(start, 2000)) for start in range(0, rows, 2000))
    for bounded in (True, False):
        results = [
            EmbeddedEngine(threads).reduce(_Parts(parts, bounded), DatasetStatistics(options)) for threads in (1, 2, 3)
        ]
        assert len({result.SerializeToString(deterministic=True) for result in results}) == 1
