"""Rows have the same number where their canonical values are the same, whatever types and batches hold them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from assay.kernels.identity import NO_VALUES, exact_keys, row_numbers

_VALUES: dict[Any, st.SearchStrategy[Any]] = {
    pa.int64(): st.integers(-3, 3),
    pa.int8(): st.integers(-3, 3),
    pa.float64(): st.sampled_from([0.0, -0.0, 1.0, 0.1, float("nan"), float("inf")]),
    pa.float32(): st.sampled_from([0.0, -0.0, 1.0, 0.125, float("nan")]),
    pa.string(): st.sampled_from(["", "a", "b", "ä"]),
    pa.large_string(): st.sampled_from(["", "a", "b"]),
    pa.binary(): st.sampled_from([b"", b"a", b"\xff"]),
    pa.bool_(): st.booleans(),
    pa.list_(pa.int64()): st.lists(st.integers(0, 2), max_size=2),
    pa.dictionary(pa.int32(), pa.string()): st.sampled_from(["a", "b"]),
}


@st.composite
def batches(draw: st.DrawFn) -> list[pa.RecordBatch]:
    made = []
    for _ in range(draw(st.integers(1, 3))):
        length = draw(st.integers(0, 5))
        columns = {}
        for name in draw(st.sets(st.sampled_from("xy"), min_size=1)):
            kind = draw(st.sampled_from(list(_VALUES)))
            values = draw(st.lists(st.none() | _VALUES[kind], min_size=length, max_size=length))
            columns[name] = pa.array(values, kind)
        made.append(pa.RecordBatch.from_pydict(columns))
    return made


@given(batches())
def test_numbers_are_equal_where_canonical_values_are(given_batches: list[pa.RecordBatch]) -> None:
    numbers = row_numbers(given_batches, ["x", "y"]).tolist()
    keys = [
        key for batch in given_batches for key in exact_keys(batch, ["x", "y"], np.arange(batch.num_rows))
    ]  # fmt: skip
    first: dict[Any, int] = {}
    for key, number in zip(keys, numbers, strict=True):
        if all(value is None for value in key):
            assert number == NO_VALUES
        else:
            assert first.setdefault(key, number) == number
    assert len(set(first.values())) == len(first)
