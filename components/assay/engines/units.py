"""How the rows of a shard are cut into units of work: the same on every engine, so that states merge the same way."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pyarrow as pa

from assay.engines.base import Shard

# Batches of a streamed shard that make one partial state: few merges, and still enough units to keep the cores busy.
_BATCHES_PER_UNIT = 4


def units_of(shard: Shard, *, bounded: bool) -> Iterator[list[pa.RecordBatch]]:
    """Cuts a shard into lists of consecutive batches: one of all where shards are bounded, else of a few each."""
    batches = iter(shard.batches())
    if bounded:
        yield list(batches)
        return
    while unit := list(islice(batches, _BATCHES_PER_UNIT)):
        yield unit
