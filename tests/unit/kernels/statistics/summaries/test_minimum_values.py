from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.kernels.statistics.summaries.minimum_values import KMinimumValues

VALUES = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1)).map(lambda values: pa.array(values, pa.int64())),
    st.lists(st.binary(max_size=20)).map(lambda values: pa.array(values, pa.large_binary())),
    st.lists(st.floats(allow_nan=False)).map(lambda values: pa.array(values, pa.float64())),
)


def sketch_of(*parts: pa.Array, size: int = 8) -> KMinimumValues:
    sketch = KMinimumValues(size)
    for part in parts:
        sketch.add(part)
    return sketch


@given(values=VALUES, cut=st.integers(0, 100), size=st.integers(3, 20))
def test_no_order_of_additions_and_merges_changes_the_state(values: pa.Array, cut: int, size: int) -> None:
    whole = sketch_of(values, size=size)
    merged = sketch_of(values[cut:], values[:1], size=size)
    merged.merge(sketch_of(values[:cut], size=size))
    assert merged.hashes.tolist() == whole.hashes.tolist()
    num_distinct = len(set(values.to_pylist()))
    if num_distinct < size:
        assert whole.estimate() == num_distinct


@pytest.mark.parametrize("kind", [pa.int64(), pa.float64(), pa.large_binary()])
def test_estimates_are_within_four_standard_errors(kind: pa.DataType) -> None:
    numbers = pa.array(np.arange(200_000))
    values = numbers.cast(pa.string()).cast(kind) if kind == pa.large_binary() else numbers.cast(kind)
    assert sketch_of(values, size=1024).estimate() == pytest.approx(200_000, rel=4 / np.sqrt(1022))
