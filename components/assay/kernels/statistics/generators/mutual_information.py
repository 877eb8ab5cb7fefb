"""How much each feature tells about the label: TFDV's adjusted mutual information, estimated on parts of the rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from assay.errors import DataError
from assay.kernels.arrow_types import FeatureType, reading
from assay.kernels.statistics.columns import row_values
from assay.kernels.statistics.generators.generator import feature_statistics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray
    from tensorflow_metadata.proto.v0.statistics_pb2 import DatasetFeatureStatistics

    from assay.kernels.statistics.generators.generator import BatchRows

# Mutual information from nearest neighbours, in bits: TFDV's estimators, for samples of a few thousand rows.
#
# Numbers with numbers: Kraskov, Stögbauer and Grassberger (2004), their second estimator; numbers with categories:
# Ross (2014); categories with categories: the entropies of their frequencies.


if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.int64]

_NEIGHBOURS = 3
_NOISE = 1e-10
"""Breaks ties between distances, as a share of the values."""

_GAP = 10.0
"""Missing numbers lie so many deviations and a range beyond the greatest, so that their neighbours are each other."""

_ROWS_IN_CACHE = 64
"""Differences of so many rows with all others are reckoned together."""

_EULER = 0.57721566490153286


@dataclass(frozen=True, slots=True)
class SampledFeature:
    """A feature, or the label, in a sample of rows.

    Attributes:
        numbers: A row of one or several numbers for each row of the sample; NaN where it is missing. `None` for a
            category.
        codes: For each row the category, which may be that of missing values.
    """

    numbers: Floats | None = None
    codes: Codes | None = None

    def take(self, order: NDArray[np.int64]) -> SampledFeature:
        """Return the rows in another order."""
        return SampledFeature(
            None if self.numbers is None else self.numbers[order], None if self.codes is None else self.codes[order]
        )


def adjusted_mutual_information(label: SampledFeature, feature: SampledFeature, seed: int) -> float:
    """Return the information above that of the same rows with shuffled labels; at least 0.

    The same seed draws the same noise and the same order as TFDV's `adjusted_mutual_information` does.

    Raises:
        ValueError: Every category of the one side occurs once, and the other side holds numbers.
    """
    random = np.random.RandomState(seed)
    random.seed(random.randint(0, 1000))
    found = _information(label, feature, random)
    random.seed(random.randint(0, 1000))
    order = random.permutation(len(_any(label)))
    random.seed(random.randint(0, 1000))
    return max(found - _information(label.take(order), feature, random), 0.0)


def _any(side: SampledFeature) -> NDArray[np.int64] | Floats:
    values = side.codes if side.numbers is None else side.numbers
    assert values is not None
    return values


def _information(one: SampledFeature, two: SampledFeature, random: np.random.RandomState) -> float:
    numbers = [None if side.numbers is None else _noisy(_scaled(side.numbers), random) for side in (one, two)]
    if numbers[0] is not None and numbers[1] is not None:
        return _of_numbers(numbers[0], numbers[1])
    if numbers[0] is not None:
        assert two.codes is not None
        return _of_numbers_and_categories(numbers[0], two.codes)
    assert one.codes is not None
    if numbers[1] is not None:
        return _of_numbers_and_categories(numbers[1], one.codes)
    assert two.codes is not None
    joint = one.codes * (int(two.codes.max()) + 1) + two.codes
    return max(0.0, _entropy(one.codes) + _entropy(two.codes) - _entropy(joint))


def _entropy(codes: Codes) -> float:
    _, counts = np.unique(codes, return_counts=True)
    shares = counts / len(codes)
    return float(-(shares * np.log2(shares)).sum())


def _scaled(numbers: Floats) -> Floats:
    """Scale each column to a deviation of 1, and put missing values at a place of their own."""
    result = np.empty_like(numbers)
    for i, column in enumerate(numbers.T):
        missing = np.isnan(column)
        if missing.all():
            result[:, i] = _GAP
            continue
        least, greatest = column[~missing].min(), column[~missing].max()
        if least == greatest:
            scaled = np.where(missing, np.nan, 0.0)
        else:
            scaled = (column - np.nanmean(column)) / np.nanstd(column, ddof=1)
        beyond = 2 * np.nanmax(scaled) - np.nanmin(scaled) + _GAP
        result[:, i] = np.where(missing, beyond, scaled)
    return result


def _noisy(numbers: Floats, random: np.random.RandomState) -> Floats:
    scale = np.maximum(1.0, np.abs(numbers).mean(axis=0))
    noisy: Floats = numbers + _NOISE * scale * random.randn(*numbers.shape)
    return noisy


def _distances(numbers: Floats) -> Floats:
    """Return the maximum difference in any column, for each pair of rows."""
    first, *others = numbers.T.copy()
    result = np.empty((len(first), len(first)))
    difference = np.empty((_ROWS_IN_CACHE, len(first)))
    for begin in range(0, len(first), _ROWS_IN_CACHE):
        rows = slice(begin, begin + _ROWS_IN_CACHE)
        block = result[rows]
        np.abs(np.subtract(first[rows, None], first, out=block), out=block)
        for column in others:
            of_column = np.subtract(column[rows, None], column, out=difference[: len(block)])
            np.maximum(block, np.abs(of_column, out=of_column), out=block)
    return result


def _of_numbers(one: Floats, two: Floats) -> float:
    distances = [_distances(side) for side in (one, two)]
    joint = np.maximum(*distances)
    np.fill_diagonal(joint, np.inf)
    nearest = np.argpartition(joint, _NEIGHBOURS - 1, axis=1)[:, :_NEIGHBOURS]
    total = 0.0
    for of_side in distances:
        radius = np.take_along_axis(of_side, nearest, axis=1).max(axis=1)
        within = (of_side <= radius[:, None]).sum(axis=1)  # with the row itself
        total -= float(_digamma(within - 1).sum())
    size = len(one)
    constant = _digamma(np.array([_NEIGHBOURS, size])).sum() - 1 / _NEIGHBOURS
    return max(0.0, float(total / size + constant) / float(np.log(2)))


def _of_numbers_and_categories(numbers: Floats, codes: Codes) -> float:
    _, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    repeated = counts[codes] > 1  # a category that occurs once has no neighbour
    if not repeated.any():
        raise ValueError("every category occurs only once")
    numbers, codes = numbers[repeated], codes[repeated]
    distances = _distances(numbers)
    neighbours = np.minimum(_NEIGHBOURS, counts[codes] - 1)
    radius = np.empty(len(codes))
    for code in np.unique(codes):
        alike = np.flatnonzero(codes == code)
        nth = neighbours[alike[0]]
        radius[alike] = np.partition(distances[np.ix_(alike, alike)], nth, axis=1)[:, nth]  # the 0th is the row itself
    within = (distances <= radius[:, None]).sum(axis=1)
    terms = _digamma(neighbours) - _digamma(counts[codes]) - _digamma(within - 1)
    found = terms.mean() + _digamma(np.array([len(codes)]))[0]
    return max(0.0, float(found) / float(np.log(2)))


def _digamma(counts: NDArray[np.int64]) -> Floats:
    """Return the digamma function of positive integers: a harmonic number less Euler's constant."""
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, max(int(counts.max()), 1)))])
    values: Floats = harmonic[counts - 1] - _EULER
    return values


