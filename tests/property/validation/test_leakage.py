"""Shared rows are exactly those that Python's sets find, however the splits are cut."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from assay.validation.leakage import find_leakage

Row = tuple[int | None, str | None]
ROWS = st.lists(st.tuples(st.none() | st.integers(0, 3), st.none() | st.sampled_from("ab")), max_size=12)


def reader(rows: list[Row], cuts: list[int]) -> Any:
    """Gives a `reduce` over rows that are cut at some places, with a state for each piece."""
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]

    def reduce(accumulator: Any) -> Any:
        states = []
        for low, high in pairwise(bounds):
            columns = [
                pa.array([row[at] for row in rows[low:high]], kind) for at, kind in ((0, pa.int64()), (1, pa.string()))
            ]
            batch = pa.RecordBatch.from_arrays(columns, ["n", "t"])
            states.append(accumulator.add_batch(accumulator.create(), batch))
        return accumulator.extract(accumulator.merge(states))

    return reduce


@given(ROWS, ROWS, st.lists(st.integers(0, 12), max_size=3), st.sampled_from([None, ("n",), ("t", "n")]))
def test_counts_and_samples(
    train: list[Row], test: list[Row], cuts: list[int], columns: tuple[str, ...] | None
) -> None:
    (pair,) = find_leakage({"train": reader(train, cuts), "eval": reader(test, cuts[::-1])}, columns, sample_rows=99)

    def keys(rows: list[Row]) -> list[Row | tuple[int | None]]:
        chosen = [row if columns != ("n",) else row[:1] for row in rows]
        return [key for key in chosen if any(value is not None for value in key)]

    one, other = Counter(keys(train)), Counter(keys(test))
    shared = one.keys() & other.keys()
    assert pair.num_rows == (len(train), len(test))
    assert pair.num_distinct == len(shared)
    assert pair.num_shared == (sum(one[key] for key in shared), sum(other[key] for key in shared))
    names = ("n",) if columns == ("n",) else ("n", "t")
    assert {tuple(sample.values[name] for name in names): sample.rows for sample in pair.samples} == {
        key: (one[key], other[key]) for key in shared
    }
    for sample in pair.samples:
        key = tuple(sample.values[name] for name in names)
        assert train[sample.first[0]][: len(key)] == test[sample.first[1]][: len(key)] == key
    assert [sample.first[0] for sample in pair.samples] == sorted(sample.first[0] for sample in pair.samples)
