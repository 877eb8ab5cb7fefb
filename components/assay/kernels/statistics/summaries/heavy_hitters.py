"""The most frequent values among too many to keep: mergeable Misra-Gries summaries on Arrow tables.

When the table outgrows its memory, the count of the first value that no longer fits is subtracted from all and what is
left is kept (Agarwal et al., "Mergeable summaries", 2012). A value's count is thus too low by at most what was
subtracted so far, which is at most the number of all values divided by the number of those kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from assay.kernels.statistics.summaries.value_counts import Counted, ValueCounts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Amounts = NDArray[np.int64] | NDArray[np.float64]


@dataclass(slots=True)
class HeavyHitters:
    """Counted values, of which the lightest are forgotten.

    Attributes:
        by_weight: Whether the values that weigh most are kept, and not those that occur most often.
        table: What is kept; counts or weights lack what was subtracted.
        subtracted: In all, from each value that was always kept.
    """

    by_weight: bool
    table: ValueCounts = field(default_factory=ValueCounts)
    subtracted: float = 0

    def add(self, part: Counted, max_bytes: int) -> None:
        """Adds counted values, keeping as many as take at most `max_bytes`."""
        self.table.add(part)
        self._forget(max_bytes)

    def merge(self, other: HeavyHitters, max_bytes: int) -> None:
        """Adds all that `other` has seen."""
        self.subtracted += other.subtracted
        self.table.merge(other.table)
        self._forget(max_bytes)

    def estimate(self) -> Counted | None:
        """Gives the values that are kept, with what was subtracted given back; `None` if there are none."""
        table = self.table.table()
        if table is None:
            return None
        return self._with_amounts(table, self._amounts(table).astype(np.float64) + self.subtracted)

    def _forget(self, max_bytes: int) -> None:
        if not self.table.exceeds(max_bytes):
            return
        table = self.table.table()
        assert table is not None
        amounts = self._amounts(table)
        # Half of the room stays free, so that this is done once for many additions.
        num_kept = min(max(len(amounts) * max_bytes // (2 * table.nbytes), 1), len(amounts) - 1)
        if num_kept < 1:
            return
        first_out = np.partition(amounts, -num_kept - 1)[-num_kept - 1]
        kept = amounts > first_out
        # Values that tie with it have nothing left; some stay so that a list of top values need not be empty.
        kept[np.flatnonzero(amounts == first_out)[: num_kept - int(kept.sum())]] = True
        self.subtracted += first_out.item()
        self.table = ValueCounts()
        self.table.add(self._with_amounts(table, amounts - first_out).select(kept))

    def _amounts(self, table: Counted) -> Amounts:
        return table.weights if self.by_weight and table.weights is not None else table.counts

    def _with_amounts(self, table: Counted, amounts: Amounts) -> Counted:
        if self.by_weight:
            return Counted(table.values, table.counts, amounts.astype(np.float64))
        return Counted(table.values, amounts.astype(np.int64), table.weights)
