from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from assay.schema.suggestions import AscendingColumns

VALUES = st.lists(st.lists(st.none() | st.integers(0, 3), max_size=3), max_size=5)


def batch(values: list[int | None]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.array(values, pa.int64())], ["x"])


@given(VALUES, st.data())
def test_any_split_of_the_rows_gives_the_same(batches: list[list[int | None]], data: st.DataObject) -> None:
    accumulator = AscendingColumns()
    states = [accumulator.create()]
    for values in batches:
        if data.draw(st.booleans()):
            states.append(accumulator.create())
        states[-1] = accumulator.add_batch(states[-1], batch(values))
    present = [value for values in batches for value in values if value is not None]
    expected = {"x": all(one <= other for one, other in pairwise(present))} if present else {}
    assert accumulator.extract(accumulator.merge(states)) == expected


def test_only_integers_and_times_are_looked_at() -> None:
    columns = {
        "n": [1, 2],
        "f": [1.0, 2.0],
        "s": ["a", "b"],
        "t": [dt.datetime(2026, 1, 1), dt.datetime(2025, 1, 1)],  # noqa: DTZ001  (a column without a zone)
        "l": [[1], [2]],
    }
    (rows,) = pa.table(columns).to_batches()
    assert AscendingColumns().extract(AscendingColumns().add_batch(AscendingColumns().create(), rows)) == {
        "n": True,
        "t": False,
    }
    some = AscendingColumns(["t"])
    assert some.extract(some.add_batch(some.create(), rows)) == {"t": False}
