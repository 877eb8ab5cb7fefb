from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pytest

from assay.engines import Shard, Source
from assay.engines.embedded import EmbeddedEngine
from assay.errors import EngineError
from raising import raises


def batch(*values: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"x": pa.array(values, pa.int64())})


@dataclass
class Part:
    parts: list[pa.RecordBatch]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        yield from self.parts


@dataclass
class Rows:
    shards: list[Part]
    bounded: bool = True


class Collect:
    """Not commutative: shows in which order batches and states were taken."""

    def create(self) -> list[int]:
        return []

    def add_batch(self, state: list[int], batch: pa.RecordBatch) -> list[int]:
        return state + batch.column(0).to_pylist()

    def merge(self, states: Sequence[list[int]]) -> list[int]:
        return [value for state in states for value in state]

    def extract(self, state: list[int]) -> tuple[int, ...]:
        return tuple(state)


@pytest.mark.parametrize("threads", [1, 2, 4])
@pytest.mark.parametrize("bounded", [True, False])
def test_order_is_kept_on_any_number_of_threads(threads: int, bounded: bool) -> None:
    source = Rows([Part([batch(10 * shard + i) for i in range(7)]) for shard in range(9)], bounded)
    assert isinstance(source, Source)
    assert isinstance(source.shards[0], Shard)
    expected = tuple(10 * shard + i for shard in range(9) for i in range(7))
    engine = EmbeddedEngine(threads)
    assert engine.reduce(source, Collect()) == expected
    assert tuple(engine.map(source, lambda one: one.column(0)[0].as_py())) == expected


@pytest.mark.parametrize("bounded", [True, False])
@pytest.mark.parametrize("shards", [[], [Part([])], [Part([]), Part([batch(1)]), Part([])]])
def test_nothing_to_read_is_a_result_as_well(shards: list[Part], bounded: bool) -> None:
    expected = tuple(1 for shard in shards for _ in shard.parts)
    assert EmbeddedEngine(2).reduce(Rows(shards, bounded), Collect()) == expected
    assert len(list(EmbeddedEngine(2).map(Rows(shards, bounded), id))) == len(expected)


@pytest.mark.parametrize("bounded", [True, False])
def test_an_error_of_the_kernel_is_the_caller_s(bounded: bool) -> None:
    def refuse(one: pa.RecordBatch) -> None:
        if one.column(0)[0].as_py() == 3:
            raise EngineError("rows.bad", "row 3 is bad")

    source = Rows([Part([batch(i)]) for i in range(9)], bounded)
    with raises("rows.bad", "3", kind=EngineError):
        list(EmbeddedEngine(2).map(source, refuse))
    assert threading.active_count() < 50


@pytest.mark.parametrize("bounded", [True, False])
def test_an_error_of_the_source_is_the_caller_s(bounded: bool) -> None:
    class Broken(Part):
        def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
            yield batch(1)
            raise EngineError("source.broken", "cut off")

    source = Rows([Part([batch(0)]), Broken([])], bounded)
    with raises("source.broken", kind=EngineError):
        EmbeddedEngine(2).reduce(source, Collect())


@dataclass
class Counted:
    """Counts the batches that exist at once: made, and not yet taken by the kernel and let go."""

    count: int
    alive: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        for index in range(self.count):
            with self.lock:
                self.alive += 1
                self.most = max(self.most, self.alive)
            yield batch(index)

    def done(self, one: pa.RecordBatch) -> int:
        time.sleep(0.001)
        with self.lock:
            self.alive -= 1
        return one.num_rows


def test_a_long_stream_is_held_a_window_at_a_time() -> None:
    stream = Counted(200)
    source = Rows([stream], bounded=False)  # type: ignore[list-item]  # a shard, if not a Part
    results = EmbeddedEngine(2).map(source, stream.done)
    assert sum(results) == 200
    assert stream.most <= 2 * 2 + 1


def test_a_caller_that_stops_early_stops_the_work() -> None:
    stream = Counted(200)
    results = EmbeddedEngine(2).map(Rows([stream], bounded=False), stream.done)  # type: ignore[list-item]  # as above
    next(results)
    results.close()  # type: ignore[attr-defined]  # a generator
    assert stream.alive == 0
    assert stream.most < 10


def test_all_cores_are_used_by_default() -> None:
    assert EmbeddedEngine().threads >= 1
    assert EmbeddedEngine().name == "embedded"


@pytest.mark.parametrize("threads", [0, -1])
def test_a_number_of_threads_is_positive(threads: int) -> None:
    with raises("engine.threads", threads):
        EmbeddedEngine(threads)
