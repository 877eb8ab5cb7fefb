"""Statistics of the rows of one slice, or of all: an accumulator for each feature, and the number of examples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.kernels.statistics.columns import example_weights, feature_columns
from assay.kernels.statistics.feature import FeatureState, FeatureStatistics
from assay.kernels.statistics.generators.generator import Rows
from assay.kernels.statistics.options import exact_bytes_per_feature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics

    from assay.kernels.statistics.columns import Path, SchemaClaims
    from assay.kernels.statistics.generators.generator import Generator
    from assay.kernels.statistics.options import StatisticsOptions

ROWS_AT_ONCE = 4096
"""Rows are kept until there are so many: each batch costs each column half a millisecond, however small it is."""

BYTES_AT_ONCE = 160 << 20
"""Rows are not kept beyond this, which is what a few thousand rows of a very wide data set take."""


@dataclass(slots=True)
class SliceState:
    """The rows so far; it can be pickled.

    Attributes:
        num_examples: Rows, without those that are waiting.
        weighted_num_examples: Sum of the rows' weights.
        num_columns: Of the widest batch.
        features: By path, in the order in which they first came, a struct before its fields.
        generated: The state of each generator.
        waiting: Batches that are not described yet, because they are small.
        waiting_rows: In all of them.
        waiting_bytes: In all of them.
    """

    num_examples: int = 0
    weighted_num_examples: float = 0.0
    num_columns: int = 0
    features: dict[Path, FeatureState] = field(default_factory=dict)
    generated: list[Any] = field(default_factory=list)
    waiting: list[pa.RecordBatch] = field(default_factory=list)
    waiting_rows: int = 0
    waiting_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SliceStatistics:
    """Computes the statistics of one slice.

    Attributes:
        options: What to compute.
        claims: What a schema says about how to treat features.
        generators: Of statistics beyond those of single features.
        num_parts: How many slices share the memory for distinct values.
    """

    options: StatisticsOptions
    claims: SchemaClaims
    generators: tuple[Generator, ...] = ()
    num_parts: int = 1

    def create(self) -> SliceState:
        """Gives the state of no rows."""
        return SliceState(generated=[generator.create() for generator in self.generators])

    def add(self, state: SliceState, batch: pa.RecordBatch) -> None:
        """Adds rows, in place.

        Raises:
            DataError: A column's type differs from earlier batches, or the weight feature is not a number in each row.
        """
        if not state.waiting and batch.num_rows >= ROWS_AT_ONCE:
            self._describe(state, batch)
            return
        state.waiting.append(_compact(batch))
        state.waiting_rows += batch.num_rows
        state.waiting_bytes += batch.nbytes
        if state.waiting_rows >= ROWS_AT_ONCE or state.waiting_bytes >= BYTES_AT_ONCE:
            self.settle(state)

    def merge(self, state: SliceState, other: SliceState) -> None:
        """Adds all that `other` holds, which must not be used afterwards."""
        state.num_examples += other.num_examples
        state.weighted_num_examples += other.weighted_num_examples
        state.num_columns = max(state.num_columns, other.num_columns)
        for path, feature in other.features.items():
            self._feature(path, state).merge(state.features.setdefault(path, FeatureState()), feature)
        state.generated = [
            generator.merge(one, two)
            for generator, one, two in zip(self.generators, state.generated, other.generated, strict=True)
        ]
        for batch in other.waiting:
            self.add(state, batch)

    def settle(self, state: SliceState) -> None:
        """Describes the rows that are waiting."""
        waiting, state.waiting, state.waiting_rows, state.waiting_bytes = state.waiting, [], 0, 0
        while waiting:
            schema = waiting[0].schema
            alike = next((i for i, batch in enumerate(waiting) if not batch.schema.equals(schema)), len(waiting))
            for batch in _joined(waiting[:alike]):
                self._describe(state, batch)
            waiting = waiting[alike:]

    def extract(self, state: SliceState, dataset: DatasetFeatureStatistics) -> None:
        """Fills in the statistics; `state` can be added to afterwards."""
        self.settle(state)
        dataset.num_examples = state.num_examples
        dataset.weighted_num_examples = state.weighted_num_examples
        for path, feature in state.features.items():
            num_parents, weight = state.num_examples, state.weighted_num_examples
            if len(path) > 1:
                structs = state.features[path[:-1]].presence.levels[-1]
                num_parents, weight = structs.num_values, structs.value_weight
            dataset.features.append(self._feature(path, state).extract(feature, num_parents, weight))
        for generator, generated in zip(self.generators, state.generated, strict=True):
            generator.contribute(generated, dataset)

    def _describe(self, state: SliceState, batch: pa.RecordBatch) -> None:
        names = batch.schema.names
        weights = None
        if self.options.weight_feature is not None:
            weights = example_weights(self.options.weight_feature, batch)
            state.weighted_num_examples += float(weights.sum())
        if self.options.feature_allowlist is not None:
            names = [name for name in self.options.feature_allowlist if name in set(names)]
        state.num_examples += batch.num_rows
        state.num_columns = max(state.num_columns, len(names))
        described = []
        for name in names:
            for column in feature_columns((name,), batch.column(batch.schema.get_field_index(name)), weights):
                feature = state.features.setdefault(column.path, FeatureState())
                self._feature(column.path, state).add(feature, column)
                if self.generators:
                    described.append(column)
        if self.generators:
            rows = Rows(batch, weights, tuple(described))
            state.generated = [
                generator.add(generated, rows)
                for generator, generated in zip(self.generators, state.generated, strict=True)
            ]

    def _feature(self, path: Path, state: SliceState) -> FeatureStatistics:
        max_bytes = exact_bytes_per_feature(self.options, state.num_columns, self.num_parts)
        return FeatureStatistics(path, self.options, self.claims, max_bytes)


def _compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Gives the batch without the rest of a larger one that it may be cut from."""
    if batch.get_total_buffer_size() <= 2 * batch.nbytes + ROWS_AT_ONCE:
        return batch
    table = pa.Table.from_batches([batch]).take(pa.array(np.arange(batch.num_rows)))
    return _joined(table.to_batches())[0] if batch.num_rows else batch


def _joined(batches: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    if len(batches) == 1:
        return [batches[0]]
    rows: list[pa.RecordBatch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return rows or [batches[0]]
