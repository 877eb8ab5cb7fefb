"""Statistics of one feature: presence for all, and what its type calls for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.errors import DataError
from assay.kernels.statistics.byte_sizes import ByteSizeState, add_sizes, bytes_statistics, merge_sizes
from assay.kernels.statistics.categories import CategoryState, add_categories, merge_categories, string_statistics
from assay.kernels.statistics.columns import FeatureType
from assay.kernels.statistics.numeric import NumericState, add_numbers, merge_numbers, numeric_statistics
from assay.kernels.statistics.presence import (
    PresenceState,
    add_presence,
    common_statistics,
    length_statistics,
    merge_presence,
)

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

    from assay.kernels.statistics.claims import SchemaClaims
    from assay.kernels.statistics.columns import FeatureColumn
    from assay.kernels.statistics.options import StatisticsOptions


@dataclass(slots=True)
class FeatureState:
    """A feature so far.

    Attributes:
        type: `FeatureNameStatistics.Type` of the data; `None` while no batch tells it.
        presence: Of every feature.
        values: Of the kind that the type and the schema call for; `None` while the type is.
    """

    type: int | None = None
    presence: PresenceState = field(default_factory=PresenceState)
    values: NumericState | CategoryState | ByteSizeState | None = None


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """Computes the statistics of one feature.

    Attributes:
        name: The column's name.
        options: Of the data set.
        claims: What a schema says about how to treat the feature.
        max_exact_bytes: Memory for its distinct values.
    """

    name: str
    options: StatisticsOptions
    claims: SchemaClaims
    max_exact_bytes: int

    def add(self, state: FeatureState, column: FeatureColumn) -> None:
        """Adds one batch's column."""
        self._agree_on_type(state, column.type)
        add_presence(state.presence, column, self.name)
        if isinstance(state.values, NumericState):
            add_numbers(state.values, column, self.options.epsilon, self._max_number_bytes)
        elif isinstance(state.values, CategoryState):
            try:
                add_categories(state.values, column, self.max_exact_bytes)
            except pa.ArrowInvalid as error:
                raise DataError("statistics.category", f"Column '{self.name}' is categorical, but: {error}.") from error
        elif isinstance(state.values, ByteSizeState):
            add_sizes(state.values, column)

    def merge(self, state: FeatureState, other: FeatureState) -> None:
        """Adds all that `other` holds, which must not be used afterwards."""
        self._agree_on_type(state, other.type)
        merge_presence(state.presence, other.presence, self.name)
        if isinstance(state.values, NumericState) and isinstance(other.values, NumericState):
            merge_numbers(state.values, other.values, self.options.epsilon, self._max_number_bytes)
        elif isinstance(state.values, CategoryState) and isinstance(other.values, CategoryState):
            merge_categories(state.values, other.values, self.max_exact_bytes)
        elif isinstance(state.values, ByteSizeState) and isinstance(other.values, ByteSizeState):
            merge_sizes(state.values, other.values)

    def extract(self, state: FeatureState, num_examples: int, weighted_num_examples: float) -> FeatureNameStatistics:
        """Gives the feature's statistics."""
        result = statistics_pb2.FeatureNameStatistics()
        result.path.step.append(self.name)
        common = common_statistics(state.presence, num_examples, weighted_num_examples, self.options)
        # There is no type for "unknown": TFDV says STRING of a feature without values.
        values = state.values or (ByteSizeState() if self.claims.is_bytes(self.name) else CategoryState())
        if isinstance(values, NumericState):
            result.type = state.type
            result.num_stats.CopyFrom(numeric_statistics(values, self.options))
            result.num_stats.common_stats.CopyFrom(common)
        elif isinstance(values, CategoryState):
            result.type = FeatureType.STRING if state.type is None else state.type
            result.string_stats.CopyFrom(string_statistics(values, common.tot_num_values, self.options))
            result.string_stats.common_stats.CopyFrom(common)
        else:
            result.type = FeatureType.BYTES
            result.bytes_stats.CopyFrom(bytes_statistics(values, common.tot_num_values))
            result.bytes_stats.common_stats.CopyFrom(common)
        if state.type is not None:
            result.custom_stats.extend(length_statistics(state.presence, self.options))
        return result

    @property
    def _max_number_bytes(self) -> int:
        # Sketched quantiles serve as well as exact ones; sketched uniques do not.
        return self.max_exact_bytes // 4

    def _agree_on_type(self, state: FeatureState, type_: int | None) -> None:
        if type_ is None:
            return
        if state.type is None:
            state.type, state.values = type_, self._empty_values(type_)
        elif state.type != type_:
            types = " and ".join(FeatureType.Type.Name(each) for each in (state.type, type_))
            raise DataError(
                "statistics.mixed_types", f"Column '{self.name}' holds {types} in different parts of the data."
            )

    def _empty_values(self, type_: int) -> NumericState | CategoryState | ByteSizeState:
        if type_ == FeatureType.STRING:
            return ByteSizeState() if self.claims.is_bytes(self.name) else CategoryState()
        return CategoryState() if self.claims.is_categorical(self.name, type_) else NumericState()
