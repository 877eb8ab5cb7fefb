"""How many distinct values a column has, by their hashes: 8 bytes for each distinct value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from assay.kernels.row_hash import row_hashes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from assay.kernels.rows.batch_columns import BatchColumn

_MOST_PENDING = 1 << 20


@dataclass(slots=True)
class DistinctValues:
    """Hashes of the values so far.

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

    def count(self) -> int:
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
