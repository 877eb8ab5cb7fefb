"""Covariance and correlation of pairs of numeric features, as TFDV's `CrossFeatureStatsGenerator` gives them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from assay.errors import DataError
from assay.kernels.arrow_types import FeatureType, reading
from assay.kernels.statistics.columns import row_values

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics

    from assay.kernels.statistics.generators.generator import BatchRows

    Floats = NDArray[np.float64]

_MAX_COLUMNS = 1000
"""The tables of all pairs of so many columns take about 50 MB for each thread."""


@dataclass(slots=True)
class CrossState:
    """Pairs of columns so far: square tables, `[x, y]` being about x where y is there as well.

    Attributes:
        names: Of the columns, ascending.
        count: Rows with both.
        mean: Mean of x.
        square: Sum of squared deviations of x from its mean.
        product: Sum of products of the deviations of x and y.
    """

    names: tuple[str, ...]
    count: Floats
    mean: Floats
    square: Floats
    product: Floats


@dataclass(frozen=True, slots=True)
class CrossFeatures:
    """Correlates numeric features over the rows where both have exactly one value, which is not NaN.

    TFDV looks at a tenth of the batches, chosen at random; this looks at all rows.

    Attributes:
        crosses: Pairs of columns; `None` for all pairs.
    """

    crosses: tuple[tuple[str, str], ...] | None = None

    def create(self) -> CrossState:
        """Return the state of no rows."""
        return CrossState((), *(np.zeros((0, 0)) for _ in range(4)))

    def add(self, state: CrossState, rows: BatchRows) -> CrossState:
        """Return the state after more rows.

        Raises:
            DataError: All pairs are asked for, of more than 1,000 columns.
        """
        wanted = None if self.crosses is None else {name for cross in self.crosses for name in cross}
        described = {column.path[0] for column in rows.features}
        columns = {}
        for name in sorted(described if wanted is None else wanted & set(rows.batch.schema.names)):
            values = _single_numbers(rows.batch.column(rows.batch.schema.get_field_index(name)))
            if values is not None:
                columns[name] = values
        if len(columns) > _MAX_COLUMNS:
            raise DataError(
                "statistics.too_many_crosses",
                f"There are {len(columns)} numeric columns; all pairs are correlated for at most {_MAX_COLUMNS}.",
                "Name the pairs in feature_crosses.",
            )
        return self.merge(state, _state(columns)) if columns else state

    def merge(self, state: CrossState, other: CrossState) -> CrossState:
        """Return the state of both (Chan, Golub and LeVeque 1979)."""
        names = tuple(sorted({*state.names, *other.names}))
        one, two = _widened(state, names), _widened(other, names)
        count = one.count + two.count
        weight = one.count * two.count / np.maximum(count, 1)
        step = two.mean - one.mean
        mean = one.mean + step * two.count / np.maximum(count, 1)
        return CrossState(
            names,
            count,
            mean,
            one.square + two.square + step**2 * weight,
            one.product + two.product + step * step.T * weight,
        )

    def contribute(self, state: CrossState, dataset: DatasetFeatureStatistics) -> None:
        """Add a cross for each pair, with covariance, and correlation where neither feature is constant."""
        index = {name: i for i, name in enumerate(state.names)}
        if self.crosses is None:
            pairs = list(combinations(state.names, 2))
        else:
            pairs = sorted({(min(pair), max(pair)) for pair in self.crosses if set(pair) <= index.keys()})
        for name_x, name_y in pairs:
            x, y = index[name_x], index[name_y]
            cross = dataset.cross_features.add(count=int(state.count[x, y]))
            cross.path_x.step.append(name_x)
            cross.path_y.step.append(name_y)
            if not cross.count:
                continue
            cross.num_cross_stats.covariance = state.product[x, y] / cross.count
            spread = np.sqrt(state.square[x, y] * state.square[y, x])
            if spread > 0:
                cross.num_cross_stats.correlation = state.product[x, y] / spread


def _single_numbers(array: pa.Array) -> Floats | None:
    """Return each row's number, NaN where it has none or several; `None` for a column of other than numbers."""
    leaf, rows = row_values(array)
    how = reading(leaf.type) if not pa.types.is_struct(leaf.type) else None
    if how is None or how.convert is None or how.type not in {FeatureType.INT, FeatureType.FLOAT}:
        return None
    values = np.full(len(array), np.nan)
    single = np.bincount(rows, minlength=len(array))[rows] == 1
    values[rows[single]] = how.convert(leaf).to_numpy(zero_copy_only=False).astype(np.float64)[single]
    return values


def _state(columns: dict[str, Floats]) -> CrossState:
    values = np.stack(list(columns.values()), axis=1)
    there = ~np.isnan(values)
    present = there.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        # Sums of squares lose no digits when values lie around 0.
        center = np.where(there, values, 0).sum(axis=0) / np.maximum(present.sum(axis=0), 1)
        shifted = np.where(there, values - center, 0.0)
        count = present.T @ present
        total = shifted.T @ present
        mean = total / np.maximum(count, 1)
        square = (shifted**2).T @ present - total * mean
        product = shifted.T @ shifted - total * mean.T
    return CrossState(tuple(columns), count, mean + center[:, None], np.maximum(square, 0), product)


def _widened(state: CrossState, names: tuple[str, ...]) -> CrossState:
    """Return the state with a row and a column in each table for each name."""
    if state.names == names:
        return state
    index = np.searchsorted(np.array(names), np.array(state.names)) if state.names else np.zeros(0, np.int64)
    tables = []
    for table in (state.count, state.mean, state.square, state.product):
        wide = np.zeros((len(names), len(names)))
        wide[np.ix_(index, index)] = table
        tables.append(wide)
    return CrossState(names, *tables)
