"""How often each distinct value occurs, and how much it weighs: exact, while its memory allows.

Everything that statistics say about a feature's values follows from this table, and the table does not depend on how
the data was split: that is what makes exact results the same on one thread and on many.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MIN_PENDING_BYTES = 1 << 20

_PROBE = 4096
"""If half of so many numbers differ, hashing the rest costs more than it saves."""

_FIRST_PROBE, _NEARLY_ALL = 512, 486
"""If so many of the first numbers differ, hashing would be for nothing, and this is found out cheaply."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Values with their counts, and with their weights if there are any; no nulls."""

    values: pa.Array
    counts: NDArray[np.int64]
    weights: NDArray[np.float64] | None

    @property
    def nbytes(self) -> int:
        """Memory in bytes."""
        # Arrow takes long to tell, and numbers are most of what is asked about.
        of_values = 8 * len(self.values) if pa.types.is_float64(self.values.type) else self.values.nbytes
        return int(of_values + self.counts.nbytes + (0 if self.weights is None else self.weights.nbytes))

    def select(self, mask: NDArray[np.bool_]) -> Counted:
        """Return the entries that the mask marks."""
        weights = None if self.weights is None else self.weights[mask]
        return Counted(self.values.filter(pa.array(mask)), self.counts[mask], weights)

    def with_values(self, values: pa.Array) -> Counted:
        """Return the same counts and weights of other values."""
        return Counted(values, self.counts, self.weights)


def count_values(values: pa.Array, weights: NDArray[np.float64] | None) -> Counted:
    """Count the distinct values of an array, leaving out nulls."""
    if weights is None:
        table = values.value_counts()
        counted = Counted(table.field(0), table.field(1).to_numpy().astype(np.int64, copy=False), None)
    else:
        counted = Counted(values, np.ones(len(values), dtype=np.int64), weights)
        if values.null_count:
            counted = counted.select(np.asarray(values.is_valid()))
        counted = _distinct([counted])
    if counted.values.null_count:
        counted = counted.select(np.asarray(counted.values.is_valid()))
    return counted


def count_numbers(values: pa.Array, weights: NDArray[np.float64] | None) -> Counted:
    """Count numbers, leaving out nulls; if nearly all differ, occurrences are not merged."""
    if weights is None and not _differ(values):
        return count_values(values, None)
    occurrences = Counted(values, np.broadcast_to(np.int64(1), len(values)), weights)
    return occurrences.select(np.asarray(values.is_valid())) if values.null_count else occurrences


def _differ(values: pa.Array) -> bool:
    if len(values) <= _FIRST_PROBE or len(values.slice(0, _FIRST_PROBE).unique()) < _NEARLY_ALL:
        return len(values) > _PROBE and len(values.slice(0, _PROBE).unique()) >= _PROBE // 2
    return True


@dataclass(slots=True)
class ValueCounts:
    """A table of distinct values that grows by merging; merging is put off until it pays.

    Attributes:
        pending: Parts that are not merged yet; a value may occur in several of them.
    """

    pending: list[Counted] = field(default_factory=list)
    _merged_bytes: int = 0
    _pending_bytes: int = 0

    def add(self, part: Counted) -> None:
        """Add counted values, which must have the type of those that were added before."""
        if len(part.values):
            self.pending.append(part)
            self._pending_bytes += part.nbytes
            if self._pending_bytes > max(_MIN_PENDING_BYTES, 2 * self._merged_bytes):
                self.table()

    def merge(self, other: ValueCounts) -> None:
        """Add the content of `other`."""
        for part in other.pending:
            self.add(part)

    def table(self) -> Counted | None:
        """Merge what is pending and return the table of distinct values, in no particular order; `None` if empty."""
        if not self.pending:
            return None
        if len(self.pending) > 1 or self._pending_bytes != self._merged_bytes:
            self.pending = [_distinct(self.pending)]
            self._merged_bytes = self._pending_bytes = self.pending[0].nbytes
        return self.pending[0]

    def exceeds(self, max_bytes: int) -> bool:
        """Return whether the distinct values take more than `max_bytes`, whatever is pending."""
        if self._pending_bytes <= max_bytes:
            return False
        table = self.table()
        return table is not None and table.nbytes > max_bytes


def joined(parts: list[Counted]) -> Counted:
    """Concatenate parts; a value may then occur several times."""
    if len(parts) == 1:
        return parts[0]
    counts = np.concatenate([part.counts for part in parts])
    weights = None
    if parts[0].weights is not None:
        weights = np.concatenate([part.weights for part in parts if part.weights is not None])
    return Counted(pa.concat_arrays([part.values for part in parts]), counts, weights)


def numbers_array(values: NDArray[np.float64]) -> pa.Array:
    """Return doubles as an Arrow array, ten times as fast as Arrow's own conversion for short arrays."""
    contiguous = np.ascontiguousarray(values, dtype=np.float64)
    return pa.Array.from_buffers(pa.float64(), len(contiguous), [None, pa.py_buffer(contiguous)])


def _distinct(parts: list[Counted]) -> Counted:
    together = joined(parts)
    values, counts, weights = together.values, together.counts, together.weights
    if weights is None and pa.types.is_float64(values.type) and counts.max() == 1:
        # Occurrences that nothing has counted yet nearly all differ, and then sorting beats hashing.
        distinct, counts = np.unique(values.to_numpy(), return_counts=True)
        return Counted(numbers_array(distinct), counts.astype(np.int64), None)
    encoded = values.dictionary_encode()
    indices: Any = encoded.indices.to_numpy()
    size = len(encoded.dictionary)
    # bincount adds in doubles, which are exact up to 2**53 occurrences.
    counts = np.bincount(indices, weights=counts, minlength=size).astype(np.int64)
    if weights is not None:
        weights = np.bincount(indices, weights=weights, minlength=size).astype(np.float64, copy=False)
    return Counted(encoded.dictionary, counts, weights)
