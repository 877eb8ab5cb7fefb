"""Mutual information from nearest neighbours, in bits: TFDV's estimators, for samples of a few thousand rows.

Numbers with numbers: Kraskov, Stögbauer and Grassberger (2004), their second estimator; numbers with categories: Ross
(2014); categories with categories: the entropies of their frequencies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

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
class Side:
    """A feature, or the label, in a sample of rows.

    Attributes:
        numbers: A row of one or several numbers for each row of the sample; NaN where it is missing. `None` for a
            category.
        codes: For each row the category, which may be that of missing values.
    """

    numbers: Floats | None = None
    codes: Codes | None = None

    def take(self, order: NDArray[np.int64]) -> Side:
        """Gives the rows in another order."""
        return Side(
            None if self.numbers is None else self.numbers[order], None if self.codes is None else self.codes[order]
        )


def adjusted_mutual_information(label: Side, feature: Side, seed: int) -> float:
    """Gives the information above that of the same rows with shuffled labels; at least 0.

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


def _any(side: Side) -> NDArray[np.int64] | Floats:
    values = side.codes if side.numbers is None else side.numbers
    assert values is not None
    return values


def _information(one: Side, two: Side, random: np.random.RandomState) -> float:
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
    """Gives each column a deviation of 1, and missing values a place of their own."""
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
    """Gives the greatest difference in any column, for each pair of rows."""
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
        raise ValueError("every category occurs once")
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
    """Gives the digamma function of positive integers: a harmonic number less Euler's constant."""
    harmonic = np.concatenate([[0.0], np.cumsum(1 / np.arange(1, max(int(counts.max()), 1)))])
    values: Floats = harmonic[counts - 1] - _EULER
    return values
