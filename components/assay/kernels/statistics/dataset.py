"""Statistics of a data set: of all its rows, and of each slice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.errors import DataError
from assay.kernels.row_hash import row_hashes
from assay.kernels.statistics.columns import check_distinct, is_categorical_number, schema_claims
from assay.kernels.statistics.generators.composite_features import CompositeFeatures, composites
from assay.kernels.statistics.generators.cross_features import CrossFeatures
from assay.kernels.statistics.generators.custom import CustomStatistics
from assay.kernels.statistics.generators.lift import Lift
from assay.kernels.statistics.generators.mutual_information import MutualInformation
from assay.kernels.statistics.generators.natural_language import NaturalLanguage
from assay.kernels.statistics.generators.semantic_domains import SemanticDomains
from assay.kernels.statistics.options import StatisticsOptions
from assay.kernels.statistics.slice_statistics import SliceState, SliceStatistics
from assay.kernels.statistics.slices.keys import SliceKey, Slicer, slice_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList

    from assay.kernels.statistics.generators.custom import CustomAccumulator
    from assay.kernels.statistics.generators.generator import Generator


def chosen_generators(
    options: StatisticsOptions, schema: Schema | None, vocabularies: Mapping[str, Sequence[str]]
) -> tuple[Generator, ...]:
    """Gives the generators, in the order in which TFDV's contribute."""
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
    """Gives the features whose values are categories: text, bytes, and integers that are declared so."""
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
    """Tells which rows are in a sample of about this share of all rows; equal rows are all in it, or none is."""
    if rate >= 1:
        return np.ones(batch.num_rows, dtype=bool)
    hashes = row_hashes(batch)
    hashes = (hashes ^ (hashes >> np.uint64(32))) * _SALT
    hashes = (hashes ^ (hashes >> np.uint64(32))) * _SALT
    return (hashes >> np.uint64(11)) < np.uint64(rate * 2**53)


ALL_EXAMPLES = "All Examples"
"""The name that TFDV gives to the data set of all rows, where there are slices besides."""

_WAITING_BYTES = 64 << 20
"""What the rows of all slices together may take while they wait to be described with more of the same slice."""


@dataclass(slots=True)
class DatasetState:
    """A data set so far; it can be pickled.

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
        custom: A user's own statistics besides.
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
        """Gives the state of no rows."""
        return DatasetState(self._overall.create())

    def add_batch(self, state: DatasetState, batch: pa.RecordBatch) -> DatasetState:
        """Adds the rows of one batch to `state`, in place.

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
        """Gives the state of all rows, in the first of `states`; the others must not be used afterwards."""
        result, *others = states
        for other in others:
            self._overall.merge(result.overall, other.overall)
            result.columns |= other.columns
            for key, part in other.slices.items():
                self._slices.merge(self._slice(result, key), part)
            self._settle_many(result)
        return result

    def extract(self, state: DatasetState) -> DatasetFeatureStatisticsList:
        """Gives the statistics: one data set, without a name; with slices, `All Examples` and one for each slice.

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
                raise DataError("statistics.slice_name", f"Two slices that are not the same have the name '{name}'.")
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
