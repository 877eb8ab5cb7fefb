"""Statistics of a data set: one accumulator for each column, and the number of examples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tensorflow_metadata.proto.v0 import statistics_pb2

from assay.errors import DataError
from assay.kernels.statistics.claims import schema_claims
from assay.kernels.statistics.columns import example_weights, feature_column
from assay.kernels.statistics.feature import FeatureState, FeatureStatistics
from assay.kernels.statistics.options import StatisticsOptions, exact_bytes_per_feature

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatisticsList


@dataclass(slots=True)
class DatasetState:
    """A data set so far; it can be pickled.

    Attributes:
        num_examples: Rows.
        weighted_num_examples: Sum of the rows' weights.
        num_columns: Of the widest batch.
        features: By name, in the order in which they first came.
    """

    num_examples: int = 0
    weighted_num_examples: float = 0.0
    num_columns: int = 0
    features: dict[str, FeatureState] = field(default_factory=dict)


class DatasetStatistics:
    """Computes what `tfdv.GenerateStatistics` gives, as an accumulator over record batches.

    Counts, extremes, uniques and top values do not depend on how the rows are split into batches and states, and
    neither do mean, deviation and quantiles of features whose distinct values fit `options.max_exact_bytes`. Those of
    other features do, within rounding and `options.epsilon`: an engine that merges in order gets the same result again.

    Args:
        options: What to compute.
        schema: Says which strings are opaque bytes (image domain) and which numbers are categories.
    """

    def __init__(self, options: StatisticsOptions | None = None, schema: Schema | None = None) -> None:
        self._options = options or StatisticsOptions()
        self._claims = schema_claims(schema)

    def create(self) -> DatasetState:
        """Gives the state of no rows."""
        return DatasetState()

    def add_batch(self, state: DatasetState, batch: pa.RecordBatch) -> DatasetState:
        """Adds the rows of one batch to `state`, in place.

        Raises:
            DataError: Two columns have one name, a column's type is not covered or differs from earlier batches, or
                the weight feature is not a number in each row.
        """
        names = batch.schema.names
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise DataError("statistics.duplicate_columns", f"Several columns have the name {', '.join(twice)}.")
        weights = None
        if self._options.weight_feature is not None:
            weights = example_weights(self._options.weight_feature, batch)
            state.weighted_num_examples += float(weights.sum())
        if self._options.feature_allowlist is not None:
            names = [name for name in self._options.feature_allowlist if name in set(names)]
        state.num_examples += batch.num_rows
        state.num_columns = max(state.num_columns, len(names))
        for name in names:
            column = feature_column(name, batch.column(batch.schema.get_field_index(name)), weights)
            self._feature(name, state).add(state.features.setdefault(name, FeatureState()), column)
        return state

    def merge(self, states: Sequence[DatasetState]) -> DatasetState:
        """Gives the state of all rows, in the first of `states`; the others must not be used afterwards."""
        result, *others = states
        for other in others:
            result.num_examples += other.num_examples
            result.weighted_num_examples += other.weighted_num_examples
            result.num_columns = max(result.num_columns, other.num_columns)
            for name, feature in other.features.items():
                self._feature(name, result).merge(result.features.setdefault(name, FeatureState()), feature)
        return result

    def extract(self, state: DatasetState) -> DatasetFeatureStatisticsList:
        """Gives the statistics: one data set without a name, as TFDV without slices; `state` can be added to after."""
        result = statistics_pb2.DatasetFeatureStatisticsList()
        dataset = result.datasets.add(
            num_examples=state.num_examples, weighted_num_examples=state.weighted_num_examples
        )
        for name, feature in state.features.items():
            dataset.features.append(
                self._feature(name, state).extract(feature, state.num_examples, state.weighted_num_examples)
            )
        return result

    def _feature(self, name: str, state: DatasetState) -> FeatureStatistics:
        max_bytes = exact_bytes_per_feature(self._options, state.num_columns)
        return FeatureStatistics(name, self._options, self._claims, max_bytes)
