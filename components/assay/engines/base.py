"""The protocols between components and engines: sources of batches, accumulators, and the engine itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar, runtime_checkable

import pyarrow as pa

S = TypeVar("S")
R = TypeVar("R")
T = TypeVar("T")
S_inv = TypeVar("S_inv")
R_co = TypeVar("R_co", covariant=True)


@runtime_checkable
class Shard(Protocol):
    """An independent part of a source, read in order."""

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Read the shard's record batches, with the given columns (default: all)."""
        ...


@runtime_checkable
class Source(Protocol):
    """Rows that can be read more than once, in parts whose order and content never change."""

    @property
    def shards(self) -> Sequence[Shard]:
        """The parts, in order."""
        ...

    @property
    def bounded(self) -> bool:
        """Whether each part is small enough for a worker to hold; else parts are streamed one after another."""
        ...


class Accumulator(Protocol[S_inv, R_co]):
    """A mergeable computation over record batches.

    `merge` must be associative, and any split of the rows into batches and shards must give the same result (to the
    documented tolerance where a sketch is used).
    """

    def create(self) -> S_inv:
        """Return an empty state."""
        ...

    def add_batch(self, state: S_inv, batch: pa.RecordBatch) -> S_inv:
        """Return the state after one more batch; may change `state` in place."""
        ...

    def merge(self, states: Sequence[S_inv]) -> S_inv:
        """Return the state of all rows of `states`, in order; may change the first in place."""
        ...

    def extract(self, state: S_inv) -> R_co:
        """Return the result."""
        ...


class Engine(Protocol):
    """Runs the same kernels on one machine or on many.

    Results do not depend on the number of workers: parts are cut the same way and merged in order.
    """

    @property
    def name(self) -> str:
        """The engine's name in logs and manifests."""
        ...

    def reduce(self, source: Source, accumulator: Accumulator[S, R]) -> R:
        """Feed every batch of `source` to `accumulator` and extract the result."""
        ...

    def map(self, source: Source, function: Callable[[pa.RecordBatch], T]) -> Iterator[T]:
        """Apply `function` to every batch, in order; hold a bounded number of results."""
        ...
