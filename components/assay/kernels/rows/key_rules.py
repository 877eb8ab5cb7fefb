"""Rules over the whole dataset: which keys occur twice, how many distinct values a column has, how many fail a test.

One row alone can neither break nor keep them: `RowValidator` lists them as unchecked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from assay.kernels.rows.rule import Rule

if TYPE_CHECKING:
    from assay.kernels.rows.batch_columns import ValueTest


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueRule(Rule):
    """No two rows have the same values in the columns; a row that lacks one of them is never a duplicate, as in SQL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistinctRule(Rule):
    """A column has a number of distinct values; it names no rows.

    Attributes:
        min: The least number.
        max: The greatest number; None for no limit.
    """

    min: int
    max: int | None

    def accepts(self, figure: float) -> bool:
        """Return whether a number of distinct values keeps the rule."""
        return figure >= self.min and (self.max is None or figure <= self.max)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareRule(Rule):
    """No more than a share of a column's values fail a test; it names no rows.

    Attributes:
        test: What each value has to pass.
        max_share: The maximum share of values that may fail it: 1 less a schema's `min_domain_mass`.
    """

    test: ValueTest
    max_share: float

    def accepts(self, figure: float) -> bool:
        """Return whether a share of failing values keeps the rule."""
        return figure <= self.max_share


DatasetRule: TypeAlias = DistinctRule | ShareRule
