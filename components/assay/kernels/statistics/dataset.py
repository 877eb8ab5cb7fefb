"""Statistics of a dataset: of all its rows, and of each slice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.errors import DataError
from assay.kernels.row_hash import row_hashes
from assay.kernels.statistics.columns import (
    check_distinct,
    example_weights,
    feature_columns,
    is_categorical_number,
    schema_claims,
)
from assay.kernels.statistics.feature import FeatureState, FeatureStatistics
from assay.kernels.statistics.generators.composite_features import CompositeFeatures, composites
from assay.kernels.statistics.generators.cross_features import CrossFeatures
from assay.kernels.statistics.generators.custom import CustomStatistics
from assay.kernels.statistics.generators.generator import BatchRows
from assay.kernels.statistics.generators.lift import Lift
from assay.kernels.statistics.generators.mutual_information import MutualInformation
from assay.kernels.statistics.generators.natural_language import NaturalLanguage
from assay.kernels.statistics.generators.semantic_domains import SemanticDomains
from assay.kernels.statistics.options import StatisticsOptions, exact_bytes_per_feature
from assay.kernels.statistics.slices.keys import SliceKey, Slicer, slice_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics, DatasetFeatureStatisticsList

    from assay.kernels.statistics.columns import Path, SchemaClaims
    from assay.kernels.statistics.generators.custom import CustomAccumulator
    from assay.kernels.statistics.generators.generator import Generator

ROWS_AT_ONCE = 4096
"""Rows are kept until there are so many: each batch costs each column half a millisecond, however small it is."""

BYTES_AT_ONCE = 160 << 20
"""Rows are not kept beyond this, which is what a few thousand rows of a very wide dataset take."""


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
        """Return the state of no rows."""
        return SliceState(generated=[generator.create() for generator in self.generators])

    def add(self, state: SliceState, batch: pa.RecordBatch) -> None:
        """Add rows, in place.

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
        """Add the content of `other`, which must not be used afterwards."""
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
        """Add the statistics of the pending rows."""
        waiting, state.waiting, state.waiting_rows, state.waiting_bytes = state.waiting, [], 0, 0
        while waiting:
            schema = waiting[0].schema
            alike = next((i for i, batch in enumerate(waiting) if not batch.schema.equals(schema)), len(waiting))
            for batch in _joined(waiting[:alike]):
                self._describe(state, batch)
            waiting = waiting[alike:]

    def extract(self, state: SliceState, dataset: DatasetFeatureStatistics) -> None:
        """Fill in the statistics; `state` can still be added to afterwards."""
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
            rows = BatchRows(batch, weights, tuple(described))
            state.generated = [
                generator.add(generated, rows)
                for generator, generated in zip(self.generators, state.generated, strict=True)
            ]

    def _feature(self, path: Path, state: SliceState) -> FeatureStatistics:
        max_bytes = exact_bytes_per_feature(self.options, state.num_columns, self.num_parts)
        return FeatureStatistics(path, self.options, self.claims, max_bytes)