_SAMPLE_SEED = 0x5EED


@dataclass(slots=True)
class RowSample:
    """The rows that drew the least numbers so far.

    Attributes:
        num_rows: All rows that were seen.
        draws: The number that each sampled row drew, between 0 and 1.
        parts: The part that each belongs to.
        columns: Their values, a list for each row.
    """

    num_rows: int = 0
    draws: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    parts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    columns: dict[str, pa.Array] = field(default_factory=dict)


def sample_rows(sample: RowSample, columns: Mapping[str, pa.Array], num_parts: int, max_rows: int) -> None:
    """Add rows.

    What a row draws depends on how many came before it in this state, and not on its content: of equal rows some are
    chosen and some are not, as chance has it. Engines cut rows into states in one way only, and choose the same rows.

    Args:
        sample: Is changed.
        columns: Of one length, with values of any type but structs.
        num_parts: Each row belongs to one, at random.
        max_rows: How many rows of each part are kept.
    """
    num_rows = len(next(iter(columns.values())))
    rng = np.random.default_rng((_SAMPLE_SEED, sample.num_rows))
    draws, parts = rng.random(num_rows), rng.integers(num_parts, size=num_rows)
    drawn = np.flatnonzero(draws < max(_limit(sample, part, max_rows) for part in range(num_parts)))
    taken = pa.array(drawn)
    added = {name: _lists(array.take(taken)) for name, array in columns.items()}
    merge_samples(sample, RowSample(num_rows, draws[drawn], parts[drawn], added), max_rows)


def merge_samples(sample: RowSample, other: RowSample, max_rows: int) -> None:
    """Add the rows of `other`."""
    names = list(dict.fromkeys([*sample.columns, *other.columns]))
    columns = {name: _joined(_column(sample, name), _column(other, name)) for name in names}
    draws, parts = np.concatenate([sample.draws, other.draws]), np.concatenate([sample.parts, other.parts])
    kept = np.zeros(len(draws), dtype=bool)
    for part in np.unique(parts):
        of_part = np.flatnonzero(parts == part)
        kept[of_part[np.argsort(draws[of_part], kind="stable")[:max_rows]]] = True
    sample.num_rows += other.num_rows
    sample.draws, sample.parts = draws[kept], parts[kept]
    sample.columns = {name: array.filter(pa.array(kept)) for name, array in columns.items()}


