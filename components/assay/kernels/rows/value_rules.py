"""Rules about the values of one column."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from assay.kernels.rows.record import BYTES, FLOAT, INT
from assay.kernels.rows.rule import Rule

if TYPE_CHECKING:
    from assay.kernels.rows.batch_columns import BatchColumns, Mask, ValueTest
    from assay.kernels.rows.record import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRule(Rule):
    """A row's values pass a test.

    Attributes:
        test: What each value has to pass.
        tolerated: The share of a row's values that may fail it: 1 less a schema's `min_domain_mass`.
    """

    test: ValueTest
    tolerated: float = 0.0

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows with more failing values than tolerated."""
        column = batch[self.columns[0]]
        leaves = column.broken_leaves(self.test)
        if leaves is None or not leaves.any():
            return None
        if not self.tolerated:
            return column.rows_with(leaves)
        # The same division as in `breaks`, so that both round alike; a row without values has no failing one.
        share: Mask = column.count_by_row(leaves) / column.leaves_per_row.clip(1) > self.tolerated
        return share

    def breaks(self, record: Record) -> bool:
        """Whether more values fail than are tolerated."""
        column = record[self.columns[0]]
        test = self.test
        failed = 0
        for family, value in column.leaves:
            if family == BYTES:
                failed += test.text(value)
            elif family == FLOAT:
                failed += test.real(value)
            elif family == INT:
                failed += test.integer(value)
        return failed > 0 and (not self.tolerated or failed / len(column.leaves) > self.tolerated)
