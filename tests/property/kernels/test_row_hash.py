"""A row's hash depends on its content only, however the rows are cut, ordered and stored."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from assay.kernels.row_hash import row_hashes

ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False),
        st.none() | st.text(st.characters(blacklist_categories=("Cs",)), max_size=20),
        st.none() | st.lists(st.sampled_from(["a", "b", ""]), max_size=3),
    ),
    max_size=30,
)
TYPES = (pa.int64(), pa.float64(), pa.string(), pa.list_(pa.string()))
NAMES = ("number", "fraction", "text", "words")


def batch_of(rows: list[tuple[object, ...]]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(TYPES)
    return pa.record_batch([pa.array(list(column), kind) for column, kind in zip(columns, TYPES, strict=True)], NAMES)


@given(ROWS, st.data())
def test_cutting_and_ordering_do_not_matter(rows: list[tuple[object, ...]], data: st.DataObject) -> None:
    whole = row_hashes(batch_of(rows)).tolist()
    cut = data.draw(st.integers(0, len(rows)))
    assert row_hashes(batch_of(rows[:cut])).tolist() + row_hashes(batch_of(rows[cut:])).tolist() == whole
    order = data.draw(st.permutations(range(len(rows))))
    assert row_hashes(batch_of([rows[at] for at in order])).tolist() == [whole[at] for at in order]
    columns = data.draw(st.permutations(range(len(NAMES))))
    batch = batch_of(rows)
    moved = pa.record_batch([batch.column(at) for at in columns], [NAMES[at] for at in columns])
    assert row_hashes(moved).tolist() == whole


@given(ROWS)
def test_equal_rows_and_only_they_have_equal_hashes(rows: list[tuple[object, ...]]) -> None:
    hashes = row_hashes(batch_of(rows)).tolist()
    keys = [(number, fraction, text, tuple(words or ())) for number, fraction, text, words in rows]
    assert len(set(hashes)) == len(set(keys))


@given(st.lists(st.floats(width=32, allow_nan=False), max_size=30), st.lists(st.integers(-(2**53), 2**53), max_size=30))
def test_numbers_hash_by_value(floats: list[float], integers: list[int]) -> None:
    single = np.array(floats, np.float32)
    decimal = [float(text) for text in single.astype(str)]
    assert_same_hashes(pa.array(single), pa.array(decimal, pa.float64()))
    assert_same_hashes(pa.array(integers, pa.int64()), pa.array([float(each) for each in integers], pa.float64()))


def assert_same_hashes(one: pa.Array, other: pa.Array) -> None:
    hashes = [row_hashes(pa.record_batch([column], ["a"])).tolist() for column in (one, other)]
    assert hashes[0] == hashes[1]
