"""Statistics of one feature: presence for all, and what its type calls for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.errors import DataError
from assay.kernels import distinct_counts
from assay.kernels.arrow_types import FeatureType
from assay.kernels.feature_path import join_path
from assay.kernels.statistics.categories import (
    CategoryState,
    add_categories,
    merge_categories,
    string_statistics,
)
from assay.kernels.statistics.numeric import NumericState, add_numbers, merge_numbers, numeric_statistics
from assay.kernels.statistics.presence import (
    ByteSizeState,
    PresenceState,
    add_presence,
    add_sizes,
    bytes_statistics,
    common_statistics,
    length_statistics,
    merge_presence,
    merge_sizes,
)

if TYPE_CHECKING:
    from tensorflow_metadata.proto.v0.statistics_pb2 import FeatureNameStatistics

    from assay.kernels.arrow_types import Meaning
    from assay.kernels.statistics.columns import FeatureColumn, Path, SchemaClaims
    from assay.kernels.statistics.options import StatisticsOptions


@dataclass(slots=True)
class FeatureState:
    """A feature so far.

    Attributes:
        type: `FeatureNameStatistics.Type` of the data; `None` while no batch tells it.
        presence: Of every feature.
        values: Of the kind that the type and the schema call for; `None` for structs, and while the type is.
        meaning: What the numbers mean, where the Arrow type says so.
        first_and_last: The extremes of times, exact where a double is not.
    """

    type: int | None = None
    presence: PresenceState = field(default_factory=PresenceState)
    values: NumericState | CategoryState | ByteSizeState | None = None
    meaning: Meaning | None = None
    first_and_last: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class FeatureStatistics:
    """Computes the statistics of one feature.

    Attributes:
        path: The feature's name.
        options: Of the dataset.
        claims: What a schema says about how to treat the feature.
        max_exact_bytes: Memory for its distinct values.
    """

    path: Path
    options: StatisticsOptions
    claims: SchemaClaims
    max_exact_bytes: int

    def add(self, state: FeatureState, column: FeatureColumn) -> None:
        """Add one batch's column."""
        self._agree_on_type(state, column.type, column.meaning)
        add_presence(state.presence, column)
        self._add_times(state, column)
        if isinstance(state.values, NumericState):
            add_numbers(state.values, column, self.options.epsilon, self._max_number_bytes)
        elif isinstance(state.values, CategoryState):
            try:
                add_categories(state.values, column, self.max_exact_bytes)
            except pa.ArrowInvalid as error:
                raise DataError(
                    "statistics.category", f"Column '{self._name}' is categorical, but: {error}."
                ) from error
        elif isinstance(state.values, ByteSizeState):
            add_sizes(state.values, column)

    def merge(self, state: FeatureState, other: FeatureState) -> None:
        """Add the content of `other`, which must not be used afterwards."""
        self._agree_on_type(state, other.type, other.meaning)
        merge_presence(state.presence, other.presence, self._name)
        if other.first_and_last is not None:
            _widen(state, *other.first_and_last)
        if isinstance(state.values, NumericState) and isinstance(other.values, NumericState):
            merge_numbers(state.values, other.values, self.options.epsilon, self._max_number_bytes)
        elif isinstance(state.values, CategoryState) and isinstance(other.values, CategoryState):
            merge_categories(state.values, other.values, self.max_exact_bytes)
        elif isinstance(state.values, ByteSizeState) and isinstance(other.values, ByteSizeState):
            merge_sizes(state.values, other.values)

    def extract(self, state: FeatureState, num_parents: int, weighted_num_parents: float) -> FeatureNameStatistics:
        """Return the feature's statistics; parents are examples, or the structs that a field belongs to."""
        result = statistics_pb2.FeatureNameStatistics()
        result.path.step.extend(self.path)
        common = common_statistics(state.presence, num_parents, weighted_num_parents, self.options)
        values = state.values
        if state.type is None:
            # There is no type for "unknown": TFDV says STRING of a feature without values.
            values = ByteSizeState() if self.claims.is_bytes(self.path) else CategoryState()
        if isinstance(values, NumericState):
            result.type = state.type
            result.num_stats.CopyFrom(numeric_statistics(values, self.options))
            result.num_stats.common_stats.CopyFrom(common)
        elif isinstance(values, CategoryState):
            result.type = FeatureType.STRING if state.type is None else state.type
            result.string_stats.CopyFrom(string_statistics(values, common.tot_num_values, self.options))
            result.string_stats.common_stats.CopyFrom(common)
        elif isinstance(values, ByteSizeState):
            result.type = FeatureType.BYTES
            result.bytes_stats.CopyFrom(bytes_statistics(values, common.tot_num_values))
            result.bytes_stats.common_stats.CopyFrom(common)
        else:
            result.type = FeatureType.STRUCT
            result.struct_stats.common_stats.CopyFrom(common)
        if isinstance(values, CategoryState) and result.string_stats.unique >= distinct_counts.SKETCH_SIZE:
            how = distinct_counts.EXACT if values.sketch is None else distinct_counts.ESTIMATE
            result.custom_stats.add(name=distinct_counts.NAME, str=how)
        if state.type is not None:
            result.custom_stats.extend(length_statistics(state.presence, self.options))
        self._add_meaning(result, state)
        return result

    @property
    def _max_number_bytes(self) -> int:
        # Sketched quantiles serve as well as exact ones; sketched uniques do not.
        return self.max_exact_bytes // 4

    @property
    def _name(self) -> str:
        return join_path(self.path)

    def _add_times(self, state: FeatureState, column: FeatureColumn) -> None:
        if column.meaning is None or not column.meaning.unit or column.leaf is None:
            return
        extremes = pc.min_max(column.leaf).as_py()
        if extremes["min"] is not None:
            _widen(state, extremes["min"], extremes["max"])

    def _add_meaning(self, result: FeatureNameStatistics, state: FeatureState) -> None:
        meaning = state.meaning
        if meaning is None:
            return
        result.custom_stats.add(name="arrow_type", str=meaning.arrow_type)
        if not meaning.summarised:
            result.custom_stats.add(name="not_summarised", str="Only presence and valency are known of this type.")
        if state.first_and_last is not None:
            first, last = state.first_and_last
            result.custom_stats.add(name="min", str=meaning.text(first))
            result.custom_stats.add(name="max", str=meaning.text(last))
        if meaning.domain is not None and isinstance(state.values, NumericState):
            result.custom_stats.add(name="domain_info", str=meaning.domain)

    def _agree_on_type(self, state: FeatureState, type_: int | None, meaning: Meaning | None) -> None:
        if type_ is None:
            return
        if state.type is None:
            state.type, state.values, state.meaning = type_, self._empty_values(type_), meaning
        elif (state.type, state.meaning) != (type_, meaning):
            kinds = " and ".join(
                FeatureType.Type.Name(each) if meant is None else meant.arrow_type
                for each, meant in ((state.type, state.meaning), (type_, meaning))
            )
            raise DataError(
                "statistics.mixed_types", f"Column '{self._name}' holds {kinds} in different parts of the data."
            )

    def _empty_values(self, type_: int) -> NumericState | CategoryState | ByteSizeState | None:
        if type_ == FeatureType.STRUCT:
            return None
        if type_ in {FeatureType.STRING, FeatureType.BYTES}:
            is_bytes = type_ == FeatureType.BYTES or self.claims.is_bytes(self.path)
            return ByteSizeState() if is_bytes else CategoryState()
        return CategoryState() if self.claims.is_categorical(self.path, type_) else NumericState()


def _widen(state: FeatureState, first: int, last: int) -> None:
    if state.first_and_last is not None:
        first, last = min(first, state.first_and_last[0]), max(last, state.first_and_last[1])
    state.first_and_last = (first, last)