def _compact(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return the batch without the rest of a larger one that it may be cut from."""
    if batch.get_total_buffer_size() <= 2 * batch.nbytes + ROWS_AT_ONCE:
        return batch
    table = pa.Table.from_batches([batch]).take(pa.array(np.arange(batch.num_rows)))
    return _joined(table.to_batches())[0] if batch.num_rows else batch


def _joined(batches: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    if len(batches) == 1:
        return [batches[0]]
    rows: list[pa.RecordBatch] = pa.Table.from_batches(batches).combine_chunks().to_batches()
    return rows or [batches[0]]


def chosen_generators(
    options: StatisticsOptions, schema: Schema | None, vocabularies: Mapping[str, Sequence[str]]
) -> tuple[Generator, ...]:
    """Return the generators, in the order in which TFDV's contribute."""
    chosen: list[Generator] = []
    if options.enable_semantic_domain_stats:
        chosen.append(SemanticDomains(options.image_sizes))
        language = NaturalLanguage(schema, vocabularies, options)
        if language.rules:
            chosen.append(language)
    composite = composites(schema)
    if composite:
        chosen.append(CompositeFeatures(composite))
    if options.feature_crosses is not None:
        chosen.append(CrossFeatures(None if options.feature_crosses == "all" else options.feature_crosses))
    if options.label_feature is not None:
        weighted, information = options.weight_feature is not None, options.mutual_information_partitions > 0
        label, boundaries = options.label_feature, options.label_boundaries
        chosen.append(Lift(label, boundaries, _categorical(schema), weighted, must_be_category=not information))
        if information:
            parts, rows = options.mutual_information_partitions, options.mutual_information_rows
            chosen.append(MutualInformation(label, boundaries, _categorical(schema), parts, rows))
    return tuple(chosen)


def _categorical(schema: Schema | None) -> frozenset[str] | None:
    """Return the features whose values are categories: text, bytes, and integers that are declared so."""
    if schema is None:
        return None
    return frozenset(
        feature.name
        for feature in schema.feature
        if feature.type == schema_pb2.BYTES or (feature.type == schema_pb2.INT and is_categorical_number(feature))
    )


_SALT = np.uint64(0xD6E8FEB86659FD93)
"""An odd number of no meaning: splits are cut by the same hashes, and a sample of a split must not be cut alike."""


def sampled(batch: pa.RecordBatch, rate: float) -> NDArray[np.bool_]:
    """Return which rows are in a sample of about this share of all rows; equal rows are sampled together."""
    if rate >= 1:
        return np.ones(batch.num_rows, dtype=bool)
    hashes = row_hashes(batch)
    hashes = (hashes ^ (hashes >> np.uint64(32))) * _SALT
    hashes = (hashes ^ (hashes >> np.uint64(32))) * _SALT
    return (hashes >> np.uint64(11)) < np.uint64(rate * 2**53)


ALL_EXAMPLES = "All Examples"
"""TFDV's name for the dataset of all rows, if there are slices as well."""

_WAITING_BYTES = 64 << 20
"""What the rows of all slices together may take while they wait to be described with more of the same slice."""


@dataclass(slots=True)
class DatasetState:
    """A dataset so far; it can be pickled.

    Attributes:
        overall: All rows.
        slices: The rows of each slice.
        columns: All columns that any batch had.
    """

    overall: SliceState
    slices: dict[SliceKey, SliceState] = field(default_factory=dict)
    columns: set[str] = field(default_factory=set)


class DatasetStatistics:
    """Computes what `tfdv.GenerateStatistics` gives, as an accumulator over record batches.

    Counts, extremes, uniques and top values do not depend on how the rows are split into batches and states, and
    neither do mean, deviation and quantiles of features whose distinct values fit `options.max_exact_bytes`. Those of
    other features do, within rounding and `options.epsilon`: an engine that merges in order gets the same result again.

    Args:
        options: What to compute.
        schema: Says which strings are opaque bytes (image domain), which numbers are categories, and the format of
            integers that are times.
        custom: A user's own statistics in addition.
        vocabularies: The tokens of each vocabulary that natural-language domains of the schema name, in the order of
            their numbers.
    """

    def __init__(
        self,
        options: StatisticsOptions | None = None,
        schema: Schema | None = None,
        custom: Sequence[CustomAccumulator[Any]] = (),
        vocabularies: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._options = options or StatisticsOptions()
        claims = schema_claims(schema)
        chosen = (
            *chosen_generators(self._options, schema, vocabularies or {}),
            *(CustomStatistics(accumulator) for accumulator in custom),
        )
        self._overall = SliceStatistics(self._options, claims, chosen)
        self._slices = SliceStatistics(self._options, claims, chosen, self._options.max_slices)
        self._slicer = Slicer(self._options.slices, schema)

    def create(self) -> DatasetState:
        """Return the state of no rows."""
        return DatasetState(self._overall.create())

    def add_batch(self, state: DatasetState, batch: pa.RecordBatch) -> DatasetState:
        """Add the rows of one batch to `state`, in place.

        Small batches may wait for more: what is wrong with them is then said later, with the result at the latest.

        Raises:
            DataError: Two columns have one name, a column's type differs from earlier batches, the weight feature is
                not a number in each row, or there are more slices than `options.max_slices`.
        """
        check_distinct(batch.schema.names, "columns")
        if self._options.sample_rate is not None:
            batch = batch.filter(pa.array(sampled(batch, self._options.sample_rate)))
        self._overall.add(state.overall, batch)
        if self._options.slices:
            state.columns.update(batch.schema.names)
            for key, rows in self._slicer.slices(batch):
                self._slices.add(self._slice(state, key), rows)
            self._settle_many(state)
        return state

    def merge(self, states: Sequence[DatasetState]) -> DatasetState:
        """Return the state of all rows, in the first of `states`; the others must not be used afterwards."""
        result, *others = states
        for other in others:
            self._overall.merge(result.overall, other.overall)
            result.columns |= other.columns
            for key, part in other.slices.items():
                self._slices.merge(self._slice(result, key), part)
            self._settle_many(result)
        return result

    def extract(self, state: DatasetState) -> DatasetFeatureStatisticsList:
        """Return the statistics: one dataset, without a name; with slices, `All Examples` and one for each slice.

        Slices come in the order of their names. `state` can be added to afterwards.

        Raises:
            DataError: What was waiting does not fit the rest, or slices are by a column that no row has.
        """
        result = statistics_pb2.DatasetFeatureStatisticsList()
        overall = result.datasets.add()
        self._overall.extract(state.overall, overall)
        if not self._options.slices:
            return result
        overall.name = ALL_EXAMPLES
        if state.overall.num_examples:
            self._slicer.check_columns(state.columns)
        for key in self._slicer.promised:
            self._slice(state, key)
        named = sorted((slice_name(key), key) for key in state.slices)
        for (name, key), (previous, _) in zip(named, [("", ()), *named], strict=False):
            if name == previous:
                raise DataError("statistics.slice_name", f"Two different slices have the name '{name}'.")
            self._slices.extract(state.slices[key], result.datasets.add(name=name))
        return result

    def _slice(self, state: DatasetState, key: SliceKey) -> SliceState:
        if key not in state.slices:
            if len(state.slices) >= self._options.max_slices:
                raise DataError(
                    "statistics.too_many_slices",
                    f"The data has more than {self._options.max_slices} slices; the next would be '{slice_name(key)}'.",
                    "Slice by a feature with fewer values, name the values, use bins, or raise max_slices.",
                )
            state.slices[key] = self._slices.create()
        return state.slices[key]

    def _settle_many(self, state: DatasetState) -> None:
        if sum(part.waiting_bytes for part in state.slices.values()) > _WAITING_BYTES:
            for part in state.slices.values():
                self._slices.settle(part)