def part_of(sample: RowSample, part: int) -> dict[str, pa.Array]:
    """Return the sampled rows of one part, in the order of what they drew."""
    of_part = np.flatnonzero(sample.parts == part)
    order = pa.array(of_part[np.argsort(sample.draws[of_part], kind="stable")])
    return {name: array.take(order) for name, array in sample.columns.items()}


def _limit(sample: RowSample, part: int, max_rows: int) -> float:
    """Return the number below which a row's draw keeps it in the sample."""
    draws = sample.draws[sample.parts == part]
    return float(draws.max()) if len(draws) >= max_rows else 1.0


def _lists(array: pa.Array) -> pa.Array:
    """Return a list of values for each row: 64-bit integers, doubles or bytes; nulls are left out."""
    values, rows = row_values(array)
    convert = reading(values.type).convert
    if convert is None:
        return pa.nulls(len(array))
    values = convert(values)
    if pa.types.is_integer(values.type):
        values = values.cast(pa.int64())
    elif pa.types.is_floating(values.type):
        values = values.cast(pa.float64())
    elif not pa.types.is_large_binary(values.type):
        is_text = pa.types.is_string(values.type) or pa.types.is_large_string(values.type)
        values = values.cast(pa.large_string() if is_text else pa.large_binary()).cast(pa.large_binary())
    offsets = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(array)))])
    return pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), values)


def _column(sample: RowSample, name: str) -> pa.Array:
    return sample.columns.get(name, pa.nulls(len(sample.draws)))


def _joined(one: pa.Array, other: pa.Array) -> pa.Array:
    """Join two columns, of which one may be untyped, or have integers where the other has doubles."""
    if one.type != other.type:
        type_ = other.type if pa.types.is_null(one.type) else one.type
        if not pa.types.is_null(one.type) and not pa.types.is_null(other.type):
            type_ = pa.large_list(pa.float64())
        one, other = (
            pa.nulls(len(each), type_) if pa.types.is_null(each.type) else each.cast(type_) for each in (one, other)
        )
    return pa.concat_arrays([one, other])


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
        """Return the state of no rows."""
        return RowSample()

    def add(self, state: RowSample, rows: BatchRows) -> RowSample:
        """Return the state after more rows.

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
        """Return the state of both."""
        merge_samples(state, other, self.max_rows)
        return state

    def contribute(self, state: RowSample, dataset: DatasetFeatureStatistics) -> None:
        """Add the summaries to the features' custom statistics."""
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

    def _side(self, name: str, column: pa.Array, several: set[str]) -> SampledFeature | None:
        """Return a feature as numbers or categories; `None` if it is uninformative: no values, or all different."""
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

    def _of_categories(
        self, values: pa.Array, rows: NDArray[np.int64], num_rows: int, *, several: bool
    ) -> SampledFeature:
        encoded = values.dictionary_encode()
        valid = np.asarray(encoded.is_valid())
        codes, rows = encoded.indices.to_numpy(zero_copy_only=False)[valid].astype(np.int64), rows[valid]
        if not several:
            of_row = np.full(num_rows, len(encoded.dictionary), dtype=np.int64)  # of rows without a value
            of_row[rows] = codes
            return SampledFeature(codes=of_row)
        return SampledFeature(
            numbers=_counted(_most_frequent_first(codes, encoded, self.max_encoding_length), rows, num_rows)
        )

    def _of_numbers(
        self, values: NDArray[np.float64], rows: NDArray[np.int64], num_rows: int, *, several: bool
    ) -> SampledFeature:
        known = ~np.isnan(values)
        if not several:
            of_row = np.full((num_rows, 1), np.nan)
            of_row[rows[known], 0] = values[known]
            return SampledFeature(numbers=of_row)
        edges = np.histogram_bin_edges(values[known], bins=self.max_encoding_length - 1)
        counted = _counted(np.digitize(values[known], edges) - 1, rows[known], num_rows, self.max_encoding_length)
        counted[np.setdiff1d(rows[~known], rows[known])] = 0.0  # values, but none that is a number
        return SampledFeature(numbers=counted)


def _has_several(column: pa.Array) -> bool:
    return bool((_lengths(column) > 1).any())


def _lengths(column: pa.Array) -> NDArray[np.int64]:
    if pa.types.is_null(column.type):
        return np.zeros(len(column), dtype=np.int64)
    filled: Any = column.value_lengths().fill_null(0)
    return np.asarray(filled.to_numpy(zero_copy_only=False), dtype=np.int64)


def _numbers(values: pa.Array) -> NDArray[np.float64]:
    """Return numbers as doubles; infinities, which have no distance, are missing."""
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
    """Count each row's values in each bin; NaN where it has none."""
    size = num_bins or int(bins.max()) + 1
    counts = np.bincount(rows * size + bins, minlength=num_rows * size).reshape(num_rows, size).astype(np.float64)
    counts[counts.sum(axis=1) == 0] = np.nan
    return counts
