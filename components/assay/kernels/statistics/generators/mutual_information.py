"""How much each feature tells about the label: TFDV's adjusted mutual information, estimated on parts of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.errors import DataError
from assay.kernels.statistics.generators.generator import feature_statistics
from assay.kernels.statistics.generators.neighbours import Side, adjusted_mutual_information
from assay.kernels.statistics.generators.row_sample import RowSample, merge_samples, part_of, sample_rows
from assay.kernels.statistics.reading.arrow_types import FeatureType

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics

    from assay.kernels.statistics.generators.generator import Rows

NAME = "adjusted_mutual_information"
_SEED = 12345
_MIN_ROWS = 10
"""A part needs more rows than neighbours, with some to spare."""

_SUMMARY: dict[str, Callable[[NDArray[np.float64]], Any]] = {
    "min": np.min,
    "max": np.max,
    "mean": np.mean,
    "median": np.median,
    "std_dev": np.std,
    "num_partitions": np.size,
}


@dataclass(frozen=True, slots=True)
class MutualInformation:
    """Estimates `I(label; feature) - I(shuffled label; feature)` in bits on each part, and summarises the estimates.

    The summaries are custom statistics of the feature, such as `median_adjusted_mutual_information`.

    Attributes:
        label: The column.
        boundaries: Ascending; cut a numeric label into bins.
        categorical: Columns whose values are categories; `None` for those of text or bytes, and a label of integers.
        num_parts: Parts of the rows that are sampled.
        max_rows: Of each part.
        max_encoding_length: A feature with several values in an example is counted into so many bins, or categories.
    """

    label: str
    boundaries: tuple[float, ...]
    categorical: frozenset[str] | None
    num_parts: int
    max_rows: int
    max_encoding_length: int = 32

    def create(self) -> RowSample:
        """Gives the state of no rows."""
        return RowSample()

    def add(self, state: RowSample, rows: Rows) -> RowSample:
        """Gives the state after more rows.

        Raises:
            DataError: The label is not in the data.
        """
        names = rows.batch.schema.names
        if self.label not in names:
            raise DataError("statistics.no_label", f"The label '{self.label}' is not a column of {', '.join(names)}.")
        described = {column.path[0] for column in rows.features if column.type != FeatureType.STRUCT}
        columns = {name: rows.batch.column(names.index(name)) for name in names if name in described | {self.label}}
        sample_rows(state, columns, self.num_parts, self.max_rows)
        return state

    def merge(self, state: RowSample, other: RowSample) -> RowSample:
        """Gives the state of both."""
        merge_samples(state, other, self.max_rows)
        return state

    def contribute(self, state: RowSample, dataset: DatasetFeatureStatistics) -> None:
        """Adds the summaries to the features' custom statistics."""
        several = {name for name, column in state.columns.items() if _has_several(column)}
        found: dict[str, list[float]] = {}
        for part in range(self.num_parts):
            columns = part_of(state, part)
            if columns and len(columns[self.label]) >= _MIN_ROWS:
                for name, value in self._of_part(columns, several).items():
                    found.setdefault(name, []).append(value)
        for name in sorted(set(state.columns) - {self.label}):
            custom = feature_statistics(dataset, (name,)).custom_stats
            if name not in found:
                custom.add(name=f"{NAME}_not_computed", str=f"No part of the rows has {_MIN_ROWS} of them.")
                continue
            for summary, function in _SUMMARY.items():
                custom.add(name=f"{summary}_{NAME}", num=float(function(np.array(found[name]))))

    def _of_part(self, columns: dict[str, pa.Array], several: set[str]) -> dict[str, float]:
        sides = {name: self._side(name, column, several) for name, column in columns.items()}
        label = sides.pop(self.label)
        if label is None:
            return dict.fromkeys(sides, 0.0)
        result = dict.fromkeys(sides, 0.0)
        for name, side in sides.items():
            if side is not None:
                result[name] = adjusted_mutual_information(label, side, _SEED)
        return result

    def _side(self, name: str, column: pa.Array, several: set[str]) -> Side | None:
        """Gives a feature as numbers or categories; `None` where it tells nothing: no values, or all different."""
        values, rows = column.flatten(), np.repeat(np.arange(len(column)), _lengths(column))
        if not len(values):
            return None
        if name == self.label and self.boundaries:
            bins = np.searchsorted(np.array(self.boundaries), _numbers(values), side="right")
            values = pa.array(bins, mask=np.isnan(_numbers(values)))
        if self._is_categorical(name, values.type):
            side = self._of_categories(values, rows, len(column), several=name in several)
        else:
            side = self._of_numbers(_numbers(values), rows, len(column), several=name in several)
        if side.codes is not None and len(np.unique(side.codes)) == len(column):
            return None
        if side.numbers is not None and np.isnan(side.numbers).all():
            return None
        return side

    def _is_categorical(self, name: str, type_: pa.DataType) -> bool:
        if pa.types.is_large_binary(type_) or (name == self.label and self.boundaries):
            return True
        if self.categorical is not None:
            return name in self.categorical
        return name == self.label and pa.types.is_integer(type_)

    def _of_categories(self, values: pa.Array, rows: NDArray[np.int64], num_rows: int, *, several: bool) -> Side:
        encoded = values.dictionary_encode()
        valid = np.asarray(encoded.is_valid())
        codes, rows = encoded.indices.to_numpy(zero_copy_only=False)[valid].astype(np.int64), rows[valid]
        if not several:
            of_row = np.full(num_rows, len(encoded.dictionary), dtype=np.int64)  # of rows without a value
            of_row[rows] = codes
            return Side(codes=of_row)
        return Side(numbers=_counted(_most_frequent_first(codes, encoded, self.max_encoding_length), rows, num_rows))

    def _of_numbers(
        self, values: NDArray[np.float64], rows: NDArray[np.int64], num_rows: int, *, several: bool
    ) -> Side:
        known = ~np.isnan(values)
        if not several:
            of_row = np.full((num_rows, 1), np.nan)
            of_row[rows[known], 0] = values[known]
            return Side(numbers=of_row)
        edges = np.histogram_bin_edges(values[known], bins=self.max_encoding_length - 1)
        counted = _counted(np.digitize(values[known], edges) - 1, rows[known], num_rows, self.max_encoding_length)
        counted[np.setdiff1d(rows[~known], rows[known])] = 0.0  # values, but none that is a number
        return Side(numbers=counted)


