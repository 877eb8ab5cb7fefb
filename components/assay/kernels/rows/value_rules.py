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
    """

    test: ValueTest

    def mask(self, batch: BatchColumns) -> Mask | None:
        """Rows with a value that fails."""
        column = batch[self.columns[0]]
        leaves = column.broken_leaves(self.test)
        return None if leaves is None or not leaves.any() else column.rows_with(leaves)

    def breaks(self, record: Record) -> bool:
        """Whether a value fails."""
        test = self.test
        for family, value in record[self.columns[0]].leaves:
            if (
                (family == BYTES and test.text(value))
                or (family == FLOAT and test.real(value))
                or (family == INT and test.integer(value))
            ):
                return True
        return False
