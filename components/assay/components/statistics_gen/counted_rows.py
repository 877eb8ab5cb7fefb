"""How many rows an accumulator was given, whatever it makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import pyarrow as pa

from assay.engines.base import Accumulator

S = TypeVar("S")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class CountedRows(Generic[S, R]):
    """Another accumulator, and the number of rows besides: a sample's statistics do not tell it."""

    inner: Accumulator[S, R]

    def create(self) -> tuple[int, S]:
        """Gives the state of no rows."""
        return 0, self.inner.create()

    def add_batch(self, state: tuple[int, S], batch: pa.RecordBatch) -> tuple[int, S]:
        """Gives the state after one more batch."""
        return state[0] + batch.num_rows, self.inner.add_batch(state[1], batch)

    def merge(self, states: Sequence[tuple[int, S]]) -> tuple[int, S]:
        """Gives the state of all rows."""
        return sum(count for count, _ in states), self.inner.merge([state for _, state in states])

    def extract(self, state: tuple[int, S]) -> tuple[int, R]:
        """Gives the number of rows, and the result."""
        return state[0], self.inner.extract(state[1])