def _has_several(column: pa.Array) -> bool:
    return bool((_lengths(column) > 1).any())


def _lengths(column: pa.Array) -> NDArray[np.int64]:
    if pa.types.is_null(column.type):
        return np.zeros(len(column), dtype=np.int64)
    filled: Any = column.value_lengths().fill_null(0)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.int64)


def _numbers(values: pa.Array) -> NDArray[np.float64]:
    """Gives numbers as doubles; infinities, which have no distance, are missing."""
    numbers = values.to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _most_frequent_first(codes: NDArray[np.int64], encoded: pa.Array, max_length: int) -> NDArray[np.int64]:
    """Numbers categories by their frequency, of equal ones by value; the last number is of all that remain."""
    frequency = np.bincount(codes, minlength=len(encoded.dictionary))
    by_value = np.argsort(np.argsort(np.array(encoded.dictionary.to_pylist(), dtype=object), kind="stable"))
    ranks = np.empty(len(frequency), dtype=np.int64)
    ranks[np.lexsort((by_value, -frequency))] = np.arange(len(frequency))
    result: NDArray[np.int64] = np.minimum(ranks, max_length - 1)[codes]
    return result


def _counted(
    bins: NDArray[np.int64], rows: NDArray[np.int64], num_rows: int, num_bins: int | None = None
) -> NDArray[np.float64]:
    """Counts each row's values in each bin; NaN where it has none."""
    size = num_bins or int(bins.max()) + 1
    counts = np.bincount(rows * size + bins, minlength=num_rows * size).reshape(num_rows, size).astype(np.float64)
    counts[counts.sum(axis=1) == 0] = np.nan
    return counts
