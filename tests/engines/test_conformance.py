"""Any cut of the rows into shards and batches, on any number of threads, gives one result."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.engines import Engine
from assay.engines.embedded import EmbeddedEngine
from assay.engines.units import groups_of


@dataclass(frozen=True)
class Part:
    parts: tuple[tuple[int, ...], ...]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        for values in self.parts:
            yield pa.RecordBatch.from_pydict({"x": pa.array(values, pa.int64())})


@dataclass(frozen=True)
class Rows:
    shards: tuple[Part, ...]
    bounded: bool


class Total:
    def create(self) -> tuple[int, int]:
        return 0, 0

    def add_batch(self, state: tuple[int, int], batch: pa.RecordBatch) -> tuple[int, int]:
        return state[0] + batch.num_rows, state[1] + sum(batch.column(0).to_pylist())

    def merge(self, states: Sequence[tuple[int, int]]) -> tuple[int, int]:
        return sum(state[0] for state in states), sum(state[1] for state in states)

    def extract(self, state: tuple[int, int]) -> tuple[int, int]:
        return state


batches = st.lists(st.integers(-9, 9), max_size=4).map(tuple)
parts = st.lists(batches, max_size=9).map(lambda cut: Part(tuple(cut)))
sources = st.builds(Rows, st.lists(parts, max_size=6).map(tuple), st.booleans())


@pytest.mark.parametrize("engine", [EmbeddedEngine(threads) for threads in (1, 2, 4)], ids=lambda one: f"{one.threads}")
@given(source=sources)
def test_the_cut_does_not_matter(engine: Engine, source: Rows) -> None:
    values = [value for shard in source.shards for cut in shard.parts for value in cut]
    assert engine.reduce(source, Total()) == (len(values), sum(values))
    rows = engine.map(source, lambda batch: batch.column(0).to_pylist())
    assert [value for batch in rows for value in batch] == values


@dataclass(frozen=True)
class CountedPart:
    """A part that tells how many rows it has."""

    num_rows: int

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield pa.RecordBatch.from_pydict({"x": pa.array(range(self.num_rows), pa.int64())})


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], []),
        ([5000, 100, 3000, 1000, 9000], [[5000], [100, 3000], [1000], [9000]]),
        ([2000] * 5, [[2000, 2000], [2000, 2000], [2000]]),
    ],
)
def test_small_parts_are_worked_on_together(rows: list[int], expected: list[list[int]]) -> None:
    source = Rows(tuple(map(CountedPart, rows)), bounded=True)  # type: ignore[arg-type]  # parts of another kind
    assert [[part.num_rows for part in group] for group in groups_of(source)] == expected  # type: ignore[attr-defined]
    assert EmbeddedEngine(2).reduce(source, Total()) == (sum(rows), sum(n * (n - 1) // 2 for n in rows))
