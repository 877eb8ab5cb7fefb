"""Random rows of a data set, in several parts, for statistics that cannot be merged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from assay.kernels.statistics.reading.arrow_types import reading
from assay.kernels.statistics.reading.columns import row_values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_SEED = 0x5EED


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
    """Adds rows.

    What a row draws depends on how many came before it in this state, and not on its content: of equal rows some are
    chosen and some are not, as chance has it. Engines cut rows into states in one way only, and choose the same rows.

    Args:
        sample: Is changed.
        columns: Of one length, with values of any type but structs.
        num_parts: Each row belongs to one, at random.
        max_rows: How many rows of each part are kept.
    """
    num_rows = len(next(iter(columns.values())))
    rng = np.random.default_rng((_SEED, sample.num_rows))
    draws, parts = rng.random(num_rows), rng.integers(num_parts, size=num_rows)
    drawn = np.flatnonzero(draws < max(_limit(sample, part, max_rows) for part in range(num_parts)))
    taken = pa.array(drawn)
    added = {name: _lists(array.take(taken)) for name, array in columns.items()}
    merge_samples(sample, RowSample(num_rows, draws[drawn], parts[drawn], added), max_rows)


def merge_samples(sample: RowSample, other: RowSample, max_rows: int) -> None:
    """Adds the rows of `other`."""
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
    """Gives the sampled rows of one part, in the order of what they drew."""
    of_part = np.flatnonzero(sample.parts == part)
    order = pa.array(of_part[np.argsort(sample.draws[of_part], kind="stable")])
    return {name: array.take(order) for name, array in sample.columns.items()}


def _limit(sample: RowSample, part: int, max_rows: int) -> float:
    """Gives what a row of the part must draw less than to be kept."""
    draws = sample.draws[sample.parts == part]
    return float(draws.max()) if len(draws) >= max_rows else 1.0


def _lists(array: pa.Array) -> pa.Array:
    """Gives a list of values for each row: 64-bit integers, doubles or bytes; nulls are left out."""
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
    """Joins two columns, of which one may not tell its type, or hold the integers where the other has doubles."""
    if one.type != other.type:
        type_ = other.type if pa.types.is_null(one.type) else one.type
        if not pa.types.is_null(one.type) and not pa.types.is_null(other.type):
            type_ = pa.large_list(pa.float64())
        one, other = (
            pa.nulls(len(each), type_) if pa.types.is_null(each.type) else each.cast(type_) for each in (one, other)
        )
    return pa.concat_arrays([one, other])
