"""Features that a schema composes of several columns: sparse features (values and indices) and weighted features."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

from assay.errors import UsageError
from assay.kernels.arrow_types import is_list, plain
from assay.kernels.statistics.generators.generator import feature_statistics

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.schema_pb2 import Schema
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics

    from assay.kernels.statistics.generators.generator import BatchRows


@dataclass(frozen=True, slots=True)
class Composite:
    """A feature of several columns.

    Attributes:
        name: Of the feature.
        value: The column of values.
        others: The columns of indices, ascending, or the one of weights.
        weighted: Whether the other is a column of weights.
    """

    name: str
    value: str
    others: tuple[str, ...]
    weighted: bool


@dataclass(slots=True)
class CompositeState:
    """How well the columns of one feature fit together so far.

    Attributes:
        missing: For each column, how many rows lack it that have another one.
        least: For each other column, the least difference between its number of values and that of the values.
        greatest: The greatest difference.
    """

    missing: dict[str, int] = field(default_factory=dict)
    least: dict[str, int] = field(default_factory=dict)
    greatest: dict[str, int] = field(default_factory=dict)


def composites(schema: Schema | None) -> tuple[Composite, ...]:
    """Return the composite features of a schema, the weighted ones last.

    Raises:
        UsageError: One is a field of a struct, which statistics do not cover.
    """
    if schema is None:
        return ()
    if any(_has_sparse_fields(feature) for feature in schema.feature):
        raise UsageError("statistics.sparse_feature", "Statistics do not cover sparse features inside structs.")
    sparse = [
        Composite(
            feature.name,
            feature.value_feature.name,
            tuple(sorted({index.name for index in feature.index_feature})),
            weighted=False,
        )
        for feature in schema.sparse_feature
    ]
    weighted = [
        Composite(feature.name, ".".join(feature.feature.step), (".".join(feature.weight_feature.step),), weighted=True)
        for feature in schema.weighted_feature
    ]
    return (*sparse, *weighted)


@dataclass(frozen=True, slots=True)
class CompositeFeatures:
    """Counts what TFDV's generators for sparse and weighted features count, for its validation."""

    features: tuple[Composite, ...]

    def create(self) -> list[CompositeState]:
        """Return the state of no rows."""
        return [CompositeState() for _ in self.features]

    def add(self, state: list[CompositeState], rows: BatchRows) -> list[CompositeState]:
        """Return the state after more rows."""
        return self.merge(state, [_fit(feature, rows.batch) for feature in self.features])

    def merge(self, state: list[CompositeState], other: list[CompositeState]) -> list[CompositeState]:
        """Return the state of both."""
        for one, two in zip(state, other, strict=True):
            for name, count in two.missing.items():
                one.missing[name] = one.missing.get(name, 0) + count
            for name, least in two.least.items():
                one.least[name] = min(one.least.get(name, least), least)
            for name, greatest in two.greatest.items():
                one.greatest[name] = max(one.greatest.get(name, greatest), greatest)
        return state

    def contribute(self, state: list[CompositeState], dataset: DatasetFeatureStatistics) -> None:
        """Add the custom statistics that TFDV's validation reads, with the names it knows."""
        for feature, fit in zip(self.features, state, strict=True):
            custom = feature_statistics(dataset, (feature.name,)).custom_stats
            if feature.weighted:
                (weight,) = feature.others
                custom.add(name="missing_weight", num=fit.missing.get(weight, 0))
                custom.add(name="missing_value", num=fit.missing.get(feature.value, 0))
                custom.add(name="min_weight_length_diff", num=fit.least.get(weight, 0))
                custom.add(name="max_weight_length_diff", num=fit.greatest.get(weight, 0))
                continue
            custom.add(name="missing_value", num=fit.missing.get(feature.value, 0))
            for name, counts in (
                ("missing_index", fit.missing),
                ("max_length_diff", fit.greatest),
                ("min_length_diff", fit.least),
            ):
                histogram = statistics_pb2.RankHistogram()
                for index in feature.others:
                    histogram.buckets.add(label=index, sample_count=counts.get(index, 0))
                custom.add(name=name, rank_histogram=histogram)


def _fit(feature: Composite, batch: pa.RecordBatch) -> CompositeState:
    columns = {name: _lengths(name, batch) for name in (feature.value, *feature.others)}
    some = np.logical_or.reduce([present for present, _ in columns.values()])
    state = CompositeState({name: int((some & ~present).sum()) for name, (present, _) in columns.items()})
    if some.any():
        for name in feature.others:
            differences = (columns[name][1] - columns[feature.value][1])[some]
            state.least[name], state.greatest[name] = int(differences.min()), int(differences.max())
    return state


def _lengths(name: str, batch: pa.RecordBatch) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Tells for each row whether it has the column, and how many values."""
    index = batch.schema.get_field_index(name)
    if index < 0:
        return np.zeros(batch.num_rows, dtype=bool), np.zeros(batch.num_rows, dtype=np.int64)
    array = plain(batch.column(index))
    present = np.asarray(array.is_valid())
    if not is_list(array.type):
        return present, present.astype(np.int64)
    return present, pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)


def _has_sparse_fields(feature: schema_pb2.Feature) -> bool:
    domain = feature.struct_domain
    return bool(domain.sparse_feature) or any(_has_sparse_fields(field) for field in domain.feature)
