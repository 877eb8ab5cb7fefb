"""What rules about the whole dataset count: distinct values, and values that fail a test."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from assay.kernels.row_hash import row_hashes
from assay.kernels.rows.key_rules import ShareRule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.kernels.rows.batch_columns import BatchColumn, ValueTest
    from assay.kernels.rows.key_rules import DatasetRule

_MOST_PENDING = 1 << 20


@dataclass(slots=True)
class DistinctValues:
    """Hashes of the values so far, 8 bytes for each distinct one.

    Attributes:
        hashes: Sorted and distinct.
        pending: Not yet merged into `hashes`.
    """

    hashes: NDArray[np.uint64] = field(default_factory=lambda: np.zeros(0, np.uint64))
    pending: list[NDArray[np.uint64]] = field(default_factory=list)

    def add(self, column: BatchColumn) -> None:
        """Adds the innermost values of a column; null and NaN are none."""
        leaf = column.distinct_leaves()
        if len(leaf):
            self._take(row_hashes(pa.RecordBatch.from_arrays([leaf], ["value"])))

    def merge(self, other: DistinctValues) -> None:
        """Adds the values of another state."""
        for hashes in (other.hashes, *other.pending):
            self._take(hashes)

    def figure(self) -> int:
        """How many distinct values there are; exact but for collisions of 64-bit hashes."""
        self._settle()
        return len(self.hashes)

    def _take(self, hashes: NDArray[np.uint64]) -> None:
        self.pending.append(hashes)
        if sum(map(len, self.pending)) > max(_MOST_PENDING, len(self.hashes)):
            self._settle()

    def _settle(self) -> None:
        self.hashes = np.unique(np.concatenate([self.hashes, *self.pending]))
        self.pending = []


@dataclass(slots=True)
class FailingValues:
    """How many of the values so far fail a test.

    Attributes:
        test: The test.
        failing: Values that fail it.
        total: All values, as statistics count them: a null inside a list is one.
    """

    test: ValueTest
    failing: int = 0
    total: int = 0

    def add(self, column: BatchColumn) -> None:
        """Add the innermost values of a column."""
        leaves = column.broken_leaves(self.test)
        self.failing += 0 if leaves is None else int(np.count_nonzero(leaves))
        self.total += int(column.levels[-1].lengths.sum())

    def merge(self, other: FailingValues) -> None:
        """Add the values of another state."""
        self.failing += other.failing
        self.total += other.total

    def figure(self) -> float:
        """Return the share of values that fail; 0 of no values."""
        return self.failing / self.total if self.total else 0.0


def counter_of(rule: DatasetRule) -> DistinctValues | FailingValues:
    """Return what counts the values that a rule is about, of no values yet."""
    return FailingValues(rule.test) if isinstance(rule, ShareRule) else DistinctValues()
