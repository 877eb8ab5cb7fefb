"""How rows are cut into units of work: the same on every engine, so that states merge the same way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

import pyarrow as pa

from assay.engines.base import Shard, Source

# Batches of a streamed shard that make one partial state: few merges, and still enough units to keep the cores busy.
_BATCHES_PER_UNIT = 4

# A very wide dataset has a few hundred rows in a shard, and each batch costs each column about the same: shards
# that have no more rows than this together are one unit.
_ROWS_TOGETHER = 4096


def groups_of(source: Source) -> Iterator[Sequence[Shard]]:
    """Join consecutive small shards, unless the source is streamed or a shard does not know its row count."""
    group: list[Shard] = []
    rows = 0
    for shard in source.shards:
        of_shard = getattr(shard, "num_rows", None) if source.bounded else None
        if group and (of_shard is None or rows + of_shard > _ROWS_TOGETHER):
            yield group
            group, rows = [], 0
        group.append(shard)
        rows += _ROWS_TOGETHER if of_shard is None else of_shard
    if group:
        yield group


def units_of(shard: Shard) -> Iterator[list[pa.RecordBatch]]:
    """Cuts a streamed shard into lists of a few consecutive batches."""
    batches = iter(shard.batches())
    while unit := list(islice(batches, _BATCHES_PER_UNIT)):
        yield unit
