"""Runs kernels on the threads of this process.

Arrow, numpy and the sketches release the GIL in their inner loops, so threads use all cores without copying data.
The units of work are cut by rows and shards, never by the number of threads, and are merged in order: the result is the
same on one thread as on many.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

import pyarrow as pa

from assay.engines.base import Accumulator, Source
from assay.engines.units import groups_of, units_of
from assay.errors import UsageError

S = TypeVar("S")
R = TypeVar("R")
T = TypeVar("T")
U = TypeVar("U")


def available_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class EmbeddedEngine:
    """An engine on the threads of this process.

    Attributes:
        threads: Number of worker threads; all available cores by default.
    """

    threads: int = field(default_factory=available_cores)

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise UsageError("engine.threads", f"An engine needs at least one thread, got {self.threads}.")

    @property
    def name(self) -> str:
        """The engine's name in logs and manifests."""
        return "embedded"

    def reduce(self, source: Source, accumulator: Accumulator[S, R]) -> R:
        """Feed every batch of `source` to `accumulator` and extract the result."""

        def part(batches: Iterable[pa.RecordBatch]) -> S:
            state = accumulator.create()
            for batch in batches:
                state = accumulator.add_batch(state, batch)
            return state

        if source.bounded:
            states = self._run(
                lambda group: part(batch for shard in group for batch in shard.batches()), groups_of(source)
            )
        else:
            states = self._run(part, (unit for shard in source.shards for unit in units_of(shard)))
        total = next(states, None)
        if total is None:
            return accumulator.extract(accumulator.create())
        for state in states:
            total = accumulator.merge([total, state])
        return accumulator.extract(total)

    def map(self, source: Source, function: Callable[[pa.RecordBatch], T]) -> Iterator[T]:
        """Apply `function` to every batch, in order; hold a bounded number of results."""
        if not source.bounded:
            yield from self._run(function, (batch for shard in source.shards for batch in shard.batches()))
            return
        for results in self._run(lambda shard: [function(batch) for batch in shard.batches()], iter(source.shards)):
            yield from results

    def _run(self, function: Callable[[U], T], work: Iterator[U]) -> Iterator[T]:
        """Yield `function(item)` for each item, in order, with at most one more in flight than there are threads."""
        with ThreadPoolExecutor(self.threads, thread_name_prefix="assay") as pool:
            running: deque[Future[T]] = deque(pool.submit(function, item) for item in islice(work, self.threads + 1))
            while running:
                result = running.popleft().result()
                for item in islice(work, 1):
                    running.append(pool.submit(function, item))
                yield result
